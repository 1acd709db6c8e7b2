//! The table: what is published, and the steps that change it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::future::BoxFuture;
use opentrail_blobs::{BlobKey, Blobs};
use opentrail_catalog::Catalog;
use opentrail_journal::Positions;
use opentrail_table::{Contents, Error, Find, Page, Row, Schema, Table, Unsealed};
use opentrail_world::World;
use parquet::errors::ParquetError;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::arrange::{choose, merge_into};
use crate::cache::Cache;
use crate::commit::{Change, Committed, Ledger};
use crate::failure::of_blob;
use crate::manifest::{Keys, load};
use crate::memory::{Memory, taken};
use crate::part::{Part, Store, searches_max};
use crate::question::Question;
use crate::schema;
use crate::stage::{discard, prefix, stage};

/// How hard zstd works on a part that will soon be merged, and on one that was.
const SEAL_LEVEL: i32 = 1;
const MERGE_LEVEL: i32 = 3;
/// Blob names that are listed at once.
const LIST_PAGE: usize = 1000;
/// Parts that one transaction removes at most.
const EXPIRE_AT_ONCE: usize = 256;

/// What an owner may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of footers, indexes and term dictionaries that are kept in memory. Default 64 MiB.
    pub cache_bytes_max: usize,
    /// Bytes of memory that rows may take before they are sealed; beyond, `append` refuses. Default 512 MiB.
    pub unsealed_bytes_max: u64,
    /// Record bytes that one find reads before it answers with a partial page. Default 64 MiB.
    pub find_bytes_max: u64,
    /// Parts of like size that make a merge worth its while; at least 2. Default 4.
    pub merge_parts_min: usize,
    /// Rows of a merged part at most. Default 2^19: bounds the memory in which its index is built.
    pub merge_rows_max: u64,
    /// Bytes of the parts that become one at most. Default 512 MiB.
    pub merge_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache_bytes_max: 64 << 20,
            unsealed_bytes_max: 512 << 20,
            find_bytes_max: 64 << 20,
            merge_parts_min: 4,
            merge_rows_max: 1 << 19,
            merge_bytes_max: 512 << 20,
        }
    }
}

/// A table of events on Parquet parts.
pub struct ColumnarTable {
    store: Arc<Store>,
    catalog: Arc<dyn Catalog>,
    keys: Keys,
    world: World,
    settings: Settings,
    published: Mutex<Published>,
    /// One seal at a time.
    sealing: tokio::sync::Mutex<()>,
    /// One merge or expiry at a time.
    arranging: tokio::sync::Mutex<()>,
    ledger: tokio::sync::Mutex<Ledger>,
}

/// What finds see, and where the next append goes.
struct Published {
    parts: Arc<Vec<Arc<Part>>>,
    /// Frozen rows that no part holds yet, oldest first.
    frozen: Vec<Arc<Memory>>,
    hot: Arc<Memory>,
    /// Behind everything that was appended.
    applied: Positions,
    committed: Positions,
    /// Parts that are no longer named; their blobs go when no find holds them.
    retired: Vec<Arc<Part>>,
}

/// One instant of the table.
pub(crate) struct Snapshot {
    pub(crate) parts: Arc<Vec<Arc<Part>>>,
    pub(crate) memories: Vec<Arc<Memory>>,
}

impl ColumnarTable {
    /// Opens the table that the catalog describes, an empty one if there is none, and sweeps blobs that no part names.
    ///
    /// # Errors
    /// [`Error::BadQuestion`] for a schema that cannot be stored, [`Error::Damaged`] when a named blob is missing,
    /// [`Error::Unavailable`] when catalog or blobs cannot be read.
    pub async fn open(
        schema: Schema,
        catalog: Arc<dyn Catalog>,
        blobs: Arc<dyn Blobs>,
        world: World,
        settings: Settings,
    ) -> Result<Arc<Self>, Error> {
        schema::check(&schema)?;
        let keys = Keys::new(&schema.table);
        let manifest = load(&*catalog, &keys).await?;
        let parts =
            manifest.parts.into_iter().map(|row| Part::new(row).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        let cache = Cache::new(settings.cache_bytes_max);
        let store = Arc::new(Store { blobs, cache, schema, searches: Arc::new(Semaphore::new(searches_max())) });
        sweep_unnamed(&store, &parts).await?;
        let positions = manifest.head.positions();
        tracing::info!(table = store.schema.table, parts = parts.len(), "opened table");
        Ok(Arc::new(Self {
            store,
            catalog,
            keys,
            world,
            settings,
            published: Mutex::new(Published {
                parts: Arc::new(parts),
                frozen: Vec::new(),
                hot: Arc::default(),
                applied: positions.clone(),
                committed: positions,
                retired: Vec::new(),
            }),
            sealing: tokio::sync::Mutex::default(),
            arranging: tokio::sync::Mutex::default(),
            ledger: tokio::sync::Mutex::new(Ledger::new(manifest.head, manifest.version)),
        }))
    }

    async fn seal(&self) -> Result<Positions, Error> {
        let _one = self.sealing.lock().await;
        self.settle().await?;
        let (sealed, through, committed) = self.freeze();
        if sealed.is_empty() && through == committed {
            self.sweep().await;
            return Ok(committed);
        }
        let add = if sealed.is_empty() {
            None
        } else {
            let memories = sealed.clone();
            let fill = move |writer: crate::stage::Filling<'_>| {
                let mut rows: Vec<Arc<Row>> = memories.iter().flat_map(|memory| memory.all()).collect();
                if memories.len() > 1 {
                    rows.sort_by_key(|row| (row.time_s, row.seq));
                }
                let unwritten = |e: ParquetError| Error::Unavailable(format!("part not written: {e}").into());
                rows.iter().try_for_each(|row| writer.push(row)).map_err(unwritten)
            };
            Some(stage(&self.store, &self.world, SEAL_LEVEL, fill).await?)
        };
        let rows = add.as_ref().map_or(0, |staged| staged.row.rows);
        self.commit(Change { add, positions: Some(through.clone()), sealed, ..Change::default() }).await?;
        tracing::debug!(table = self.store.schema.table, rows, "sealed");
        Ok(through)
    }

    async fn merge(&self) -> Result<bool, Error> {
        let _one = self.arranging.lock().await;
        self.settle().await?;
        let parts = self.published().parts.clone();
        let Some(remove) = choose(&parts, &self.settings) else {
            drop(parts);
            self.sweep().await;
            return Ok(false);
        };
        drop(parts);
        let (store, sources, io) = (self.store.clone(), remove.clone(), Handle::current());
        let merged = remove.len();
        let fill = move |writer: crate::stage::Filling<'_>| merge_into(writer, &store, sources, &io);
        let staged = stage(&self.store, &self.world, MERGE_LEVEL, fill).await?;
        let (rows, expected) = (u64::from(staged.row.rows), remove.iter().map(|p| u64::from(p.row.rows)).sum::<u64>());
        if rows != expected {
            discard(&self.store, &staged.blobs).await;
            return Err(Error::Damaged(format!("a merge made {rows} rows of {expected}")));
        }
        self.commit(Change { add: Some(staged), remove, ..Change::default() }).await?;
        tracing::info!(table = self.store.schema.table, parts = merged, rows, "merged parts");
        Ok(true)
    }

    async fn expire(&self, before_s: i64) -> Result<u64, Error> {
        let _one = self.arranging.lock().await;
        self.settle().await?;
        let mut gone = 0;
        loop {
            let parts = self.published().parts.clone();
            let old = parts.iter().filter(|part| part.row.last.0 < before_s);
            let remove: Vec<Arc<Part>> = old.take(EXPIRE_AT_ONCE).cloned().collect();
            drop(parts);
            if remove.is_empty() {
                self.sweep().await;
                return Ok(gone);
            }
            gone += remove.len() as u64;
            self.commit(Change { remove, ..Change::default() }).await?;
        }
    }

    /// Makes everything appended so far stand still, and says what is to be sealed, through where, and what was.
    fn freeze(&self) -> (Vec<Arc<Memory>>, Positions, Positions) {
        let mut published = self.published();
        if published.hot.unsealed().rows > 0 {
            let frozen = std::mem::take(&mut published.hot);
            published.frozen.push(frozen);
        }
        (published.frozen.clone(), published.applied.clone(), published.committed.clone())
    }

    async fn commit(&self, change: Change) -> Result<(), Error> {
        let mut ledger = self.ledger.lock().await;
        if let Some(earlier) = ledger.settle(&*self.catalog, &self.keys).await? {
            self.publish(earlier);
        }
        let committed = ledger.commit(&*self.catalog, &self.keys, change).await?;
        self.publish(committed);
        let orphans = ledger.take_orphans();
        drop(ledger);
        discard(&self.store, &orphans).await;
        self.sweep().await;
        Ok(())
    }

    /// Finds out what became of a commit without a clear result.
    async fn settle(&self) -> Result<(), Error> {
        let mut ledger = self.ledger.lock().await;
        if let Some(committed) = ledger.settle(&*self.catalog, &self.keys).await? {
            self.publish(committed);
        }
        Ok(())
    }

    /// Swaps the change in, in one step: a row is always in exactly one place.
    fn publish(&self, Committed { change, part, positions }: Committed) {
        let mut published = self.published();
        let gone = |part: &Arc<Part>| change.remove.iter().any(|removed| removed.row.id == part.row.id);
        published.parts = Arc::new(published.parts.iter().filter(|p| !gone(p)).cloned().chain(part).collect());
        published.frozen.retain(|frozen| !change.sealed.iter().any(|sealed| Arc::ptr_eq(sealed, frozen)));
        published.committed = positions;
        published.retired.extend(change.remove);
    }

    /// Deletes the blobs of retired parts that no find holds any more.
    async fn sweep(&self) {
        let free: Vec<Arc<Part>> = {
            let mut published = self.published();
            let retired = std::mem::take(&mut published.retired);
            let (free, held) = retired.into_iter().partition(|part| Arc::strong_count(part) == 1);
            published.retired = held;
            free
        };
        for part in free {
            self.store.cache.forget(part.row.id);
            discard(&self.store, &[part.data.clone(), part.index.clone()]).await;
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let published = self.published();
        let memories = published.frozen.iter().chain([&published.hot]).cloned().collect();
        Snapshot { parts: published.parts.clone(), memories }
    }

    fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().expect("nothing panics while it holds what is published")
    }
}

impl Table for ColumnarTable {
    fn schema(&self) -> &Schema {
        &self.store.schema
    }

    fn positions(&self) -> Positions {
        self.published().committed.clone()
    }

    fn append(&self, rows: Vec<Row>, through: &Positions) -> Result<(), Error> {
        rows.iter().try_for_each(|row| schema::check_row(&self.store.schema, row))?;
        let now = self.world.monotonic();
        let mut published = self.published();
        if !rows.is_empty() {
            let memories = published.frozen.iter().chain([&published.hot]);
            let held: u64 = memories.map(|memory| memory.held_bytes()).sum();
            let max = self.settings.unsealed_bytes_max;
            if held >= max {
                let why = format!("unsealed rows take {held} of {max} bytes; seal before appending more");
                return Err(Error::Unavailable(why.into()));
            }
        }
        let mut fresh = Vec::with_capacity(rows.len());
        for row in rows {
            let frozen = published.frozen.iter().find_map(|frozen| frozen.get((row.time_s, row.seq)));
            match frozen {
                Some(there) if *there == row => {}
                Some(there) => return Err(taken(&row, &there)),
                None => fresh.push(row),
            }
        }
        published.hot.append(fresh, now)?;
        published.applied = through.clone();
        Ok(())
    }

    fn unsealed(&self) -> Unsealed {
        let published = self.published();
        let memories = published.frozen.iter().chain([&published.hot]);
        memories.map(|memory| memory.unsealed()).fold(Unsealed::default(), |sum, one| Unsealed {
            rows: sum.rows + one.rows,
            bytes: sum.bytes + one.bytes,
            since: sum.since.into_iter().chain(one.since).min(),
        })
    }

    fn seal(&self) -> BoxFuture<'_, Result<Positions, Error>> {
        Box::pin(self.seal())
    }

    fn merge(&self) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(self.merge())
    }

    fn expire(&self, before_s: i64) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(self.expire(before_s))
    }

    fn find(&self, find: Find) -> BoxFuture<'_, Result<Page, Error>> {
        Box::pin(async move {
            let question = Question::new(&self.store.schema, find)?;
            crate::find::find(&self.store, self.snapshot(), question, self.settings.find_bytes_max).await
        })
    }

    fn contents(&self) -> Contents {
        let unsealed = self.unsealed();
        let parts = self.published().parts.clone();
        Contents {
            parts: parts.len() as u64,
            sealed_rows: parts.iter().map(|part| u64::from(part.row.rows)).sum(),
            sealed_bytes: parts.iter().map(|part| part.row.data_bytes + part.row.index_bytes).sum(),
            unsealed,
        }
    }
}

/// Deletes the table's blobs that no part names, and makes sure that the named ones are there.
async fn sweep_unnamed(store: &Store, parts: &[Arc<Part>]) -> Result<(), Error> {
    let mut named: BTreeSet<&BlobKey> = parts.iter().flat_map(|part| [&part.data, &part.index]).collect();
    let prefix = prefix(&store.schema.table);
    let mut after: Option<BlobKey> = None;
    loop {
        let page = store.blobs.list(&prefix, after.as_ref(), LIST_PAGE).await.map_err(of_blob)?;
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        for key in page {
            if !named.remove(&key) {
                tracing::info!(blob = %key, "sweeping a blob that no part names");
                store.blobs.delete(&key).await.map_err(of_blob)?;
            }
        }
    }
    match named.first() {
        Some(missing) => Err(Error::Damaged(format!("blob {missing}, which a part names, is missing"))),
        None => Ok(()),
    }
}
