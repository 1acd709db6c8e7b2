//! The ports through which something is handed on: to what belongs to somebody, or to whoever answers elsewhere.
//!
//! - **From** destinations, which act for a service on behalf of one resource of one account; and from the door, which passes
//!   calls on.
//! - **To** the service that keeps the receiver's things, `services/s3`; and to `engines/remote`, which dials out.
//! - **Promises** that the receiver's own policy decides, with the source named to it, so that nobody borrows a
//!   service's rights.
//! - **Does not promise** that what was allowed a moment ago is allowed now: every call asks again.
//! - **On crash** a put that returned is there; one that did not is there whole or not at all, and may be repeated.
//! - **Absent on purpose**: retries, which are the destination's, and any way in without a policy.

pub mod kit;
pub mod memory;
mod upstream;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn, Region};

pub use upstream::{
    Upstream, UpstreamAnswer, UpstreamBody, UpstreamCall, UpstreamError, UpstreamPieces, UpstreamPlace,
};

/// A service that acts for one resource of one account. The receiver's policy sees all three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnBehalf {
    /// `cloudtrail.amazonaws.com`
    pub service: &'static str,
    /// `aws:SourceArn`: the trail's ARN, with its home region.
    pub source_arn: Arn,
    /// `aws:SourceAccount`: who owns the trail.
    pub source_account: AccountId,
}

/// Whose bucket, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketInfo {
    pub account: AccountId,
    pub region: Region,
}

/// An object to be put. Its owner-to-be is the bucket's: every put goes with the ACL `bucket-owner-full-control`.
#[derive(Debug, Clone)]
pub struct File {
    pub key: String,
    pub bytes: Bytes,
    /// `application/json`
    pub content_type: &'static str,
    /// `gzip`
    pub content_encoding: Option<&'static str>,
    /// User metadata: names in lower case, without `x-amz-meta-`.
    pub metadata: Vec<(String, String)>,
    /// Whether the put may become a data event of its own. A file that holds nothing but records of deliveries goes
    /// unrecorded, or two trails that watch one another's buckets would feed each other for ever.
    pub recorded: bool,
}

/// Why a bucket did not take it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BucketError {
    #[error("bucket {0} does not exist")]
    NoSuchBucket(String),
    /// The bucket's policy does not allow it, or denies it. The reason is for logs, not for the caller.
    #[error("bucket {bucket}: {because}")]
    Denied { bucket: String, because: String },
    /// Trying again may help.
    #[error("bucket unavailable: {0}")]
    Unavailable(Arc<str>),
}

impl BucketError {
    /// As `GetTrailStatus` shows it: the error code of S3.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchBucket(_) => "NoSuchBucket",
            Self::Denied { .. } => "AccessDenied",
            Self::Unavailable(_) => "ServiceUnavailable",
        }
    }
}

/// The port.
///
/// # Contract
/// `put` is durable on return, and putting the same bytes under the same key again changes nothing that anyone can
/// see but the time. The bucket's policy is evaluated at each call, with the service as principal and `aws:SourceArn`,
/// `aws:SourceAccount`, `s3:x-amz-acl` in its context; without a policy that allows it everything is denied, also where bucket and
/// source have one owner.
pub trait Buckets: Send + Sync {
    /// Whose bucket it is, and where. Asks no policy: it says nothing that a request to the bucket would not.
    fn describe<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<BucketInfo, BucketError>>;
    /// Whether the service may read the bucket's ACL (`s3:GetBucketAcl`), which is how CloudTrail asks for a welcome.
    fn read_acl<'a>(&'a self, by: &'a OnBehalf, bucket: &'a str) -> BoxFuture<'a, Result<(), BucketError>>;
    /// Puts an object (`s3:PutObject`).
    fn put<'a>(&'a self, by: &'a OnBehalf, bucket: &'a str, file: File) -> BoxFuture<'a, Result<(), BucketError>>;
}
