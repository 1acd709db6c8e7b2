//! What is refused while something behind the journal takes no more of an account, and what goes on.

use std::sync::Mutex;

use opentrail_event::AccountId;
use opentrail_journal::Backlog;

use super::*;
use crate::MENDING_CALLS_MAX;

/// Over for the accounts it names.
#[derive(Default)]
struct Heap(Mutex<Vec<AccountId>>);

impl Backlog for Heap {
    fn over(&self, account: AccountId) -> Option<String> {
        let over = self.0.lock().expect("no panic");
        over.contains(&account).then(|| format!("12 files of {account} wait for their bucket"))
    }
}

fn house(over: &[&str]) -> (Arc<FakeJournal>, Recorder, Arc<Heap>, Arc<SimClock>) {
    let (journal, (world, clock)) = (FakeJournal::new(), world());
    let heap = Arc::new(Heap(Mutex::new(over.iter().map(|id| account(id)).collect())));
    let recorder = recorder(&journal, &world).with_backlog(heap.clone());
    block_on(recorder.recover()).expect("recovers");
    (journal, recorder, heap, clock)
}

fn named(source: &str, name: &str) -> Call {
    Call { event_source: source.into(), event_name: name.into(), ..call(false) }
}

fn busy<T>(result: Result<T, Refused>) -> bool {
    matches!(result, Err(Refused::Busy(why)) if why.contains("wait for their bucket"))
}

#[test]
fn an_account_that_is_over_is_refused_before_anything_is_written() {
    let (journal, recorder, heap, _) = house(&[ANNA]);
    let read = Call { event_name: "ListBuckets".into(), ..call(true) };
    let denied = Call { runs: false, ..named("s3.amazonaws.com", "PutBucketPolicy") };
    let data = {
        let mut data = named("s3.amazonaws.com", "PutObject");
        data.class.category = Category::Data;
        data
    };
    for call in [named("s3.amazonaws.com", "PutBucketTagging"), read, denied] {
        let name = call.event_name.clone();
        assert!(busy(block_on(recorder.begin(call))), "{name}");
    }
    let refused = block_on(recorder.append_events(account(ANNA), vec![Bytes::from_static(b"{}")]));
    assert!(matches!(refused, Err(NotTaken::Refused(refused)) if busy(Err::<(), _>(refused.clone()))));
    assert!(journal.ever().is_empty());
    // What leaves no record makes no backlog longer; and others have nothing to do with it.
    assert!(!block_on(recorder.begin(data)).expect("goes on").wanted);
    let other = Call { account: account("999999999999"), ..named("s3.amazonaws.com", "PutBucketTagging") };
    assert!(block_on(recorder.begin(other)).is_ok());
    heap.0.lock().expect("no panic").clear();
    assert!(block_on(recorder.begin(named("s3.amazonaws.com", "PutBucketTagging"))).is_ok());
}

#[test]
fn a_call_that_is_under_way_is_recorded_whatever_the_backlog() {
    let (journal, recorder, heap, _) = house(&[]);
    let ticket = block_on(recorder.begin(call(false))).expect("announced");
    let read = block_on(recorder.begin(call(true))).expect("announced");
    heap.0.lock().expect("no panic").push(account(ANNA));
    block_on(recorder.finish(ticket, Outcome::default())).expect("recorded");
    block_on(recorder.finish(read, Outcome::default())).expect("recorded");
    assert_eq!(journal.kinds(), [Kind::Intent, Kind::Record, Kind::Record]);
}

#[test]
fn what_mends_the_cause_goes_on_so_many_times_a_minute() {
    let (journal, recorder, _, clock) = house(&[ANNA]);
    let mending = || named("cloudtrail.amazonaws.com", "StopLogging");
    let run = |call: Call| -> Result<(), Refused> {
        let ticket = block_on(recorder.begin(call))?;
        block_on(recorder.finish(ticket, Outcome::default())).map(drop)
    };
    for _ in 0..MENDING_CALLS_MAX - 1 {
        run(mending()).expect("mends");
    }
    run(Call { class: call(true).class, ..named("cloudtrail.amazonaws.com", "GetTrailStatus") }).expect("looks");
    let urgencies: Vec<Urgency> = journal.ever().iter().map(|frame| frame.entry.urgency).collect();
    assert!(urgencies.iter().all(|urgency| *urgency == Urgency::ControlPlane), "intents and records alike");
    assert!(busy(run(mending())));
    // Our own service's are the operator's to make.
    run(named("opentrail.amazonaws.com", "DeleteUser")).expect("ours");
    clock.advance(std::time::Duration::from_secs(60));
    run(mending()).expect("mends again");
}

#[test]
fn what_is_carried_may_use_the_reserve() {
    let (journal, recorder, _, clock) = house(&[]);
    let _ticket = block_on(recorder.begin(call(false))).expect("announced");
    clock.advance(crate::CARRY_AGE + std::time::Duration::from_secs(1));
    block_on(recorder.tend()).expect("tends");
    let urgencies: Vec<Urgency> = journal.ever().iter().map(|frame| frame.entry.urgency).collect();
    assert_eq!(urgencies, [Urgency::Normal, Urgency::ControlPlane]);
}
