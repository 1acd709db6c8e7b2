//! What calls need that are passed on: announcements that are taken back, callers who are not proven, and gaps.

use opentrail_catalog::Catalog;
use opentrail_catalog::memory::MemoryCatalog;

use super::*;

#[test]
fn a_withdrawn_call_has_no_record_now_or_after_a_restart() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let unverified = || Call { identity_verified: false, ..call(false) };
    let ticket = block_on(recorder.begin(unverified())).expect("announced");
    block_on(recorder.withdraw(ticket)).expect("withdrawn");
    assert_eq!(journal.kinds(), [Kind::Intent, Kind::Intent]);
    let recovered = block_on(ready_again(&journal, &world));
    assert_eq!((recovered.entries, recovered.resolved), (2, 0));
    assert!(journal.records().is_empty());
}

#[test]
fn a_withdrawal_that_finds_no_room_is_tried_again() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let ticket = block_on(recorder.begin(call(false))).expect("announced");
    journal.fail_next(Fails::Full);
    assert!(block_on(recorder.withdraw(ticket)).is_err());
    block_on(recorder.tend()).expect("tends");
    assert_eq!(block_on(ready_again(&journal, &world)).resolved, 0);
    assert!(journal.records().is_empty());
}

#[test]
fn who_is_not_proven_is_so_on_record_whatever_becomes_of_the_call() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let unverified = || Call { identity_verified: false, ..call(false) };
    let ticket = block_on(recorder.begin(unverified())).expect("announced");
    block_on(recorder.finish(ticket, Outcome::default())).expect("recorded");
    let left = block_on(recorder.begin(unverified())).expect("announced");
    drop((left, recorder));
    assert_eq!(block_on(ready_again(&journal, &world)).resolved, 1);
    let data: Vec<Value> =
        journal.records().iter().map(|frame| value(&frame.entry.bytes)["additionalEventData"].clone()).collect();
    assert_eq!(data, [json!({"identityVerified": false}), json!({"identityVerified": false, "outcome": "unknown"})]);
}

#[test]
fn a_gap_is_told_when_the_journal_is_back_even_after_a_restart() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let catalog: Arc<dyn Catalog> = Arc::new(MemoryCatalog::default());
    let start = || recorder(&journal, &world).with_memo(catalog.clone());
    let first = start();
    block_on(first.recover()).expect("recovers");
    journal.fail_next(Fails::NotLanded);
    assert!(block_on(first.begin(call(false))).is_err());
    first.missed(account(ANNA));
    first.missed(account(ANNA));
    block_on(first.tend()).expect("nothing but the gap waits");
    assert!(journal.records().is_empty());
    drop(first);

    journal.restart();
    let second = start();
    block_on(second.recover()).expect("recovers");
    block_on(second.tend()).expect("tends");
    block_on(second.tend()).expect("tends");
    let records = journal.records();
    assert_eq!(records.len(), 1);
    let record = value(&records[0].entry.bytes);
    assert_eq!((&record["eventName"], &record["recipientAccountId"]), (&json!("RecordingGap"), &json!(ANNA)));
    assert_eq!(record["serviceEventDetails"]["callsNotRecorded"], 2);
    drop(second);
    let third = start();
    block_on(third.recover()).expect("recovers");
    block_on(third.tend()).expect("tends");
    assert_eq!(journal.records().len(), 1);
}

#[test]
fn a_read_whose_record_would_find_no_room_does_not_begin() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    journal.fail_next(Fails::Full);
    assert!(matches!(block_on(recorder.begin(call(true))), Err(Refused::Busy(_))));
    let denied = Call { runs: false, ..call(true) };
    assert!(block_on(recorder.begin(denied)).is_err());
}

#[test]
fn what_was_missed_just_before_a_stop_is_told_all_the_same() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let catalog: Arc<dyn Catalog> = Arc::new(MemoryCatalog::default());
    let last = recorder(&journal, &world).with_memo(catalog);
    block_on(last.recover()).expect("recovers");
    last.missed(account(ANNA));
    let (_stop, stopped) = tokio::sync::watch::channel(true);
    block_on(last.run(stopped));
    let records = journal.records();
    assert_eq!(value(&records[0].entry.bytes)["serviceEventDetails"]["callsNotRecorded"], 1);
}
