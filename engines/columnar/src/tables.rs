//! The tables that are open: one cache and one bound on searches for all of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use futures::future::BoxFuture;
use hashbrown::HashMap;
use opentrail_blobs::Blobs;
use opentrail_catalog::Catalog;
use opentrail_journal::Positions;
use opentrail_table::{Error, Schema, Table, Tables};
use opentrail_world::World;
use tokio::sync::Semaphore;

use crate::cache::{Cache, Shelves};
use crate::derived::{Derived, Shred};
use crate::part::{Store, searches_max};
use crate::settings::Settings;
use crate::table::ColumnarTable;
use crate::{removal, schema};

/// The tables of one catalog and one store of blobs.
pub struct ColumnarTables {
    catalog: Arc<dyn Catalog>,
    blobs: Arc<dyn Blobs>,
    world: World,
    settings: Settings,
    cache: Arc<Cache>,
    searches: Arc<Semaphore>,
    /// Numbers tables for the cache, so that one opened anew never meets what was kept of the one before.
    opened: AtomicU64,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    derive: Box<Derive>,
}

/// Chooses what is derived of a table's records.
type Derive = dyn Fn(&Schema) -> Option<Arc<dyn Shred>> + Send + Sync;

/// One name.
#[derive(Default)]
struct Slot {
    /// One opening or removal at a time.
    changing: tokio::sync::Mutex<()>,
    table: Mutex<Option<Arc<ColumnarTable>>>,
}

impl ColumnarTables {
    /// Opens nothing yet.
    pub fn new(catalog: Arc<dyn Catalog>, blobs: Arc<dyn Blobs>, world: World, settings: Settings) -> Self {
        Self {
            cache: Arc::new(Cache::new(settings.cache_bytes_max)),
            searches: Arc::new(Semaphore::new(searches_max())),
            catalog,
            blobs,
            world,
            settings,
            opened: AtomicU64::new(0),
            slots: Mutex::default(),
            derive: Box::new(|_| None),
        }
    }

    /// Tables that are opened from now on have the columns that `derive` chooses for them, beside their schema's. A choice may
    /// differ from that of an earlier start: what parts lack is made of their records.
    pub fn deriving(mut self, derive: impl Fn(&Schema) -> Option<Arc<dyn Shred>> + Send + Sync + 'static) -> Self {
        self.derive = Box::new(derive);
        self
    }

    /// The table of this name, if it is open.
    pub fn get(&self, table: &str) -> Option<Arc<ColumnarTable>> {
        let slot = self.slots().get(table).cloned()?;
        let table = slot.table().clone();
        table.filter(|table| table.alive().is_ok())
    }

    /// [`Tables::open`], with the engine's own table as the answer.
    ///
    /// # Errors
    /// Those of [`Tables::open`]; [`Error::Damaged`] when a named blob is missing, [`Error::Unavailable`] when catalog or
    /// blobs cannot be read.
    pub async fn open(&self, schema: Schema, beginning: Positions) -> Result<Arc<ColumnarTable>, Error> {
        schema::check(&schema)?;
        let slot = self.slot(&schema.table);
        let _one = slot.changing.lock().await;
        if let Some(table) = self.get(&schema.table) {
            if *table.schema() != schema {
                return Err(Error::BadQuestion(format!("table {} is open with other columns", schema.table)));
            }
            return Ok(table);
        }
        let derived = (self.derive)(&schema).map(|shred| Derived::new(&schema, shred)).transpose()?;
        if removal::begun(&*self.catalog, &schema.table).await? {
            removal::remove(&*self.catalog, &*self.blobs, &schema.table).await?;
        }
        let store = Store {
            blobs: self.blobs.clone(),
            cache: Shelves::new(self.cache.clone(), self.opened.fetch_add(1, Ordering::Relaxed)),
            schema,
            searches: self.searches.clone(),
            derived: derived.map(Arc::new),
            removed: AtomicBool::new(false),
            abandoned: Mutex::default(),
        };
        let (catalog, world) = (self.catalog.clone(), self.world.clone());
        let table = ColumnarTable::open(store, catalog, world, self.settings.clone(), &beginning).await?;
        *slot.table() = Some(table.clone());
        Ok(table)
    }

    async fn remove(&self, table: &str) -> Result<(), Error> {
        schema::check_name(table)?;
        let slot = self.slot(table);
        let one = slot.changing.lock().await;
        let open = slot.table().clone();
        if let Some(open) = open {
            open.close().await;
        }
        removal::remove(&*self.catalog, &*self.blobs, table).await?;
        *slot.table() = None;
        drop(one);
        // Nobody else waits for the name: two hold the slot, the map and we.
        let mut slots = self.slots();
        if slots.get(table).is_some_and(|there| Arc::ptr_eq(there, &slot) && Arc::strong_count(&slot) == 2) {
            slots.remove(table);
        }
        Ok(())
    }

    fn slot(&self, table: &str) -> Arc<Slot> {
        self.slots().entry_ref(table).or_default().clone()
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Arc<Slot>>> {
        self.slots.lock().expect("nothing panics while it holds the slots")
    }
}

impl Slot {
    fn table(&self) -> MutexGuard<'_, Option<Arc<ColumnarTable>>> {
        self.table.lock().expect("nothing panics while it holds the table")
    }
}

impl Tables for ColumnarTables {
    fn open(&self, schema: Schema, beginning: Positions) -> BoxFuture<'_, Result<Arc<dyn Table>, Error>> {
        Box::pin(async move { Ok(self.open(schema, beginning).await? as Arc<dyn Table>) })
    }

    fn remove<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.remove(table))
    }
}
