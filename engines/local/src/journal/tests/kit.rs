//! The port's own kit.

use std::sync::Arc;

use opentrail_journal::{Journal, kit};
use opentrail_world::World;

use super::{JournalSettings, disk, open, small};
use crate::disk::RealDisk;
use crate::journal::LocalJournal;

fn roomy() -> JournalSettings {
    JournalSettings { bytes_max: 64 << 20, ..small() }
}

#[tokio::test]
async fn the_real_disk_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    kit::conforms(|name| {
        let dir = folder.path().join(name);
        async move {
            let journal = LocalJournal::open(Arc::new(RealDisk), &dir, roomy(), World::real());
            Arc::new(journal.expect("a journal")) as Arc<dyn Journal>
        }
    })
    .await;
}

#[tokio::test]
async fn many_partitions_conform() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = JournalSettings { partitions: 3, ..JournalSettings::default() };
    kit::conforms(|name| {
        let (dir, settings) = (folder.path().join(name), settings.clone());
        async move {
            let journal = LocalJournal::open(Arc::new(RealDisk), &dir, settings, World::real());
            Arc::new(journal.expect("a journal")) as Arc<dyn Journal>
        }
    })
    .await;
}

#[tokio::test]
async fn the_simulated_disk_conforms() {
    let disks = std::sync::Mutex::new(std::collections::HashMap::new());
    kit::conforms(|name| {
        let disk = disks.lock().expect("no panic").entry(name).or_insert_with(disk).clone();
        async move { Arc::new(open(&disk, &roomy()).expect("a journal")) as Arc<dyn Journal> }
    })
    .await;
}
