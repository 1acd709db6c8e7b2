//! A few connections that only read.

use std::path::Path;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentrail_catalog::{Error, From, Key, Versioned};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{Slot, unavailable, versioned};

/// How many reads can run at once. A read takes microseconds; a long listing holds one of them.
const CONNECTIONS: usize = 4;

pub(crate) struct Readers {
    slots: Vec<Slot>,
    turn: AtomicUsize,
}

impl Readers {
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let open = |_| {
            // Not `READ_ONLY`: a reader must be able to make the shared-memory index if it is the first. `query_only`
            // keeps it from writing, and with autocheckpoint off it never folds the log in.
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.execute_batch(
                "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -4000;
                 PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
            )?;
            Ok(Slot::new(connection))
        };
        Ok(Self { slots: (0..CONNECTIONS).map(open).collect::<rusqlite::Result<_>>()?, turn: AtomicUsize::new(0) })
    }

    pub(crate) fn get(&self, key: &Key) -> Result<Option<Versioned>, Error> {
        let connection = self.connection();
        let mut find = connection
            .prepare_cached("SELECT version, value FROM record WHERE key = ?1")
            .map_err(unavailable("read a record"))?;
        find.query_row([key.as_bytes()], |row| Ok(versioned(row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(unavailable("read a record"))
    }

    pub(crate) fn list(&self, prefix: &Key, from: &From, limit: usize) -> Result<Vec<(Key, Versioned)>, Error> {
        let connection = self.connection();
        let (after, start) = match from {
            From::Start => (false, prefix),
            From::At(key) => (false, key.max(prefix)),
            // A key before the prefix excludes nothing under it.
            From::After(key) if key < prefix => (false, prefix),
            From::After(key) => (true, key),
        };
        let end = prefix.end();
        let sql = match (after, end.is_some()) {
            (false, true) => {
                "SELECT key, version, value FROM record WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3"
            }
            (true, true) => "SELECT key, version, value FROM record WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?3",
            (false, false) => {
                "SELECT key, version, value FROM record WHERE key >= ?1 AND ?2 IS NULL ORDER BY key LIMIT ?3"
            }
            (true, false) => {
                "SELECT key, version, value FROM record WHERE key > ?1 AND ?2 IS NULL ORDER BY key LIMIT ?3"
            }
        };
        let failed = unavailable("list records");
        let mut rows = connection.prepare_cached(sql).map_err(&failed)?;
        let bounds = (start.as_bytes(), end.as_ref().map(Key::as_bytes), limit as i64);
        let rows = rows.query_map(bounds, |row| {
            Ok((Key::from_stored(row.get::<_, Vec<u8>>(0)?), versioned(row.get(1)?, row.get(2)?)))
        });
        rows.map_err(&failed)?.collect::<rusqlite::Result<_>>().map_err(&failed)
    }

    /// A free connection, or the one whose turn it is.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        let free = self.slots.iter().find_map(|slot| slot.try_lock().ok());
        free.unwrap_or_else(|| {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.slots.len();
            self.slots[turn].lock().expect("no reader of the catalog panics")
        })
    }
}
