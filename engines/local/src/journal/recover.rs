//! Start-up: what is on disk, what of it counts, and what must be said out loud instead of skipped.
//!
//! A crash can tear only the last group of writes of the last segment: the writer begins a group after the one before
//! was synced, and a segment after its predecessor's footer was. So a bad frame that has a frame of a *later* group
//! behind it, or a segment without a footer that has a segment behind it, was good once: that is damage, and the
//! journal does not open. Everything else is a torn tail and is cut off; nobody was told that it is there.
//!
//! The last group that does read well may live in the page cache alone (its sync may have failed in an earlier life).
//! It is written and synced again before anything follows it.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use opentrail_world::World;

use super::OpenError;
use super::format::{
    Bad, Entries, FRAME_HEAD_BYTES, FrameHead, SEGMENT_HEAD_BYTES, SegmentHead, What, decode_footer, parse_frame,
    write_frame,
};
use super::log::{Log, Recent, Segment, segment_first, segment_path};
use crate::disk::{Disk, DiskFile, read_exact_at};

/// A partition as found: its books, and the file to go on with.
pub(crate) struct Found {
    pub(crate) log: Log,
    pub(crate) file: Arc<dyn DiskFile>,
    /// The last frame says that everything is synced: there is no need to say it again.
    pub(crate) marked: bool,
}

/// Looks after one partition's folder.
pub(crate) struct Recovery<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) world: &'a World,
    pub(crate) dir: &'a Path,
    pub(crate) partition: u32,
    /// How many bytes of sealed segments, newest first, are read through.
    pub(crate) verify_bytes_max: u64,
    pub(crate) recent_bytes_max: usize,
}

impl Recovery<'_> {
    /// Makes the first segment of a new partition.
    pub(crate) fn make(&self) -> Result<(), OpenError> {
        self.disk.create_dir(self.dir).map_err(OpenError::io("make folder", self.dir))?;
        for name in self.disk.list(self.dir).map_err(OpenError::io("list", self.dir))? {
            // Left by a start that was cut short before the journal was there.
            let path = self.dir.join(&name);
            if segment_first(&name).is_none() || self.length(&path)? > SEGMENT_HEAD_BYTES as u64 {
                return Err(OpenError::damaged(&path, "it lies where a new journal is to be made; move it away"));
            }
            self.disk.remove(&path).map_err(OpenError::io("remove", &path))?;
        }
        create_segment(self.disk, self.world, self.dir, self.partition, 0)?;
        Ok(())
    }

    /// Reads the partition and mends its tail.
    pub(crate) fn open(&self) -> Result<Found, OpenError> {
        let names = self.disk.list(self.dir).map_err(OpenError::io("list", self.dir))?;
        let mut firsts: Vec<u64> = names.iter().filter_map(|name| segment_first(name)).collect();
        firsts.sort_unstable();
        let Some((&last, sealed)) = firsts.split_last() else {
            return Err(OpenError::damaged(self.dir, "there is no segment in it; bring it back from a copy"));
        };
        let mut log = Log::new(self.recent_bytes_max);
        for &first in sealed {
            let segment = self.sealed(first)?;
            let expected = log.segments.back().map_or(first, |s| s.end);
            self.in_a_row(&segment.path, first, expected)?;
            log.segments.push_back(segment);
        }
        self.in_a_row(&segment_path(self.dir, last), last, log.segments.back().map_or(last, |s| s.end))?;
        self.verify(&log)?;
        let found = self.tail(log, last)?;
        self.disk.sync_dir(self.dir).map_err(OpenError::io("sync folder", self.dir))?;
        Ok(found)
    }

    fn in_a_row(&self, path: &Path, first: u64, expected: u64) -> Result<(), OpenError> {
        if first == expected {
            return Ok(());
        }
        Err(OpenError::damaged(path, format!("it begins with entry {first} where {expected} should follow")))
    }

    fn length(&self, path: &Path) -> Result<u64, OpenError> {
        self.disk.open(path).and_then(|file| file.size()).map_err(OpenError::io("open", path))
    }

    /// Reads head and footer of a segment that others follow.
    fn sealed(&self, first: u64) -> Result<Segment, OpenError> {
        let path = segment_path(self.dir, first);
        let io = || OpenError::io("read", &path);
        let file = self.disk.open(&path).map_err(io())?;
        let bytes = file.size().map_err(io())?;
        let damaged = |why: &str| OpenError::damaged(&path, why);
        if bytes < (SEGMENT_HEAD_BYTES + FRAME_HEAD_BYTES + 4) as u64 {
            return Err(damaged("it is too short for a segment that others follow"));
        }
        let head = self.head(&path, &read_exact_at(&*file, 0, SEGMENT_HEAD_BYTES).map_err(io())?, first)?;
        let at = read_exact_at(&*file, bytes - 4, 4).map_err(io())?;
        let at = u64::from(u32::from_le_bytes([at[0], at[1], at[2], at[3]]));
        if at < SEGMENT_HEAD_BYTES as u64 || at + FRAME_HEAD_BYTES as u64 > bytes {
            return Err(damaged("its footer is not where it should be"));
        }
        let frame = read_exact_at(&*file, at, (bytes - at) as usize).map_err(io())?;
        let (footer, accounts) = match parse_frame(&frame, head.salt) {
            Ok((footer, body)) if footer.what == What::Footer && FRAME_HEAD_BYTES + body.len() == frame.len() => {
                (footer, decode_footer(body).ok_or_else(|| damaged("its footer cannot be read"))?)
            }
            _ => return Err(damaged("its footer is damaged")),
        };
        if footer.first < first {
            return Err(damaged("it ends before it begins"));
        }
        let accounts = accounts.into_iter().collect();
        Ok(Segment { path, salt: head.salt, first, end: footer.first, bytes, accounts })
    }

    fn head(&self, path: &Path, bytes: &[u8], first: u64) -> Result<SegmentHead, OpenError> {
        let head = SegmentHead::decode(bytes).map_err(|why| OpenError::damaged(path, why))?;
        if head.first != first || head.partition != self.partition {
            let (partition, first) = (head.partition, head.first);
            let why = format!("its header is that of partition {partition}, entry {first}");
            return Err(OpenError::damaged(path, why));
        }
        Ok(head)
    }

    /// Reads the newest sealed segments through, as many as the bound allows. Older ones are checked when they are read.
    fn verify(&self, log: &Log) -> Result<(), OpenError> {
        let mut left = self.verify_bytes_max;
        for segment in log.segments.iter().rev() {
            let Some(rest) = left.checked_sub(segment.bytes) else { break };
            left = rest;
            let bytes = self.disk.open(&segment.path).and_then(|f| read_exact_at(&*f, 0, segment.bytes as usize));
            let bytes = bytes.map_err(OpenError::io("read", &segment.path))?;
            let (mut at, mut next) = (SEGMENT_HEAD_BYTES, segment.first);
            while at < bytes.len() {
                match parse_frame(&bytes[at..], segment.salt) {
                    Ok((frame, body)) if frame.first == next => {
                        next += u64::from(frame.count);
                        at += FRAME_HEAD_BYTES + body.len();
                    }
                    _ => return Err(OpenError::damaged(&segment.path, format!("bad frame at byte {at}"))),
                }
            }
            if next != segment.end {
                return Err(OpenError::damaged(
                    &segment.path,
                    "it holds another number of entries than its footer says",
                ));
            }
        }
        Ok(())
    }

    /// Reads the last segment, cuts a torn tail, and makes sure that what is left is on the platter.
    fn tail(&self, mut log: Log, first: u64) -> Result<Found, OpenError> {
        let path = segment_path(self.dir, first);
        let io = |what| OpenError::io(what, &path);
        let file = self.disk.open(&path).map_err(io("open"))?;
        let len = file.size().map_err(io("read"))?;
        let bytes = read_exact_at(&*file, 0, len as usize).map_err(io("read"))?;
        if len <= SEGMENT_HEAD_BYTES as u64 {
            // A crash while it was made, or just after: no entry was ever in it. Made again in its place, so that there
            // is no moment without a last segment.
            file.truncate(0).map_err(io("truncate"))?;
            let segment = begin_segment(self.disk, self.world, &*file, self.dir, self.partition, first)?;
            log.segments.push_back(segment);
            return Ok(Found { log, file, marked: false });
        }
        let head = self.head(&path, &bytes, first)?;
        let mut segment = Segment { path, salt: head.salt, first, end: first, bytes: 0, accounts: Default::default() };
        let scan = scan(self.partition, &bytes, &mut segment, &mut log)?;
        let io = |what| OpenError::io(what, &segment.path);
        let at = segment.bytes as usize;
        if at < bytes.len() {
            let cut = bytes.len() - at;
            tracing::warn!(
                partition = self.partition,
                bytes = cut,
                "cut a torn tail off the journal; nothing acknowledged was in it"
            );
            file.truncate(at as u64).map_err(io("truncate"))?;
        }
        file.write_at(&bytes[scan.group..at], scan.group as u64).map_err(io("write"))?;
        file.sync().map_err(io("sync"))?;
        self.disk.sync_dir(self.dir).map_err(OpenError::io("sync folder", self.dir))?;
        if scan.sealed {
            let end = segment.end;
            log.segments.push_back(segment);
            let (segment, file) = create_segment(self.disk, self.world, self.dir, self.partition, end)?;
            log.segments.push_back(segment);
            return Ok(Found { log, file, marked: false });
        }
        if !scan.marked {
            write_mark(&*file, &mut segment).map_err(OpenError::io("write", &segment.path.clone()))?;
        }
        log.segments.push_back(segment);
        Ok(Found { log, file, marked: true })
    }
}

struct Scan {
    /// Where the last good group begins.
    group: usize,
    /// The last good frame is a mark.
    marked: bool,
    /// The last good frame is a footer.
    sealed: bool,
}

/// Walks the frames of the last segment, fills in its books, and tells a torn tail from damage.
fn scan(partition: u32, bytes: &[u8], segment: &mut Segment, log: &mut Log) -> Result<Scan, OpenError> {
    let mut at = SEGMENT_HEAD_BYTES;
    let mut scan = Scan { group: 0, marked: false, sealed: false };
    let mut unpacker = zstd::bulk::Decompressor::new().map_err(OpenError::io("unpack", &segment.path))?;
    while at < bytes.len() && !scan.sealed {
        let Ok((frame, body)) = parse_frame(&bytes[at..], segment.salt) else { break };
        if frame.first != segment.end || frame.group as usize > at {
            break;
        }
        let stored = FRAME_HEAD_BYTES + body.len();
        match frame.what {
            What::Entries => {
                let Ok(raw) = unpacker.decompress(body, frame.raw as usize) else { break };
                let raw = Bytes::from(raw);
                if !share_out(partition, &frame, &raw, stored as u64, segment) {
                    break;
                }
                log.remember(Recent { head: frame, body: raw });
            }
            What::Mark => {}
            What::Footer => scan.sealed = true,
        }
        scan.marked = frame.what == What::Mark;
        scan.group = frame.group as usize;
        segment.end += u64::from(frame.count);
        at += stored;
    }
    segment.bytes = at as u64;
    let later = |from: usize| {
        let rest = &bytes[from..];
        matches!(parse_frame(rest, segment.salt), Ok((frame, _)) if frame.group as usize > at)
    };
    if (at + 1..bytes.len()).any(|from| bytes[from] == b'O' && later(from)) {
        let why = format!("bad frame at byte {at}, with good frames behind it that were written later");
        return Err(OpenError::damaged(&segment.path, why));
    }
    Ok(scan)
}

/// Books a frame's stored bytes on the accounts of its entries. False: the body is not what its head says.
pub(crate) fn share_out(partition: u32, frame: &FrameHead, raw: &Bytes, stored: u64, segment: &mut Segment) -> bool {
    let raw_len = (raw.len() as u64).max(1);
    let mut shares: Vec<(opentrail_event::AccountId, u64)> = Vec::new();
    for entry in Entries::new(partition, frame, raw.clone()) {
        let Some(entry) = entry else { return false };
        let bytes = super::format::entry_bytes(&entry.entry) as u64;
        match shares.iter_mut().find(|(account, _)| *account == entry.entry.account) {
            Some((_, sum)) => *sum += bytes,
            None => shares.push((entry.entry.account, bytes)),
        }
    }
    for (account, bytes) in shares {
        *segment.accounts.entry(account).or_default() += bytes * stored / raw_len;
    }
    true
}

/// Makes a segment file, durable with its name.
pub(crate) fn create_segment(
    disk: &dyn Disk,
    world: &World,
    dir: &Path,
    partition: u32,
    first: u64,
) -> Result<(Segment, Arc<dyn DiskFile>), OpenError> {
    let path = segment_path(dir, first);
    let file = disk.create(&path).map_err(OpenError::io("create", &path))?;
    let segment = begin_segment(disk, world, &*file, dir, partition, first)?;
    Ok((segment, file))
}

/// Writes the head of an empty segment file; makes it durable with its name.
fn begin_segment(
    disk: &dyn Disk,
    world: &World,
    file: &dyn DiskFile,
    dir: &Path,
    partition: u32,
    first: u64,
) -> Result<Segment, OpenError> {
    let path = segment_path(dir, first);
    let salt = u64::from_le_bytes(world.bytes());
    let head = SegmentHead { partition, first, salt };
    file.write_at(&head.encode(), 0).map_err(OpenError::io("write", &path))?;
    file.sync().map_err(OpenError::io("sync", &path))?;
    disk.sync_dir(dir).map_err(OpenError::io("sync folder", dir))?;
    let bytes = SEGMENT_HEAD_BYTES as u64;
    Ok(Segment { path, salt, first, end: first, bytes, accounts: Default::default() })
}

/// Says that everything before it is synced. Returns its bytes.
pub(crate) fn write_mark(file: &dyn DiskFile, segment: &mut Segment) -> std::io::Result<u64> {
    let mut out = Vec::with_capacity(FRAME_HEAD_BYTES);
    let group = segment.bytes as u32;
    let head = FrameHead { what: What::Mark, raw: 0, first: segment.end, count: 0, group, appended_us: 0 };
    write_frame(&mut out, segment.salt, head, &[]);
    file.write_at(&out, segment.bytes)?;
    file.sync()?;
    segment.bytes += out.len() as u64;
    Ok(out.len() as u64)
}

/// Why a stretch of a sealed or durable file cannot be read as a frame.
pub(crate) fn describe(bad: Bad) -> &'static str {
    match bad {
        Bad::Short { .. } => "the file ends within a frame",
        Bad::Broken(why) => why,
    }
}
