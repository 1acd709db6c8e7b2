//! The one thread that writes: many callers' transactions, one commit.

use std::sync::mpsc::Receiver;

use opentrail_catalog::{Check, Error, Key, Txn, Write};
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::unavailable;

/// One commit is shared by at most this many transactions…
const GROUP_TXNS_MAX: usize = 512;
/// …and at most about this many bytes.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A transaction on its way.
pub(crate) struct Job {
    pub(crate) txn: Txn,
    pub(crate) bytes: usize,
    /// Its place in the bounded queue.
    pub(crate) _room: OwnedSemaphorePermit,
    pub(crate) reply: oneshot::Sender<Result<(), Error>>,
}

/// Serves until every sender is gone.
pub(crate) fn run(connection: Connection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut bytes = first.bytes;
        let mut group = vec![first];
        while group.len() < GROUP_TXNS_MAX && bytes < GROUP_BYTES_MAX {
            let Ok(job) = jobs.try_recv() else { break };
            bytes += job.bytes;
            group.push(job);
        }
        metrics::histogram!("opentrail_catalog_group_txns").record(group.len() as f64);
        let results = commit(&connection, &group);
        for (job, result) in group.into_iter().zip(results) {
            // A caller that went away no longer listens; what it asked for has happened.
            let _ = job.reply.send(result);
        }
    }
}

/// Runs the group in one SQLite transaction. A transaction's own failure leaves the others alone; a failed commit is
/// everybody's.
fn commit(connection: &Connection, group: &[Job]) -> Vec<Result<(), Error>> {
    let all = |error: Error| group.iter().map(|_| Err(error.clone())).collect();
    if let Err(e) = execute(connection, "BEGIN IMMEDIATE") {
        return all(unavailable("begin")(e));
    }
    let mut results = Vec::with_capacity(group.len());
    for job in group {
        match apart(connection, &job.txn) {
            Ok(result) => results.push(result),
            Err(e) => {
                // The savepoint itself failed: nothing in this transaction can be trusted.
                roll_back(connection);
                return all(unavailable("apply a transaction")(e));
            }
        }
    }
    if let Err(e) = execute(connection, "COMMIT") {
        tracing::error!(error = %e, "commit of the catalog failed");
        roll_back(connection);
        return all(unavailable("commit")(e));
    }
    results
}

fn roll_back(connection: &Connection) {
    // Some failures roll back by themselves; then there is nothing to roll back.
    if !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK")
    {
        tracing::error!(%error, "roll the catalog back");
    }
}

/// One transaction behind a savepoint. The outer error means that the savepoint could not be kept.
fn apart(connection: &Connection, txn: &Txn) -> rusqlite::Result<Result<(), Error>> {
    execute(connection, "SAVEPOINT one")?;
    let result = apply(connection, txn);
    if result.is_err() {
        execute(connection, "ROLLBACK TO one")?;
    }
    execute(connection, "RELEASE one")?;
    Ok(result)
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn apply(connection: &Connection, txn: &Txn) -> Result<(), Error> {
    for (at, check) in txn.checks.iter().enumerate() {
        if !holds(connection, check).map_err(unavailable("check a record"))? {
            return Err(Error::Conflict { check: at });
        }
    }
    for write in &txn.writes {
        match write {
            Write::Put(key, value) => connection
                .prepare_cached(
                    "INSERT INTO record (key, version, value) VALUES (?1, 1, ?2)
                     ON CONFLICT (key) DO UPDATE SET version = version + 1, value = excluded.value",
                )
                .and_then(|mut put| put.execute((key.as_bytes(), value.as_ref()))),
            Write::Delete(key) => connection
                .prepare_cached("DELETE FROM record WHERE key = ?1")
                .and_then(|mut delete| delete.execute([key.as_bytes()])),
        }
        .map_err(unavailable("write a record"))?;
    }
    Ok(())
}

fn holds(connection: &Connection, check: &Check) -> rusqlite::Result<bool> {
    let version = |key: &Key| -> rusqlite::Result<Option<i64>> {
        let mut find = connection.prepare_cached("SELECT version FROM record WHERE key = ?1")?;
        find.query_row([key.as_bytes()], |row| row.get(0)).optional()
    };
    match check {
        Check::Is(key, wanted) => Ok(version(key)?.map(i64::unsigned_abs) == Some(*wanted)),
        Check::Absent(key) => Ok(version(key)?.is_none()),
        Check::AtMost { prefix, max } => Ok(count(connection, prefix, max.saturating_add(1))? <= *max),
        Check::Empty { prefix } => Ok(count(connection, prefix, 1)? == 0),
    }
}

/// How many records there are under `prefix`, counted up to `enough`.
fn count(connection: &Connection, prefix: &Key, enough: u64) -> rusqlite::Result<u64> {
    let enough = i64::try_from(enough).unwrap_or(i64::MAX);
    let n: i64 = match prefix.end() {
        Some(end) => connection
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM record WHERE key >= ?1 AND key < ?2 LIMIT ?3)")?
            .query_row((prefix.as_bytes(), end.as_bytes(), enough), |row| row.get(0))?,
        None => connection
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM record WHERE key >= ?1 LIMIT ?2)")?
            .query_row((prefix.as_bytes(), enough), |row| row.get(0))?,
    };
    Ok(n.unsigned_abs())
}
