//! A short look at the speed, printed; the figures that count are the bench's.

use std::sync::Arc;
use std::time::Duration;

use opentrail_journal::{Journal, Partition, Positions, kit};
use opentrail_world::World;

use crate::disk::RealDisk;
use crate::journal::{JournalSettings, LocalJournal};

/// How long it looks.
const SPAN: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_a_sync() {
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder on a real disk");
    let journal =
        LocalJournal::open(Arc::new(RealDisk), &folder.path().join("j"), JournalSettings::default(), World::real());
    let journal = Arc::new(journal.expect("a journal"));
    let clock = World::real();
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (journal, clock) = (journal.clone(), clock.clone());
            let batch = kit::entries(caller, 0..100, 1500);
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while clock.monotonic() < SPAN {
                    let before = clock.monotonic();
                    let positions = journal.append(batch.clone()).await.expect("an append");
                    waits.push(clock.monotonic() - before);
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
        events as f64 / SPAN.as_secs_f64(),
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100]
    );
    assert!(events > 1000, "{events} events");
    assert!(journal.watch().borrow().next(Partition(0)) == events as u64);
}
