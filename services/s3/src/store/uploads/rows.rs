//! What is stored of uploads and their parts.

use opentrail_catalog::{Key, Stored};

use crate::store::rows;

pub(crate) use v1::{PartRow, UploadRow};

mod v1 {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use crate::store::rows::{Body, ContentHeaders, StoredSum};

    /// An upload: what the object will have beside its bytes.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct UploadRow {
        pub(crate) headers: ContentHeaders,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub(crate) metadata: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub(crate) tags: Vec<(String, String)>,
        /// The checksum that was asked for, such as `CRC32`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(crate) algorithm: Option<String>,
        /// It is to be one over the checksums of the parts.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub(crate) composite: bool,
        /// The object that was there when the upload was begun, by its identity.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(crate) replaces: Option<String>,
    }

    /// A part.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct PartRow {
        pub(crate) bytes: u64,
        /// MD5 of the part, hexadecimal.
        pub(crate) etag: String,
        /// Seconds since 1970.
        pub(crate) modified_s: i64,
        pub(crate) body: Body,
        /// Of the upload's algorithm; CRC64NVME where it has none.
        pub(crate) sum: StoredSum,
    }
}

impl Stored for UploadRow {
    const NAME: &'static str = "s3 upload";
    const VERSION: u16 = 1;
}

impl Stored for PartRow {
    const NAME: &'static str = "s3 part";
    const VERSION: u16 = 1;
}

impl PartRow {
    /// Parts sort by their numbers.
    pub(crate) fn key(upload_id: &str, number: u32) -> Key {
        rows::part_keys(upload_id).number(u64::from(number))
    }

    /// The number of a part's key.
    pub(crate) fn number(key: &Key) -> Option<u32> {
        let bytes: [u8; 8] = key.parts()?.pop()?.try_into().ok()?;
        u32::try_from(u64::from_be_bytes(bytes)).ok()
    }
}

#[cfg(test)]
mod tests {
    use opentrail_catalog::{decode, encode};

    use super::*;

    #[test]
    fn rows_of_version_1_load() {
        let upload = b"\0\x01{\"headers\":{\"content_type\":\"text/plain\"},\"metadata\":{\"a\":\"b\"},\"tags\":[[\"c\",\"d\"]],\
            \"algorithm\":\"CRC32\",\"composite\":true,\"replaces\":\"1790000000/00ff\"}";
        let row: UploadRow = decode(upload).expect("an upload row");
        assert_eq!((row.algorithm.as_deref(), row.composite), (Some("CRC32"), true));
        assert_eq!(&encode(&row)[..], upload);

        let part = b"\0\x01{\"bytes\":5,\"etag\":\"5d41402abc4b2a76b9719d911017c592\",\"modified_s\":1790000000,\
            \"body\":{\"blob\":\"s3/00000001/00ff\"},\"sum\":{\"algorithm\":\"CRC32\",\"value\":\"NhCmhg==\"}}";
        let row: PartRow = decode(part).expect("a part row");
        assert_eq!(row.bytes, 5);
        assert_eq!(&encode(&row)[..], part);
    }

    #[test]
    fn parts_sort_by_number() {
        let keys = [1, 2, 9, 10, 255, 256, 10_000].map(|n| PartRow::key("u", n));
        assert!(keys.is_sorted());
        assert_eq!(keys.map(|k| PartRow::number(&k)), [1, 2, 9, 10, 255, 256, 10_000].map(Some));
    }
}
