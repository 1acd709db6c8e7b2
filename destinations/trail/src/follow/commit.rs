//! Stage and commit: all open files are cut and staged, then one transaction moves the follower and names the files.
//!
//! A batch that was begun is finished before another one is cut, whatever fails in between: its files keep their blobs,
//! names and numbers. A transaction whose result is unknown is settled by the follower's head, which differs from commit
//! to commit.

use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use opentrail_catalog::{Catalog, Check, Error as CatalogError, Txn, Version, decode, encode};
use opentrail_digest::{Folder, LogKey};
use opentrail_event::{AccountId, Region};
use opentrail_journal::Positions;

use super::open::Body;
use crate::member::Member;
use crate::registry::parting_key;
use crate::spool::SpoolError;
use crate::spool::row::{Head, Kind, Spooled};
use crate::spool::stage;
use crate::{Delivery, Parting};

/// Files that are staged at a time by one commit.
const STAGE_AT_ONCE: usize = 4;
/// The minute in a log file's name is the end of the window of this width in which its first record came.
const WINDOW_S: i64 = 300;
const UNIQUE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UNIQUE_CHARS: usize = 16;

/// A file whose blob is durable.
#[derive(Debug)]
pub(crate) struct Staged {
    account: AccountId,
    region: Region,
    members: std::sync::Arc<[Member]>,
    blob: String,
    bytes: u64,
    sha256: String,
    oldest_s: i64,
    newest_s: i64,
    opened_s: i64,
    staged_s: i64,
    recorded: bool,
}

/// What one commit makes durable.
#[derive(Debug)]
pub(crate) struct Batch {
    through: Positions,
    bytes: u64,
    bodies: Vec<Body>,
    staged: Vec<Staged>,
    /// Calls whose records are in it, or were wanted by no trail.
    heard: Vec<Parting>,
    /// The rows, once all is staged.
    rows: Option<Vec<Spooled>>,
}

/// The one who commits. Used by one commit at a time.
#[derive(Debug)]
pub(crate) struct Committer {
    head: Head,
    version: Option<Version>,
    begun: Option<Batch>,
}

/// Where the follower stands durably, for whoever asks without waiting.
#[derive(Debug, Default)]
pub(crate) struct Standing(Mutex<Positions>);

impl Standing {
    pub(crate) fn get(&self) -> Positions {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, positions: Positions) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = positions;
    }
}

impl Committer {
    /// Reads where the last commit left the follower.
    pub(crate) async fn open(catalog: &dyn Catalog, start: &Positions) -> Result<Self, SpoolError> {
        let stored = catalog.get(&Head::key()).await?;
        let version = stored.as_ref().map(|stored| stored.version);
        let head = stored.map(|stored| decode(&stored.value)).transpose()?.unwrap_or_else(|| Head::beginning(start));
        Ok(Self { head, version, begun: None })
    }

    pub(crate) fn positions(&self) -> Positions {
        self.head.positions()
    }
}

impl Delivery {
    pub(crate) async fn commit_applied(&self) -> Result<Positions, SpoolError> {
        let mut committer = self.committer.lock().await;
        if committer.begun.is_some() {
            self.finish(&mut committer).await?;
        }
        let batch = self.cut().await;
        if batch.through == committer.head.positions() && batch.bodies.is_empty() && batch.staged.is_empty() {
            self.settle_bytes(batch.bytes);
            return Ok(batch.through);
        }
        committer.begun = Some(batch);
        self.finish(&mut committer).await
    }

    /// Everything that is applied, and nothing that is not.
    async fn cut(&self) -> Batch {
        let _between = self.staging.lock().await;
        let mut state = self.course.state();
        let state = &mut *state;
        let mut bodies = std::mem::take(&mut state.cut);
        state.open.cut_all(|| self.spool.name(), &mut bodies);
        state.routes.nothing_is_open();
        state.due_at = None;
        Batch {
            through: state.applied.clone(),
            bytes: state.uncommitted_bytes,
            bodies,
            staged: std::mem::take(&mut state.staged),
            heard: std::mem::take(&mut state.heard),
            rows: None,
        }
    }

    fn settle_bytes(&self, bytes: u64) {
        let mut state = self.course.state();
        state.uncommitted_bytes = state.uncommitted_bytes.saturating_sub(bytes);
    }

    async fn finish(&self, committer: &mut Committer) -> Result<Positions, SpoolError> {
        let Committer { head, version, begun } = committer;
        let Some(batch) = begun.as_mut() else { return Ok(head.positions()) };
        self.stage_all(batch).await?;
        let next = head.next(&batch.through);
        let rows = batch.rows.get_or_insert_with(|| self.rows(std::mem::take(&mut batch.staged)));
        let guard = version.map_or(Check::Absent(Head::key()), |version| Check::Is(Head::key(), version));
        let mut txn = Txn::new().check(guard).put(Head::key(), encode(&next));
        for row in rows.iter() {
            txn = txn.put(row.stored_under(), encode(row));
        }
        for parting in &batch.heard {
            txn = txn.delete(parting_key(&parting.before.id, parting.before.revision + 1));
        }
        match self.spool.catalog.txn(txn).await {
            Ok(()) => {}
            Err(error) => {
                let stored = self.spool.catalog.get(&Head::key()).await?;
                let landed = match &stored {
                    Some(stored) => decode::<Head>(&stored.value)? == next,
                    None => false,
                };
                match error {
                    _ if landed => {}
                    CatalogError::Conflict { .. } => return Err(SpoolError::NotAlone),
                    error => return Err(error.into()),
                }
            }
        }
        *version = Some(version.map_or(1, |version| version + 1));
        *head = next;
        let files: u64 = rows.len() as u64;
        self.spool.add(rows);
        // Only now: a chain ends when it waits neither for a record nor for a file.
        self.trails.timeline().parted(&batch.heard);
        let bytes = batch.bytes;
        let through = batch.through.clone();
        *begun = None;
        self.settle_bytes(bytes);
        self.standing.set(through.clone());
        // What nobody can ask for any more is dropped again with the next commit if not with this one.
        if let Err(error) = self.trails.prune(&through).await {
            tracing::warn!(%error, "drop old revisions of trails");
        }
        self.chains_moved.notify_one();
        tracing::debug!(files, "committed log files");
        Ok(through)
    }

    async fn stage_all(&self, batch: &mut Batch) -> Result<(), SpoolError> {
        let bodies = std::mem::take(&mut batch.bodies);
        let mut staging = stream::iter(bodies.into_iter().map(|body| self.stage(body))).buffer_unordered(STAGE_AT_ONCE);
        let mut worst = None;
        while let Some(outcome) = staging.next().await {
            match outcome {
                Ok(staged) => batch.staged.push(staged),
                Err((body, error)) => {
                    batch.bodies.push(body);
                    worst = Some(error);
                }
            }
        }
        worst.map_or(Ok(()), Err)
    }

    /// Packs a body and stores it as a blob.
    pub(super) async fn stage(&self, body: Body) -> Result<Staged, (Body, SpoolError)> {
        let packed = match self.spool.packer.pack(&body.raw).await {
            Ok(packed) => packed,
            Err(error) => return Err((body, error)),
        };
        if let Err(error) = stage::put(&*self.spool.blobs, &body.blob, &packed.gzip).await {
            return Err((body, error.into()));
        }
        metrics::counter!("opentrail_trail_records_total").increment(body.records);
        Ok(Staged {
            account: body.account,
            region: body.region,
            members: body.members,
            blob: body.blob.as_str().to_owned(),
            bytes: packed.gzip.len() as u64,
            sha256: packed.sha256,
            oldest_s: body.oldest_s,
            newest_s: body.newest_s,
            opened_s: body.opened_s,
            staged_s: self.world.now().as_second(),
            recorded: body.recorded,
        })
    }

    /// One row for each file and each trail that delivers it, under a name that is never given twice.
    fn rows(&self, staged: Vec<Staged>) -> Vec<Spooled> {
        let mut rows = Vec::with_capacity(staged.len());
        for file in staged {
            for member in file.members.iter() {
                rows.push(self.row(&file, member));
            }
        }
        rows
    }

    fn row(&self, file: &Staged, member: &Member) -> Spooled {
        let minute_s = (file.opened_s.div_euclid(WINDOW_S) + 1).saturating_mul(WINDOW_S);
        let key = LogKey {
            prefix: member.prefix.clone(),
            organization: None,
            account: file.account,
            folder: Folder::CloudTrail,
            region: file.region.clone(),
            minute: Timestamp::from_second(minute_s).unwrap_or(Timestamp::MAX),
            unique: self.world.text(UNIQUE, UNIQUE_CHARS),
        };
        Spooled {
            seq: self.spool.ledger().next_seq(),
            kind: Kind::Log,
            trail: member.trail.to_string(),
            arn: member.arn.clone(),
            run: member.run,
            chain_started_s: member.chain_started_s,
            account: file.account,
            region: file.region.clone(),
            bucket: member.bucket.clone(),
            prefix: member.prefix.clone(),
            key: key.to_string(),
            blob: file.blob.clone(),
            bytes: file.bytes,
            sha256: file.sha256.clone(),
            oldest_s: Some(file.oldest_s),
            newest_s: Some(file.newest_s),
            staged_s: file.staged_s,
            recorded: file.recorded,
            signature: None,
        }
    }
}
