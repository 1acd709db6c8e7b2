//! A catalog and blobs in memory, whose writes can be told to fail.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use opentrail_blobs::{BlobKey, Blobs, Error as BlobError, Source};
use opentrail_catalog::{Catalog, Check, Error as CatalogError, From, Key, Txn, Versioned, Write};
use opentrail_journal::Positions;
use opentrail_table::kit::Stand;
use opentrail_table::{Schema, Tables};
use opentrail_world::World;

use crate::{ColumnarTable, ColumnarTables, Error, Settings, Shred};

/// Small limits, so that small tests meet them.
pub(super) fn small() -> Settings {
    Settings { find_bytes_max: 100_000, cache_bytes_max: 200_000, ingest_bytes_max: 150_000, ..Settings::default() }
}

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing was written.
    NotLanded,
    /// Everything was written, and the answer says otherwise.
    Landed,
    /// Everything was written, and nothing can be read or written any more.
    LandedAndGone,
    /// Nothing was written, and nothing can be read or written any more.
    NotLandedAndGone,
}

/// Both stores; clones share them.
#[derive(Clone, Default)]
pub(super) struct Stores {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<Key, Versioned>,
    blobs: BTreeMap<BlobKey, Bytes>,
    writes: usize,
    opened: u64,
    failed: bool,
    fail: Option<(usize, Failure)>,
    gone: bool,
}

impl Stores {
    /// Opens the kit's or any table with small limits, so that small tests meet them.
    pub(super) async fn table(&self, schema: Schema) -> Result<Arc<ColumnarTable>, Error> {
        self.table_with(schema, small()).await
    }

    pub(super) async fn table_with(&self, schema: Schema, settings: Settings) -> Result<Arc<ColumnarTable>, Error> {
        self.tables_with(settings).open(schema, Positions::default()).await
    }

    /// The kit's table with these derived columns.
    pub(super) async fn shredded(&self, shred: Arc<dyn Shred>) -> Result<Arc<ColumnarTable>, Error> {
        let tables = self.tables_with(small()).deriving(move |_| Some(shred.clone()));
        tables.open(opentrail_table::kit::schema(), Positions::default()).await
    }

    /// The tables as after a start.
    pub(super) fn tables_with(&self, settings: Settings) -> ColumnarTables {
        let seed = {
            let mut state = self.state();
            state.opened += 1;
            state.opened
        };
        let (world, _) = World::simulated(seed, jiff::Timestamp::UNIX_EPOCH);
        ColumnarTables::new(Arc::new(self.clone()), Arc::new(self.clone()), world, settings)
    }

    /// The keys of all rows of the catalog.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.state().rows.keys().cloned().collect()
    }

    /// Stores that hold this, as an earlier version left it.
    pub(super) fn left_by(rows: Vec<(Key, Versioned)>, blobs: Vec<(BlobKey, Bytes)>) -> Self {
        let stores = Self::default();
        stores.state().rows.extend(rows);
        stores.state().blobs.extend(blobs);
        stores
    }

    /// The `nth` write from now, counting from 0, fails.
    pub(super) fn fail(&self, nth: usize, failure: Failure) {
        let mut state = self.state();
        state.fail = Some((state.writes + nth, failure));
    }

    /// What failed works again.
    pub(super) fn mend(&self) {
        self.state().gone = false;
    }

    /// Whether a failure took everything away.
    pub(super) fn gone(&self) -> bool {
        self.state().gone
    }

    /// Whether the write that was to fail was made.
    pub(super) fn failed(&self) -> bool {
        self.state().failed
    }

    pub(super) fn writes(&self) -> usize {
        self.state().writes
    }

    pub(super) fn blob_names(&self) -> Vec<String> {
        self.state().blobs.keys().map(ToString::to_string).collect()
    }

    /// Changes what a blob holds.
    pub(super) fn edit_blob(&self, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let key = BlobKey::new(name).expect("a blob's name");
        let mut state = self.state();
        let mut bytes = state.blobs[&key].to_vec();
        edit(&mut bytes);
        state.blobs.insert(key, bytes.into());
    }

    pub(super) fn blob(&self, name: &str) -> Vec<u8> {
        self.state().blobs[&BlobKey::new(name).expect("a blob's name")].to_vec()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the stores")
    }
}

impl State {
    /// Runs one write, or fails it.
    fn write<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> Result<T, Arc<str>> {
        let at = self.writes;
        self.writes += 1;
        self.read()?;
        match self.fail {
            Some((nth, failure)) if nth == at => {
                self.failed = true;
                if matches!(failure, Failure::Landed | Failure::LandedAndGone) {
                    write(self);
                }
                self.gone = matches!(failure, Failure::LandedAndGone | Failure::NotLandedAndGone);
                Err("the write failed as told".into())
            }
            _ => Ok(write(self)),
        }
    }

    fn read(&self) -> Result<(), Arc<str>> {
        if self.gone { Err("the store is gone".into()) } else { Ok(()) }
    }

    fn holds(&self, check: &Check) -> bool {
        let under = |prefix: &Key| self.rows.keys().filter(|key| key.starts_with(prefix)).count() as u64;
        match check {
            Check::Is(key, version) => self.rows.get(key).is_some_and(|row| row.version == *version),
            Check::Absent(key) => !self.rows.contains_key(key),
            Check::AtMost { prefix, max } => under(prefix) <= *max,
            Check::Empty { prefix } => under(prefix) == 0,
        }
    }

    fn apply(&mut self, write: &Write) {
        match write {
            Write::Put(key, value) => {
                let version = self.rows.get(key).map_or(0, |row| row.version) + 1;
                self.rows.insert(key.clone(), Versioned { version, value: value.clone() });
            }
            Write::Delete(key) => {
                self.rows.remove(key);
            }
        }
    }
}

impl Catalog for Stores {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, CatalogError>> {
        let state = self.state();
        let row = state.read().map(|()| state.rows.get(key).cloned()).map_err(CatalogError::Unavailable);
        Box::pin(async { row })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: From,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, CatalogError>> {
        let state = self.state();
        let start = match from {
            From::Start => Bound::Included(prefix.clone()),
            From::At(key) => Bound::Included(key),
            From::After(key) => Bound::Excluded(key),
        };
        let rows = state.rows.range((start, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
        let rows = rows.take(limit).map(|(key, row)| (key.clone(), row.clone())).collect();
        let rows = state.read().map(|()| rows).map_err(CatalogError::Unavailable);
        Box::pin(async { rows })
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), CatalogError>> {
        let result = self.state().write(|state| {
            if let Some(check) = txn.checks.iter().position(|check| !state.holds(check)) {
                return Err(CatalogError::Conflict { check });
            }
            txn.writes.iter().for_each(|write| state.apply(write));
            Ok(())
        });
        Box::pin(async { result.unwrap_or_else(|why| Err(CatalogError::Unavailable(why))) })
    }
}

impl Blobs for Stores {
    fn put<'a>(
        &'a self,
        key: &'a BlobKey,
        bytes: Source<'a>,
        if_absent: bool,
    ) -> BoxFuture<'a, Result<u64, BlobError>> {
        Box::pin(async move {
            let pieces: Vec<Bytes> = bytes.try_collect().await.map_err(|e| BlobError::Source(e.to_string().into()))?;
            let whole = Bytes::from(pieces.concat());
            let size = whole.len() as u64;
            let result = self.state().write(|state| {
                if if_absent && state.blobs.contains_key(key) {
                    return Err(BlobError::Exists(key.clone()));
                }
                state.blobs.insert(key.clone(), whole);
                Ok(size)
            });
            result.unwrap_or_else(|why| Err(BlobError::Unavailable(why)))
        })
    }

    fn get<'a>(
        &'a self,
        key: &'a BlobKey,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError>> {
        Box::pin(async move {
            let range = match range {
                Some(range) => range,
                None => 0..self.head(key).await?,
            };
            let bytes = self.read(key, range).await?;
            Ok(stream::iter([Ok(bytes)]).boxed())
        })
    }

    fn read<'a>(&'a self, key: &'a BlobKey, range: Range<u64>) -> BoxFuture<'a, Result<Bytes, BlobError>> {
        Box::pin(async move {
            let state = self.state();
            state.read().map_err(BlobError::Unavailable)?;
            let blob = state.blobs.get(key).ok_or_else(|| BlobError::NotFound(key.clone()))?;
            let bytes = blob.len() as u64;
            if range.start > range.end || range.end > bytes {
                return Err(BlobError::OutOfRange { key: key.clone(), start: range.start, end: range.end, bytes });
            }
            Ok(blob.slice(range.start as usize..range.end as usize))
        })
    }

    fn head<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<u64, BlobError>> {
        let state = self.state();
        let size = state.blobs.get(key).map(|blob| blob.len() as u64).ok_or_else(|| BlobError::NotFound(key.clone()));
        let size = state.read().map_err(BlobError::Unavailable).and(size);
        Box::pin(async { size })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a BlobKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobKey>, BlobError>> {
        let state = self.state();
        let names = state.blobs.keys().filter(|key| key.as_str().starts_with(prefix));
        let names = names.filter(|key| after.is_none_or(|after| *key > after)).take(limit).cloned().collect();
        let names = state.read().map(|()| names).map_err(BlobError::Unavailable);
        Box::pin(async { names })
    }

    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), BlobError>> {
        let result = self.state().write(|state| {
            state.blobs.remove(key);
        });
        Box::pin(async { result.map_err(BlobError::Unavailable) })
    }
}

impl Stand for Stores {
    fn tables(&self) -> Arc<dyn Tables> {
        Arc::new(self.tables_with(small()))
    }

    fn catalog(&self) -> Arc<dyn Catalog> {
        Arc::new(self.clone())
    }
}
