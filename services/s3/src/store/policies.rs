//! The policies of buckets, each under its bucket's id: gone with the bucket, and never found by a later one of its name.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use opentrail_catalog::{Check, Error, Key, Stored, Txn, decode, encode};
use opentrail_policy::{Kind, Policy};
use opentrail_wire::Fault;

use super::rows::live_key;
use super::{Bucket, Store};
use crate::faults;

pub(crate) use v1::PolicyRow;

/// Compiled policies that are kept at most: some 20 KB each.
const COMPILED_MAX: usize = 1_024;

mod v1 {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    /// A bucket's policy. Family `s3/policy`, by bucket id.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct PolicyRow {
        /// Byte for byte as it was put.
        pub(crate) text: String,
        /// Who was meant when it was put: a user's ARN to its unique id, an account or a canonical id to the account.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub(crate) bindings: BTreeMap<String, String>,
    }
}

impl Stored for PolicyRow {
    const NAME: &'static str = "s3 bucket policy";
    const VERSION: u16 = 1;
}

pub(crate) fn policy_key(bucket_id: &str) -> Key {
    Key::family("s3/policy").part(bucket_id)
}

/// A policy as it is stored and as it is asked.
#[derive(Debug, Clone)]
pub(crate) struct BucketPolicy {
    pub(crate) row: PolicyRow,
    pub(crate) policy: Arc<Policy>,
}

/// Compiled policies by bucket id, each with the bytes that it was compiled from: a row that says something else is compiled
/// anew, so nobody waits for a change to be noticed.
#[derive(Default)]
pub(super) struct Compiled(Mutex<HashMap<String, (Bytes, Arc<BucketPolicy>)>>);

impl Compiled {
    fn get(&self, bucket_id: &str, bytes: &Bytes) -> Option<Arc<BucketPolicy>> {
        let compiled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.get(bucket_id).filter(|(from, _)| from == bytes).map(|(_, policy)| policy.clone())
    }

    fn put(&self, bucket_id: &str, bytes: Bytes, policy: Arc<BucketPolicy>) {
        let mut compiled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if compiled.len() >= COMPILED_MAX {
            compiled.clear();
        }
        compiled.insert(bucket_id.to_owned(), (bytes, policy));
    }
}

impl Store {
    /// The policy of a bucket. One that cannot be read is an error, never none.
    pub(crate) async fn policy(&self, bucket: &Bucket) -> Result<Option<Arc<BucketPolicy>>, Fault> {
        let found = self.catalog.get(&policy_key(&bucket.id)).await;
        let Some(found) = found.map_err(|e| faults::undecided("find bucket policy", e))? else { return Ok(None) };
        if let Some(compiled) = self.compiled.get(&bucket.id, &found.value) {
            return Ok(Some(compiled));
        }
        let row: PolicyRow = decode(&found.value).map_err(|e| faults::undecided("read bucket policy", e))?;
        let kind = Kind::Bucket { bucket: bucket.name.clone() };
        let policy = Policy::reload(row.text.as_bytes(), &kind);
        let policy = policy.map_err(|e| faults::undecided("compile bucket policy", e))?;
        let policy = Arc::new(BucketPolicy { policy: Arc::new(policy.bind(&row.bindings)), row });
        self.compiled.put(&bucket.id, found.value, policy.clone());
        Ok(Some(policy))
    }

    /// Gives a bucket its policy, in place of one it had. Durable on return.
    pub(crate) async fn put_policy(
        &self,
        bucket: &Bucket,
        text: String,
        bindings: BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let row = PolicyRow { text, bindings };
        let txn = Txn::new().check(Check::Is(live_key(&bucket.id), 1)).put(policy_key(&bucket.id), encode(&row));
        self.commit_policy(bucket, txn).await
    }

    /// Takes its policy from a bucket. Durable on return.
    pub(crate) async fn delete_policy(&self, bucket: &Bucket) -> Result<(), Fault> {
        let txn = Txn::new().check(Check::Is(live_key(&bucket.id), 1)).delete(policy_key(&bucket.id));
        self.commit_policy(bucket, txn).await
    }

    async fn commit_policy(&self, bucket: &Bucket, txn: Txn) -> Result<(), Fault> {
        match self.catalog.txn(txn).await {
            Ok(()) => Ok(()),
            Err(Error::Conflict { .. }) => Err(faults::no_such_bucket(&bucket.name)),
            Err(error) => Err(faults::internal("commit bucket policy", error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that version 1 wrote; they must load for ever.
    #[test]
    fn rows_of_version_1_load() {
        let bytes = b"\0\x01{\"text\":\"{\\\"Statement\\\":[]}\",\"bindings\":{\"arn:aws:iam::000000000001:user/a\":\"AIDAA\"}}";
        let row: PolicyRow = decode(bytes).expect("a policy row");
        assert_eq!(row.text, "{\"Statement\":[]}");
        assert_eq!(row.bindings["arn:aws:iam::000000000001:user/a"], "AIDAA");
        assert_eq!(decode::<PolicyRow>(&encode(&row)), Ok(row));
    }
}
