//! Every append fails, landed and not landed; the process dies anywhere; and yet each intent has one record in the end.

use std::collections::HashMap;
use std::time::Duration;

use futures::FutureExt;
use opentrail_catalog::memory::MemoryCatalog;
use proptest::prelude::*;

use super::fake::Fails;
use super::*;
use crate::CARRY_AGE;
use crate::memo::Memo;

/// What the record of a call says: its outcome, or `unknown`.
fn outcome_of(journal: &FakeJournal) -> Vec<String> {
    let said = |frame: opentrail_journal::Frame| {
        let record = value(&frame.entry.bytes);
        let unknown = record["additionalEventData"]["outcome"].as_str().map(str::to_owned);
        unknown.unwrap_or_else(|| record["responseElements"]["said"].as_str().unwrap_or("nothing").to_owned())
    };
    journal.records().into_iter().map(said).collect()
}

fn said(what: &str) -> Outcome {
    Outcome { response_elements: Some(RawJson::from_written(json!({"said": what}).to_string())), ..Outcome::default() }
}

#[test]
fn an_announcement_that_fails_does_not_let_the_call_run() {
    let check = |how: Fails, recovered: &[&str]| {
        let (journal, (world, _)) = (FakeJournal::new(), world());
        let recorder = ready(&journal, &world);
        journal.fail_next(how);
        let refused = block_on(recorder.begin(call(false))).expect_err("refused");
        assert_eq!(matches!(refused, Refused::Busy(_)), how == Fails::Full);
        journal.restart();
        ready(&journal, &world);
        assert_eq!(outcome_of(&journal), recovered, "{how:?}");
    };
    check(Fails::Full, &[]);
    check(Fails::NotLanded, &[]);
    check(Fails::Landed, &["unknown"]);
}

#[test]
fn a_record_that_fails_leaves_its_intent() {
    let check = |how: Fails, recovered: &[&str]| {
        let (journal, (world, _)) = (FakeJournal::new(), world());
        let recorder = ready(&journal, &world);
        let ticket = block_on(recorder.begin(call(false))).expect("announced");
        journal.fail_next(how);
        let refused = block_on(recorder.finish(ticket, said("done"))).expect_err("refused");
        assert_eq!(matches!(refused, Refused::Busy(_)), how == Fails::Full);
        drop(recorder);
        journal.restart();
        ready(&journal, &world);
        assert_eq!(outcome_of(&journal), recovered, "{how:?}");
    };
    check(Fails::Full, &["unknown"]);
    check(Fails::NotLanded, &["unknown"]);
    check(Fails::Landed, &["done"]);
}

#[test]
fn a_record_that_found_no_room_is_written_when_there_is_some() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let ticket = block_on(recorder.begin(call(false))).expect("announced");
    journal.fail_next(Fails::Full);
    block_on(recorder.finish(ticket, said("done"))).expect_err("refused");
    journal.fail_next(Fails::Full);
    block_on(recorder.tend()).expect("tends");
    assert_eq!(journal.first(), 0);
    block_on(recorder.tend()).expect("tends");
    assert_eq!(outcome_of(&journal), ["done"]);
    assert_eq!(journal.first(), 2);
}

#[test]
fn a_start_that_is_killed_midway_goes_on_at_the_next() {
    for how in [Fails::Full, Fails::NotLanded, Fails::Landed] {
        let (journal, (world, _)) = (FakeJournal::new(), world());
        let recorder = ready(&journal, &world);
        let tickets: Vec<_> = (0..200).map(|_| block_on(recorder.begin(call(false))).expect("announced")).collect();
        drop((tickets, recorder));
        journal.fail_next(how);
        let second = super::recorder(&journal, &world);
        let recovered = block_on(second.recover());
        match how {
            Fails::Full => {
                assert_eq!(recovered.expect("starts all the same").waiting, 200);
                block_on(second.tend()).expect("tends");
            }
            Fails::Landed | Fails::NotLanded | Fails::Unheard => {
                recovered.expect_err("cannot start");
                journal.restart();
                ready(&journal, &world);
            }
        }
        assert_eq!(outcome_of(&journal), vec!["unknown"; 200], "{how:?}");
    }
}

#[test]
fn a_long_call_does_not_hold_the_journal_for_long() {
    let (journal, (world, clock)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let long = block_on(recorder.begin(call(false))).expect("announced");
    for _ in 0..20 {
        let ticket = block_on(recorder.begin(call(false))).expect("announced");
        block_on(recorder.finish(ticket, said("short"))).expect("recorded");
    }
    block_on(recorder.tend()).expect("tends");
    assert_eq!(journal.first(), 0);
    clock.advance(CARRY_AGE + Duration::from_secs(1));
    block_on(recorder.tend()).expect("tends");
    block_on(recorder.tend()).expect("tends");
    assert_eq!(journal.first(), 41);
    block_on(recorder.finish(long, said("long"))).expect("recorded");
    block_on(recorder.tend()).expect("tends");
    assert_eq!(journal.first(), 43);
    assert_eq!(block_on(super::ready_again(&journal, &world)).resolved, 0);
}

/// A recorder whose memo is written once it saves a start `entries_min` entries.
fn remembering(journal: &Arc<FakeJournal>, world: &World, catalog: &MemoryCatalog, entries_min: u64) -> Recorder {
    let mut recorder = super::recorder(journal, world);
    recorder.memo = Some(Memo::new(Arc::new(catalog.clone()), entries_min));
    recorder
}

#[test]
fn a_start_looks_only_at_what_was_not_settled() {
    let ((world, clock), catalog) = (world(), MemoryCatalog::default());
    let journal = FakeJournal::kept();
    let recorder = || remembering(&journal, &world, &catalog, 50);
    let first = recorder();
    assert_eq!(block_on(first.recover()).expect("recovers").entries, 0);
    let long = block_on(first.begin(call(false))).expect("announced");
    let short = |recorder: &Recorder| {
        let ticket = block_on(recorder.begin(call(false))).expect("announced");
        block_on(recorder.finish(ticket, said("short"))).expect("recorded");
    };
    (0..100).for_each(|_| short(&first));
    block_on(first.tend()).expect("tends");
    assert_eq!(block_on(recorder().recover()).expect("recovers").entries, 201, "a call that runs holds the memo back");
    // The second life has closed that call; now the first one's process is gone.
    drop((long, first));
    let second = recorder();
    assert_eq!(block_on(second.recover()).expect("recovers").entries, 202);
    block_on(second.tend()).expect("tends");
    (0..20).for_each(|_| short(&second));
    clock.advance(Duration::from_secs(1));
    block_on(second.tend()).expect("tends");
    assert_eq!(block_on(recorder().recover()).expect("recovers").entries, 40, "40 entries are not worth a transaction");
    let (stop, stopped) = tokio::sync::watch::channel(true);
    block_on(second.run(stopped));
    drop(stop);
    assert_eq!(
        block_on(recorder().recover()).expect("recovers").entries,
        0,
        "an orderly end leaves nothing to look at"
    );
    assert_eq!(outcome_of(&journal).iter().filter(|said| *said == "unknown").count(), 1);
}

#[test]
fn a_memo_of_more_than_there_is_counts_for_nothing() {
    let ((world, _), catalog) = (world(), MemoryCatalog::default());
    let recorder = |journal: &Arc<FakeJournal>| remembering(journal, &world, &catalog, 1);
    let journal = FakeJournal::kept();
    let first = recorder(&journal);
    block_on(first.recover()).expect("recovers");
    for _ in 0..5 {
        let ticket = block_on(first.begin(call(false))).expect("announced");
        block_on(first.finish(ticket, said("done"))).expect("recorded");
    }
    block_on(first.tend()).expect("tends");
    let other = FakeJournal::kept();
    let ticket = block_on(ready(&other, &world).begin(call(false))).expect("announced");
    drop(ticket);
    let recovered = block_on(recorder(&other).recover()).expect("recovers");
    assert_eq!((recovered.entries, recovered.resolved), (1, 1));
}

#[derive(Debug, Clone)]
enum Step {
    Begin {
        read_only: bool,
    },
    /// Of the open tickets, the nth.
    Finish {
        nth: usize,
        copy: bool,
    },
    /// The record lands and its caller is gone before it hears of it.
    Leave {
        nth: usize,
    },
    /// A panic in the call.
    Drop {
        nth: usize,
    },
    Tend,
    Pass {
        seconds: u64,
    },
    Fail(Fails),
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let fails = prop_oneof![Just(Fails::Full), Just(Fails::NotLanded), Just(Fails::Landed)];
    prop_oneof![
        4 => any::<bool>().prop_map(|read_only| Step::Begin { read_only }),
        4 => (0usize..8, any::<bool>()).prop_map(|(nth, copy)| Step::Finish { nth, copy }),
        1 => (0usize..8).prop_map(|nth| Step::Leave { nth }),
        1 => (0usize..8).prop_map(|nth| Step::Drop { nth }),
        3 => Just(Step::Tend),
        2 => (1u64..90).prop_map(|seconds| Step::Pass { seconds }),
        1 => fails.prop_map(Step::Fail),
        1 => Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_intent_has_one_record_in_the_end(steps in proptest::collection::vec(step(), 1..60), kept in any::<bool>()) {
        let (world, clock) = world();
        // Either what is settled is truncated, or it stays and the memo tells a start that it is.
        let journal = if kept { FakeJournal::kept() } else { FakeJournal::new() };
        let catalog = MemoryCatalog::default();
        let ready = |journal: &Arc<FakeJournal>, world: &World| {
            let recorder =
                if kept { remembering(journal, world, &catalog, 1) } else { super::recorder(journal, world) };
            block_on(recorder.recover()).expect("recovers");
            recorder
        };
        let mut recorder = ready(&journal, &world);
        let mut tickets = Vec::new();
        let mut acknowledged = Vec::new();
        for step in steps {
            match step {
                Step::Begin { read_only } => tickets.extend(block_on(recorder.begin(call(read_only)))),
                Step::Finish { nth, copy } if !tickets.is_empty() => {
                    let ticket = tickets.remove(nth % tickets.len());
                    let id = ticket.event_id;
                    let copy_for = copy.then(|| account("999999999999"));
                    if block_on(recorder.finish(ticket, Outcome { copy_for, ..said("done") })).is_ok() {
                        acknowledged.push(id);
                    }
                }
                Step::Drop { nth } if !tickets.is_empty() => drop(tickets.remove(nth % tickets.len())),
                Step::Leave { nth } if !tickets.is_empty() => {
                    let ticket = tickets.remove(nth % tickets.len());
                    journal.fail_next(Fails::Unheard);
                    drop(recorder.finish(ticket, said("done")).now_or_never());
                    journal.clear_fault();
                }
                Step::Finish { .. } | Step::Leave { .. } | Step::Drop { .. } => {}
                Step::Tend => drop(block_on(recorder.tend())),
                Step::Pass { seconds } => clock.advance(Duration::from_secs(seconds)),
                Step::Fail(how) => journal.fail_next(how),
                Step::Kill => {
                    tickets.clear();
                    journal.restart();
                    recorder = ready(&journal, &world);
                }
            }
        }
        drop((tickets, recorder));
        journal.restart();
        ready(&journal, &world);

        let mut by_call = HashMap::new();
        for frame in journal.records() {
            let record = value(&frame.entry.bytes);
            if record["recipientAccountId"] == ANNA {
                let id = record.get("sharedEventID").unwrap_or(&record["eventID"]).as_str().expect("an id").to_owned();
                *by_call.entry(id).or_insert(0) += 1;
            }
        }
        for frame in journal.ever() {
            let id = frame.entry.event_id.to_string();
            if frame.entry.kind == Kind::Intent {
                prop_assert_eq!(by_call.get(&id).copied(), Some(1), "records of the intent {}", id);
            }
        }
        for id in acknowledged {
            prop_assert_eq!(by_call.get(&id.to_string()).copied(), Some(1), "records of the acknowledged {}", id);
        }
        prop_assert!(by_call.values().all(|n| *n == 1));
    }
}
