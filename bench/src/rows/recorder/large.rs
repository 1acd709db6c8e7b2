//! Large objects: how fast they go through, and that the server does not grow with them.

use std::time::Instant;

use anyhow::{Result, ensure};
use aws_lc_rs::digest;
use http::Method;

use super::Behind;
use crate::load::{Client, s3};
use crate::rows::Bench;
use crate::table::{Figure, Goal};

const PIECE_BYTES: usize = 256 * 1024;
const PIECES: u64 = 2048;
/// Of a first, small object.
const FEW: u64 = 8;
const OBJECT_BYTES: u64 = PIECE_BYTES as u64 * PIECES;
/// Each way, direct and through in turn.
const ROUNDS: u32 = 4;
/// Of the rate of the same upstream called directly.
const PROMISED_PART: f64 = 0.8;
/// "Flat": what half a gigabyte at a time may add to the most memory that there was, in MB.
const GROWN_MB: f64 = 16.0;

/// One way of moving an object.
#[derive(Clone, Copy)]
enum Way {
    PutSigned,
    Put,
    Get,
}

pub(crate) fn large(bench: &Bench) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (is_kept, store) in [(true, "a store on disk"), (false, "an upstream that forgets")] {
        let behind = Behind::start(bench, "recorder-large", is_kept)?;
        let (server, upstream) = (behind.server.process(), behind.upstream.process());
        let mut rates = Vec::new();
        // Small ones first: what is loaded once, and the buffers of a connection, are not growth.
        let mut mover = Mover::new(&behind)?;
        for way in [Way::Put, Way::PutSigned, Way::Get] {
            mover.move_one(way, false, FEW)?;
            mover.move_one(way, true, FEW)?;
        }
        let before_mb = server.rss_mb_max()?;
        for (way, what) in
            [(Way::PutSigned, "put, signed by its hash"), (Way::Put, "put, body not signed"), (Way::Get, "get")]
        {
            let (mut direct_s, mut through_s, mut cpu_s, mut theirs_s) = (0.0, 0.0, 0.0, 0.0);
            for _ in 0..ROUNDS {
                direct_s += mover.move_one(way, false, PIECES)?;
                let cpu = (server.cpu_s()?, upstream.cpu_s()?);
                through_s += mover.move_one(way, true, PIECES)?;
                cpu_s += server.cpu_s()? - cpu.0;
                theirs_s += upstream.cpu_s()? - cpu.1;
            }
            let mb = OBJECT_BYTES as f64 * f64::from(ROUNDS) / 1e6;
            rates.push((what, mb / direct_s, mb / through_s, cpu_s, theirs_s));
        }
        let grown_mb = server.rss_mb_max()? - before_mb;
        for (what, direct, through, cpu_s, theirs_s) in rates {
            let what = format!("{OBJECT_BYTES} bytes through to {store}: {what}");
            let goal = Goal::AtLeast(PROMISED_PART * direct);
            figures.push(Figure::new(what, through, "MB/s", goal).beside("directly", direct).cpu(cpu_s));
            figures.push(Figure::new("  the upstream's CPU meanwhile", theirs_s, "s", Goal::None));
        }
        figures.push(Figure::new("  the server's memory grew by", grown_mb, "MB", Goal::AtMost(GROWN_MB)));
    }
    Ok(figures)
}

/// Moves objects directly and through the recorder.
struct Mover {
    direct: Client,
    through: Client,
    /// Of pieces, by how many there are.
    hashes: [(u64, String); 2],
    piece: Vec<u8>,
    scratch: Vec<u8>,
}

impl Mover {
    fn new(behind: &Behind) -> Result<Self> {
        let piece = vec![b'x'; PIECE_BYTES];
        let hash = |pieces: u64| {
            let mut hash = digest::Context::new(&digest::SHA256);
            (0..pieces).for_each(|_| hash.update(&piece));
            hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        };
        Ok(Self {
            hashes: [FEW, PIECES].map(|pieces| (pieces, hash(pieces))),
            direct: Client::connect(&behind.upstream.endpoint, &behind.keys)?,
            through: Client::connect(&behind.server.endpoint, &behind.keys)?,
            piece,
            scratch: vec![0; PIECE_BYTES],
        })
    }

    /// Moves one object of so many pieces. Seconds it took.
    fn move_one(&mut self, way: Way, is_through: bool, pieces: u64) -> Result<f64> {
        let bytes = PIECE_BYTES as u64 * pieces;
        let path = format!("/bench/{bytes}");
        let client = if is_through { &mut self.through } else { &mut self.direct };
        let hash = self.hashes.iter().find(|(of, _)| *of == pieces).map(|(_, hash)| hash.as_str());
        let began = Instant::now();
        let answer = match way {
            Way::Put => client.put(&s3(Method::PUT, &path, "", b""), &self.piece, pieces, None)?,
            Way::PutSigned => client.put(&s3(Method::PUT, &path, "", b""), &self.piece, pieces, hash)?,
            Way::Get => client.get(&s3(Method::GET, &path, "", b""), &mut self.scratch)?,
        };
        let took = began.elapsed().as_secs_f64();
        ensure!(answer.status == 200, "an object was not moved: status {}", answer.status);
        ensure!(!matches!(way, Way::Get) || answer.length == bytes, "an object of {} bytes", answer.length);
        Ok(took)
    }
}
