//! Which event goes into which file.

use opentrail_selector::{BasicSelector, EventSelectors, ReadWrite};

use super::audit::{files, ids};
use super::*;

fn only(read_write: ReadWrite) -> EventSelectors {
    EventSelectors::Basic(vec![BasicSelector {
        read_write,
        include_management: true,
        data_resources: Vec::new(),
        exclude_sources: Vec::new(),
    }])
}

#[tokio::test]
async fn an_event_becomes_a_file_with_the_name_that_cloudtrail_gives_it() {
    let mut house = House::new().await;
    house.trail("t", Config { prefix: Some("a/b".into()), ..config(BUCKET) }).await;
    let at = house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    let puts = house.buckets.puts();
    let [log, digest] = &puts[..] else { panic!("{puts:?}") };
    let key = &log.file.key;
    let name =
        "a/b/AWSLogs/000000000001/CloudTrail/us-east-1/2026/06/01/000000000001_CloudTrail_us-east-1_20260601T1005Z_";
    assert!(key.starts_with(name) && key.len() == name.len() + 16 + ".json.gz".len(), "{key}");
    assert!(digest.file.key.contains("/CloudTrail-Digest/"));
    assert_eq!(log.by.source_arn.as_str(), "arn:aws:cloudtrail:us-east-1:000000000001:trail/t");
    assert_eq!((log.by.source_account, log.file.recorded), (account(1), true));
    // The record's bytes are the ones of the journal, between eleven bytes and two.
    let raw = opentrail_digest::gunzip(&log.file.bytes, u64::MAX).unwrap();
    let frames = house.journal.read(at, 1).await.unwrap();
    assert_eq!(raw, [br#"{"Records":["#, &frames[0].entry.bytes[..], b"]}"].concat());
    house.check().await;
}

#[tokio::test]
async fn one_file_for_each_account_and_region_that_a_trail_sees() {
    let mut house = House::new().await;
    house.trail("all", Config { multi_region: true, ..config(BUCKET) }).await;
    house.trail("home", Config { log_file_validation: false, ..config("other") }).await;
    for (owner, place) in [(1, "us-east-1"), (1, "eu-west-1"), (2, "us-east-1"), (1, "us-east-1"), (1, "eu-west-1")] {
        house.event(owner, place).await;
    }
    house.deliver().await.unwrap();
    let of = |bucket: &str| -> Vec<usize> {
        let logs = files(&house.buckets).into_values().filter(|put| put.file.key.contains("/CloudTrail/"));
        logs.filter(|put| put.bucket == bucket).map(|put| ids(&put).len()).collect()
    };
    assert_eq!((of(BUCKET), of("other")), (vec![2, 2], vec![2]));
    house.check().await;
}

#[tokio::test]
async fn trails_that_select_the_same_share_a_blob_until_the_last_has_it() {
    let mut house = House::new().await;
    house.trail("a", config(BUCKET)).await;
    house.trail("b", config("other")).await;
    house.event(1, "us-east-1").await;
    house.apply().await.unwrap();
    house.delivery.commit().await.unwrap();
    assert_eq!(house.stores.blob_names().len(), 1);
    house.buckets.fail("other", Some(opentrail_delivery::BucketError::NoSuchBucket("other".into())));
    house.delivery.publish_due().await;
    assert_eq!((house.stores.blob_names().len(), house.put_keys("CloudTrail").len()), (1, 1));
    house.buckets.fail("other", None);
    house.restart().await.unwrap();
    house.delivery.publish_due().await;
    assert_eq!((house.stores.blob_names().len(), house.put_keys("CloudTrail").len()), (0, 2));
    house.check().await;
}

#[tokio::test]
async fn a_change_decides_by_its_place_in_the_journal() {
    let mut house = House::new().await;
    let trail = house.trail("t", config(BUCKET)).await;
    house.event(1, "us-east-1").await;
    let trails = house.trails.clone();
    let trail = house.changed(trails.put_selectors(&trail.id, only(ReadWrite::ReadOnly), None)).await;
    house.event(1, "us-east-1").await;
    let trail = house.changed(trails.put_selectors(&trail.id, only(ReadWrite::WriteOnly), None)).await;
    house.event(1, "us-east-1").await;
    let trail = house.changed(trails.stop_logging(&trail.id, None)).await;
    house.event(1, "us-east-1").await;
    house.changed(trails.start_logging(&trail.id)).await;
    house.event(1, "us-east-1").await;
    // Nothing was applied before all of it had changed.
    house.deliver().await.unwrap();
    let found: usize =
        files(&house.buckets).values().filter(|p| p.file.key.contains("/CloudTrail/")).map(|p| ids(p).len()).sum();
    assert_eq!(found, 3);
    house.check().await;
}

#[tokio::test]
async fn what_is_selected_of_deliveries_and_of_global_services() {
    let mut house = House::new().await;
    let plain = Config { log_file_validation: false, ..config(BUCKET) };
    house.trail("all", plain.clone()).await;
    house.trail("quiet", Config { recursive_logging: false, ..plain.clone() }).await;
    house.trail("local", Config { include_global_service_events: false, ..plain }).await;
    let time = "2026-06-01T10:00:00Z";
    let made = |id: u8, identity: &str, source: &str, name: &str, more: &str| {
        let id = EventId::from_bytes([id; 16]);
        let text = String::from_utf8(record(id, 1, "us-east-1", time, more).to_vec()).unwrap();
        let text = text.replace("\"type\":\"Root\"", identity).replace("ec2.amazonaws.com", source);
        (id, Bytes::from(text.replace("RunInstances", name)))
    };
    let service = "\"type\":\"AWSService\",\"invokedBy\":\"cloudtrail.amazonaws.com\"";
    let root = "\"type\":\"Root\"";
    let regional = "\"additionalEventData\":{\"RequestDetails\":{\"endpointType\":\"regional\"}},";
    let global = "\"additionalEventData\":{\"RequestDetails\":{\"endpointType\":\"global\"}},";
    let records = [
        made(1, root, "ec2.amazonaws.com", "RunInstances", ""),
        made(2, service, "s3.amazonaws.com", "PutObject", ""),
        made(3, root, "iam.amazonaws.com", "CreateUser", ""),
        made(4, root, "sts.amazonaws.com", "AssumeRole", regional),
        made(5, root, "sts.amazonaws.com", "AssumeRole", global),
        made(6, service, "kms.amazonaws.com", "Decrypt", ""),
    ];
    for (event_id, bytes) in records {
        let (account, region) = (account(1), region("us-east-1"));
        let entry = Entry { kind: Kind::Record, urgency: Urgency::Normal, account, region, event_id, bytes };
        house.journal.append(vec![entry]).await.unwrap();
    }
    house.deliver().await.unwrap();
    let of = |name: &str| -> Vec<String> {
        let by = format!("trail/{name}");
        let puts = files(&house.buckets).into_values().filter(|put| put.by.source_arn.as_str().ends_with(&by));
        let mut found: Vec<String> = puts.flat_map(|put| ids(&put)).map(|id| id[..2].to_owned()).collect();
        found.sort();
        found
    };
    assert_eq!(of("all"), ["01", "02", "03", "04", "05", "06"]);
    assert_eq!(of("quiet"), ["01", "03", "04", "05", "06"]);
    assert_eq!(of("local"), ["01", "02", "04", "06"]);
}

#[tokio::test]
async fn a_file_of_nothing_but_deliveries_is_put_without_a_record() {
    let mut house = House::new().await;
    house.trail("t", Config { log_file_validation: false, multi_region: true, ..config(BUCKET) }).await;
    for (place, service) in [("us-east-1", true), ("us-east-1", true), ("eu-west-1", true), ("eu-west-1", false)] {
        let event_id = EventId::from_bytes(house.world.uuid_v4());
        let mut text = String::from_utf8(record(event_id, 1, place, "2026-06-01T10:00:00Z", "").to_vec()).unwrap();
        if service {
            text =
                text.replace("\"type\":\"Root\"", "\"type\":\"AWSService\",\"invokedBy\":\"cloudtrail.amazonaws.com\"");
            text = text.replace("ec2.amazonaws.com", "s3.amazonaws.com").replace("RunInstances", "PutObject");
        }
        let (account, region, bytes) = (account(1), region(place), text.into());
        let entry = Entry { kind: Kind::Record, urgency: Urgency::Normal, account, region, event_id, bytes };
        house.journal.append(vec![entry]).await.unwrap();
    }
    house.deliver().await.unwrap();
    let recorded: Vec<_> = files(&house.buckets)
        .into_values()
        .map(|put| (put.file.key.contains("/eu-west-1/"), put.file.recorded))
        .collect();
    assert_eq!(recorded, [(true, true), (false, false)]);
}

#[tokio::test]
async fn a_trail_made_again_under_its_name_has_nothing_of_the_old_one() {
    let mut house = House::new().await;
    let old = house.trail("t", config(BUCKET)).await;
    house.event(1, "us-east-1").await;
    let trails = house.trails.clone();
    house.changed(trails.delete(&old.id, None)).await;
    house.event(1, "us-east-1").await;
    house.advance(5);
    let new = house.trail("t", config("other")).await;
    assert_ne!(old.id, new.id);
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    house.advance(300);
    house.deliver().await.unwrap();
    let logs = files(&house.buckets).into_values().filter(|put| put.file.key.contains("/CloudTrail/"));
    let buckets: Vec<_> = logs.map(|put| put.bucket).collect();
    assert_eq!(buckets, [BUCKET, "other"]);
    assert!(house.trails.timeline().leaving().is_empty(), "the old one is forgotten");
    house.check().await;
}

#[tokio::test]
async fn a_commit_is_due_on_the_grid_and_a_clock_that_steps_moves_it_not() {
    let mut house = House::new().await;
    house.trail("t", config(BUCKET)).await;
    assert!(!house.delivery.due());
    house.event(1, "us-east-1").await;
    house.apply().await.unwrap();
    // 10:01:07 now, so the window ends in 233 seconds.
    house.advance(232);
    assert!(!house.delivery.due());
    house.clock.set_wall("2020-01-01T00:00:00Z".parse().unwrap());
    assert!(!house.delivery.due());
    house.advance(1);
    assert!(house.delivery.due());
    house.delivery.commit().await.unwrap();
    assert!(!house.delivery.due());
}

#[tokio::test]
async fn large_files_are_cut_early_and_memory_is_bounded() {
    let mut house = House::new().await;
    house.trail("t", config(BUCKET)).await;
    let large = format!("\"requestParameters\":{{\"pad\":\"{}\"}},", "x".repeat(200_000));
    for _ in 0..200 {
        house.record(1, "us-east-1", &large).await;
    }
    house.apply().await.unwrap();
    assert_eq!(house.stores.blob_names().len(), 2, "40 MB are two files of 16 MiB, and a rest");
    house.deliver().await.unwrap();
    assert_eq!(house.put_keys("CloudTrail").len(), 3);
    house.check().await;
}

#[tokio::test]
async fn what_cannot_be_read_goes_nowhere_and_holds_up_nothing() {
    let mut house = House::new().await;
    house.trail("t", config(BUCKET)).await;
    let bad = Entry {
        kind: Kind::Record,
        urgency: Urgency::Normal,
        account: account(1),
        region: region("us-east-1"),
        event_id: EventId::from_bytes([7; 16]),
        bytes: Bytes::from_static(b"{\"eventVersion\":"),
    };
    let intent = Entry { kind: Kind::Intent, ..bad.clone() };
    house.journal.append(vec![bad, intent]).await.unwrap();
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    let logs = files(&house.buckets).into_values().filter(|put| put.file.key.contains("/CloudTrail/"));
    assert_eq!(logs.map(|put| ids(&put).len()).collect::<Vec<_>>(), [1]);
}
