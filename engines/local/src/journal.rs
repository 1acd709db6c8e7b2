//! The journal on one machine: a segmented append log per partition.
//!
//! Cast: callers queue *batches*; one *writer* thread per partition takes all that wait as one *group*, packs them into
//! *frames*, writes once, syncs once and answers all of them. *Segments* are the files; the last one grows, the others
//! are sealed by a *footer*. *Holders* say what they still need; a *janitor* thread removes whole segments below the
//! lowest hold. A write that fails, or a sync that finds no room, is cut off again and answered [`Error::Full`]; the next
//! may go through. After a sync that failed otherwise, or where the cutting fails, the journal is *poisoned*: every
//! append is answered [`Error::Unavailable`] until a restart has found out what landed. Reading goes on.
//!
//! A batch goes to the partition of its **first** entry's (account, region), all of it: it stays whole, in one frame,
//! also where it carries another account's copy. The partition is FNV-1a (64 bits) over `account/region`, modulo their
//! number; changing that would break the order of what is stored.
//!
//! # On disk, format 1
//!
//! ```text
//! DIR/journal/meta                      text: "opentrail journal", "format 1", "partitions N", "id HEX"; made last.
//!                                       A journal from before there were ids gets one when it is opened
//! DIR/journal/p0000/<first offset, 20 digits>.seg
//!
//! segment   = head, frame*, and once it is sealed a footer frame.  All numbers are little-endian.
//! head      0  8  magic "OTJRNL\r\n"      16  8  offset of the first entry
//!           8  2  format                  24  8  salt, random
//!          10  2  zero                    32  4  crc32c of bytes 0..32
//!          12  4  partition               36 12  zero
//! frame     0  4  magic "OTfr"            24  4  number of entries
//!           4  4  crc32c of the salt      28  4  where in the file its group begins
//!                 and of bytes 8..48+N    32  8  appended at, microseconds since 1970
//!           8  4  N, bytes of the body    40  1  0 entries, 1 mark, 2 footer
//!          12  4  of the unpacked body    41  7  zero
//!          16  8  offset of first entry   48  N  body: zstd (entries), nothing (mark), plain (footer)
//! entry     0  1  0 intent, 1 record      30  1  R, length of the region's name
//!           1  1  0 control plane,        31  R  region
//!                 1 normal              31+R  4  B, length of the bytes
//!           2 12  account               35+R  B  the bytes
//!          14 16  event id
//! footer    per account 12 account, 8 bytes of the segment that are its; then 4: where the footer frame begins
//! ```
//!
//! A *mark* is written on close and after a mended crash: it says that all before it is synced, so that later damage
//! to it is told from a torn write. Versions: 1, the first.

mod budget;
mod format;
mod log;
mod meta;
mod reader;
mod recover;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::JoinHandle;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Region};
use opentrail_journal::{Entry, Error, Frame, Journal, Partition, Position, Positions, Urgency};
use opentrail_world::World;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, oneshot, watch};

use self::budget::{Budget, Limits};
use self::format::entry_bytes;
use self::log::{Log, Segment, unpack};
pub use self::meta::JournalId;
use self::meta::Meta;
use self::recover::Recovery;
use self::writer::{Job, Writer};
use crate::disk::Disk;
use crate::space::{FreeSpace, Short};

/// The largest entry: a record is at most a quarter of it.
pub const ENTRY_BYTES_MAX: usize = 1024 * 1024;
/// The largest batch.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What may wait for a partition's writer, in KiB; appends beyond it wait for room.
const QUEUE_KIB_MAX: u32 = 32 * 1024;
/// The most partitions there can be.
const PARTITIONS_MAX: u32 = 256;
/// The range of the segment size. A start reads the last segment into memory.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 4 * 1024..=64 * 1024 * 1024;

/// What an owner may choose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSettings {
    /// How many partitions a new journal gets. An existing one keeps its own. Default 1, at most 256.
    pub partitions: u32,
    /// A segment is sealed once it has this many bytes. Default 8 MiB; 4 KiB to 64 MiB.
    pub segment_bytes: u64,
    /// The most the journal takes on disk. Default 4 GiB.
    pub bytes_max: u64,
    /// The part of `bytes_max` that one account may hold, above 0 to 1. Default 0.5.
    pub account_share: f64,
    /// The last bytes of `bytes_max`, kept for what closes announced calls and for our own. Default 64 MiB.
    pub reserve_bytes: u64,
    /// The newest entries are kept unpacked in memory, this many bytes over all partitions. Default 8 MiB.
    pub memory_bytes: u64,
    /// A start checks every frame of the newest sealed segments up to this many bytes; older ones are checked when they
    /// are read. Default 64 MiB.
    pub verify_bytes_max: u64,
    /// Nothing is truncated before each of these has held at least once since the start.
    pub holders: Vec<String>,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            partitions: 1,
            segment_bytes: 8 << 20,
            bytes_max: 4 << 30,
            account_share: 0.5,
            reserve_bytes: 64 << 20,
            memory_bytes: 8 << 20,
            verify_bytes_max: 64 << 20,
            holders: Vec::new(),
        }
    }
}

/// Why a journal does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting is out of its range.
    #[error("journal setting {name}: {why}")]
    Setting { name: &'static str, why: String },
    /// What is on disk was good once and is not now. Nothing was changed.
    #[error("the journal is damaged: {path}: {why}; bring it back from a copy, nothing was changed")]
    Damaged { path: PathBuf, why: String },
    /// The file system said no.
    #[error("{what} {path}: {source}")]
    Io { what: &'static str, path: PathBuf, source: io::Error },
}

impl OpenError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.into(), source }
    }

    fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), why: why.into() }
    }
}

/// The journal. Dropping it writes what waits, and a mark.
pub struct LocalJournal {
    shared: Arc<Shared>,
    /// To the writer of each partition; empty only while the journal is dropped.
    jobs: Vec<Sender<Job>>,
    writers: Vec<JoinHandle<()>>,
    room: Vec<Arc<Semaphore>>,
    janitor: Option<JoinHandle<()>>,
    space: Option<Arc<FreeSpace>>,
}

/// What callers, writers and the janitor share.
struct Shared {
    disk: Arc<dyn Disk>,
    world: World,
    id: JournalId,
    dir: PathBuf,
    settings: JournalSettings,
    budget: Arc<Budget>,
    logs: Vec<Mutex<Log>>,
    ends: watch::Sender<Positions>,
    poison: OnceLock<Arc<str>>,
    holds: Mutex<HashMap<String, Positions>>,
    /// Wakes the janitor; `None` once the journal is dropped.
    wake: Mutex<Option<SyncSender<()>>>,
}

impl LocalJournal {
    /// Opens the journal in `dir`, or makes one. The folder above `dir` must be there. Blocks.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, settings: JournalSettings, world: World) -> Result<Self, OpenError> {
        check(&settings)?;
        let meta = match meta::read(&*disk, dir)? {
            Some(meta) => meta,
            None => make(&*disk, dir, &settings, &world)?,
        };
        let (partitions, id) = (meta.partitions, meta.with_id(&*disk, dir, &world)?);
        // The names may be in the page cache alone: the start that made them may have failed at its last sync.
        for folder in [Some(dir), dir.parent()].into_iter().flatten() {
            disk.sync_dir(folder).map_err(OpenError::io("sync folder", folder))?;
        }
        check_space(&settings, partitions)?;
        let budget = Budget::new(Limits {
            bytes_max: settings.bytes_max,
            account_bytes_max: (settings.bytes_max as f64 * settings.account_share) as u64,
            reserve_bytes: settings.reserve_bytes,
        });
        let mut logs = Vec::new();
        let mut files = Vec::new();
        let mut ends = Positions::default();
        for partition in 0..partitions {
            let folder = partition_dir(dir, partition);
            let found = recovery(&*disk, &world, &settings, &folder, partition, partitions).open()?;
            for segment in &found.log.segments {
                budget.hold(segment.bytes);
                segment.accounts.iter().for_each(|(account, bytes)| budget.hold_account(*account, *bytes));
            }
            ends.0.insert(Partition(partition), found.log.end());
            logs.push(Mutex::new(found.log));
            files.push((found.file, found.marked));
        }
        let (wake, woken) = mpsc::sync_channel(1);
        let shared = Arc::new(Shared {
            disk,
            world,
            id,
            dir: dir.into(),
            settings,
            budget,
            logs,
            ends: watch::Sender::new(ends),
            poison: OnceLock::new(),
            holds: Mutex::default(),
            wake: Mutex::new(Some(wake)),
        });
        let janitor = {
            let shared = shared.clone();
            thread("journal-janitor", move || janitor(&shared, &woken))
                .map_err(OpenError::io("start thread for", dir))?
        };
        let (writers, room) = (Vec::new(), Vec::new());
        let mut this = Self { shared, jobs: Vec::new(), writers, room, janitor: Some(janitor), space: None };
        for (partition, (file, marked)) in files.into_iter().enumerate() {
            let writer = Writer::new(this.shared.clone(), partition as u32, file, marked);
            let writer = writer.map_err(OpenError::io("start writer for", dir))?;
            let (jobs, queue) = mpsc::channel();
            let thread = thread("journal-writer", move || writer.run(queue));
            let thread = thread.map_err(OpenError::io("start thread for", dir))?;
            this.jobs.push(jobs);
            this.writers.push(thread);
            this.room.push(Arc::new(Semaphore::new(QUEUE_KIB_MAX as usize)));
        }
        Ok(this)
    }

    /// Which journal this is.
    pub fn id(&self) -> JournalId {
        self.shared.id
    }

    /// From now on entries are taken only while `space` has some.
    pub fn with_floor(mut self, space: Arc<FreeSpace>) -> Self {
        self.space = Some(space);
        self
    }

    /// Where entries of this account and region go.
    pub fn partition_of(&self, account: AccountId, region: &Region) -> Partition {
        let text = account.as_str().bytes().chain(*b"/").chain(region.as_str().bytes());
        let hash = text.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Partition((hash % self.shared.logs.len() as u64) as u32)
    }

    async fn append_batch(&self, batch: Vec<Entry>) -> Result<Vec<Position>, Error> {
        let Some(first) = batch.first() else { return Ok(Vec::new()) };
        let partition = self.partition_of(first.account, &first.region);
        let mut total = 0;
        for entry in &batch {
            if entry.bytes.len() > ENTRY_BYTES_MAX {
                return Err(Error::TooLarge { bytes: entry.bytes.len(), max: ENTRY_BYTES_MAX });
            }
            total += entry_bytes(entry);
        }
        if total > BATCH_BYTES_MAX {
            return Err(Error::TooLarge { bytes: total, max: BATCH_BYTES_MAX });
        }
        if let Some(why) = self.shared.poison() {
            return Err(Error::Unavailable(why));
        }
        let leave = self.shared.budget.admit(&batch)?;
        if let Some(space) = &self.space {
            let mends = batch.iter().all(|entry| entry.urgency == Urgency::ControlPlane);
            let urgency = if mends { Urgency::ControlPlane } else { Urgency::Normal };
            space.claim(leave.bytes(), urgency).map_err(|short| self.shared.no_space(&short))?;
        }
        let at = partition.0 as usize;
        let kib = (total as u32).div_ceil(1024);
        let closed = || Error::Unavailable("the journal's writer has stopped; restart".into());
        let room = self.room[at].clone().acquire_many_owned(kib).await.map_err(|_| closed())?;
        let (reply, answer) = oneshot::channel();
        self.jobs[at].send(Job { batch, leave, _room: room, reply }).map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn read_from(&self, from: Position, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        let partition = from.partition.0;
        if partition as usize >= self.shared.logs.len() {
            let why = format!("there is no partition {partition}; it has {}", self.shared.logs.len());
            return Err(Error::Unavailable(why.into()));
        }
        let recent = {
            let log = self.shared.log(partition);
            if from.offset >= log.end() {
                return Ok(Vec::new());
            }
            if from.offset < log.start() {
                return Err(Error::Truncated { asked: from.offset, first: log.start() });
            }
            log.recent_from(from.offset, bytes_max)
        };
        if let Some(recent) = recent {
            let (mut out, mut bytes) = (Vec::new(), 0);
            for frame in recent {
                if !unpack(partition, &frame, from.offset, bytes_max, &mut bytes, &mut out) {
                    return Err(Error::Unavailable("a frame in memory cannot be unpacked".into()));
                }
                if bytes >= bytes_max {
                    break;
                }
            }
            return Ok(out);
        }
        let shared = self.shared.clone();
        let read = tokio::task::spawn_blocking(move || reader::read(&shared, partition, from.offset, bytes_max));
        read.await.unwrap_or_else(|e| Err(Error::Unavailable(format!("reading stopped: {e}").into())))
    }
}

/// Most entries are smaller.
const ROOM_BYTES: u64 = 4 * 1024;

impl Journal for LocalJournal {
    fn partitions(&self) -> u32 {
        self.shared.logs.len() as u32
    }

    fn append(&self, batch: Vec<Entry>) -> BoxFuture<'_, Result<Vec<Position>, Error>> {
        self.append_batch(batch).boxed()
    }

    fn room(&self, account: AccountId, urgency: Urgency) -> Result<(), Error> {
        if let Some(why) = self.shared.poison() {
            return Err(Error::Unavailable(why));
        }
        self.shared.budget.look(account, ROOM_BYTES, urgency)?;
        let look = |space: &Arc<FreeSpace>| space.look(ROOM_BYTES, urgency);
        self.space.as_ref().map_or(Ok(()), look).map_err(|short| self.shared.no_space(&short))
    }

    fn read(&self, from: Position, bytes_max: usize) -> BoxFuture<'_, Result<Vec<Frame>, Error>> {
        self.read_from(from, bytes_max).boxed()
    }

    fn start(&self) -> Positions {
        Positions((0..self.partitions()).map(|p| (Partition(p), self.shared.log(p).start())).collect())
    }

    fn watch(&self) -> watch::Receiver<Positions> {
        self.shared.ends.subscribe()
    }

    fn hold(&self, holder: &str, positions: Positions) {
        self.shared.holds.lock().expect("no holder of the holds panics").insert(holder.into(), positions);
        self.shared.truncate_soon();
    }

    fn usage(&self) -> (u64, u64) {
        (self.shared.budget.held(), self.shared.settings.bytes_max)
    }

    fn failed(&self) -> Option<String> {
        self.shared.poison().map(|why| why.to_string())
    }
}

impl Drop for LocalJournal {
    fn drop(&mut self) {
        self.jobs.clear();
        self.writers.drain(..).for_each(join);
        drop(self.shared.wake.lock().expect("no holder of the bell panics").take());
        self.janitor.take().into_iter().for_each(join);
    }
}

impl Shared {
    fn log(&self, partition: u32) -> MutexGuard<'_, Log> {
        self.logs[partition as usize].lock().expect("no holder of the log's books panics")
    }

    fn partition_dir(&self, partition: u32) -> PathBuf {
        partition_dir(&self.dir, partition)
    }

    fn poison(&self) -> Option<Arc<str>> {
        self.poison.get().cloned()
    }

    /// From now on nothing is accepted. Returns the first reason there was.
    fn poison_with(&self, partition: u32, why: String) -> Arc<str> {
        tracing::error!(partition, %why, "the journal takes nothing more until a restart");
        self.poison.get_or_init(|| format!("{why}; restart to find out what landed").into()).clone()
    }

    /// What callers are told when the disk is at its floor.
    fn no_space(&self, short: &Short) -> Error {
        Error::Full { whose: short.to_string().into(), held: self.budget.held(), max: self.settings.bytes_max }
    }

    /// What callers are told when the file system, and not the budget, has no room.
    fn disk_full(&self) -> Error {
        let whose = "all accounts, and its disk takes no more".into();
        Error::Full { whose, held: self.budget.held(), max: self.settings.bytes_max }
    }

    fn show_end(&self, partition: u32, end: u64) {
        self.ends.send_modify(|ends| {
            ends.0.insert(Partition(partition), end);
        });
    }

    fn truncate_soon(&self) {
        if let Some(wake) = &*self.wake.lock().expect("no holder of the bell panics") {
            // A full bell rings already.
            let _ = wake.try_send(());
        }
    }

    /// The lowest offset that is still needed; 0 while somebody has not said.
    fn lowest_hold(&self, partition: u32) -> u64 {
        let holds = self.holds.lock().expect("no holder of the holds panics");
        if self.settings.holders.iter().any(|holder| !holds.contains_key(holder)) {
            return 0;
        }
        holds.values().map(|positions| positions.next(Partition(partition))).min().unwrap_or(0)
    }

    /// Removes the oldest segments that nobody needs, strictly in order, each durably gone before the next one goes:
    /// a power cut must not leave a hole.
    fn truncate(&self, partition: u32, going: &mut Option<Segment>) -> io::Result<()> {
        let dir = self.partition_dir(partition);
        loop {
            if going.is_none() {
                *going = self.log(partition).pop_below(self.lowest_hold(partition));
            }
            let Some(segment) = going.as_ref() else { return Ok(()) };
            match self.disk.remove(&segment.path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => self.disk.sync_dir(&dir)?,
            }
            self.budget.release(segment.bytes, segment.accounts.iter());
            *going = None;
        }
    }
}

fn janitor(shared: &Shared, woken: &mpsc::Receiver<()>) {
    let mut going: Vec<Option<Segment>> = shared.logs.iter().map(|_| None).collect();
    while woken.recv().is_ok() {
        for (partition, going) in going.iter_mut().enumerate() {
            if let Err(error) = shared.truncate(partition as u32, going) {
                // Tried again at the next hold; until then the space stays taken.
                tracing::error!(partition, %error, "remove a segment of the journal");
            }
        }
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the journal panicked");
    }
}

fn check(settings: &JournalSettings) -> Result<(), OpenError> {
    let bad = |name, why: String| Err(OpenError::Setting { name, why });
    if !(1..=PARTITIONS_MAX).contains(&settings.partitions) {
        return bad("partitions", format!("must be from 1 to {PARTITIONS_MAX}"));
    }
    if !SEGMENT_BYTES.contains(&settings.segment_bytes) {
        return bad("segment_bytes", format!("must be from {} to {}", SEGMENT_BYTES.start(), SEGMENT_BYTES.end()));
    }
    if !(settings.account_share > 0.0 && settings.account_share <= 1.0) {
        return bad("account_share", "must be above 0 and at most 1".into());
    }
    Ok(())
}

/// The last segment of each partition cannot be truncated: there must be more than those.
fn check_space(settings: &JournalSettings, partitions: u32) -> Result<(), OpenError> {
    let least = settings.reserve_bytes.saturating_add(2 * settings.segment_bytes * u64::from(partitions));
    if settings.bytes_max < least {
        let why = format!("must be at least {least}: the reserve, and two segments for each partition");
        return Err(OpenError::Setting { name: "bytes_max", why });
    }
    Ok(())
}

fn partition_dir(dir: &Path, partition: u32) -> PathBuf {
    dir.join(format!("p{partition:04}"))
}

fn recovery<'a>(
    disk: &'a dyn Disk,
    world: &'a World,
    settings: &JournalSettings,
    dir: &'a Path,
    partition: u32,
    partitions: u32,
) -> Recovery<'a> {
    Recovery {
        disk,
        world,
        dir,
        partition,
        verify_bytes_max: settings.verify_bytes_max / u64::from(partitions),
        recent_bytes_max: (settings.memory_bytes / u64::from(partitions)) as usize,
    }
}

/// What the journal in `dir` says it is, if there is one and if it says so. Changes nothing.
pub(crate) fn id_in(disk: &dyn Disk, dir: &Path) -> Result<Option<Option<JournalId>>, OpenError> {
    Ok(meta::read(disk, dir)?.map(|meta| meta.id))
}

/// Makes a journal; its meta comes last and says that all of it is there.
fn make(disk: &dyn Disk, dir: &Path, settings: &JournalSettings, world: &World) -> Result<Meta, OpenError> {
    disk.create_dir(dir).map_err(OpenError::io("make folder", dir))?;
    if let Some(above) = dir.parent() {
        disk.sync_dir(above).map_err(OpenError::io("sync folder", above))?;
    }
    for partition in 0..settings.partitions {
        recovery(disk, world, settings, &partition_dir(dir, partition), partition, settings.partitions).make()?;
    }
    let meta = Meta { partitions: settings.partitions, id: Some(JournalId::new(world)) };
    meta.write(disk, dir)?;
    Ok(meta)
}
