//! Files that are being filled: one body for each party of trails, account and region.

use std::collections::HashMap;
use std::sync::Arc;

use opentrail_blobs::BlobKey;
use opentrail_event::{AccountId, Region};

use super::route::Group;
use crate::member::Member;

/// A file is cut when its body has come to this. CloudTrail's own limit is 50 MB.
pub(crate) const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What all open files may take in memory; then the largest is cut.
pub(crate) const OPEN_BYTES_MAX: usize = 48 * 1024 * 1024;
/// What an open file takes beside its body, about.
const FILE_HEAD_BYTES: usize = 512;
/// The first room of a body: most files of a quiet account hold a few records.
const BODY_BYTES_MIN: usize = 4 * 1024;

const BEGIN: &[u8] = br#"{"Records":["#;
const END: &[u8] = b"]}";

/// A file that takes records.
#[derive(Debug)]
struct OpenFile {
    account: AccountId,
    region: Region,
    members: Arc<[Member]>,
    raw: Vec<u8>,
    records: u64,
    oldest_s: i64,
    newest_s: i64,
    opened_s: i64,
    recorded: bool,
}

/// A file that takes no more records. Its bytes are fixed.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// The trails that deliver it, each under a name of its own.
    pub(crate) members: Arc<[Member]>,
    /// `{"Records":[…]}`
    pub(crate) raw: Arc<Vec<u8>>,
    pub(crate) records: u64,
    /// Of the events in it, in seconds since 1970.
    pub(crate) oldest_s: i64,
    pub(crate) newest_s: i64,
    /// When its first record came, by the wall clock.
    pub(crate) opened_s: i64,
    /// Whether it holds anything but records of deliveries.
    pub(crate) recorded: bool,
    /// Where it will be staged, however often that is tried.
    pub(crate) blob: BlobKey,
}

/// One record on its way into a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Put<'a> {
    pub(crate) account: AccountId,
    pub(crate) region: &'a Region,
    pub(crate) record: &'a [u8],
    pub(crate) event_time_s: i64,
    pub(crate) is_delivery: bool,
    pub(crate) now_s: i64,
}

/// All open files.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles {
    /// By party and region; a party is of one account.
    files: HashMap<(u64, Region), OpenFile>,
    bytes: usize,
}

impl OpenFile {
    fn new(group: &Group, put: &Put<'_>) -> Self {
        let mut raw = Vec::with_capacity(BODY_BYTES_MIN.max(put.record.len() * 2));
        raw.extend_from_slice(BEGIN);
        Self {
            account: put.account,
            region: put.region.clone(),
            members: group.members.clone(),
            raw,
            records: 0,
            oldest_s: put.event_time_s,
            newest_s: put.event_time_s,
            opened_s: put.now_s,
            recorded: false,
        }
    }

    fn take(&mut self, put: &Put<'_>) {
        if self.records > 0 {
            self.raw.push(b',');
        }
        self.raw.extend_from_slice(put.record);
        self.records += 1;
        self.oldest_s = self.oldest_s.min(put.event_time_s);
        self.newest_s = self.newest_s.max(put.event_time_s);
        self.recorded |= !put.is_delivery;
    }

    fn bytes(&self) -> usize {
        self.raw.capacity() + FILE_HEAD_BYTES
    }

    fn cut(mut self, blob: BlobKey) -> Body {
        self.raw.extend_from_slice(END);
        Body {
            account: self.account,
            region: self.region,
            members: self.members,
            raw: Arc::new(self.raw),
            records: self.records,
            oldest_s: self.oldest_s,
            newest_s: self.newest_s,
            opened_s: self.opened_s,
            recorded: self.recorded,
            blob,
        }
    }
}

impl OpenFiles {
    /// Puts a record into the group's file; `cut` takes a file that has no room for it.
    pub(crate) fn put(&mut self, group: &Group, put: &Put<'_>, name: impl Fn() -> BlobKey, cut: &mut Vec<Body>) {
        let key = (group.party, put.region.clone());
        let full = |file: &OpenFile| file.raw.len() + put.record.len() + 1 + END.len() > FILE_BYTES_MAX;
        if self.files.get(&key).is_some_and(full) {
            self.cut_one(&key, name(), cut);
        }
        let file = self.files.entry(key).or_insert_with(|| {
            let file = OpenFile::new(group, put);
            self.bytes += file.bytes();
            file
        });
        let before = file.bytes();
        file.take(put);
        self.bytes += file.bytes() - before;
        while self.bytes > OPEN_BYTES_MAX {
            let largest = self.files.iter().max_by_key(|(_, file)| file.bytes()).map(|(key, _)| key.clone());
            let Some(largest) = largest else { break };
            self.cut_one(&largest, name(), cut);
        }
    }

    /// Cuts all of them.
    pub(crate) fn cut_all(&mut self, name: impl Fn() -> BlobKey, cut: &mut Vec<Body>) {
        cut.extend(self.files.drain().map(|(_, file)| file.cut(name())));
        self.bytes = 0;
    }

    fn cut_one(&mut self, key: &(u64, Region), blob: BlobKey, cut: &mut Vec<Body>) {
        if let Some(file) = self.files.remove(key) {
            self.bytes -= file.bytes();
            cut.push(file.cut(blob));
        }
    }
}
