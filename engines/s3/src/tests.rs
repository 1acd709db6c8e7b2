//! Against a store that is played: what goes out, what its answers mean, whom it is for.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use http::HeaderMap;
use opentrail_delivery::kit::{file, trail};
use opentrail_delivery::memory::MemoryBuckets;
use opentrail_delivery::{
    BucketError, Buckets, File, Upstream, UpstreamAnswer, UpstreamBody, UpstreamCall, UpstreamError, UpstreamPlace,
};
use opentrail_event::Region;
use opentrail_policy::Secret;

use crate::{RemoteBucket, RemoteBuckets, RemoteKey, SignS3, ToSign};

/// A store that gives one answer and remembers what it was sent.
struct Store {
    answer: Result<(u16, &'static str), UpstreamError>,
    seen: Mutex<Vec<UpstreamCall>>,
}

impl Upstream for Store {
    fn authority(&self, place: &UpstreamPlace) -> String {
        format!("{}.{}.store", place.endpoint_prefix, place.region)
    }

    fn send(&self, _: UpstreamPlace, call: UpstreamCall) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>> {
        self.seen.lock().expect("one at a time").push(call);
        let answer = self.answer.clone().map(|(status, text)| UpstreamAnswer {
            status,
            headers: HeaderMap::new(),
            length: None,
            body: stream::iter([Ok(Bytes::from_static(text.as_bytes()))]).boxed(),
        });
        async move { answer }.boxed()
    }
}

struct Signs;

impl SignS3 for Signs {
    fn sign(&self, by: &RemoteBucket, call: ToSign<'_>, headers: &mut HeaderMap) -> Result<(), String> {
        let line = format!("{} {} {}?{} {}", by.key.access_key_id, call.method, call.path, call.query, call.body.len());
        headers.insert("authorization", line.parse().map_err(|_| "a header")?);
        Ok(())
    }
}

fn house(answer: Result<(u16, &'static str), UpstreamError>) -> (RemoteBuckets, Arc<Store>) {
    let store = Arc::new(Store { answer, seen: Mutex::default() });
    let remote = RemoteBucket {
        name: "far".into(),
        region: "eu-west-1".parse::<Region>().expect("a region"),
        owner: "999999999999".parse().expect("an account"),
        accounts: vec!["111111111111".parse().expect("an account")],
        key: RemoteKey { access_key_id: "k".into(), secret: Secret::new("s".into()) },
        upstream: store.clone(),
    };
    (RemoteBuckets::new(Arc::new(MemoryBuckets::default()), vec![remote], Arc::new(Signs)), store)
}

#[tokio::test]
async fn a_file_goes_out_with_all_that_it_has() {
    let (buckets, store) = house(Ok((200, "")));
    let by = trail("111111111111", "t");
    let sent = File { key: "pre fix/AWSLogs/ü+1.json.gz".into(), ..file("", b"bytes") };
    assert_eq!(buckets.put(&by, "far", sent).await, Ok(()));
    assert_eq!(buckets.read_acl(&by, "far").await, Ok(()));
    let seen = store.seen.lock().expect("one at a time");
    let [put, acl] = &seen[..] else { panic!("two calls") };
    assert_eq!(put.target, "/far/pre%20fix/AWSLogs/%C3%BC%2B1.json.gz");
    assert_eq!(acl.target, "/far?acl=");
    let header = |name: &str| put.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    assert_eq!(header("host"), "s3.eu-west-1.store");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("content-encoding"), "gzip");
    assert_eq!(header("x-amz-acl"), "bucket-owner-full-control");
    assert_eq!(header("x-amz-meta-signature"), "00ff");
    assert_eq!(header("authorization"), "k PUT /far/pre%20fix/AWSLogs/%C3%BC%2B1.json.gz? 5");
    assert!(matches!(&put.body, UpstreamBody::Whole(bytes) if &bytes[..] == b"bytes"));
}

#[tokio::test]
async fn what_the_store_says_decides_whether_to_try_again() {
    let denied = |code: &str| format!("<Error><Code>{code}</Code><Message>m</Message></Error>").leak() as &'static str;
    let kind = async |answer| {
        let (buckets, _) = house(answer);
        match buckets.put(&trail("111111111111", "t"), "far", file("k", b"x")).await {
            Ok(()) => "done",
            Err(BucketError::NoSuchBucket(_)) => "missing",
            Err(BucketError::Denied { .. }) => "denied",
            Err(BucketError::Unavailable(_)) => "later",
        }
    };
    assert_eq!(kind(Ok((200, ""))).await, "done");
    assert_eq!(kind(Ok((404, denied("NoSuchBucket")))).await, "missing");
    assert_eq!(kind(Ok((403, denied("AccessDenied")))).await, "denied");
    assert_eq!(kind(Ok((403, denied("SignatureDoesNotMatch")))).await, "denied");
    assert_eq!(kind(Ok((403, ""))).await, "denied");
    assert_eq!(kind(Ok((403, denied("RequestTimeTooSkewed")))).await, "later");
    assert_eq!(kind(Ok((503, denied("SlowDown")))).await, "later");
    assert_eq!(kind(Ok((301, denied("PermanentRedirect")))).await, "later", "no redirect is followed");
    assert_eq!(kind(Ok((204, ""))).await, "later", "no store answers a put so");
    assert_eq!(kind(Ok((404, "a page"))).await, "later", "something else stands at that address");
    assert_eq!(kind(Err(UpstreamError::Unreachable("refused".into()))).await, "later");
}

#[tokio::test]
async fn a_bucket_is_for_the_accounts_that_are_bound_to_it() {
    let (buckets, store) = house(Ok((200, "")));
    let stranger = trail("222222222222", "t");
    for result in [buckets.put(&stranger, "far", file("k", b"x")).await, buckets.read_acl(&stranger, "far").await] {
        assert!(matches!(result, Err(BucketError::Denied { .. })), "{result:?}");
    }
    assert!(store.seen.lock().expect("one at a time").is_empty(), "nothing went out");
}

#[tokio::test]
async fn other_names_are_the_houses_own() {
    let (buckets, store) = house(Ok((200, "")));
    let by = trail("111111111111", "t");
    let missing = Err(BucketError::NoSuchBucket("near".into()));
    assert_eq!(buckets.put(&by, "near", file("k", b"x")).await, missing);
    assert_eq!(buckets.read_acl(&by, "near").await, missing);
    assert_eq!(buckets.describe("near").await.map(drop), missing);
    assert_eq!(buckets.describe("far").await.map(|info| info.region.to_string()), Ok("eu-west-1".into()));
    assert!(store.seen.lock().expect("one at a time").is_empty());
}
