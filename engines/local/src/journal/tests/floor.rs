//! A disk at its floor: refused before a byte is written, nothing poisoned, and on when there is space again.

use std::path::Path;
use std::sync::Arc;

use opentrail_journal::{Entry, Error, Journal, Urgency, kit};
use opentrail_world::World;

use super::{DIR, contents, disk, open, run, small};
use crate::space::{ASK_PERIOD, FreeSpace};

const FLOOR: u64 = 1 << 30;

fn entry(n: u64, urgency: Urgency) -> Vec<Entry> {
    vec![Entry { urgency, ..kit::entries(1, n..n + 1, 0).remove(0) }]
}

#[test]
fn the_journal_stops_at_the_floor_and_goes_on_when_there_is_space() {
    let (disk, settings) = (disk(), small());
    let (world, clock) = World::simulated(1, "2026-03-01T10:00:00Z".parse().expect("a time"));
    run(async {
        let space = Arc::new(FreeSpace::new(Arc::new(disk.clone()), Path::new(DIR), FLOOR, world));
        let journal = open(&disk, &settings).expect("a journal").with_floor(space);
        let mut expect = Vec::new();
        // Each round: what the disk has left, and which of the two it takes.
        let rounds =
            [(FLOOR * 2, true, true), (FLOOR, false, true), (FLOOR / 4, false, false), (FLOOR * 2, true, true)];
        for (n, (free, normal, control_plane)) in rounds.into_iter().enumerate() {
            disk.set_free(free);
            clock.advance(ASK_PERIOD);
            let changes = disk.changes();
            for (m, (urgency, taken)) in
                [(Urgency::Normal, normal), (Urgency::ControlPlane, control_plane)].into_iter().enumerate()
            {
                let account = entry(0, urgency)[0].account;
                assert_eq!(journal.room(account, urgency).is_ok(), taken, "{urgency:?} at {free}");
                let batch = entry((n * 2 + m) as u64, urgency);
                let answer = journal.append(batch.clone()).await;
                if taken {
                    answer.unwrap_or_else(|e| panic!("{urgency:?} at {free}: {e}"));
                    expect.extend(batch);
                } else {
                    assert!(
                        matches!(&answer, Err(Error::Full { whose, .. }) if whose.contains("free_floor")),
                        "{answer:?}"
                    );
                }
            }
            assert!(normal || control_plane || disk.changes() == changes, "refused before a byte is written");
            assert_eq!(journal.failed(), None, "nothing is poisoned");
        }
        assert_eq!(contents(&journal).await, expect);
    });
}
