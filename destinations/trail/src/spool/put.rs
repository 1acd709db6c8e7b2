//! One file: *put* it, *commit* that it is there, *sweep* its blob with the last that shares it.
//!
//! A transaction whose result is unknown is settled by the file's row, before anything else of its lane is put: the row goes with
//! the transaction.

use std::time::Duration;

use jiff::Timestamp;
use opentrail_blobs::BlobKey;
use opentrail_catalog::{Error as CatalogError, Key, Txn, encode};
use opentrail_delivery::{BucketError, File, OnBehalf};

use super::SpoolError;
use super::publish::SERVICE;
use super::row::{Delivered, Kind, Lane, Spooled};
use crate::Delivery;

/// A file that could not be put for so long is given up.
const GIVE_UP_S: i64 = 30 * 86_400;
/// Provided that its lane has failed for so long in this life of the process: the wall clock alone must not throw files away.
const FAILING_MIN: Duration = Duration::from_secs(3_600);

/// Why a file was not put.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self::Spool(error.into())
    }
}

/// How a file left the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// It was put, by this try at this time.
    Put {
        attempted: Timestamp,
        at: Timestamp,
    },
    GivenUp,
}

/// A file whose leaving was committed, as far as is known.
#[derive(Debug)]
pub(crate) struct Leaving {
    key: Key,
    file: Spooled,
    end: End,
}

impl Delivery {
    /// Puts one file, and writes down that it is there. After thirty days of failures it is given up: nobody can be expected to mend the
    /// bucket any more.
    pub(super) async fn put(
        &self,
        lane: &Lane,
        key: Key,
        file: Spooled,
        failing_since: Option<Duration>,
    ) -> Result<End, Failure> {
        let attempted = self.world.now();
        let end = match self.put_object(&file).await {
            Ok(()) => End::Put { attempted, at: self.world.now() },
            Err(Failure::Bucket(error)) => {
                self.statuses.failed(&file, attempted, error.code()).await?;
                let age_s = self.world.now().as_second().saturating_sub(file.staged_s);
                let failing = failing_since.map(|since| self.world.monotonic().saturating_sub(since));
                if age_s < GIVE_UP_S || failing.is_none_or(|span| span < FAILING_MIN) {
                    return Err(error.into());
                }
                tracing::error!(
                    trail = %file.arn, bucket = %file.bucket, key = %file.key, %error,
                    "give up a file that its bucket has not taken for thirty days"
                );
                End::GivenUp
            }
            Err(error) => return Err(error),
        };
        self.leave(lane, Leaving { key, file, end }).await
    }

    async fn leave(&self, lane: &Lane, leaving: Leaving) -> Result<End, Failure> {
        let Leaving { key, file, end } = &leaving;
        let mut txn = Txn::new().delete(key.clone());
        if let End::Put { attempted, at } = end {
            if let Some(delivered) = leaving.delivered() {
                txn = txn.put(delivered.stored_under(), encode(&delivered));
            }
            txn = self.statuses.succeeded(txn, file, *attempted, *at);
        }
        match self.spool.catalog.txn(txn).await {
            Ok(()) => Ok(self.left(leaving).await),
            Err(error) => {
                self.spool.unsettled().insert(lane.clone(), leaving);
                self.settle_lane(lane).await?.ok_or(error.into())
            }
        }
    }

    /// Finds out about a file of the lane of which it is unknown whether it has left. `None` where it has not, or where
    /// there is no such file.
    pub(super) async fn settle_lane(&self, lane: &Lane) -> Result<Option<End>, Failure> {
        let Some(key) = self.spool.unsettled().get(lane).map(|leaving| leaving.key.clone()) else { return Ok(None) };
        let there = self.spool.catalog.get(&key).await?.is_some();
        let leaving = self.spool.unsettled().remove(lane);
        match leaving {
            Some(leaving) if !there => Ok(Some(self.left(leaving).await)),
            _ => Ok(None),
        }
    }

    /// A file has left.
    async fn left(&self, leaving: Leaving) -> End {
        let Leaving { file, end, .. } = &leaving;
        let kind = file.kind.as_str();
        match end {
            End::Put { attempted, at } => {
                self.statuses.landed(file, *attempted, *at);
                if let Some(delivered) = leaving.delivered() {
                    self.note_delivered(delivered);
                }
                metrics::counter!("opentrail_trail_files_total", "kind" => kind).increment(1);
                metrics::counter!("opentrail_trail_bytes_total", "kind" => kind).increment(file.bytes);
            }
            End::GivenUp => metrics::counter!("opentrail_trail_given_up_total", "kind" => kind).increment(1),
        }
        self.spool.release(file).await;
        self.chains_moved.notify_one();
        leaving.end
    }

    async fn put_object(&self, file: &Spooled) -> Result<(), Failure> {
        let blob = BlobKey::new(&*file.blob).map_err(SpoolError::from)?;
        let bytes = self.spool.blobs.read(&blob, 0..file.bytes).await.map_err(SpoolError::from)?;
        let by = OnBehalf { service: SERVICE, source_arn: file.arn.clone(), source_account: file.account };
        let metadata = file.signature.iter().flat_map(|signature| {
            [
                ("signature".to_owned(), signature.clone()),
                ("signature-algorithm".to_owned(), opentrail_digest::SIGNATURE_ALGORITHM.to_owned()),
            ]
        });
        let object = File {
            key: file.key.clone(),
            bytes,
            content_type: "application/json",
            content_encoding: Some("gzip"),
            metadata: metadata.collect(),
            recorded: file.recorded,
        };
        Ok(self.buckets.put(&by, &file.bucket, object).await?)
    }
}

impl Leaving {
    /// What a digest will want to know; `None` where none will list it.
    fn delivered(&self) -> Option<Delivered> {
        match &self.end {
            End::Put { at, .. } if self.file.kind == Kind::Log => Delivered::of(&self.file, at.as_second()),
            _ => None,
        }
    }
}
