//! Every change of the disk fails once, landed and not landed; the power goes at random. The independent checker knows
//! only which batches were acknowledged and in which order all were tried.

use opentrail_journal::{Error, Journal, Kind, Partition, Positions, kit};
use opentrail_world::World;

use super::{contents, disk, open, run, small};
use crate::disk::{Fault, SimDisk};
use crate::journal::JournalSettings;

/// A batch that was tried: first number, count, acknowledged.
#[derive(Debug, Clone, Copy)]
struct Tried {
    first: u64,
    count: u64,
    acknowledged: bool,
}

/// Checks what a restart shows: every acknowledged batch exactly once, others whole or not at all, in order.
/// `truncated` numbers may be missing from the front, by whole batches or not.
fn check(seen: &[u64], tried: &[Tried], truncated_below: u64, story: &str) {
    assert!(
        seen.is_sorted() && seen.windows(2).all(|two| two[0] != two[1]),
        "{story}: out of order or twice: {seen:?}"
    );
    let there = |n: u64| seen.binary_search(&n).is_ok();
    for batch in tried {
        let numbers = (batch.first..batch.first + batch.count).filter(|&n| n >= truncated_below);
        let (found, wanted) = (numbers.clone().filter(|&n| there(n)).count(), numbers.count());
        if batch.acknowledged {
            assert_eq!(found, wanted, "{story}: acknowledged batch {batch:?} is not all there");
        } else if batch.first >= truncated_below {
            assert!(found == 0 || found == wanted, "{story}: batch {batch:?} is torn");
        }
    }
    let known = |n: &u64| tried.iter().any(|b| (b.first..b.first + b.count).contains(n));
    assert!(seen.iter().all(known), "{story}: something is there that nobody appended");
}

async fn numbers(journal: &crate::journal::LocalJournal, story: &str) -> Vec<u64> {
    let seen = contents(journal).await;
    let number = |entry: &opentrail_journal::Entry| {
        let n = u64::from_be_bytes(entry.event_id.as_bytes()[..8].try_into().expect("eight bytes"));
        let wanted = &kit::entries(1, n..n + 1, 300)[0];
        assert!(entry == wanted, "{story}: entry {n} is not what was appended");
        assert!(matches!(entry.kind, Kind::Intent | Kind::Record));
        n
    };
    seen.iter().map(number).collect()
}

/// One life: opens, appends `batches`, holds as it goes, closes. Returns the highest hold.
async fn life(disk: &SimDisk, settings: &JournalSettings, batches: u64, tried: &mut Vec<Tried>, hold: bool) -> u64 {
    let Ok(journal) = open(disk, settings) else { return 0 };
    let (mut held, mut all) = (0, true);
    let mut next = tried.last().map_or(0, |b| b.first + b.count);
    for round in 0..batches {
        let count = 1 + (next + round) % 9;
        let result = journal.append(kit::entries(1, next..next + count, 300)).await;
        let acknowledged = result.is_ok();
        all &= acknowledged;
        match result {
            Ok(_) | Err(Error::Unavailable(_)) => tried.push(Tried { first: next, count, acknowledged }),
            // Not there, and never will be: whoever was told so tries it again.
            Err(Error::Full { .. }) => {}
            Err(e) => panic!("{e}"),
        }
        next += count;
        // Offsets equal numbers only while nothing failed; hold only then.
        if hold && all && tried.iter().all(|b| b.acknowledged) && round % 8 == 7 {
            held = next.saturating_sub(20);
            journal.hold("follower", Positions([(Partition(0), held)].into()));
        }
    }
    held
}

#[test]
fn each_change_fails_once_landed_and_not_landed() {
    let settings = small();
    for hold in [false, true] {
        for fault in [Fault::Landed, Fault::NotLanded, Fault::NoRoom] {
            for power in [None, Some(1), Some(2)] {
                let mut nth = 1;
                loop {
                    let story = format!("change {nth} {fault:?}, hold {hold}, power {power:?}");
                    let disk = disk();
                    disk.fail_at(nth, fault);
                    let mut tried = Vec::new();
                    let held = run(life(&disk, &settings, 60, &mut tried, hold));
                    let injected = !disk.fault_pending();
                    if let Some(seed) = power {
                        disk.power_cut(seed * 1000 + nth);
                    }
                    disk.fail_at(u64::MAX / 2, fault);
                    run(async {
                        let journal = open(&disk, &settings).unwrap_or_else(|e| panic!("{story}: {e}"));
                        let seen = numbers(&journal, &story).await;
                        check(&seen, &tried, held, &story);
                        let before = seen.len();
                        // It goes on: a second life, and a power cut on top.
                        drop(journal);
                        let mut more = tried.clone();
                        life(&disk, &settings, 12, &mut more, false).await;
                        assert!(more[tried.len()..].iter().all(|b| b.acknowledged), "{story}: the second life fails");
                        disk.power_cut(nth);
                        let journal = open(&disk, &settings).unwrap_or_else(|e| panic!("{story}, second: {e}"));
                        let seen = numbers(&journal, &story).await;
                        check(&seen, &more, held, &story);
                        assert!(held > 0 || seen.len() >= before, "{story}: what was seen once has gone");
                    });
                    if !injected {
                        break;
                    }
                    nth += 1;
                }
                assert!(nth > 50, "the matrix met only {nth} changes");
            }
        }
    }
}

#[test]
fn torn_power_loses_nothing_acknowledged() {
    let settings = small();
    for seed in 0..400_u64 {
        let (dice, _) = World::simulated(seed, "2026-01-01T00:00:00Z".parse().expect("a time"));
        let disk = disk();
        let mut tried: Vec<Tried> = Vec::new();
        run(async {
            for life_n in 0..4 {
                let story = format!("seed {seed}, life {life_n}");
                let journal = open(&disk, &settings).unwrap_or_else(|e| panic!("{story}: {e}"));
                check(&numbers(&journal, &story).await, &tried, 0, &story);
                let mut next = tried.last().map_or(0, |b| b.first + b.count);
                let batches = 1 + dice.below(15);
                // The last append is under way when the power goes: its sync fails without landing, in doubt.
                for n in 0..batches {
                    let count = 1 + dice.below(12);
                    if n + 1 == batches && dice.below(2) == 0 {
                        disk.fail_at(
                            1 + dice.below(2),
                            [Fault::Landed, Fault::NotLanded, Fault::NoRoom][dice.below(3) as usize],
                        );
                    }
                    let acknowledged = journal.append(kit::entries(1, next..next + count, 300)).await.is_ok();
                    tried.push(Tried { first: next, count, acknowledged });
                    next += count;
                }
                if dice.below(3) == 0 {
                    drop(journal);
                    disk.power_cut(dice.below(u64::MAX));
                } else {
                    // The process has no time to close anything.
                    disk.power_cut(dice.below(u64::MAX));
                    drop(journal);
                }
            }
        });
    }
}

#[test]
fn a_poisoned_journal_takes_nothing_and_still_reads() {
    let (disk, settings) = (disk(), small());
    run(async {
        let journal = open(&disk, &settings).expect("a journal");
        journal.append(kit::entries(1, 0..10, 300)).await.expect("an append");
        disk.fail_at(2, Fault::NotLanded);
        for n in 1..4 {
            let refused = journal.append(kit::entries(1, n * 10..n * 10 + 10, 300)).await;
            assert!(matches!(&refused, Err(Error::Unavailable(why)) if why.contains("restart")), "{refused:?}");
        }
        assert!(journal.failed().is_some_and(|why| why.contains("restart")));
        assert_eq!(contents(&journal).await.len(), 10);
        drop(journal);
        let journal = open(&disk, &settings).expect("a restart heals it");
        journal.append(kit::entries(1, 40..41, 300)).await.expect("an append after the restart");
    });
}

#[test]
fn a_disk_that_is_full_for_a_moment_is_no_reason_to_restart() {
    let settings = small();
    // The second change of an append is its sync, unless it rolls: then there are the footer's write and sync, the next
    // segment's create, write, sync and folder, and only then its own.
    // A sync that fails is mended where it says that there is no room, and else never.
    for fault in [Fault::Landed, Fault::NotLanded, Fault::NoRoom] {
        let no_room = fault == Fault::NoRoom;
        for (rolls, nth, mended) in [
            (false, 1, true),
            (false, 2, no_room),
            (true, 1, true),
            (true, 2, no_room),
            (true, 3, true),
            (true, 4, true),
            (true, 5, no_room),
            (true, 6, false),
            (true, 7, true),
            (true, 8, no_room),
        ] {
            let story = format!("change {nth} {fault:?}, rolls {rolls}");
            let disk = disk();
            run(async {
                let journal = open(&disk, &settings).expect("a journal");
                journal.append(kit::entries(1, 0..3, 300)).await.expect("an append");
                let mut next = 3;
                // An append that rolls asks for eight changes, another for two.
                while rolls && journal.shared.log(0).segments.back().expect("one").bytes < settings.segment_bytes {
                    journal.append(kit::entries(1, next..next + 3, 300)).await.expect("an append");
                    next += 3;
                }
                let (usage, end) = (journal.usage(), journal.watch().borrow().clone());
                disk.fail_at(nth, fault);
                let refused = journal.append(kit::entries(1, next + 100..next + 103, 300)).await;
                assert_eq!(matches!(refused, Err(Error::Full { .. })), mended, "{story}: {refused:?}");
                assert!(!disk.fault_pending(), "{story}");
                assert_eq!(journal.watch().borrow().clone(), end, "{story}");
                if nth < 5 {
                    assert_eq!(journal.usage(), usage, "{story}");
                }
                let again = journal.append(kit::entries(1, next..next + 3, 300)).await;
                assert_eq!(again.is_ok(), mended, "{story}: {again:?}");
                assert_eq!(journal.failed().is_none(), mended, "{story}");
                disk.power_cut(nth);
                drop(journal);
                let journal = open(&disk, &settings).unwrap_or_else(|e| panic!("{story}: {e}"));
                let seen = numbers(&journal, &story).await;
                let wanted: Vec<u64> = (0..if mended { next + 3 } else { next }).collect();
                assert!(seen == wanted || (!mended && seen.starts_with(&wanted)), "{story}: {seen:?}");
            });
        }
    }
}

#[test]
fn a_disk_that_cannot_be_mended_poisons() {
    let (disk, settings) = (disk(), small());
    run(async {
        let journal = open(&disk, &settings).expect("a journal");
        journal.append(kit::entries(1, 0..3, 300)).await.expect("an append");
        // The open file is dead: the write fails, and so does what would mend it.
        disk.power_cut(1);
        let refused = journal.append(kit::entries(1, 3..6, 300)).await;
        assert!(matches!(&refused, Err(Error::Unavailable(why)) if why.contains("restart")), "{refused:?}");
    });
}
