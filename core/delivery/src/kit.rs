//! What every implementation of [`Buckets`] must do, as functions that its tests call.

use bytes::Bytes;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn, Region};

use crate::{BucketError, BucketInfo, Buckets, File, OnBehalf};

/// What the kit needs to be done around the port.
pub trait Setup: Send + Sync {
    /// The implementation.
    fn buckets(&self) -> &dyn Buckets;
    /// Makes a bucket without a policy.
    fn make<'a>(&'a self, bucket: &'a str, info: &'a BucketInfo) -> BoxFuture<'a, ()>;
    /// From now on `bucket` lets the service read its ACL and put objects for `source`, and for nobody else.
    fn welcome<'a>(&'a self, bucket: &'a str, source: &'a OnBehalf) -> BoxFuture<'a, ()>;
    /// From now on it lets nobody in.
    fn close<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, ()>;
    /// The object under `key` as it is kept: bytes and metadata.
    fn read<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Option<Kept>>;
}

/// An object as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub bytes: Bytes,
    pub content_type: String,
    pub content_encoding: Option<String>,
    pub metadata: Vec<(String, String)>,
}

fn account(id: &str) -> AccountId {
    id.parse().expect("an account")
}

fn region() -> Region {
    "eu-west-1".parse().expect("a region")
}

/// A trail of one account.
pub fn trail(owner: &str, name: &str) -> OnBehalf {
    OnBehalf {
        service: "cloudtrail.amazonaws.com",
        source_arn: Arn::regional("cloudtrail", &region(), account(owner), &format!("trail/{name}")),
        source_account: account(owner),
    }
}

/// A file with everything that a file can have.
pub fn file(key: &str, bytes: &'static [u8]) -> File {
    File {
        key: key.into(),
        bytes: Bytes::from_static(bytes),
        content_type: "application/json",
        content_encoding: Some("gzip"),
        metadata: vec![("signature".into(), "00ff".into()), ("signature-algorithm".into(), "SHA256withRSA".into())],
        recorded: true,
    }
}

/// Runs all checks, each on a bucket of its own.
pub async fn run(setup: &dyn Setup) {
    what_is_not_there(setup).await;
    only_the_welcome(setup).await;
    again_and_over(setup).await;
}

async fn what_is_not_there(setup: &dyn Setup) {
    let (buckets, by) = (setup.buckets(), trail("111111111111", "t"));
    let missing = BucketError::NoSuchBucket("kit-missing".into());
    assert_eq!(buckets.describe("kit-missing").await, Err(missing.clone()));
    assert_eq!(buckets.read_acl(&by, "kit-missing").await, Err(missing.clone()));
    assert_eq!(buckets.put(&by, "kit-missing", file("k", b"x")).await, Err(missing));
}

async fn only_the_welcome(setup: &dyn Setup) {
    let (buckets, by) = (setup.buckets(), trail("111111111111", "t"));
    // The bucket's owner is the trail's: that alone opens nothing.
    let info = BucketInfo { account: account("111111111111"), region: region() };
    setup.make("kit-welcome", &info).await;
    assert_eq!(buckets.describe("kit-welcome").await, Ok(info), "no policy is asked for that");
    let refused = |result: Result<(), BucketError>| matches!(result, Err(BucketError::Denied { .. }));
    setup.close("kit-welcome").await;
    assert!(refused(buckets.read_acl(&by, "kit-welcome").await), "no policy lets nobody in");
    assert!(refused(buckets.put(&by, "kit-welcome", file("a", b"x")).await));
    setup.welcome("kit-welcome", &by).await;
    assert_eq!(buckets.read_acl(&by, "kit-welcome").await, Ok(()));
    assert_eq!(buckets.put(&by, "kit-welcome", file("a", b"x")).await, Ok(()));
    for stranger in [trail("111111111111", "other"), trail("222222222222", "t")] {
        assert!(refused(buckets.put(&stranger, "kit-welcome", file("a", b"y")).await), "{stranger:?}");
        assert!(refused(buckets.read_acl(&stranger, "kit-welcome").await), "{stranger:?}");
    }
    setup.close("kit-welcome").await;
    assert!(refused(buckets.put(&by, "kit-welcome", file("b", b"x")).await), "every call asks again");
    assert_eq!(setup.read("kit-welcome", "b").await, None);
    assert_eq!(setup.read("kit-welcome", "a").await.map(|kept| kept.bytes), Some(Bytes::from_static(b"x")));
}

async fn again_and_over(setup: &dyn Setup) {
    let (buckets, by) = (setup.buckets(), trail("222222222222", "t"));
    setup.make("kit-again", &BucketInfo { account: account("111111111111"), region: region() }).await;
    setup.welcome("kit-again", &by).await;
    let key = "AWSLogs/222222222222/CloudTrail/";
    for bytes in [&b""[..], b"one", b"one", b"another"] {
        assert_eq!(buckets.put(&by, "kit-again", file(key, bytes)).await, Ok(()));
        let kept = setup.read("kit-again", key).await.expect("it is there");
        let File { content_type, content_encoding, metadata, .. } = file(key, bytes);
        assert_eq!(kept.bytes, bytes);
        assert_eq!((kept.content_type.as_str(), kept.content_encoding.as_deref()), (content_type, content_encoding));
        assert_eq!(kept.metadata, metadata);
    }
}
