//! Buckets that do not take it, and how much waits for them.

use opentrail_delivery::BucketError;
use opentrail_journal::Backlog;

use super::*;

#[tokio::test]
async fn a_bucket_that_is_mended_gets_everything_in_order_under_the_same_names() {
    let mut house = House::new().await;
    let trail = house.trail("t", config(BUCKET)).await;
    house.buckets.fail(BUCKET, Some(BucketError::Denied { bucket: BUCKET.into(), because: "no statement".into() }));
    for _ in 0..3 {
        house.event(1, "us-east-1").await;
        house.deliver().await.unwrap();
        house.advance(300);
    }
    assert!(house.buckets.puts().is_empty());
    let status = house.delivery.status(&trail.id, &region("us-east-1")).await.unwrap();
    assert_eq!(status.log.error.as_deref(), Some("AccessDenied"));
    assert_eq!((status.log.succeeded_ms, status.digest.error.as_deref()), (None, Some("AccessDenied")));
    let waiting = house.delivery.spool.ledger().held();
    assert_eq!(waiting.1, 4, "three log files and the first digest");
    house.restart().await.unwrap();
    assert_eq!(house.delivery.spool.ledger().held(), waiting);
    house.buckets.fail(BUCKET, None);
    house.delivery.publish_due().await;
    let times: Vec<_> =
        house.put_keys("CloudTrail").iter().map(|key| key.rsplit('_').nth(1).unwrap().to_owned()).collect();
    assert_eq!(times, ["20260601T1005Z", "20260601T1010Z", "20260601T1015Z"]);
    let status = house.delivery.status(&trail.id, &region("us-east-1")).await.unwrap();
    assert_eq!((status.log.error, status.log.succeeded_ms), (None, status.log.attempted_ms));
    assert!(status.log.succeeded_ms.is_some());
    assert_eq!((house.delivery.spool.ledger().held(), house.stores.blob_names().len()), ((0, 0), 0));
    house.check().await;
}

#[tokio::test]
async fn a_lane_that_fails_pauses_longer_each_time_and_a_changed_trail_is_tried_at_once() {
    let mut house = House::new().await;
    let trail = house.trail("t", Config { log_file_validation: false, ..config(BUCKET) }).await;
    house.buckets.fail(BUCKET, Some(BucketError::Unavailable("down".into())));
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let wait = house.delivery.spool.ledger().next_due().expect("a lane waits") - house.world.monotonic();
        pauses.push(wait.as_secs());
        house.clock.advance(wait);
        house.delivery.publish_due().await;
    }
    assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    house.buckets.fail(BUCKET, None);
    house.delivery.publish_due().await;
    assert!(house.buckets.puts().is_empty(), "it is not time yet");
    let trails = house.trails.clone();
    house.changed(trails.add_tags(&trail.id, [("k".to_owned(), "v".to_owned())].into())).await;
    house.digests().await;
    assert_eq!(house.buckets.puts().len(), 1);
    house.check().await;
}

#[tokio::test]
async fn lanes_do_not_wait_for_each_other() {
    let mut house = House::new().await;
    let plain = |bucket| Config { log_file_validation: false, ..config(bucket) };
    let trail = house.trail("t", plain(BUCKET)).await;
    house.trail("u", plain("other")).await;
    house.buckets.fail(BUCKET, Some(BucketError::NoSuchBucket(BUCKET.into())));
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    // The trail itself moves on to another bucket; what it staged before does not.
    let trails = house.trails.clone();
    house.changed(trails.update(&trail, Config { prefix: Some("p".into()), ..plain("other") }, None)).await;
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    assert_eq!(house.put_keys("CloudTrail").len(), 3);
    house.buckets.fail(BUCKET, None);
    house.advance(7200);
    house.delivery.publish_due().await;
    assert_eq!(house.put_keys("CloudTrail").len(), 4);
    assert_eq!(house.buckets.puts().last().unwrap().bucket, BUCKET);
    house.check().await;
}

#[tokio::test]
async fn after_thirty_days_a_file_is_given_up_but_not_by_a_clock_that_jumps() {
    let mut house = House::new().await;
    house.trail("t", Config { log_file_validation: false, ..config(BUCKET) }).await;
    house.buckets.fail(BUCKET, Some(BucketError::NoSuchBucket(BUCKET.into())));
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    house.clock.set_wall("2026-09-01T00:00:00Z".parse().unwrap());
    house.restart().await.unwrap();
    house.delivery.publish_due().await;
    assert_eq!(house.delivery.spool.ledger().held().1, 1, "it fails for the first time in this life");
    for _ in 0..7 {
        house.advance(1000);
        house.delivery.publish_due().await;
    }
    assert_eq!(house.delivery.spool.ledger().held(), (0, 0));
    assert!(house.stores.blob_names().is_empty());
}

#[tokio::test]
async fn the_account_whose_bucket_is_dead_is_refused_and_no_other() {
    let mut house = House::with(|settings| settings.spool_account_bytes = 1_000).await;
    let plain = Config { log_file_validation: false, ..config(BUCKET) };
    house.trail("t", plain.clone()).await;
    house.trail_of(2, "t", Config { bucket: "other".into(), ..plain }).await;
    house.buckets.fail(BUCKET, Some(BucketError::NoSuchBucket(BUCKET.into())));
    assert_eq!(house.delivery.over(account(1)), None);
    for _ in 0..5 {
        house.event(1, "us-east-1").await;
        house.event(2, "us-east-1").await;
        house.deliver().await.unwrap();
    }
    let why = house.delivery.over(account(1)).expect("it is over its share");
    assert!(why.contains("000000000001"), "{why}");
    assert_eq!(house.delivery.over(account(2)), None);
    // What is in the journal already finds room even so.
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    house.buckets.fail(BUCKET, None);
    house.advance(7200);
    house.delivery.publish_due().await;
    assert_eq!(house.delivery.over(account(1)), None);
    house.check().await;
}

#[tokio::test]
async fn over_the_total_those_are_refused_who_hold_more_than_an_even_part() {
    let mut house = House::with(|settings| settings.spool_bytes = 2_000).await;
    let plain = Config { log_file_validation: false, ..config(BUCKET) };
    for owner in [1, 2] {
        house.trail_of(owner, "t", plain.clone()).await;
    }
    house.buckets.fail(BUCKET, Some(BucketError::NoSuchBucket(BUCKET.into())));
    house.event(2, "us-east-1").await;
    for _ in 0..8 {
        house.event(1, "us-east-1").await;
        house.deliver().await.unwrap();
    }
    assert!(house.delivery.over(account(1)).is_some());
    assert_eq!((house.delivery.over(account(2)), house.delivery.over(account(3))), (None, None));
}

#[tokio::test]
async fn the_publisher_runs_by_itself_and_stops_when_told() {
    let mut house = House::new().await;
    house.trail("t", config(BUCKET)).await;
    house.event(1, "us-east-1").await;
    let (stop, stops) = watch::channel(false);
    let delivery = house.delivery.clone();
    let running = tokio::spawn(async move { delivery.run(stops).await });
    house.apply().await.unwrap();
    house.delivery.commit().await.unwrap();
    while house.buckets.puts().len() < 2 {
        tokio::task::yield_now().await;
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    house.check().await;
}
