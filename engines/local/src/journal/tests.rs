//! The kit over the real and the simulated disk, the error matrix, torn power, damage, the id, budgets, truncation.

mod budget;
mod damage;
mod faults;
mod floor;
mod kit;
mod meta;
mod speed;

use std::path::Path;
use std::sync::Arc;

use opentrail_journal::{Entry, Journal, Partition, kit as journal_kit};
use opentrail_world::World;

use super::{JournalSettings, LocalJournal, OpenError};
use crate::disk::SimDisk;

const DIR: &str = "/data/journal";

/// Small enough that a test meets every kind of file.
fn small() -> JournalSettings {
    JournalSettings {
        segment_bytes: 4096,
        bytes_max: 1 << 20,
        reserve_bytes: 128 << 10,
        memory_bytes: 8192,
        ..JournalSettings::default()
    }
}

/// A disk with the data folder in place.
fn disk() -> SimDisk {
    use crate::disk::Disk;
    let disk = SimDisk::new();
    disk.create_dir(Path::new("/data")).and_then(|()| disk.sync_dir(Path::new("/"))).expect("a folder");
    disk
}

fn open(disk: &SimDisk, settings: &JournalSettings) -> Result<LocalJournal, OpenError> {
    LocalJournal::open(Arc::new(disk.clone()), Path::new(DIR), settings.clone(), World::real())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

/// What is in the journal, as the independent checker wants it: the entries of partition 0 in their order.
async fn contents(journal: &LocalJournal) -> Vec<Entry> {
    let frames = journal_kit::read_everything(journal, 10_000).await;
    let end = journal.watch().borrow().next(Partition(0));
    assert_eq!(journal.start().next(Partition(0)) + frames.len() as u64, end, "the end is what can be read");
    frames.into_iter().map(|frame| frame.entry).collect()
}
