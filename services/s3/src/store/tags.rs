//! The tags of a bucket.

use opentrail_catalog::{Check, Error, Stored, Txn, decode, encode};
use opentrail_wire::Fault;

use super::rows;
use super::{Bucket, Store};
use crate::faults;
use crate::tags::Tags;

pub(crate) use v1::TagsRow;

mod v1 {
    use serde::{Deserialize, Serialize};

    /// Key and value, in the order in which they were given.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct TagsRow {
        pub(crate) tags: Vec<(String, String)>,
    }
}

impl Stored for TagsRow {
    const NAME: &'static str = "s3 bucket tags";
    const VERSION: u16 = 1;
}

impl Store {
    /// The tags of a bucket; empty if it has none.
    pub(crate) async fn bucket_tags(&self, bucket: &Bucket) -> Result<Tags, Fault> {
        let found = self.catalog.get(&rows::tags_key(&bucket.id)).await;
        let Some(found) = found.map_err(|e| faults::internal("find bucket tags", e))? else { return Ok(Tags::new()) };
        let row: TagsRow = decode(&found.value).map_err(|e| faults::internal("read bucket tags", e))?;
        Ok(row.tags)
    }

    /// Gives a bucket these tags and no others. Durable on return.
    pub(crate) async fn tag_bucket(&self, bucket: &Bucket, tags: Tags) -> Result<(), Fault> {
        let key = rows::tags_key(&bucket.id);
        let txn = Txn::new().check(Check::Is(rows::live_key(&bucket.id), 1));
        let txn = if tags.is_empty() { txn.delete(key) } else { txn.put(key, encode(&TagsRow { tags })) };
        match self.catalog.txn(txn).await {
            Ok(()) => Ok(()),
            Err(Error::Conflict { .. }) => Err(faults::no_such_bucket(&bucket.name)),
            Err(error) => Err(faults::internal("commit bucket tags", error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_version_1_load() {
        let bytes = b"\0\x01{\"tags\":[[\"a\",\"b\"]]}";
        let row: TagsRow = decode(bytes).expect("a row");
        assert_eq!(row.tags, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(&encode(&row)[..], bytes);
    }
}
