//! The catalog on one machine: one SQLite table.
//!
//! ```sql
//! CREATE TABLE record (key BLOB PRIMARY KEY NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID
//! ```
//!
//! Keys compare as bytes, in SQLite as in the port. One *writer* thread owns the one connection that writes: it takes
//! all transactions that wait into one SQLite transaction, each behind a savepoint, and commits once. A few *readers*
//! read, each on a connection of its own. `user_version` is the format: 1, the first; a newer one is refused.
//!
//! Durability is SQLite's own (write-ahead log, `synchronous=FULL`), not that of [`Disk`](crate::Disk): its files are
//! not in the simulated power cuts. It is the bundled SQLite, never the system's: versions before 3.51.3 can corrupt a
//! write-ahead log when two connections write or checkpoint at once. Here only one connection ever does either.

mod reads;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_catalog::{Catalog, Error, From, Key, Txn, Versioned, Write};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::reads::Readers;
use self::writer::Job;

/// The format this program writes.
const FORMAT_VERSION: i64 = 1;
/// The most one record's value may have.
pub const VALUE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most a key may have: an S3 key of zero bytes doubles, and needs room beside it.
pub const KEY_BYTES_MAX: usize = 4 * 1024;
/// The most one transaction may bring.
pub const TXN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What may wait for the writer, in KiB; transactions beyond it wait for room.
const QUEUE_KIB_MAX: usize = 64 * 1024;
/// A listing up to this long is read on the spot; a longer one on a thread that may block.
const DIRECT_ROWS_MAX: usize = 64;
/// The most rows of one listing.
pub const LIST_ROWS_MAX: usize = 100_000;

/// Why a catalog does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the catalog {path} has format {found}; this program knows up to {known}: use a newer one")]
    TooNew { path: PathBuf, found: i64, known: i64 },
    #[error("open the catalog {path}: {source}")]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error("open the catalog {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

/// The catalog. Dropping it commits what waits.
pub struct LocalCatalog {
    readers: Arc<Readers>,
    jobs: Option<Sender<Job>>,
    room: Arc<Semaphore>,
    writer: Option<JoinHandle<()>>,
}

impl LocalCatalog {
    /// Opens the catalog file, or makes it; the folder must be there. Blocks.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: path.into(), source };
        let connection = prepare(path)?;
        if let Some(folder) = path.parent() {
            // SQLite syncs the folder for its journal files; the database's own name is made durable here.
            std::fs::File::open(folder).and_then(|f| f.sync_all()).map_err(io)?;
        }
        let readers = Readers::open(path).map_err(|source| OpenError::Sqlite { path: path.into(), source })?;
        let (jobs, queue) = mpsc::channel();
        let run = move || writer::run(connection, &queue);
        let writer = std::thread::Builder::new().name("catalog-writer".into()).spawn(run).map_err(io)?;
        let room = Arc::new(Semaphore::new(QUEUE_KIB_MAX));
        Ok(Self { readers: Arc::new(readers), jobs: Some(jobs), room, writer: Some(writer) })
    }

    async fn commit(&self, txn: Txn) -> Result<(), Error> {
        let bytes = measure(&txn)?;
        let room = self.room.clone().acquire_many_owned(kib(bytes)).await.map_err(|_| closed())?;
        self.hand_over(txn, bytes, room)?.await.unwrap_or_else(|_| Err(closed()))
    }

    /// As [`Catalog::txn`], for whoever opens a folder. Blocks, also within a runtime.
    pub(crate) fn commit_now(&self, txn: Txn) -> Result<(), Error> {
        let bytes = measure(&txn)?;
        let room = self.room.clone().try_acquire_many_owned(kib(bytes)).map_err(|_| closed())?;
        let answer = self.hand_over(txn, bytes, room)?;
        // A runtime's own threads may not wait for a channel.
        let waited = std::thread::scope(|scope| scope.spawn(|| answer.blocking_recv()).join());
        waited.ok().and_then(Result::ok).unwrap_or_else(|| Err(closed()))
    }

    /// As [`Catalog::get`].
    pub(crate) fn get_now(&self, key: &Key) -> Result<Option<Versioned>, Error> {
        self.readers.get(key)
    }

    fn hand_over(
        &self,
        txn: Txn,
        bytes: usize,
        room: OwnedSemaphorePermit,
    ) -> Result<oneshot::Receiver<Result<(), Error>>, Error> {
        let (reply, answer) = oneshot::channel();
        let job = Job { txn, bytes, _room: room, reply };
        self.jobs.as_ref().ok_or_else(closed)?.send(job).map_err(|_| closed())?;
        Ok(answer)
    }

    async fn rows(&self, prefix: &Key, from: From, limit: usize) -> Result<Vec<(Key, Versioned)>, Error> {
        let limit = limit.min(LIST_ROWS_MAX);
        if limit <= DIRECT_ROWS_MAX {
            return self.readers.list(prefix, &from, limit);
        }
        let (readers, prefix) = (self.readers.clone(), prefix.clone());
        let read = tokio::task::spawn_blocking(move || readers.list(&prefix, &from, limit));
        read.await.unwrap_or_else(|e| Err(Error::Unavailable(format!("listing stopped: {e}").into())))
    }
}

impl Catalog for LocalCatalog {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, Error>> {
        async move { self.readers.get(key) }.boxed()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: From,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, Error>> {
        self.rows(prefix, from, limit).boxed()
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), Error>> {
        self.commit(txn).boxed()
    }
}

impl Drop for LocalCatalog {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if self.writer.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the catalog's writer panicked");
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("the catalog's writer has stopped; restart".into())
}

fn kib(bytes: usize) -> u32 {
    (bytes.div_ceil(1024) as u32).max(1)
}

/// The bytes of a transaction, if none of it is beyond its limit.
fn measure(txn: &Txn) -> Result<usize, Error> {
    let too_large = |what: &str, bytes: usize, max: usize| {
        Err(Error::Unavailable(
            format!("{what} of {bytes} bytes is larger than the {max} that the catalog takes").into(),
        ))
    };
    let mut bytes = txn.checks.len() * 64;
    for write in &txn.writes {
        let (key, value) = match write {
            Write::Put(key, value) => (key, value.len()),
            Write::Delete(key) => (key, 0),
        };
        if key.as_bytes().len() > KEY_BYTES_MAX {
            return too_large("a key", key.as_bytes().len(), KEY_BYTES_MAX);
        }
        if value > VALUE_BYTES_MAX {
            return too_large("a record", value, VALUE_BYTES_MAX);
        }
        bytes += key.as_bytes().len() + value;
    }
    if bytes > TXN_BYTES_MAX {
        return too_large("a transaction", bytes, TXN_BYTES_MAX);
    }
    Ok(bytes)
}

/// Opens the writing connection and brings the file to the newest format.
fn prepare(path: &Path) -> Result<Connection, OpenError> {
    let sqlite = |source| OpenError::Sqlite { path: path.into(), source };
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(sqlite)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(sqlite)?;
    if found > FORMAT_VERSION {
        return Err(OpenError::TooNew { path: path.into(), found, known: FORMAT_VERSION });
    }
    connection.execute_batch(PRAGMAS).map_err(sqlite)?;
    if found == 0 {
        let make = format!(
            "BEGIN IMMEDIATE;
             CREATE TABLE record (key BLOB PRIMARY KEY NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
             PRAGMA user_version = {FORMAT_VERSION};
             COMMIT;"
        );
        connection.execute_batch(&make).map_err(sqlite)?;
    }
    Ok(connection)
}

/// Settings of the writing connection.
///
/// - `journal_mode=WAL`: readers never wait for the writer, and a commit is one sequential write and one sync.
/// - `synchronous=FULL`: that sync happens at every commit; NORMAL would lose the newest commits with the power.
/// - `wal_autocheckpoint=4000`: pages of 4 KiB, so the log is folded in every 16 MB, away from most commits.
/// - `journal_size_limit`: after a burst the log shrinks back to 64 MB.
/// - `cache_size=-16000`: 16 MB of pages; the working set is small records.
/// - `temp_store=MEMORY`: no temporary files outside the data folder.
/// - `trusted_schema=OFF`, `cell_size_check=ON`: a damaged or doctored file is an error, not behaviour.
const PRAGMAS: &str = "
    PRAGMA page_size = 4096;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -16000;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
";

fn unavailable(what: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |e| Error::Unavailable(format!("{what}: {e}").into())
}

/// A stored row as the port shows it.
fn versioned(version: i64, value: Vec<u8>) -> Versioned {
    Versioned { version: version.unsigned_abs(), value: Bytes::from(value) }
}

type Slot = Mutex<Connection>;
