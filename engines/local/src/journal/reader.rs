//! Reading from disk what is no longer in memory.

use std::io;

use bytes::Bytes;
use opentrail_journal::{Error, Frame};

use super::Shared;
use super::format::{Bad, FRAME_HEAD_BYTES, What, parse_frame};
use super::log::{Place, Recent, unpack};
use super::recover::describe;

/// How much is read from a file at once, unless a frame is larger.
const CHUNK_BYTES: usize = 256 * 1024;

/// Entries from `from` on, at least one. Blocks.
pub(crate) fn read(shared: &Shared, partition: u32, from: u64, bytes_max: usize) -> Result<Vec<Frame>, Error> {
    let mut out = Vec::new();
    let mut bytes = 0;
    let mut next = from;
    while bytes < bytes_max || out.is_empty() {
        let Some(place) = shared.log(partition).place(next) else { break };
        let name = place.path.display().to_string();
        match segment(shared, partition, &place, next, bytes_max, &mut bytes, &mut out) {
            Ok(()) => {}
            Err(e) => {
                let first = shared.log(partition).start();
                if e.kind() == io::ErrorKind::NotFound && next < first {
                    return if out.is_empty() { Err(Error::Truncated { asked: from, first }) } else { Ok(out) };
                }
                return Err(Error::Unavailable(format!("read {name}: {e}").into()));
            }
        }
        let reached = out.last().map_or(from, |frame| frame.position.offset + 1);
        if reached == next {
            return Err(Error::Unavailable(format!("read {name}: entry {next} is not in it").into()));
        }
        next = reached;
    }
    Ok(out)
}

fn segment(
    shared: &Shared,
    partition: u32,
    place: &Place,
    from: u64,
    bytes_max: usize,
    bytes: &mut usize,
    out: &mut Vec<Frame>,
) -> io::Result<()> {
    let file = shared.disk.open(&place.path)?;
    let mut unpacker = zstd::bulk::Decompressor::new()?;
    let mut chunk: Vec<u8> = Vec::new();
    let (mut chunk_at, mut at) = (place.at, place.at);
    let mut want = CHUNK_BYTES;
    let damaged = |at: u64, why: &str| io::Error::new(io::ErrorKind::InvalidData, format!("byte {at}: {why}"));
    while at < place.bytes {
        let rest = chunk.get((at - chunk_at) as usize..).unwrap_or_default();
        let (head, body) = match parse_frame(rest, place.salt) {
            Ok(frame) => frame,
            Err(Bad::Short { need }) if at + (need as u64) <= place.bytes && (need > rest.len()) => {
                want = want.max(need).min((place.bytes - at) as usize);
                chunk.resize(want, 0);
                let got = file.read_at(&mut chunk, at)?;
                chunk.truncate(got);
                chunk_at = at;
                if got < need {
                    return Err(damaged(at, "the file is shorter than it was"));
                }
                want = CHUNK_BYTES;
                continue;
            }
            Err(bad) => return Err(damaged(at, describe(bad))),
        };
        let behind = head.first + u64::from(head.count);
        if head.what == What::Entries && behind > from {
            let raw = unpacker.decompress(body, head.raw as usize)?;
            let recent = Recent { head, body: Bytes::from(raw) };
            if !unpack(partition, &recent, from, bytes_max, bytes, out) {
                return Err(damaged(at, "the frame does not hold what its head says"));
            }
            if *bytes >= bytes_max {
                // The next reader begins here if entries of this frame are left, else behind it.
                let whole = out.last().is_some_and(|frame| frame.position.offset + 1 == behind);
                let stored = (FRAME_HEAD_BYTES + body.len()) as u64;
                let (offset, place_at) = if whole { (behind, at + stored) } else { (head.first, at) };
                if offset < place.end {
                    shared.log(partition).hint(place.hint, offset, place_at);
                }
                return Ok(());
            }
        }
        at += (FRAME_HEAD_BYTES + body.len()) as u64;
    }
    Ok(())
}
