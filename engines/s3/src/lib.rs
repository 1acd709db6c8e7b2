//! Buckets in an S3-compatible store elsewhere, as trails deliver into them.
//!
//! - **From** destinations, through [`opentrail_delivery::Buckets`], which know a bucket by its name alone.
//! - **To** the store that the configuration names for that bucket, signed with the keys that stand there.
//! - **Promises** that only accounts which the configuration binds to a bucket reach it; that a put which returned was
//!   acknowledged by the store, over a signature of its bytes.
//! - **Does not promise** to know the bucket's policy: the store decides, about the configured key.
//! - **On crash** what was on its way is put again by whoever retries: the same key, the same bytes.
//! - **Absent on purpose**: reading, listing, deleting; virtual-hosted addresses, which a store under an IP address lacks.

mod answer;
mod remote;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderMap, Method};
use opentrail_delivery::Upstream;
use opentrail_event::{AccountId, Region};
use opentrail_policy::Secret;

pub use remote::RemoteBuckets;

/// A bucket elsewhere, as the configuration names it.
#[derive(Clone)]
pub struct RemoteBucket {
    pub name: String,
    /// Of the store; it stands in the signature.
    pub region: Region,
    /// Whose bucket it is, as far as records of this house are concerned.
    pub owner: AccountId,
    /// Accounts whose trails may deliver there.
    pub accounts: Vec<AccountId>,
    pub key: RemoteKey,
    /// The way to the store.
    pub upstream: Arc<dyn Upstream>,
}

/// The key that the store knows.
#[derive(Clone)]
pub struct RemoteKey {
    pub access_key_id: String,
    pub secret: Secret,
}

/// Who can sign a request. The house hands it in: signatures are the door's subject.
pub trait SignS3: Send + Sync {
    /// Signs every header that is there, and the body; adds what a signature consists of.
    fn sign(&self, by: &RemoteBucket, call: ToSign<'_>, headers: &mut HeaderMap) -> Result<(), String>;
}

/// What a signature covers besides the headers.
#[derive(Debug, Clone, Copy)]
pub struct ToSign<'a> {
    pub method: &'a Method,
    /// Percent-encoded, as it is sent.
    pub path: &'a str,
    pub query: &'a str,
    pub body: &'a [u8],
}
