//! The history over a table and a catalog in memory.

mod memory;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use opentrail_event::{AccountId, Category, EventId, Region};
use opentrail_journal::{Entry, Follower, Frame, Kind, Partition, Position, Positions, Urgency};
use opentrail_table::Order;
use opentrail_world::{SimClock, World};
use proptest::prelude::*;
use serde_json::json;

use crate::{Ask, Attribute, Clock, History, QUARANTINE_MAX, Settings, schema};
use memory::{MemoryCatalog, MemoryTable};

/// What an event of these tests is made of.
#[derive(Debug, Clone)]
struct Event {
    account: u8,
    region: &'static str,
    name: &'static str,
    user: &'static str,
    bucket: &'static str,
    read_only: bool,
    category: Category,
    /// Seconds before the house's now.
    age_s: i64,
}

const NOW: &str = "2026-06-01T00:00:00Z";
const DAY_S: i64 = 86_400;

fn now_s() -> i64 {
    NOW.parse::<Timestamp>().expect("a time").as_second()
}

fn account(n: u8) -> AccountId {
    format!("{n:012}").parse().expect("an account")
}

fn id(n: usize) -> EventId {
    let mut bytes = [9; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    EventId::from_bytes(bytes)
}

fn frame(n: usize, bytes: Bytes) -> Frame {
    let entry = Entry {
        kind: Kind::Record,
        urgency: Urgency::Normal,
        account: account(1),
        region: Region::us_east_1(),
        event_id: id(n),
        bytes,
    };
    let position = Position { partition: Partition(0), offset: n as u64 };
    Frame { position, appended_at: Timestamp::UNIX_EPOCH, entry }
}

fn record(n: usize, event: &Event) -> Bytes {
    let time = Timestamp::from_second(now_s() - event.age_s).expect("a time");
    let record = json!({
        "userIdentity": {"type": "IAMUser", "userName": event.user, "accessKeyId": format!("AKIA{}", event.user)},
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": "s3.amazonaws.com", "eventName": event.name, "awsRegion": event.region,
        "requestParameters": {"bucketName": event.bucket}, "eventID": id(n).to_string(), "readOnly": event.read_only,
        "recipientAccountId": account(event.account), "eventCategory": event.category.as_str()
    });
    record.to_string().into()
}

struct House {
    history: History,
    table: Arc<MemoryTable>,
    clock: Arc<SimClock>,
}

fn house() -> House {
    let (world, clock) = World::simulated(3, NOW.parse().expect("a time"));
    let table = MemoryTable::new(schema(), world.clone());
    let history = History::new(table.clone(), Arc::new(MemoryCatalog::default()), world, Settings::default());
    House { history, table, clock }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn plain() -> Event {
    Event {
        account: 1,
        region: "us-east-1",
        name: "CreateBucket",
        user: "anna",
        bucket: "b",
        read_only: false,
        category: Category::Management,
        age_s: 60,
    }
}

fn ask() -> Ask {
    Ask {
        account: None,
        region: None,
        attributes: Vec::new(),
        words: Vec::new(),
        from_s: i64::MIN,
        to_s: i64::MAX,
        order: Order::NewestFirst,
        after: None,
        limit: 1_000,
        bytes_max: usize::MAX,
    }
}

fn found(house: &House, ask: Ask) -> Vec<EventId> {
    block_on(house.history.lookup(ask)).expect("finds").rows.iter().map(|row| row.id).collect()
}

#[test]
fn an_event_is_found_as_soon_as_it_is_applied_and_comes_back_exactly() {
    let house = house();
    let frames = [frame(0, record(0, &plain()))];
    block_on(house.history.apply(&frames)).expect("applies");
    let page = block_on(house.history.lookup(ask())).expect("finds");
    assert_eq!(page.rows[0].record, frames[0].entry.bytes);
    assert_eq!(page.rows[0].time_s, now_s() - 60);
    assert_eq!(house.history.positions(), Positions::default());
    let committed = block_on(house.history.commit()).expect("commits");
    assert_eq!(committed, Positions([(Partition(0), 1)].into()));
    assert_eq!(house.history.positions(), committed);
}

#[test]
fn intents_and_data_events_only_move_the_position() {
    let house = house();
    let mut intent = frame(0, Bytes::from_static(b"\x01{}"));
    intent.entry.kind = Kind::Intent;
    let data = frame(1, record(1, &Event { category: Category::Data, ..plain() }));
    let insight = frame(2, record(2, &Event { category: Category::Insight, ..plain() }));
    block_on(house.history.apply(&[intent, data, insight])).expect("applies");
    assert_eq!(found(&house, ask()), [id(2)]);
    assert_eq!(house.history.quarantined(), 0);
    let management = Ask { attributes: vec![Attribute::Category(Category::Management)], ..ask() };
    assert!(found(&house, management).is_empty());
    assert_eq!(block_on(house.history.commit()).expect("commits").next(Partition(0)), 3);
}

#[test]
fn a_bad_record_is_put_aside_and_the_river_goes_on() {
    let house = house();
    let frames = [
        frame(0, Bytes::from_static(b"{\"eventID\":\xff")),
        frame(1, record(1, &plain())),
        frame(2, Bytes::from("[".repeat(5_000))),
    ];
    block_on(house.history.apply(&frames)).expect("applies");
    assert_eq!(found(&house, ask()), [id(1)]);
    let aside = block_on(house.history.quarantine(10)).expect("lists");
    assert_eq!(aside.len(), 2);
    assert_eq!((aside[0].offset, aside[0].bytes), (0, 12));
    assert!(aside[0].reason.contains("UTF-8"), "{}", aside[0].reason);
    assert_eq!(aside[1].beginning.len(), 2_048);

    let many: Vec<Frame> = (3..QUARANTINE_MAX as usize + 10).map(|n| frame(n, Bytes::from_static(b"x"))).collect();
    block_on(house.history.apply(&many)).expect("applies");
    assert_eq!(house.history.quarantined(), 2 + many.len() as u64);
    assert_eq!(block_on(house.history.quarantine(10_000)).expect("lists").len() as u64, QUARANTINE_MAX);
}

#[test]
fn frames_that_failed_come_again_and_make_the_same() {
    let house = house();
    let frames = [frame(0, record(0, &plain())), frame(1, Bytes::from_static(b"x"))];
    house.table.failing.store(true, Ordering::Relaxed);
    block_on(house.history.apply(&frames)).expect_err("fails");
    block_on(house.history.commit()).expect_err("fails");
    house.table.failing.store(false, Ordering::Relaxed);
    block_on(house.history.apply(&frames)).expect("applies");
    assert_eq!(found(&house, ask()), [id(0)]);
    assert_eq!(block_on(house.history.quarantine(10)).expect("lists").len(), 1);
}

#[test]
fn a_commit_is_due_by_age_or_by_bytes() {
    let house = house();
    assert!(!house.history.due());
    block_on(house.history.apply(&[frame(0, record(0, &Event { category: Category::Data, ..plain() }))]))
        .expect("applies");
    assert!(!house.history.due());
    house.clock.advance(Duration::from_secs(60));
    assert!(house.history.due(), "positions alone are committed too");
    block_on(house.history.commit()).expect("commits");
    assert!(!house.history.due());
    let mut large = record(1, &plain()).to_vec();
    large.resize(64 * 1024 * 1024, b' ');
    block_on(house.history.apply(&[frame(1, large.into())])).expect("applies");
    assert!(house.history.due());
    house.table.failing.store(true, Ordering::Relaxed);
    block_on(house.history.commit()).expect_err("fails");
    assert!(house.history.due(), "what could not be committed is still due");
}

#[test]
fn parts_are_looked_after_apart_from_commits() {
    let house = house();
    let check = |merges: u64, expired_before: i64| {
        assert_eq!(house.table.merges.load(Ordering::Relaxed), merges);
        assert_eq!(*house.table.expired_before.lock().expect("unpoisoned"), Some(expired_before - 90 * DAY_S));
    };
    block_on(house.history.look_after_parts());
    assert_eq!(house.table.merges.load(Ordering::Relaxed), 1);
    assert_eq!(*house.table.expired_before.lock().expect("unpoisoned"), None, "nothing is deleted at a start");
    house.clock.advance(Duration::from_secs(1_800));
    block_on(house.history.commit()).expect("commits");
    block_on(house.history.look_after_parts());
    assert_eq!(*house.table.expired_before.lock().expect("unpoisoned"), None);
    house.clock.advance(Duration::from_secs(1_800));
    block_on(house.history.look_after_parts());
    check(3, now_s() + 3_600);
}

#[test]
fn a_clock_that_leaps_years_ahead_deletes_nothing_until_it_has_been_there_for_a_day() {
    let house = house();
    let minutes = |n: u64| {
        for _ in 0..n {
            house.clock.advance(Duration::from_secs(60));
            block_on(house.history.look_after_parts());
        }
        *house.table.expired_before.lock().expect("unpoisoned")
    };
    assert_eq!(minutes(61), Some(now_s() + 61 * 60 - 90 * DAY_S));
    let before = minutes(10);
    house.clock.set_wall(Timestamp::from_second(now_s() + 3_650 * DAY_S).expect("a time"));
    assert_eq!(minutes(23 * 60), before, "not by a doubtful clock, however many hours it runs");
    assert!(matches!(house.history.clock(), Clock::Doubted { .. }));
    assert!(minutes(61).is_some_and(|at| at > now_s() + 3_000 * DAY_S), "and not never");
}

#[test]
fn it_is_full_when_half_a_part_waits_behind_a_part() {
    let house = house();
    for (n, megabytes, full) in [(1, 32, false), (2, 15, false), (3, 1, true)] {
        let mut large = record(n, &plain()).to_vec();
        large.resize(megabytes * 1024 * 1024, b' ');
        block_on(house.history.apply(&[frame(n, large.into())])).expect("applies");
        assert_eq!(house.history.full(), full, "after record {n}");
    }
}

#[test]
fn what_is_older_than_the_retention_is_hidden() {
    let house = house();
    let aged = |n: usize, age_s: i64| frame(n, record(n, &Event { age_s, ..plain() }));
    let frames = [aged(0, 90 * DAY_S + 1), aged(1, 90 * DAY_S), aged(2, 5), aged(3, 90 * DAY_S - 1)];
    block_on(house.history.apply(&frames)).expect("applies");
    assert_eq!(found(&house, ask()), [id(2), id(3), id(1)]);
    assert_eq!(found(&house, Ask { order: Order::OldestFirst, ..ask() }), [id(1), id(3), id(2)]);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(found(&house, ask()), [id(2), id(3)]);
    assert!(found(&house, Ask { to_s: now_s() - 100 * DAY_S, ..ask() }).is_empty());
}

#[test]
fn places_are_unique_over_partitions_and_order_as_the_journal_does() {
    let at = |partition, offset| crate::schema::seq(Position { partition: Partition(partition), offset });
    assert!(at(0, 1) > at(7, 0) && at(7, 1) > at(0, 1));
    assert_ne!(at(1, 0), at(0, 1));
    assert_eq!(at(1 << 16, 0), None);
    assert_eq!(at(0, 1 << 48), None);
}

fn event() -> impl Strategy<Value = Event> {
    let texts = (
        prop_oneof![Just("us-east-1"), Just("eu-west-1")],
        prop_oneof![Just("CreateBucket"), Just("DeleteBucket"), Just("ListBuckets")],
        prop_oneof![Just("anna"), Just("Anna"), Just("bob")],
        prop_oneof![Just("b"), Just("bb"), Just("é/ ,_")],
    );
    (1u8..3, texts, any::<bool>(), 0i64..200).prop_map(|(account, (region, name, user, bucket), read_only, age_s)| {
        Event { account, region, name, user, bucket, read_only, age_s: age_s * DAY_S / 2, ..plain() }
    })
}

/// Whether an event answers a question, said without a table.
fn answers(event: &Event, n: usize, attribute: &Attribute) -> bool {
    match attribute {
        Attribute::EventId(wanted) => *wanted == id(n),
        Attribute::EventName(name) => name == event.name,
        Attribute::EventSource(source) => source == "s3.amazonaws.com",
        Attribute::Username(user) => user == event.user,
        Attribute::AccessKeyId(key) => *key == format!("AKIA{}", event.user),
        Attribute::ReadOnly(read_only) => *read_only == event.read_only,
        Attribute::ResourceType(kind) => kind == "AWS::S3::Bucket",
        Attribute::ResourceName(name) => name == event.bucket,
        Attribute::Category(category) => *category == event.category,
    }
}

fn attribute() -> impl Strategy<Value = Attribute> {
    prop_oneof![
        (0usize..50).prop_map(|n| Attribute::EventId(id(n))),
        Just(Attribute::EventName("CreateBucket".into())),
        Just(Attribute::EventSource("s3.amazonaws.com".into())),
        Just(Attribute::EventSource("s3".into())),
        prop_oneof![Just("anna"), Just("Anna"), Just("nobody")].prop_map(|user| Attribute::Username(user.into())),
        Just(Attribute::AccessKeyId("AKIAbob".into())),
        any::<bool>().prop_map(Attribute::ReadOnly),
        Just(Attribute::ResourceType("AWS::S3::Bucket".into())),
        prop_oneof![Just("b"), Just("é/ ,_")].prop_map(|name| Attribute::ResourceName(name.into())),
        Just(Attribute::Category(Category::Management)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn answers_are_those_of_a_plain_look_through(
        events in proptest::collection::vec(event(), 0..50),
        attributes in proptest::collection::vec(attribute(), 0..3),
        account_asked in proptest::option::of(1u8..4),
        region_asked in proptest::option::of(prop_oneof![Just("us-east-1"), Just("eu-west-1")]),
        window in (0i64..100, 0i64..100),
        newest in any::<bool>(),
        limit in 1usize..7,
    ) {
        let house = house();
        let frames: Vec<Frame> = events.iter().enumerate().map(|(n, event)| frame(n, record(n, event))).collect();
        block_on(house.history.apply(&frames)).expect("applies");
        let (from_s, to_s) = (now_s() - window.0 * DAY_S, now_s() - window.1 * DAY_S);
        let mut expect: Vec<(i64, usize)> = events
            .iter()
            .enumerate()
            .filter(|(n, event)| {
                account_asked.is_none_or(|account| account == event.account)
                    && region_asked.is_none_or(|region| region == event.region)
                    && event.age_s <= 90 * DAY_S
                    && (from_s..=to_s).contains(&(now_s() - event.age_s))
                    && attributes.iter().all(|attribute| answers(event, *n, attribute))
            })
            .map(|(n, event)| (-event.age_s, n))
            .collect();
        expect.sort_unstable();
        if newest {
            expect.reverse();
        }
        let order = if newest { Order::NewestFirst } else { Order::OldestFirst };
        let region = region_asked.map(|region| region.parse::<Region>().expect("a region"));
        let mut question =
            Ask { account: account_asked.map(account), region, attributes, from_s, to_s, order, limit, ..ask() };
        let mut pages = Vec::new();
        loop {
            let page = block_on(house.history.lookup(question.clone())).expect("finds");
            prop_assert!(page.rows.len() <= limit);
            pages.extend(page.rows.iter().map(|row| row.id));
            question.after = page.next;
            if question.after.is_none() {
                break;
            }
        }
        let expect: Vec<EventId> = expect.into_iter().map(|(_, n)| id(n)).collect();
        prop_assert_eq!(pages, expect);
        prop_assert_eq!(house.table.rows().len(), events.len());
    }
}
