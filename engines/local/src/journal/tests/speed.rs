//! A short look at the speed, printed; the figures that count are the bench's.

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use opentrail_journal::{Journal, Partition, Positions, kit};
use opentrail_world::World;

use crate::disk::RealDisk;
use crate::journal::{JournalSettings, LocalJournal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_a_sync() {
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder on a real disk");
    let journal =
        LocalJournal::open(Arc::new(RealDisk), &folder.path().join("j"), JournalSettings::default(), World::real());
    let journal = Arc::new(journal.expect("a journal"));
    let span = std::env::var("OPENTRAIL_SPEED_S").ok().and_then(|s| s.parse().ok()).unwrap_or(0.3);
    let until = Instant::now() + Duration::from_secs_f64(span);
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let journal = journal.clone();
            let batch = kit::entries(caller, 0..100, 1500);
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while Instant::now() < until {
                    let before = Instant::now();
                    let positions = journal.append(batch.clone()).await.expect("an append");
                    waits.push(before.elapsed());
                    journal.hold("bench", Positions([(Partition(0), positions[0].offset)].into()));
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for caller in callers {
        waits.extend(caller.await.expect("a caller"));
    }
    waits.sort();
    let events = waits.len() * 100;
    println!(
        "{:.0} events/s, p50 {:?}, p99 {:?}",
        events as f64 / span,
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100]
    );
    assert!(events > 1000, "{events} events");
    assert!(journal.watch().borrow().next(Partition(0)) == events as u64);
}
