//! The recorder over a journal whose every append can fail, landed or not landed.

mod backlog;
mod fake;
mod matrix;
mod passing;

use std::sync::Arc;

use bytes::Bytes;
use opentrail_event::{
    AccountId, Arn, Category, Head, IdentityType, Owner, RawJson, RecordResource, Region, UserIdentity,
};
use opentrail_journal::{Call, CallClass, Capture, Kind, Outcome, Refused, Urgency};
use opentrail_selector::{DataEvent, Interest, NothingSelected};
use opentrail_world::{SimClock, World};
use serde_json::{Value, json};

use crate::{NotTaken, Recorder, Unfit};
use fake::{Fails, FakeJournal};

const ANNA: &str = "123456789012";

/// Runs one future to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn account(text: &str) -> AccountId {
    text.parse().expect("an account")
}

fn world() -> (World, Arc<SimClock>) {
    World::simulated(7, "2026-03-01T10:00:00Z".parse().expect("a time"))
}

fn recorder(journal: &Arc<FakeJournal>, world: &World) -> Recorder {
    Recorder::new(journal.clone(), Arc::new(NothingSelected), world.clone())
}

fn ready(journal: &Arc<FakeJournal>, world: &World) -> Recorder {
    let recorder = recorder(journal, world);
    block_on(recorder.recover()).expect("recovers");
    recorder
}

fn call(read_only: bool) -> Call {
    let account = account(ANNA);
    Call {
        class: CallClass { category: Category::Management, read_only, mints_credentials: false },
        runs: true,
        user_identity: UserIdentity {
            kind: IdentityType::IAMUser,
            principal_id: "AIDA1".into(),
            arn: Arn::user(account, "/", "anna").to_string(),
            account_id: account.to_string(),
            access_key_id: Some("AKIA1".into()),
            user_name: Some("anna".into()),
            session_context: None,
            invoked_by: None,
            identity_provider: None,
        },
        account,
        region: Region::us_east_1(),
        event_source: "s3.amazonaws.com".into(),
        event_name: "PutBucketTagging".into(),
        api_version: None,
        source_ip_address: "127.0.0.1".into(),
        user_agent: None,
        request_id: "R1".into(),
        request_parameters: Some(RawJson::from_written(r#"{"bucketName":"b"}"#)),
        resources: vec![RecordResource {
            owner: Owner::Account("999999999999".parse().expect("an account")),
            kind: "AWS::S3::Bucket",
            arn: Arn::bucket("b"),
            prefix: false,
        }],
        tls: None,
        copy_for: None,
        identity_verified: true,
    }
}

fn value(bytes: &Bytes) -> Value {
    serde_json::from_slice(bytes).expect("a record is JSON")
}

#[test]
fn a_change_is_announced_then_recorded_as_of_its_end() {
    let (journal, (world, clock)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let ticket = block_on(recorder.begin(call(false))).expect("announced");
    let id = ticket.event_id;
    assert!(ticket.wanted);
    assert_eq!(journal.kinds(), [Kind::Intent]);
    clock.advance(std::time::Duration::from_secs(5));
    let outcome = Outcome { response_elements: Some(RawJson::from_written(r#"{"a":1}"#)), ..Outcome::default() };
    let at = block_on(recorder.finish(ticket, outcome)).expect("recorded").expect("wanted");
    assert_eq!(at.offset, 1);
    assert_eq!(journal.kinds(), [Kind::Intent, Kind::Record]);
    let record = value(&journal.records()[0].entry.bytes);
    assert_eq!(record["eventTime"], "2026-03-01T10:00:05Z");
    assert_eq!(record["eventID"], id.to_string());
    assert_eq!(record["responseElements"], json!({"a": 1}));
    assert_eq!(record["recipientAccountId"], ANNA);
    assert!(record.get("sharedEventID").is_none() && record.get("additionalEventData").is_none());
}

#[test]
fn a_read_has_no_intent_and_one_that_mints_credentials_has() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let ticket = block_on(recorder.begin(call(true))).expect("announced");
    assert!(journal.kinds().is_empty());
    block_on(recorder.finish(ticket, Outcome::default())).expect("recorded");
    let mut minting = call(true);
    minting.class.mints_credentials = true;
    let _ticket = block_on(recorder.begin(minting)).expect("announced");
    assert_eq!(journal.kinds(), [Kind::Record, Kind::Intent]);
}

#[test]
fn a_call_that_does_not_run_is_one_record_outside_the_reserve() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let ticket = block_on(recorder.begin(Call { runs: false, ..call(false) })).expect("announced");
    assert!(journal.kinds().is_empty());
    block_on(recorder.finish(ticket, Outcome::default())).expect("recorded").expect("wanted");
    assert_eq!(journal.kinds(), [Kind::Record]);
    assert_eq!(journal.records()[0].entry.urgency, Urgency::Normal);
}

#[test]
fn a_data_event_that_nobody_wants_leaves_no_trace() {
    struct Objects;
    impl Interest for Objects {
        fn wants(&self, event: &DataEvent<'_>) -> bool {
            event.resource_type == "AWS::S3::Object" && event.resource_arn == "arn:aws:s3:::b/k"
        }
    }
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let mut data = call(false);
    data.class.category = Category::Data;
    let deaf = ready(&journal, &world);
    let ticket = block_on(deaf.begin(data.clone())).expect("announced");
    assert!(!ticket.wanted);
    assert_eq!(block_on(deaf.finish(ticket, Outcome::default())).expect("nothing to do"), None);
    assert!(journal.kinds().is_empty());

    let keen = Recorder::new(journal.clone(), Arc::new(Objects), world.clone());
    block_on(keen.recover()).expect("recovers");
    let object =
        RecordResource { owner: Owner::Absent, kind: "AWS::S3::Object", arn: Arn::object("b", "k"), prefix: false };
    data.resources.push(object);
    let ticket = block_on(keen.begin(data)).expect("announced");
    block_on(keen.finish(ticket, Outcome::default())).expect("recorded").expect("wanted");
    assert_eq!(journal.kinds(), [Kind::Intent, Kind::Record]);
    assert_eq!(value(&journal.records()[0].entry.bytes)["managementEvent"], false);
}

/// Wants what happens to one account.
struct Owners(AccountId);

impl Interest for Owners {
    fn wants(&self, event: &DataEvent<'_>) -> bool {
        event.account == self.0
    }
}

#[test]
fn a_data_event_is_wanted_by_whoever_gets_a_copy_too() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let owner = account("999999999999");
    let recorder = Recorder::new(journal.clone(), Arc::new(Owners(owner)), world.clone());
    block_on(recorder.recover()).expect("recovers");
    let mut data = call(true);
    data.class.category = Category::Data;
    assert!(!block_on(recorder.begin(data.clone())).expect("announced").wanted);
    data.copy_for = Some(owner);
    assert!(block_on(recorder.begin(data)).expect("announced").wanted);
}

#[test]
fn a_change_of_another_account_is_recorded_in_both_in_one_append() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let ticket = block_on(recorder.begin(call(false))).expect("announced");
    let shared = ticket.event_id.to_string();
    let outcome = Outcome {
        error_code: Some("AccessDenied".into()),
        copy_for: Some(account("999999999999")),
        hide_parameters: true,
        ..Outcome::default()
    };
    block_on(recorder.finish(ticket, outcome)).expect("recorded");
    assert_eq!(journal.appends(), [1, 2]);
    let records: Vec<Value> = journal.records().iter().map(|frame| value(&frame.entry.bytes)).collect();
    let [ours, theirs] = &records[..] else { panic!("two copies, not {}", records.len()) };
    for copy in [ours, theirs] {
        assert_eq!(copy["sharedEventID"], shared);
        assert_eq!(copy["requestID"], "R1");
        assert_eq!(copy["eventID"].as_str().expect("an id").as_bytes()[14], b'3');
        assert_eq!(copy["requestParameters"], Value::Null);
    }
    assert_ne!(ours["eventID"], theirs["eventID"]);
    assert_eq!((&ours["recipientAccountId"], &theirs["recipientAccountId"]), (&json!(ANNA), &json!("999999999999")));
    assert_eq!(ours["resources"][0]["accountId"], "HIDDEN_DUE_TO_SECURITY_REASONS");
    assert_eq!(theirs["resources"][0]["accountId"], "999999999999");
    assert_eq!(theirs["userIdentity"], json!({"type": "AWSAccount", "principalId": "AIDA1", "accountId": ANNA}));
    assert_eq!(ours["userIdentity"]["userName"], "anna");
    // The intent is resolved by a copy that bears another id.
    assert_eq!(block_on(ready_again(&journal, &world)).resolved, 0);
}

async fn ready_again(journal: &Arc<FakeJournal>, world: &World) -> crate::Recovered {
    recorder(journal, world).recover().await.expect("recovers")
}

/// Calls of many accounts, so of several partitions, over the journal that the port's own kit is tried on.
#[test]
fn every_partition_is_looked_through() {
    block_on(async {
        let (world, _) = world();
        let journal = Arc::new(opentrail_journal::memory::MemoryJournal::new(3, world.clone()));
        let start = || Recorder::new(journal.clone(), Arc::new(NothingSelected), world.clone());
        let first = start();
        first.recover().await.expect("recovers");
        for n in 0..60 {
            let mut call = call(false);
            call.account = account(&format!("{:012}", 100 + n % 20));
            let ticket = first.begin(call).await.expect("announced");
            let copy_for = (n % 3 == 0).then(|| account("000000000999"));
            if n % 2 == 0 {
                first.finish(ticket, Outcome { copy_for, ..Outcome::default() }).await.expect("recorded");
            }
        }
        let recovered = start().recover().await.expect("recovers");
        assert_eq!((recovered.entries, recovered.resolved), (60 + 30 + 10, 30));
        assert_eq!(start().recover().await.expect("recovers").resolved, 0);
        let left = opentrail_journal::kit::read_everything(&*journal, 4096).await;
        let records = left.iter().filter(|frame| frame.entry.kind == Kind::Record);
        assert_eq!(records.count(), 30 + 10 + 30);
    });
}

#[test]
fn what_is_carried_stays_in_its_partition() {
    block_on(async {
        let (world, clock) = world();
        let journal = Arc::new(opentrail_journal::memory::MemoryJournal::new(3, world.clone()));
        let start = || Recorder::new(journal.clone(), Arc::new(NothingSelected), world.clone());
        let first = start();
        first.recover().await.expect("recovers");
        let mut tickets = Vec::new();
        for n in 0..200 {
            let mut call = call(false);
            call.account = account(&format!("{:012}", 100 + n % 20));
            tickets.push(first.begin(call).await.expect("announced"));
        }
        for _ in 0..3 {
            clock.advance(crate::CARRY_AGE + std::time::Duration::from_secs(1));
            first.tend().await.expect("tends");
            first.tend().await.expect("tends");
        }
        for (n, ticket) in tickets.into_iter().enumerate() {
            if n % 2 == 0 {
                first.finish(ticket, Outcome::default()).await.expect("recorded");
            }
        }
        let recovered = start().recover().await.expect("recovers");
        // Each intent stands there once: its older copies are let go.
        assert_eq!((recovered.entries, recovered.resolved), (200 + 100, 100));
        assert_eq!(start().recover().await.expect("recovers").resolved, 0);
    });
}

#[test]
fn nothing_is_taken_before_the_past_is_settled() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = recorder(&journal, &world);
    assert!(matches!(block_on(recorder.begin(call(false))), Err(Refused::Unavailable(_))));
    assert!(block_on(recorder.append_events(account(ANNA), vec![])).is_err());
    assert!(block_on(recorder.tend()).is_err());
}

#[test]
fn an_intent_becomes_a_record_that_says_unknown() {
    let (journal, (world, clock)) = (FakeJournal::new(), world());
    let first = ready(&journal, &world);
    let ticket = block_on(first.begin(call(false))).expect("announced");
    let id = ticket.event_id.to_string();
    drop((ticket, first));
    clock.advance(std::time::Duration::from_secs(3600));
    let recovered = block_on(ready_again(&journal, &world));
    assert_eq!((recovered.entries, recovered.resolved, recovered.waiting), (1, 1, 0));
    let record = value(&journal.records()[0].entry.bytes);
    assert_eq!(record["eventID"], id);
    assert_eq!(record["eventTime"], "2026-03-01T10:00:00Z");
    assert_eq!(record["responseElements"], Value::Null);
    assert_eq!(record["additionalEventData"], json!({"outcome": "unknown"}));
    assert_eq!(record["requestParameters"], json!({"bucketName": "b"}));
    assert!(record.get("errorCode").is_none());
    assert!(Head::parse(&journal.records()[0].entry.bytes).is_ok());
    assert_eq!(block_on(ready_again(&journal, &world)).resolved, 0);
}

#[test]
fn an_intent_of_a_newer_program_stops_the_start() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let _ticket = block_on(ready(&journal, &world).begin(call(false))).expect("announced");
    journal.spoil(0, Bytes::from_static(b"\x03{}"));
    let refused = block_on(recorder(&journal, &world).recover()).expect_err("refuses");
    assert!(refused.to_string().contains("start the version of the program"), "{refused}");
}

#[test]
fn batches_are_checked_event_by_event() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let event = |name: &str, to: Value| {
        let mut event = json!({
            "eventTime": "2026-03-01T10:20:30Z", "eventSource": "x.amazonaws.com", "eventName": "X", "awsRegion": "us-east-1",
            "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6", "recipientAccountId": ANNA, "eventCategory": "Management"
        });
        event[name] = to;
        Bytes::from(event.to_string())
    };
    let good = event("eventName", json!("Y"));
    let batch = vec![
        event("eventID", json!("-")),
        good.clone(),
        event("recipientAccountId", json!("999999999999")),
        event("awsRegion", json!("../etc")),
        event("eventCategory", json!("Insight")),
        event("eventCategory", json!("Data")),
    ];
    let results = block_on(recorder.append_events(account(ANNA), batch)).expect("taken");
    assert!(matches!(results[0], Err(Unfit::Record(_))));
    assert_eq!(results[1].as_ref().map(|at| at.offset), Ok(0));
    assert!(matches!(results[2], Err(Unfit::Account { .. })));
    assert_eq!(results[3], Err(Unfit::Region));
    assert_eq!(results[4], Err(Unfit::Category(Category::Insight)));
    assert_eq!(results[5].as_ref().map(|at| at.offset), Ok(1));
    assert_eq!(journal.records()[0].entry.bytes, good);
    let many = vec![good; crate::BATCH_EVENTS_MAX + 1];
    assert!(matches!(block_on(recorder.append_events(account(ANNA), many)), Err(NotTaken::TooManyEvents { .. })));
    let large = vec![Bytes::from(vec![b' '; crate::BATCH_BYTES_MAX + 1])];
    assert!(matches!(block_on(recorder.append_events(account(ANNA), large)), Err(NotTaken::TooManyBytes { .. })));
}

#[test]
fn a_batch_that_fits_here_fits_the_journal() {
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let recorder = ready(&journal, &world);
    let event = |bytes: usize| {
        let mut event = json!({
            "eventTime": "2026-03-01T10:20:30Z", "eventSource": "x.amazonaws.com", "eventName": "X",
            "awsRegion": "a".repeat(32), "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6", "recipientAccountId": ANNA,
            "eventCategory": "Management", "pad": ""
        });
        event["pad"] = "a".repeat(bytes - event.to_string().len()).into();
        Bytes::from(event.to_string())
    };
    let count = 128;
    let each = crate::BATCH_BYTES_MAX / count - crate::EVENT_HEAD_BYTES;
    let results = block_on(recorder.append_events(account(ANNA), vec![event(each); count])).expect("taken");
    assert!(results.iter().all(Result::is_ok), "{:?}", results[0]);
    assert_eq!(journal.appends(), [count]);
    for over in [1, crate::EVENT_HEAD_BYTES] {
        let refused = block_on(recorder.append_events(account(ANNA), vec![event(each + over); count]));
        assert!(matches!(refused, Err(NotTaken::TooManyBytes { .. })), "{over} over: {:?}", refused.err());
    }
}

#[test]
fn the_reserve_is_for_what_was_announced_and_for_our_own_calls() {
    let check = |source: &str, read_only: bool, expect: &[Urgency]| {
        let (journal, (world, _)) = (FakeJournal::new(), world());
        let recorder = ready(&journal, &world);
        let mut call = call(read_only);
        call.event_source = source.into();
        let ticket = block_on(recorder.begin(call)).expect("announced");
        block_on(recorder.finish(ticket, Outcome::default())).expect("recorded");
        let seen: Vec<Urgency> = journal.ever().iter().map(|frame| frame.entry.urgency).collect();
        assert_eq!(seen, expect, "{source}, read only: {read_only}");
    };
    let own = "opentrail.amazonaws.com";
    check("s3.amazonaws.com", false, &[Urgency::Normal, Urgency::ControlPlane]);
    check("s3.amazonaws.com", true, &[Urgency::Normal]);
    check(own, false, &[Urgency::ControlPlane, Urgency::ControlPlane]);
    check(own, true, &[Urgency::ControlPlane]);
    // Nobody saw it end: what says so closes an announced call too.
    let (journal, (world, _)) = (FakeJournal::new(), world());
    let _ticket = block_on(ready(&journal, &world).begin(call(false))).expect("announced");
    assert_eq!(block_on(ready_again(&journal, &world)).resolved, 1);
    assert_eq!(journal.records()[0].entry.urgency, Urgency::ControlPlane);
}

#[test]
fn a_step_that_fails_does_not_keep_the_journal_from_going() {
    for carrying in [true, false] {
        let (journal, (world, clock)) = (FakeJournal::new(), world());
        let recorder = ready(&journal, &world);
        let done = block_on(recorder.begin(call(false))).expect("announced");
        block_on(recorder.finish(done, Outcome::default())).expect("recorded");
        let open = block_on(recorder.begin(call(false))).expect("announced");
        if carrying {
            clock.advance(crate::CARRY_AGE + std::time::Duration::from_secs(1));
            journal.fail_next(Fails::Full);
        } else {
            journal.fail_next(Fails::Full);
            assert!(block_on(recorder.finish(open, Outcome::default())).is_err(), "its record is owed");
            journal.fail_next(Fails::NotLanded);
        }
        let refused = block_on(recorder.tend()).expect_err("a step fails");
        assert_eq!(matches!(refused, Refused::Busy(_)), carrying, "{refused}");
        assert_eq!(journal.first(), 2, "what is below the open intent is let go");
    }
}
