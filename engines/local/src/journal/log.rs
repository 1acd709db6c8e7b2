//! What a partition knows of itself in memory: its segments, its newest entries, and where frames begin.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use opentrail_event::AccountId;
use opentrail_journal::Frame;

use super::format::{Entries, FrameHead, SEGMENT_HEAD_BYTES};

/// How many places of frames are remembered for readers that go on where they stopped.
const HINTS_MAX: usize = 64;

/// One file of the log.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) salt: u64,
    /// The offset of its first entry.
    pub(crate) first: u64,
    /// The offset behind its last durable entry.
    pub(crate) end: u64,
    /// Durable bytes.
    pub(crate) bytes: u64,
    /// Each account's part of them.
    pub(crate) accounts: HashMap<AccountId, u64>,
}

/// A frame that is still in memory, unpacked.
#[derive(Debug, Clone)]
pub(crate) struct Recent {
    pub(crate) head: FrameHead,
    pub(crate) body: Bytes,
}

/// A partition's books. Everything in them is durable.
pub(crate) struct Log {
    /// Oldest first; the last is the one being written.
    pub(crate) segments: VecDeque<Segment>,
    recent: VecDeque<Recent>,
    recent_bytes: usize,
    recent_bytes_max: usize,
    hints: BTreeMap<u64, u64>,
}

/// Where on disk to look for an offset.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) salt: u64,
    /// A frame begins here, at or before the offset.
    pub(crate) at: u64,
    /// The hint that said so.
    pub(crate) hint: Option<u64>,
    /// Up to here the file is durable.
    pub(crate) bytes: u64,
    /// The offset behind the segment.
    pub(crate) end: u64,
}

impl Log {
    pub(crate) fn new(recent_bytes_max: usize) -> Self {
        let segments = VecDeque::new();
        Self { segments, recent: VecDeque::new(), recent_bytes: 0, recent_bytes_max, hints: BTreeMap::new() }
    }

    pub(crate) fn start(&self) -> u64 {
        self.segments.front().map_or(0, |s| s.first)
    }

    pub(crate) fn end(&self) -> u64 {
        self.segments.back().map_or(0, |s| s.end)
    }

    /// Remembers a durable frame.
    pub(crate) fn remember(&mut self, frame: Recent) {
        self.recent_bytes += frame.body.len();
        self.recent.push_back(frame);
        while self.recent_bytes > self.recent_bytes_max && self.recent.len() > 1 {
            if let Some(old) = self.recent.pop_front() {
                self.recent_bytes -= old.body.len();
            }
        }
    }

    /// The frames in memory from the one that holds `from` on; `None` where memory does not reach back so far.
    pub(crate) fn recent_from(&self, from: u64, bytes_max: usize) -> Option<Vec<Recent>> {
        if self.recent.front()?.head.first > from {
            return None;
        }
        let at = self.recent.partition_point(|f| f.head.first + u64::from(f.head.count) <= from);
        let mut bytes = 0;
        let enough = self.recent.iter().skip(at).take_while(|f| {
            let more = bytes == 0 || bytes < bytes_max;
            // The first frame may be used in part only, so it does not count.
            bytes += if bytes == 0 { 1 } else { f.body.len() };
            more
        });
        Some(enough.cloned().collect())
    }

    /// Where on disk `from` is; `None` behind the end.
    pub(crate) fn place(&self, from: u64) -> Option<Place> {
        let at = self.segments.partition_point(|s| s.end <= from);
        let segment = self.segments.get(at)?;
        let hint = self.hints.range(segment.first..=from).next_back();
        Some(Place {
            path: segment.path.clone(),
            salt: segment.salt,
            at: hint.map_or(SEGMENT_HEAD_BYTES as u64, |(_, &at)| at),
            hint: hint.map(|(&offset, _)| offset),
            bytes: segment.bytes,
            end: segment.end,
        })
    }

    /// A reader that began at hint `used` learnt that the frame beginning with `offset` is at `at` of its segment.
    pub(crate) fn hint(&mut self, used: Option<u64>, offset: u64, at: u64) {
        if let Some(used) = used {
            self.hints.remove(&used);
        }
        self.hints.insert(offset, at);
        if self.hints.len() > HINTS_MAX {
            self.hints.pop_first();
        }
    }

    /// Takes off the oldest segment if every entry of it is below `low`. The one being written stays.
    pub(crate) fn pop_below(&mut self, low: u64) -> Option<Segment> {
        if self.segments.len() < 2 || self.segments.front()?.end > low {
            return None;
        }
        let gone = self.segments.pop_front()?;
        self.hints = self.hints.split_off(&gone.end);
        while self.recent.front().is_some_and(|f| f.head.first < gone.end) {
            if let Some(old) = self.recent.pop_front() {
                self.recent_bytes -= old.body.len();
            }
        }
        Some(gone)
    }
}

/// Adds the entries of an unpacked frame from offset `from` on to `out` until `bytes_max` is reached. False: the body
/// is not what its head says.
pub(crate) fn unpack(
    partition: u32,
    frame: &Recent,
    from: u64,
    bytes_max: usize,
    bytes: &mut usize,
    out: &mut Vec<Frame>,
) -> bool {
    for entry in Entries::new(partition, &frame.head, frame.body.clone()) {
        let Some(entry) = entry else { return false };
        if entry.position.offset < from {
            continue;
        }
        if *bytes >= bytes_max && !out.is_empty() {
            break;
        }
        *bytes += entry.entry.bytes.len();
        out.push(entry);
    }
    true
}

/// The file that begins with entry `first`.
pub(crate) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.seg"))
}

/// What [`segment_path`] was given.
pub(crate) fn segment_first(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}
