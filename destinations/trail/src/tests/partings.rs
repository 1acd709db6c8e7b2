//! The record of a call that changes a trail: its place in the journal is behind the change.

use opentrail_digest::{Document, gunzip};
use opentrail_selector::{BasicSelector, EventSelectors, ReadWrite};

use super::audit::{files, ids};
use super::*;

/// How many events lie in log files.
fn delivered(house: &House) -> usize {
    files(&house.buckets).values().filter(|put| put.file.key.contains("/CloudTrail/")).map(|put| ids(put).len()).sum()
}

/// How many log files are in digests.
fn listed(house: &House) -> usize {
    let puts = files(&house.buckets).into_values().filter(|put| put.file.key.contains("/CloudTrail-Digest/"));
    puts.map(|put| Document::parse(&gunzip(&put.file.bytes, u64::MAX).unwrap()).unwrap().log_files.len()).sum()
}

fn reads() -> EventSelectors {
    EventSelectors::Basic(vec![BasicSelector {
        read_write: ReadWrite::ReadOnly,
        include_management: true,
        data_resources: vec![],
        exclude_sources: vec![],
    }])
}

#[tokio::test]
async fn a_trail_tells_of_its_own_end_whenever_the_follower_looks() {
    // The follower commits between change and record, or not; and the house dies in between, or not.
    for (look, die) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut house = House::new().await;
        let trails = house.trails.clone();
        let trail = house.trail("t", config(BUCKET)).await;
        house.deliver().await.unwrap();
        house.advance(60);
        house.audit.parted.insert("stop-1".into(), trail.clone());
        house.changed(trails.stop_logging(&trail.id, Some("stop-1"))).await;
        if look {
            house.event(1, "us-east-1").await;
            house.deliver().await.unwrap();
            house.deliver().await.unwrap();
        }
        if die {
            house.restart().await.unwrap();
        }
        house.call(1, "us-east-1", "StopLogging", "stop-1").await;
        house.event(1, "us-east-1").await;
        house.deliver().await.unwrap();
        house.deliver().await.unwrap();
        assert_eq!((delivered(&house), listed(&house)), (1, 1), "{look} {die}");
        house.audit.complete = true;
        house.check().await;
        assert!(house.trails.timeline().partings().is_empty());
    }
}

#[tokio::test]
async fn a_deleted_trail_is_not_forgotten_before_its_last_record() {
    let mut house = House::new().await;
    let trails = house.trails.clone();
    let trail = house.trail("t", config(BUCKET)).await;
    house.audit.parted.insert("delete-1".into(), trail.clone());
    house.changed(trails.delete(&trail.id, Some("delete-1"))).await;
    house.event(1, "us-east-1").await;
    for _ in 0..3 {
        house.advance(3600);
        house.deliver().await.unwrap();
    }
    assert_eq!(trails.timeline().leaving().len(), 1);
    // Another trail of the name has nothing of it.
    house.trail("t", config(BUCKET)).await;
    house.call(1, "us-east-1", "DeleteTrail", "delete-1").await;
    for _ in 0..3 {
        house.advance(3600);
        house.deliver().await.unwrap();
    }
    assert!(trails.timeline().leaving().is_empty());
    assert_eq!(delivered(&house), 2, "both trails tell of it, each once");
    let rows = house.stores.catalog.rows();
    assert!(rows.keys().all(|key| !format!("{key:?}").contains("trail/parting")), "nothing of it stays");
}

#[tokio::test]
async fn a_change_is_told_once_by_the_old_or_the_new() {
    let mut house = House::new().await;
    let trails = house.trails.clone();
    let trail = house.trail("t", config(BUCKET)).await;
    // The new selectors leave the record out: it goes where the trail went.
    house.audit.parted.insert("put-1".into(), trail.clone());
    let trail = house.changed(trails.put_selectors(&trail.id, reads(), Some("put-1"))).await;
    house.call(1, "us-east-1", "PutEventSelectors", "put-1").await;
    // As it is now is enough: nothing is told twice.
    let all = EventSelectors::Basic(vec![BasicSelector {
        read_write: ReadWrite::All,
        ..match reads() {
            EventSelectors::Basic(mut one) => one.remove(0),
            EventSelectors::Advanced(_) => unreachable!("they are basic"),
        }
    }]);
    let trail = house.changed(trails.put_selectors(&trail.id, all, Some("put-2"))).await;
    house.call(1, "us-east-1", "PutEventSelectors", "put-2").await;
    let trail = house.changed(trails.update(&trail, config("other"), Some("move-1"))).await;
    house.call(1, "us-east-1", "UpdateTrail", "move-1").await;
    // The words of another account, or of another service, are no call of ours.
    house.audit.parted.insert("stop-2".into(), trail.clone());
    house.changed(trails.stop_logging(&trail.id, Some("stop-2"))).await;
    house.call(2, "us-east-1", "StopLogging", "stop-2").await;
    house.call(1, "us-east-1", "StopLogging", "stop-2").await;
    // A trail that does not log has nothing to tell.
    house.changed(trails.delete(&trail.id, Some("delete-2"))).await;
    house.call(1, "us-east-1", "DeleteTrail", "delete-2").await;
    house.deliver().await.unwrap();
    assert_eq!(delivered(&house), 4);
    house.check().await;
}
