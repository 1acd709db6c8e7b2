//! Making, finding, listing and deleting buckets.

use opentrail_catalog::{Check, Error, From, Txn, decode, encode};
use opentrail_event::{AccountId, Region};
use opentrail_wire::Fault;

use super::rows::{self, BucketRow, OwnedRow};
use super::tags::TagsRow;
use super::{Bucket, COMMIT_ATTEMPTS, Store, garbage};
use crate::faults;
use crate::tags::Tags;

/// The most buckets of one account.
const BUCKETS_PER_ACCOUNT_MAX: u64 = 10_000;
/// Rows of an account's list that are read at once.
const OWNED_ROWS_PER_READ: usize = 1_000;

/// A bucket to be.
pub(crate) struct NewBucket<'a> {
    pub(crate) name: &'a str,
    pub(crate) account: AccountId,
    pub(crate) region: &'a Region,
    pub(crate) location: Option<String>,
    pub(crate) tags: Tags,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Created {
    New,
    /// The caller had it already; nothing was changed.
    OwnedAlready(Bucket),
    /// Somebody else has it.
    Taken,
}

/// One page of an account's buckets.
pub(crate) struct BucketPage {
    /// Name, region, seconds of creation.
    pub(crate) buckets: Vec<(String, Region, i64)>,
    /// Whether more follow.
    pub(crate) more: bool,
}

impl Store {
    /// The bucket of that name.
    pub(crate) async fn bucket(&self, name: &str) -> Result<Option<Bucket>, Fault> {
        let found = self.catalog.get(&rows::bucket_key(name)).await.map_err(|e| faults::internal("find bucket", e))?;
        let Some(found) = found else { return Ok(None) };
        let row: BucketRow = decode(&found.value).map_err(|e| faults::internal("read bucket row", e))?;
        Ok(Some(Bucket {
            id: row.id,
            name: name.to_owned(),
            account: row.account,
            region: row.region,
            location: row.location,
        }))
    }

    /// Makes a bucket, unless its name is taken. Durable on return.
    pub(crate) async fn create_bucket(&self, new: NewBucket<'_>) -> Result<Created, Fault> {
        let id = self.random_name();
        let created_s = self.world.now().as_second();
        let row = BucketRow {
            id: id.clone(),
            account: new.account,
            region: new.region.clone(),
            created_s,
            location: new.location,
        };
        let owned = rows::owned_keys(new.account);
        for _ in 0..COMMIT_ATTEMPTS {
            let mut txn = Txn::new()
                .check(Check::Absent(rows::bucket_key(new.name)))
                .check(Check::AtMost { prefix: owned.clone(), max: BUCKETS_PER_ACCOUNT_MAX - 1 })
                .put(rows::bucket_key(new.name), encode(&row))
                .put(rows::live_key(&id), Vec::new())
                .put(owned.part(new.name), encode(&OwnedRow { region: new.region.clone(), created_s }));
            if !new.tags.is_empty() {
                txn = txn.put(rows::tags_key(&id), encode(&TagsRow { tags: new.tags.clone() }));
            }
            match self.catalog.txn(txn).await {
                Ok(()) => return Ok(Created::New),
                Err(Error::Conflict { check: 0 }) => match self.bucket(new.name).await? {
                    Some(there) if there.account == new.account => return Ok(Created::OwnedAlready(there)),
                    Some(_) => return Ok(Created::Taken),
                    // Deleted between the two: the name is free again.
                    None => {}
                },
                Err(Error::Conflict { .. }) => return Err(faults::too_many_buckets()),
                Err(error) => return Err(faults::internal("commit new bucket", error)),
            }
        }
        Err(faults::operation_aborted())
    }

    /// Deletes an empty bucket, and with it the uploads that are going on in it. Durable on return.
    pub(crate) async fn delete_bucket(&self, bucket: &Bucket) -> Result<(), Fault> {
        let uploads = rows::upload_keys(&bucket.id);
        for _ in 0..COMMIT_ATTEMPTS {
            let found = self.catalog.list(&uploads, From::Start, 1).await;
            let has_uploads = !found.map_err(|e| faults::internal("list uploads", e))?.is_empty();
            let mut txn = Txn::new()
                .check(Check::Is(rows::live_key(&bucket.id), 1))
                .check(Check::Empty { prefix: rows::object_keys(&bucket.id) })
                .delete(rows::bucket_key(&bucket.name))
                .delete(rows::live_key(&bucket.id))
                .delete(rows::tags_key(&bucket.id))
                .delete(super::policies::policy_key(&bucket.id))
                .delete(rows::owned_keys(bucket.account).part(&bucket.name));
            let note = garbage::note_of_bucket(&bucket.id);
            txn = if has_uploads {
                txn.put(rows::garbage_keys().part(&note), Vec::new())
            } else {
                txn.check(Check::Empty { prefix: uploads.clone() })
            };
            match self.catalog.txn(txn).await {
                Ok(()) => {
                    if has_uploads {
                        self.bury(note).await;
                    }
                    return Ok(());
                }
                Err(Error::Conflict { check: 0 }) => return Err(faults::no_such_bucket(&bucket.name)),
                Err(Error::Conflict { check: 1 }) => return Err(faults::bucket_not_empty(&bucket.name)),
                // An upload was begun meanwhile.
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(faults::internal("commit bucket deletion", error)),
            }
        }
        Err(faults::operation_aborted())
    }

    /// Up to `limit` buckets of an account whose names begin with `prefix`, in `region` if it is given, by name, behind `after`.
    pub(crate) async fn buckets(
        &self,
        account: AccountId,
        prefix: &str,
        region: Option<&Region>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<BucketPage, Fault> {
        let owned = rows::owned_keys(account);
        let scope = owned.open_part(prefix);
        let mut from = after.map_or(From::Start, |name| From::After(owned.part(name)));
        let mut page = BucketPage { buckets: Vec::new(), more: false };
        loop {
            let read = self.catalog.list(&scope, from, OWNED_ROWS_PER_READ).await;
            let found = read.map_err(|e| faults::internal("list buckets", e))?;
            let end_is_reached = found.len() < OWNED_ROWS_PER_READ;
            let Some((last, _)) = found.last() else { return Ok(page) };
            from = From::After(last.clone());
            for (key, row) in &found {
                let row: OwnedRow = decode(&row.value).map_err(|e| faults::internal("read bucket row", e))?;
                if region.is_some_and(|r| *r != row.region) {
                    continue;
                }
                if page.buckets.len() == limit {
                    page.more = true;
                    return Ok(page);
                }
                let name = rows::last_part(key).ok_or_else(|| faults::internal("read bucket key", "not UTF-8"))?;
                page.buckets.push((name, row.region, row.created_s));
            }
            if end_is_reached {
                return Ok(page);
            }
        }
    }
}
