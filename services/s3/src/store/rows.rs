//! What is stored, under which keys.
//!
//! | family | parts | value |
//! |---|---|---|
//! | `s3/bucket` | name | [`BucketRow`] |
//! | `s3/live` | bucket id | empty: there is such a bucket. Ids are never used twice, so a check on it tells a bucket from a later one of its name |
//! | `s3/owned` | account, name | [`OwnedRow`]: the account's buckets in order, and their number |
//! | `s3/object` | bucket id, key | [`ObjectRow`] |
//! | `s3/body` | body name | a small body's bytes; for a blob and for parts, empty: they are in use |
//! | `s3/garbage` | note | empty: a blob (its name), the parts of an upload (`upload/ID`) or the uploads of a bucket (`bucket/ID`) can go |
//! | `s3/upload` | bucket id, key, upload id | [`UploadRow`](super::uploads::UploadRow): it is going on |
//! | `s3/part` | upload id, number | [`PartRow`](super::uploads::PartRow): a part of an upload, or of the object that it became |
//! | `s3/tags` | bucket id | [`TagsRow`](super::tags::TagsRow) of the bucket |
//! | `s3/run` | – | [`RunRow`] |
//! | `s3/policy` | bucket id | [`PolicyRow`](super::policies::PolicyRow) |

use std::collections::BTreeMap;

use opentrail_catalog::{Key, Stored};
use opentrail_event::AccountId;
use serde::{Deserialize, Serialize};

use crate::checksum::Algorithm;

pub(crate) use v1::{BucketRow, ContentHeaders, OwnedRow, RunRow};
pub(crate) use v2::{Body, ObjectRow, StoredSum};

mod v1 {
    use opentrail_event::Region;

    use super::*;

    /// A bucket.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct BucketRow {
        pub(crate) id: String,
        pub(crate) account: AccountId,
        pub(crate) region: Region,
        /// Seconds since 1970.
        pub(crate) created_s: i64,
        /// As the caller gave it (`EU` stays `EU`); `None` in us-east-1.
        pub(crate) location: Option<String>,
    }

    /// A bucket in its account's list.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct OwnedRow {
        pub(crate) region: Region,
        pub(crate) created_s: i64,
    }

    /// Headers that are kept and given back as they came.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct ContentHeaders {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(crate) cache_control: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(crate) content_disposition: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(crate) content_encoding: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(crate) content_language: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(crate) content_type: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(crate) expires: Option<String>,
    }

    /// How often the service was started, and up to which run its blobs are swept.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct RunRow {
        pub(crate) newest: u64,
        pub(crate) swept_through: u64,
    }
}

/// Version 2 knows bodies of several parts, composite checksums and tags. What version 1 wrote means the same in it.
mod v2 {
    use super::*;

    /// Where an object's bytes are.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub(crate) enum Body {
        /// There are none.
        Empty,
        /// In the catalog, under this body name.
        Row(String),
        /// In this blob, whose name is its body name too.
        Blob(String),
        /// In the parts of this upload, in the order of their numbers. The upload's id is the body name.
        Parts(String),
    }

    /// A checksum over the object.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct StoredSum {
        /// `CRC64NVME`, …
        pub(crate) algorithm: String,
        /// Base64 of the big-endian bytes; of a composite with `-n` behind.
        pub(crate) value: String,
        /// Over the checksums of the parts, not over the bytes.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub(crate) composite: bool,
    }

    /// An object.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct ObjectRow {
        pub(crate) bytes: u64,
        /// MD5 of the body, hexadecimal, without quotes; of several parts MD5 over their MD5s and `-n`.
        pub(crate) etag: String,
        /// Seconds since 1970.
        pub(crate) modified_s: i64,
        pub(crate) body: Body,
        pub(crate) headers: ContentHeaders,
        /// Names in lower case, without `x-amz-meta-`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub(crate) metadata: BTreeMap<String, String>,
        pub(crate) sum: StoredSum,
        /// In the order in which they were given.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub(crate) tags: Vec<(String, String)>,
    }
}

impl StoredSum {
    /// Over all bytes.
    pub(crate) fn full(algorithm: Algorithm, value: String) -> Self {
        Self { algorithm: algorithm.name().to_owned(), value, composite: false }
    }

    /// `COMPOSITE` or `FULL_OBJECT`.
    pub(crate) fn kind(&self) -> &'static str {
        if self.composite { "COMPOSITE" } else { "FULL_OBJECT" }
    }

    /// What was computed.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::of_name(&self.algorithm)
    }
}

impl ObjectRow {
    /// Tells this object from one that was put in its place, by what cannot be the same in both.
    pub(crate) fn identity(&self) -> String {
        let name = match &self.body {
            Body::Empty => "",
            Body::Row(name) | Body::Blob(name) | Body::Parts(name) => name,
        };
        format!("{}/{name}", self.modified_s)
    }
}

impl Stored for BucketRow {
    const NAME: &'static str = "s3 bucket";
    const VERSION: u16 = 1;
}

impl Stored for OwnedRow {
    const NAME: &'static str = "s3 bucket of an account";
    const VERSION: u16 = 1;
}

impl Stored for ObjectRow {
    const NAME: &'static str = "s3 object";
    const VERSION: u16 = 2;

    fn migrate(_: u16, json: serde_json::Value) -> Result<serde_json::Value, opentrail_catalog::Damaged> {
        Ok(json)
    }
}

impl Stored for RunRow {
    const NAME: &'static str = "s3 run";
    const VERSION: u16 = 1;
}

pub(crate) fn bucket_key(name: &str) -> Key {
    Key::family("s3/bucket").part(name)
}

pub(crate) fn live_key(bucket_id: &str) -> Key {
    Key::family("s3/live").part(bucket_id)
}

/// All buckets of an account.
pub(crate) fn owned_keys(account: AccountId) -> Key {
    Key::family("s3/owned").part(account.to_string())
}

/// All objects of a bucket.
pub(crate) fn object_keys(bucket_id: &str) -> Key {
    Key::family("s3/object").part(bucket_id)
}

pub(crate) fn body_key(body_name: &str) -> Key {
    Key::family("s3/body").part(body_name)
}

/// All uploads that are going on in a bucket.
pub(crate) fn upload_keys(bucket_id: &str) -> Key {
    Key::family("s3/upload").part(bucket_id)
}

/// All parts of an upload, or of the object that it became.
pub(crate) fn part_keys(upload_id: &str) -> Key {
    Key::family("s3/part").part(upload_id)
}

/// The tags of a bucket.
pub(crate) fn tags_key(bucket_id: &str) -> Key {
    Key::family("s3/tags").part(bucket_id)
}

/// All notes about what can go.
pub(crate) fn garbage_keys() -> Key {
    Key::family("s3/garbage")
}

pub(crate) fn run_key() -> Key {
    Key::family("s3/run")
}

/// The last part of a key, which is a name.
pub(crate) fn last_part(key: &Key) -> Option<String> {
    String::from_utf8(key.parts()?.pop()?).ok()
}

#[cfg(test)]
mod tests {
    use opentrail_catalog::{decode, encode};

    use super::*;

    /// Bytes that version 1 wrote; they must load for ever.
    #[test]
    fn rows_of_version_1_load() {
        let object = b"\0\x01{\"bytes\":5,\"etag\":\"5d41402abc4b2a76b9719d911017c592\",\"modified_s\":1790000000,\
            \"body\":{\"row\":\"00ff\"},\"headers\":{\"content_type\":\"text/plain\"},\"metadata\":{\"a\":\"b\"},\
            \"sum\":{\"algorithm\":\"CRC32\",\"value\":\"NhCmhg==\"}}";
        let row: ObjectRow = decode(object).expect("an object row");
        assert_eq!((row.bytes, &row.body), (5, &Body::Row("00ff".into())));
        assert!(!row.sum.composite && row.tags.is_empty());
        assert_eq!(decode::<ObjectRow>(&encode(&row)), Ok(row));

        let bucket = b"\0\x01{\"id\":\"ab\",\"account\":\"000000000001\",\"region\":\"eu-west-1\",\"created_s\":1,\
            \"location\":\"EU\"}";
        let row: BucketRow = decode(bucket).expect("a bucket row");
        assert_eq!(row.location.as_deref(), Some("EU"));
        assert_eq!(decode::<BucketRow>(&encode(&row)), Ok(row));
    }

    /// Bytes that version 2 wrote.
    #[test]
    fn objects_of_version_2_load() {
        let object = b"\0\x02{\"bytes\":5,\"etag\":\"5d41402abc4b2a76b9719d911017c592-1\",\"modified_s\":1790000000,\
            \"body\":{\"parts\":\"00ff\"},\"headers\":{},\
            \"sum\":{\"algorithm\":\"CRC32\",\"value\":\"NhCmhg==-1\",\"composite\":true},\"tags\":[[\"a\",\"b\"]]}";
        let row: ObjectRow = decode(object).expect("an object row");
        assert_eq!(row.body, Body::Parts("00ff".into()));
        assert_eq!((row.sum.kind(), &row.tags[0].1), ("COMPOSITE", &"b".to_owned()));
        assert_eq!(&encode(&row)[..], object);
    }
}
