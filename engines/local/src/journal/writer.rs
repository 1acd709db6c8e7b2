//! The one thread that writes a partition: takes all appends that wait, writes them as one group, syncs once, answers.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use bytes::Bytes;
use opentrail_event::AccountId;
use opentrail_journal::{Entry, Error, Partition, Position};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::budget::Leave;
use super::format::{ENTRY_HEAD_BYTES, FRAME_HEAD_BYTES, FrameHead, What, encode_entry, encode_footer, write_frame};
use super::log::{Recent, Segment, segment_path};
use super::recover::{create_segment, write_mark};
use super::{OpenError, Shared};
use crate::disk::{DiskFile, read_exact_at};

/// One sync is shared by at most about this much, unpacked.
const GROUP_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A frame is closed once it holds this much, unpacked: large enough to pack well, small enough to unpack for one entry.
const FRAME_RAW_BYTES: usize = 256 * 1024;
/// What the page cache writes at once, or a multiple of it.
const PAGE_BYTES: u64 = 64 * 1024;
/// zstd's fastest regular level: the journal is read soon and deleted soon.
const ZSTD_LEVEL: i32 = 1;

/// An append on its way.
pub(crate) struct Job {
    pub(crate) batch: Vec<Entry>,
    pub(crate) leave: Leave,
    /// Its place in the bounded queue.
    pub(crate) _room: OwnedSemaphorePermit,
    pub(crate) reply: oneshot::Sender<Result<Vec<Position>, Error>>,
}

/// The writing side of one partition.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    partition: u32,
    file: Arc<dyn DiskFile>,
    /// A copy of the last segment's books, ahead of the shared ones while a group is on its way.
    segment: Segment,
    marked: bool,
    packer: zstd::bulk::Compressor<'static>,
    out: Vec<u8>,
    /// The durable bytes of the file's last page, which the next write's sync writes again.
    last_page: Vec<u8>,
}

/// Why a group is not in the journal.
enum Failed {
    /// Nothing of it is on disk, and the file is as it was: the next may go through.
    Mended,
    /// What landed is not known until a restart.
    Doubtful(String),
}

/// A group as written, not yet synced.
struct Group {
    frames: Vec<Recent>,
    shares: Vec<(AccountId, u64)>,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        partition: u32,
        file: Arc<dyn DiskFile>,
        marked: bool,
    ) -> std::io::Result<Self> {
        let segment = {
            let log = shared.log(partition);
            log.segments.back().cloned().ok_or_else(|| std::io::Error::other("a partition has a last segment"))?
        };
        let packer = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
        let last_page = read_last_page(&*file, segment.bytes)?;
        Ok(Self { shared, partition, file, segment, marked, packer, out: Vec::new(), last_page })
    }

    /// Serves until every sender is gone, then leaves a mark.
    pub(crate) fn run(mut self, jobs: Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut bytes = first.leave.bytes();
            let mut group = vec![first];
            while bytes < GROUP_BYTES_MAX {
                match jobs.try_recv() {
                    Ok(job) => {
                        bytes += job.leave.bytes();
                        group.push(job);
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            self.serve(group);
        }
        if self.shared.poison().is_none() && !self.marked {
            match write_mark(&*self.file, &mut self.segment) {
                Ok(bytes) => self.shared.budget.hold(bytes),
                Err(error) => tracing::warn!(%error, "write the journal's closing mark; nothing is lost"),
            }
        }
    }

    fn serve(&mut self, group: Vec<Job>) {
        let done = match self.shared.poison() {
            Some(why) => Err(Error::Unavailable(why)),
            None => self.append(&group).map_err(|failed| match failed {
                Failed::Mended => self.shared.disk_full(),
                Failed::Doubtful(why) => Error::Unavailable(self.shared.poison_with(self.partition, why)),
            }),
        };
        let mut next = done.as_ref().copied().unwrap_or_default();
        for job in group {
            let answer = match &done {
                Ok(_) => {
                    let partition = Partition(self.partition);
                    let positions = (next..).take(job.batch.len()).map(|offset| Position { partition, offset });
                    next += job.batch.len() as u64;
                    Ok(positions.collect())
                }
                Err(error) => Err(error.clone()),
            };
            drop(job.leave);
            // A caller that went away no longer listens; its entries stay.
            let _ = job.reply.send(answer);
        }
    }

    /// Writes and syncs the group; returns its first offset.
    fn append(&mut self, jobs: &[Job]) -> Result<u64, Failed> {
        if self.segment.bytes >= self.shared.settings.segment_bytes {
            self.roll()?;
        }
        let (first, at) = (self.segment.end, self.segment.bytes);
        let group = self.pack(jobs).map_err(Failed::Doubtful)?;
        if let Err(error) = self.file.write_at(&self.out, at) {
            self.segment.end = first;
            return Err(self.cut_back(&format!("write {}: {error}", self.segment.path.display())));
        }
        let before = self.shared.world.monotonic();
        if let Err(error) = self.file.sync() {
            self.segment.end = first;
            return Err(self.not_synced(error));
        }
        let sync = self.shared.world.monotonic().saturating_sub(before);
        metrics::histogram!("opentrail_journal_sync_seconds").record(sync.as_secs_f64());
        self.publish(group);
        Ok(first)
    }

    /// Fills `out` with the group's frames, and moves the books on.
    fn pack(&mut self, jobs: &[Job]) -> Result<Group, String> {
        self.out.clear();
        let group_at = self.segment.bytes as u32;
        let appended_us = self.shared.world.now().as_microsecond();
        let mut group = Group { frames: Vec::new(), shares: Vec::new() };
        let mut jobs = jobs.iter().peekable();
        while jobs.peek().is_some() {
            let mut raw = Vec::with_capacity(FRAME_RAW_BYTES);
            let mut count = 0;
            let mut shares: Vec<(AccountId, u64)> = Vec::new();
            // A batch is never split over frames, so it is there whole or not at all.
            while let Some(job) = jobs.next_if(|job| raw.is_empty() || raw.len() + size(job) <= FRAME_RAW_BYTES) {
                job.batch.iter().for_each(|entry| encode_entry(&mut raw, entry));
                count += job.batch.len() as u32;
                for (account, bytes) in &job.leave.accounts {
                    match shares.iter_mut().find(|(a, _)| a == account) {
                        Some((_, sum)) => *sum += bytes,
                        None => shares.push((*account, *bytes)),
                    }
                }
            }
            let head = FrameHead {
                what: What::Entries,
                raw: raw.len() as u32,
                first: self.segment.end,
                count,
                group: group_at,
                appended_us,
            };
            let body = self.packer.compress(&raw).map_err(|e| format!("pack a frame: {e}"))?;
            write_frame(&mut self.out, self.segment.salt, head, &body);
            let stored = (FRAME_HEAD_BYTES + body.len()) as u64;
            for (account, bytes) in shares {
                group.shares.push((account, bytes * stored / (raw.len() as u64).max(1)));
            }
            self.segment.end += u64::from(count);
            // Followers keep slices of it for long: a group of one call must not hold on to the room of a full one.
            raw.shrink_to_fit();
            group.frames.push(Recent { head, body: Bytes::from(raw) });
        }
        Ok(group)
    }

    /// Shows what is durable now.
    fn publish(&mut self, group: Group) {
        self.marked = false;
        self.turn_page();
        self.segment.bytes += self.out.len() as u64;
        self.shared.budget.hold(self.out.len() as u64);
        for (account, bytes) in &group.shares {
            *self.segment.accounts.entry(*account).or_default() += bytes;
            self.shared.budget.hold_account(*account, *bytes);
        }
        let mut log = self.shared.log(self.partition);
        if let Some(last) = log.segments.back_mut() {
            last.bytes = self.segment.bytes;
            last.end = self.segment.end;
            for (account, bytes) in group.shares {
                *last.accounts.entry(account).or_default() += bytes;
            }
        }
        group.frames.into_iter().for_each(|frame| log.remember(frame));
        drop(log);
        self.shared.show_end(self.partition, self.segment.end);
        // A large group now and then must not keep its memory for ever.
        self.out.shrink_to(GROUP_BYTES_MAX as usize);
    }

    /// Remembers the last page of what was written.
    fn turn_page(&mut self) {
        let end = self.segment.bytes + self.out.len() as u64;
        match self.out.len().checked_sub((end % PAGE_BYTES) as usize) {
            // It holds the page's end and all before it that is in the same page.
            Some(from) => {
                self.last_page.clear();
                self.last_page.extend_from_slice(&self.out[from..]);
            }
            None => self.last_page.extend_from_slice(&self.out),
        }
    }

    /// Seals the segment and begins the next one.
    fn roll(&mut self) -> Result<(), Failed> {
        let at = self.segment.bytes as u32;
        let body = encode_footer(self.segment.accounts.iter(), at);
        let (first, raw) = (self.segment.end, body.len() as u32);
        self.out.clear();
        let head = FrameHead { what: What::Footer, raw, first, count: 0, group: at, appended_us: 0 };
        write_frame(&mut self.out, self.segment.salt, head, &body);
        if let Err(error) = self.file.write_at(&self.out, u64::from(at)) {
            return Err(self.cut_back(&format!("write {}: {error}", self.segment.path.display())));
        }
        if let Err(error) = self.file.sync() {
            return Err(self.not_synced(error));
        }
        let dir = self.shared.partition_dir(self.partition);
        let (segment, file) = match create_segment(&*self.shared.disk, &self.shared.world, &dir, self.partition, first)
        {
            Ok(next) => next,
            Err(error @ OpenError::Io { what: "create" | "write", .. }) => return Err(self.unroll(&dir, first, &error)),
            Err(OpenError::Io { what: "sync", path, source }) if no_room(&source) => {
                return Err(self.unroll(&dir, first, &OpenError::Io { what: "sync", path, source }));
            }
            Err(error) => return Err(Failed::Doubtful(error.to_string())),
        };
        let sealed_bytes = self.segment.bytes + self.out.len() as u64;
        self.shared.budget.hold(self.out.len() as u64);
        self.shared.budget.hold(segment.bytes);
        let mut log = self.shared.log(self.partition);
        if let Some(last) = log.segments.back_mut() {
            last.bytes = sealed_bytes;
        }
        log.segments.push_back(segment.clone());
        drop(log);
        self.segment = segment;
        self.file = file;
        self.last_page = read_last_page(&*self.file, self.segment.bytes)
            .map_err(|e| Failed::Doubtful(format!("read {}: {e}", self.segment.path.display())))?;
        self.shared.truncate_soon();
        Ok(())
    }

    /// What a sync that failed leaves behind.
    ///
    /// Where file systems give out blocks late, a full disk shows only here. That much is known then: what was
    /// acknowledged was synced before and stays, save that its last page was on its way again together with what is new;
    /// so the file is cut to where it was and that page is written once more. Reading back proves nothing: the page cache
    /// answers for what is not on the disk. After any other error nobody knows what the disk does.
    fn not_synced(&self, error: std::io::Error) -> Failed {
        let cause = format!("sync {}: {error}", self.segment.path.display());
        if no_room(&error) { self.cut_back(&cause) } else { Failed::Doubtful(cause) }
    }

    /// The next segment could not be made. Its name goes first and durably: a segment that others follow must have its
    /// footer.
    fn unroll(&self, dir: &Path, first: u64, cause: &OpenError) -> Failed {
        let gone = match self.shared.disk.remove(&segment_path(dir, first)) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
            _ => self.shared.disk.sync_dir(dir),
        };
        match gone {
            Ok(()) => self.cut_back(&cause.to_string()),
            Err(error) => Failed::Doubtful(format!("{cause}; and then take the new segment away: {error}")),
        }
    }

    /// Takes what was written behind the last durable entry off the file again, as when the disk is full. To be used
    /// only where no sync failed but for want of room: after that nobody knows what the file holds.
    fn cut_back(&self, cause: &str) -> Failed {
        let page_at = self.segment.bytes - self.last_page.len() as u64;
        let cut = self.file.truncate(self.segment.bytes);
        match cut.and_then(|()| self.file.write_at(&self.last_page, page_at)).and_then(|()| self.file.sync()) {
            Ok(()) => {
                tracing::error!(partition = self.partition, %cause, "the journal's disk takes no more for now");
                Failed::Mended
            }
            Err(error) => Failed::Doubtful(format!("{cause}; and then cut it off again: {error}")),
        }
    }
}

fn no_room(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// The bytes of a file's last page, `bytes` of it being durable.
fn read_last_page(file: &dyn DiskFile, bytes: u64) -> std::io::Result<Vec<u8>> {
    let len = bytes % PAGE_BYTES;
    read_exact_at(file, bytes - len, len as usize)
}

fn size(job: &Job) -> usize {
    job.batch.iter().map(|e| ENTRY_HEAD_BYTES + e.region.as_str().len() + e.bytes.len()).sum()
}
