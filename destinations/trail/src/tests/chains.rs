//! Chains of digests: when there is one, where it begins and ends, and what it lists.

use opentrail_digest::{Document, gunzip};

use super::audit::files;
use super::*;

/// The digests that were put, oldest first by their ends.
fn documents(house: &House) -> Vec<Document> {
    let puts = files(&house.buckets).into_values().filter(|put| put.file.key.contains("/CloudTrail-Digest/"));
    let mut found: Vec<_> =
        puts.map(|put| Document::parse(&gunzip(&put.file.bytes, u64::MAX).unwrap()).unwrap()).collect();
    found.sort_by(|a, b| (a.digest_end_time.at, &a.key).cmp(&(b.digest_end_time.at, &b.key)));
    found
}

fn spans(house: &House) -> Vec<(String, String, usize)> {
    let short = |text: &str| text[11..19].to_owned();
    let spans = documents(house)
        .into_iter()
        .map(|d| (short(&d.digest_start_time.text), short(&d.digest_end_time.text), d.log_files.len()));
    spans.collect()
}

fn span(start: &str, end: &str, files: usize) -> (String, String, usize) {
    (start.into(), end.into(), files)
}

#[tokio::test]
async fn a_chain_counts_from_its_start_and_ends_with_all_that_was_selected() {
    let mut house = House::new().await;
    let trail = house.trail("t", config(BUCKET)).await;
    house.deliver().await.unwrap();
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    house.advance(3600);
    house.deliver().await.unwrap();
    house.advance(3600);
    house.deliver().await.unwrap();
    house.event(1, "us-east-1").await;
    let trails = house.trails.clone();
    house.advance(60);
    house.changed(trails.stop_logging(&trail.id, None)).await;
    house.digests().await;
    assert_eq!(documents(&house).len(), 3, "what was selected is delivered first");
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    let expect = [
        span("09:01:07", "10:01:07", 0),
        span("10:01:07", "11:01:07", 1),
        span("11:01:07", "12:01:07", 0),
        span("12:01:07", "12:02:07", 1),
    ];
    assert_eq!(spans(&house), expect);
    house.advance(7200);
    house.deliver().await.unwrap();
    assert_eq!(spans(&house), expect, "a chain that has ended stays so");
    // Another run is another chain.
    house.changed(trails.start_logging(&trail.id)).await;
    house.deliver().await.unwrap();
    let all = documents(&house);
    assert_eq!((all.len(), all[4].is_first(), all[3].is_first()), (5, true, false));
    house.audit.complete = true;
    house.check().await;
}

#[tokio::test]
async fn a_trail_of_all_regions_has_a_chain_in_each() {
    let mut house = House::new().await;
    let trail = house.trail("t", Config { multi_region: true, ..config(BUCKET) }).await;
    house.event(1, "sa-east-1").await;
    house.deliver().await.unwrap();
    assert_eq!(spans(&house).len(), 3);
    house.advance(3600);
    house.deliver().await.unwrap();
    let listed: Vec<_> = spans(&house).into_iter().map(|(_, _, files)| files).collect();
    assert_eq!(listed, [0, 0, 0, 0, 1, 0]);
    // Back to one region: the others' chains end. And then again: they begin anew, now.
    let trails = house.trails.clone();
    house.advance(10);
    let trail = house.changed(trails.update(&trail, config(BUCKET), None)).await;
    house.deliver().await.unwrap();
    assert_eq!(spans(&house).len(), 8);
    house.advance(100);
    house.changed(trails.update(&trail, Config { multi_region: true, ..config(BUCKET) }, None)).await;
    house.deliver().await.unwrap();
    let all = documents(&house);
    assert_eq!(all.iter().filter(|d| d.is_first()).count(), 5);
    house.advance(3600);
    house.deliver().await.unwrap();
    house.audit.complete = true;
    let keys = house.delivery.public_keys(&region("sa-east-1"), None, None).await.unwrap();
    assert_eq!(keys.len(), 1);
    house.check().await;
}

#[tokio::test]
async fn a_chain_follows_its_trail_to_another_bucket() {
    let mut house = House::new().await;
    let trail = house.trail("t", config(BUCKET)).await;
    house.deliver().await.unwrap();
    let trails = house.trails.clone();
    house.changed(trails.update(&trail, Config { prefix: Some("p".into()), ..config("other") }, None)).await;
    house.advance(3600);
    house.deliver().await.unwrap();
    let all = documents(&house);
    let previous = all[1].previous().unwrap();
    assert_eq!((all[1].bucket.as_str(), previous.bucket.as_str()), ("other", BUCKET));
    assert!(all[1].key.starts_with("p/AWSLogs/"));
    house.check().await;
}

#[tokio::test]
async fn a_long_sleep_is_covered_by_one_digest() {
    let mut house = House::new().await;
    house.trail("t", config(BUCKET)).await;
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    house.advance(48 * 3600 + 30);
    house.restart().await.unwrap();
    house.deliver().await.unwrap();
    assert_eq!(spans(&house), [span("09:01:07", "10:01:07", 0), span("10:01:07", "10:01:07", 1)]);
    house.check().await;
}

#[tokio::test]
async fn a_clock_that_steps_back_neither_breaks_nor_silences_a_chain() {
    let mut house = House::new().await;
    house.trail("t", config(BUCKET)).await;
    house.deliver().await.unwrap();
    house.advance(3600);
    house.deliver().await.unwrap();
    house.clock.set_wall("2026-06-01T08:00:00Z".parse().unwrap());
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    assert_eq!(spans(&house).len(), 2);
    house.advance(4500);
    house.deliver().await.unwrap();
    // One second behind the digest before: max(now, end + 1 s).
    assert_eq!(spans(&house)[2], span("11:01:07", "11:01:08", 1));
    house.check().await;
}

#[tokio::test]
async fn validation_turned_off_ends_the_chain_and_turned_on_begins_one() {
    let mut house = House::new().await;
    let trail = house.trail("t", config(BUCKET)).await;
    let trails = house.trails.clone();
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    house.advance(100);
    let off = Config { log_file_validation: false, ..config(BUCKET) };
    let trail = house.changed(trails.update(&trail, off, None)).await;
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    assert_eq!(spans(&house), [span("09:01:07", "10:01:07", 0), span("10:01:07", "10:02:47", 1)]);
    house.advance(100);
    house.changed(trails.update(&trail, config(BUCKET), None)).await;
    house.event(1, "us-east-1").await;
    house.deliver().await.unwrap();
    house.advance(3600);
    house.deliver().await.unwrap();
    let expect = [span("09:04:27", "10:04:27", 0), span("10:04:27", "11:04:27", 1)];
    assert_eq!(spans(&house)[2..], expect);
    house.check().await;
}

#[tokio::test]
async fn a_key_signs_for_thirty_days_and_another_takes_over_before_its_end() {
    let mut house = House::new().await;
    house.trail("t", config(BUCKET)).await;
    house.deliver().await.unwrap();
    let place = region("us-east-1");
    let first = house.delivery.public_keys(&place, None, None).await.unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].valid_to_s - first[0].valid_from_s, 30 * 86_400);
    for _ in 0..31 {
        house.advance(86_400);
        house.deliver().await.unwrap();
    }
    house.restart().await.unwrap();
    let all = house.delivery.public_keys(&place, Some(0), Some(i64::MAX)).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all[1].valid_from_s < all[0].valid_to_s, "they overlap");
    assert_eq!(house.delivery.public_keys(&place, None, None).await.unwrap(), all[1..]);
    // An end that is not given is open, wherever now is.
    let (old, new) = (&all[0], &all[1]);
    let between = |from_s, to_s| house.delivery.public_keys(&place, from_s, to_s);
    assert_eq!(between(None, Some(old.valid_from_s)).await.unwrap(), all[..1]);
    assert_eq!(between(None, Some(new.valid_from_s)).await.unwrap(), all);
    assert_eq!(between(Some(old.valid_to_s + 1), None).await.unwrap(), all[1..]);
    assert_eq!(between(Some(old.valid_to_s), None).await.unwrap(), all);
    assert_eq!(between(None, Some(old.valid_from_s - 1)).await.unwrap(), []);
    for document in documents(&house) {
        let end_s = document.digest_end_time.at.as_second();
        assert!(all.iter().any(|key| (key.valid_from_s..=key.valid_to_s).contains(&end_s)));
    }
    house.check().await;
}
