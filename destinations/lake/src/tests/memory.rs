//! Tables in memory: what is sealed survives a restart, and nothing else does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use opentrail_catalog::Txn;
use opentrail_event::EventId;
use opentrail_journal::Positions;
use opentrail_table::{Chunks, Contents, Error, Find, Ingested, Page, Row, Schema, Table, Tables, Unsealed};

/// What a disk would hold of a table.
#[derive(Default, Clone)]
pub(super) struct Disk {
    rows: Vec<Row>,
    positions: Option<Positions>,
}

#[derive(Default, Clone)]
pub(super) struct MemoryTables {
    pub(super) disks: Arc<Mutex<BTreeMap<String, Disk>>>,
    pub(super) open: Arc<Mutex<BTreeMap<String, Arc<MemoryTable>>>>,
    pub(super) expired: Arc<Mutex<Vec<(String, i64)>>>,
    /// The event that no table can hold.
    pub(super) unfit: Arc<Mutex<Option<EventId>>>,
    /// The table that cannot be sealed.
    pub(super) stuck: Arc<Mutex<Option<String>>>,
}

pub(super) struct MemoryTable {
    schema: Schema,
    tables: MemoryTables,
    state: Mutex<State>,
}

struct State {
    hot: Vec<Row>,
    through: Positions,
}

impl MemoryTables {
    /// Every row that can be found, in any order.
    pub(super) fn rows(&self, table: &str) -> Vec<Row> {
        let mut rows = self.disks.lock().expect("unpoisoned").get(table).cloned().unwrap_or_default().rows;
        if let Some(open) = self.open.lock().expect("unpoisoned").get(table) {
            rows.extend(open.state.lock().expect("unpoisoned").hot.clone());
        }
        rows
    }
}

impl Tables for MemoryTables {
    fn open(&self, schema: Schema, beginning: Positions) -> BoxFuture<'_, Result<Arc<dyn Table>, Error>> {
        let mut open = self.open.lock().expect("unpoisoned");
        let disk = self.disks.lock().expect("unpoisoned").entry(schema.table.clone()).or_default().clone();
        let table = open.entry(schema.table.clone()).or_insert_with(|| {
            let through = disk.positions.unwrap_or(beginning);
            let state = Mutex::new(State { hot: Vec::new(), through });
            Arc::new(MemoryTable { schema, tables: self.clone(), state })
        });
        ready(Ok(table.clone() as Arc<dyn Table>)).boxed()
    }

    fn remove<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        self.open.lock().expect("unpoisoned").remove(table);
        self.disks.lock().expect("unpoisoned").remove(table);
        ready(Ok(())).boxed()
    }
}

impl MemoryTable {
    fn write(&self) -> Result<Positions, Error> {
        if self.tables.stuck.lock().expect("unpoisoned").as_ref() == Some(&self.schema.table) {
            return Err(Error::Unavailable("told to fail".into()));
        }
        let mut state = self.state.lock().expect("unpoisoned");
        let mut disks = self.tables.disks.lock().expect("unpoisoned");
        let disk = disks.get_mut(&self.schema.table).ok_or_else(|| Error::Removed(self.schema.table.clone()))?;
        disk.rows.append(&mut state.hot);
        disk.positions = Some(state.through.clone());
        Ok(state.through.clone())
    }
}

impl Table for MemoryTable {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn positions(&self) -> Positions {
        let disks = self.tables.disks.lock().expect("unpoisoned");
        let sealed = disks.get(&self.schema.table).and_then(|disk| disk.positions.clone());
        sealed.unwrap_or_else(|| self.state.lock().expect("unpoisoned").through.clone())
    }

    fn append(&self, rows: Vec<Row>, through: &Positions) -> Result<(), Error> {
        let there = self.tables.rows(&self.schema.table);
        if let Some(row) = rows.iter().find(|row| *self.tables.unfit.lock().expect("unpoisoned") == Some(row.id)) {
            return Err(Error::BadRow(row.id.to_string()));
        }
        for row in &rows {
            assert!(there.iter().all(|known| known.seq != row.seq), "seq {} is there already", row.seq);
        }
        let mut state = self.state.lock().expect("unpoisoned");
        state.hot.extend(rows);
        state.through = through.clone();
        Ok(())
    }

    fn unsealed(&self) -> Unsealed {
        let state = self.state.lock().expect("unpoisoned");
        let bytes = state.hot.iter().map(|row| row.record.len() as u64).sum();
        Unsealed { rows: state.hot.len() as u64, bytes, since: None }
    }

    fn seal(&self) -> BoxFuture<'_, Result<Positions, Error>> {
        ready(self.write()).boxed()
    }

    fn ingest<'a>(&'a self, _rows: Chunks<'a>, _with: Txn) -> BoxFuture<'a, Result<Ingested, Error>> {
        ready(Err(Error::Unavailable("nothing imports here".into()))).boxed()
    }

    fn merge(&self) -> BoxFuture<'_, Result<bool, Error>> {
        ready(Ok(false)).boxed()
    }

    fn expire(&self, before_s: i64) -> BoxFuture<'_, Result<u64, Error>> {
        self.tables.expired.lock().expect("unpoisoned").push((self.schema.table.clone(), before_s));
        ready(Ok(0)).boxed()
    }

    fn find(&self, _find: Find) -> BoxFuture<'_, Result<Page, Error>> {
        ready(Err(Error::BadQuestion("nothing is looked up here".into()))).boxed()
    }

    fn contents(&self) -> Contents {
        Contents { unsealed: self.unsealed(), ..Contents::default() }
    }
}
