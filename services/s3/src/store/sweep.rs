//! Removing blobs that no object names: what a crash left between staging and commit, or between commit and removal.
//!
//! Blobs are named `s3/RUN/RANDOM`. Every start of the service takes a new run number, and a blob is put in use only
//! by the run that staged it. So of an earlier run, a blob without its mark in `s3/body` will never be used, and the sweep can go on
//! while calls are served. Runs that are swept are not looked at again.

use opentrail_blobs::BlobKey;
use opentrail_catalog::{Check, Error, From, Txn, decode, encode};
use opentrail_wire::Fault;

use super::rows::{self, RunRow};
use super::{COMMIT_ATTEMPTS, Store};
use crate::faults;

/// What the names of all our blobs begin with.
const BLOBS_PREFIX: &str = "s3/";
/// Notes taken in one step.
const NOTES_PER_STEP: usize = 500;
/// Names of blobs taken in one step. Large, because an engine may look at every name it has for each step.
const BLOBS_PER_STEP: usize = 20_000;

impl Store {
    /// This run's number; the first call takes it.
    pub(super) async fn run(&self) -> Result<u64, Fault> {
        self.run.get_or_try_init(|| self.take_run()).await.copied()
    }

    async fn take_run(&self) -> Result<u64, Fault> {
        for _ in 0..COMMIT_ATTEMPTS {
            let (row, check) = self.run_row().await?;
            let next = RunRow { newest: row.newest + 1, ..row };
            match self.catalog.txn(Txn::new().check(check).put(rows::run_key(), encode(&next))).await {
                Ok(()) => return Ok(next.newest),
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(faults::internal("commit run number", error)),
            }
        }
        Err(faults::operation_aborted())
    }

    async fn run_row(&self) -> Result<(RunRow, Check), Fault> {
        let found = self.catalog.get(&rows::run_key()).await.map_err(|e| faults::internal("read run number", e))?;
        match found {
            None => Ok((RunRow::default(), Check::Absent(rows::run_key()))),
            Some(found) => {
                let row = decode(&found.value).map_err(|e| faults::internal("read run row", e))?;
                Ok((row, Check::Is(rows::run_key(), found.version)))
            }
        }
    }

    /// Removes the blobs of earlier runs that nothing names. Returns how many went. Safe beside calls.
    pub(crate) async fn sweep(&self) -> Result<u64, Fault> {
        let run = self.run().await?;
        let mut swept = self.sweep_garbage().await?;
        let (row, _) = self.run_row().await?;
        swept += self.sweep_staged(row.swept_through, run).await?;
        if row.swept_through + 1 < run {
            let (now, check) = self.run_row().await?;
            let next = RunRow { swept_through: now.swept_through.max(run - 1), ..now };
            match self.catalog.txn(Txn::new().check(check).put(rows::run_key(), encode(&next))).await {
                // Lost against another run: the next sweep looks again, and finds nothing.
                Ok(()) | Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(faults::internal("commit sweep", error)),
            }
        }
        Ok(swept)
    }

    /// Removes what is noted as replaced or deleted.
    async fn sweep_garbage(&self) -> Result<u64, Fault> {
        let mut swept = 0;
        let mut from = From::Start;
        loop {
            let listed = self.catalog.list(&rows::garbage_keys(), from, NOTES_PER_STEP).await;
            let notes = listed.map_err(|e| faults::internal("list garbage", e))?;
            let Some((last, _)) = notes.last() else { return Ok(swept) };
            from = From::After(last.clone());
            let mut txn = Txn::new();
            for (note, _) in notes {
                if let Some(name) = rows::last_part(&note) {
                    match self.clear(&name).await? {
                        Some(blobs) => swept += blobs,
                        // Somebody reads it: the note stays for the last reader, or the next sweep.
                        None => continue,
                    }
                }
                txn = txn.delete(note);
            }
            if !txn.writes.is_empty() {
                self.catalog.txn(txn).await.map_err(|e| faults::internal("commit sweep", e))?;
            }
        }
    }

    /// Removes what the runs between `swept_through` and `run` staged and never committed.
    async fn sweep_staged(&self, swept_through: u64, run: u64) -> Result<u64, Fault> {
        let ours = run_prefix(run);
        let mut swept = 0;
        // Behind every name of the last swept run: names end in hexadecimal digits.
        let last_swept = BlobKey::new(format!("{}z", run_prefix(swept_through)));
        let mut after = last_swept.map_err(|e| faults::internal("name blob", e))?;
        loop {
            let listed = self.blobs.list(BLOBS_PREFIX, Some(&after), BLOBS_PER_STEP).await;
            let blobs = listed.map_err(|e| faults::internal("list blobs", e))?;
            let Some(last) = blobs.last() else { return Ok(swept) };
            after = last.clone();
            for blob in &blobs {
                if blob.as_str() >= ours.as_str() {
                    return Ok(swept);
                }
                let mark = self.catalog.get(&rows::body_key(blob.as_str())).await;
                if mark.map_err(|e| faults::internal("read blob mark", e))?.is_none() {
                    self.blobs.delete(blob).await.map_err(|e| faults::internal("delete blob", e))?;
                    swept += 1;
                }
            }
        }
    }
}

/// What the names of a run's blobs begin with.
pub(super) fn run_prefix(run: u64) -> String {
    format!("{BLOBS_PREFIX}{run:08x}/")
}
