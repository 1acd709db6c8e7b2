//! A table and a catalog in memory, as plain as can be.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use futures::{FutureExt, TryFutureExt, TryStreamExt};
use opentrail_catalog::{Catalog, Check, Error as CatalogError, From, Key, Txn, Versioned, Write};
use opentrail_journal::Positions;
use opentrail_table::{
    Cell, Chunks, Contents, Cursor, Error, Find, Ingested, Order, Page, Row, Schema, Table, Term, Unsealed,
};
use opentrail_world::World;

#[derive(Default)]
pub(crate) struct Rows {
    rows: Vec<Row>,
    unsealed: Unsealed,
    through: Positions,
    sealed: Positions,
}

pub(crate) struct MemoryTable {
    schema: Schema,
    world: World,
    state: Mutex<Rows>,
    pub(crate) failing: AtomicBool,
    pub(crate) merges: AtomicU64,
    pub(crate) expired_before: Mutex<Option<i64>>,
}

impl MemoryTable {
    pub(crate) fn new(schema: Schema, world: World) -> Arc<Self> {
        let (failing, merges) = (AtomicBool::new(false), AtomicU64::new(0));
        Arc::new(Self { schema, world, state: Mutex::default(), failing, merges, expired_before: Mutex::default() })
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        self.state.lock().expect("unpoisoned").rows.clone()
    }

    fn check(&self) -> Result<(), Error> {
        if self.failing.load(Ordering::Relaxed) { Err(Error::Unavailable("told to fail".into())) } else { Ok(()) }
    }

    fn holds(&self, row: &Row, term: &Term) -> bool {
        match term {
            Term::Id(id) => row.id == *id,
            Term::Bool { column, value } => row.cells[self.column(column)] == Cell::Bool(*value),
            Term::Text { column, value } => match &row.cells[self.column(column)] {
                Cell::Text(text) => **text == **value,
                Cell::TextList(texts) => texts.iter().any(|text| **text == **value),
                Cell::Null | Cell::Bool(_) => false,
            },
        }
    }

    fn column(&self, name: &str) -> usize {
        self.schema.column(name).expect("a column of the schema")
    }

    fn answer(&self, find: &Find) -> Page {
        let mut rows = self.rows();
        rows.sort_by_key(|row| (row.time_s, row.seq));
        if find.order == Order::NewestFirst {
            rows.reverse();
        }
        rows.retain(|row| {
            let at = Cursor { time_s: row.time_s, seq: row.seq };
            let behind = find.after.is_none_or(|after| match find.order {
                Order::NewestFirst => at < after,
                Order::OldestFirst => at > after,
            });
            let record = String::from_utf8_lossy(&row.record).to_lowercase();
            behind
                && (find.from_s..=find.to_s).contains(&row.time_s)
                && find.terms.iter().all(|term| self.holds(row, term))
                && find.words.iter().all(|word| record.contains(&word.to_lowercase()))
        });
        let mut bytes = 0;
        let fit = rows.iter().take_while(|row| {
            bytes += row.record.len();
            bytes <= find.bytes_max
        });
        let fit = fit.count().max(1).min(find.limit);
        let more = rows.len() > fit;
        rows.truncate(fit);
        let last = rows.last().map(|row| Cursor { time_s: row.time_s, seq: row.seq });
        Page { rows, next: last.filter(|_| more) }
    }
}

impl Table for MemoryTable {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn positions(&self) -> Positions {
        self.state.lock().expect("unpoisoned").sealed.clone()
    }

    fn append(&self, rows: Vec<Row>, through: &Positions) -> Result<(), Error> {
        self.check()?;
        let mut state = self.state.lock().expect("unpoisoned");
        for row in &rows {
            assert_eq!(row.cells.len(), self.schema.columns.len());
            assert!(state.rows.iter().all(|known| known.seq != row.seq), "seq {} is there already", row.seq);
            state.unsealed.rows += 1;
            state.unsealed.bytes += row.record.len() as u64;
            state.unsealed.since.get_or_insert(self.world.monotonic());
        }
        state.rows.extend(rows);
        state.through = through.clone();
        Ok(())
    }

    fn unsealed(&self) -> Unsealed {
        self.state.lock().expect("unpoisoned").unsealed
    }

    fn seal(&self) -> BoxFuture<'_, Result<Positions, Error>> {
        let sealed = self.check().map(|()| {
            let mut state = self.state.lock().expect("unpoisoned");
            state.unsealed = Unsealed::default();
            state.sealed = state.through.clone();
            state.sealed.clone()
        });
        ready(sealed).boxed()
    }

    /// The rows alone: nothing of the history imports, so nothing comes with them.
    fn ingest<'a>(&'a self, rows: Chunks<'a>, with: Txn) -> BoxFuture<'a, Result<Ingested, Error>> {
        assert_eq!(with, Txn::new());
        let all = rows.try_concat().map_err(|error| Error::Source(error.to_string().into()));
        let keep = |rows: Vec<Row>| {
            self.check()?;
            let ingested = Ingested { rows: rows.len() as u64, ..Ingested::default() };
            self.state.lock().expect("unpoisoned").rows.extend(rows);
            Ok(ingested)
        };
        all.map(move |rows| rows.and_then(keep)).boxed()
    }

    fn merge(&self) -> BoxFuture<'_, Result<bool, Error>> {
        self.merges.fetch_add(1, Ordering::Relaxed);
        ready(Ok(false)).boxed()
    }

    fn expire(&self, before_s: i64) -> BoxFuture<'_, Result<u64, Error>> {
        *self.expired_before.lock().expect("unpoisoned") = Some(before_s);
        ready(Ok(0)).boxed()
    }

    fn find(&self, find: Find) -> BoxFuture<'_, Result<Page, Error>> {
        ready(self.check().map(|()| self.answer(&find))).boxed()
    }

    fn contents(&self) -> Contents {
        let (sealed_bytes, unsealed) = (Duration::ZERO.as_secs(), self.unsealed());
        Contents { parts: 0, sealed_rows: 0, sealed_bytes, unsealed }
    }
}

#[derive(Default)]
pub(crate) struct MemoryCatalog {
    records: Mutex<BTreeMap<Key, Versioned>>,
}

impl MemoryCatalog {
    fn apply(&self, txn: Txn) -> Result<(), CatalogError> {
        let mut records = self.records.lock().expect("unpoisoned");
        let under = |prefix: &Key| records.keys().filter(|key| key.starts_with(prefix)).count() as u64;
        let holds = |check: &Check| match check {
            Check::Is(key, version) => records.get(key).is_some_and(|v| v.version == *version),
            Check::Absent(key) => !records.contains_key(key),
            Check::AtMost { prefix, max } => under(prefix) <= *max,
            Check::Empty { prefix } => under(prefix) == 0,
        };
        if let Some(check) = txn.checks.iter().position(|check| !holds(check)) {
            return Err(CatalogError::Conflict { check });
        }
        for write in txn.writes {
            match write {
                Write::Put(key, value) => {
                    let version = records.get(&key).map_or(1, |v| v.version + 1);
                    records.insert(key, Versioned { version, value });
                }
                Write::Delete(key) => drop(records.remove(&key)),
            }
        }
        Ok(())
    }
}

impl Catalog for MemoryCatalog {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, CatalogError>> {
        ready(Ok(self.records.lock().expect("unpoisoned").get(key).cloned())).boxed()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: From,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, CatalogError>> {
        let records = self.records.lock().expect("unpoisoned");
        let found = records.iter().filter(|(key, _)| {
            key.starts_with(prefix)
                && match &from {
                    From::Start => true,
                    From::At(at) => *key >= at,
                    From::After(after) => *key > after,
                }
        });
        ready(Ok(found.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())).boxed()
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), CatalogError>> {
        ready(self.apply(txn)).boxed()
    }
}
