//! Scans: some columns of all rows within a window, as Arrow batches, in partitions that are read beside each other.
//!
//! A scan stands on one instant of the table: the parts there are, which it keeps from being swept, and the rows in memory. What
//! is appended, sealed, merged or expired meanwhile changes nothing of it.

mod group;
mod project;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::{Schema as ArrowSchema, SchemaRef};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use opentrail_table::{Error, Find, Order, Row, Term};

use crate::batch::Batch;
use crate::index::Index;
use crate::part::{Part, Store};
use crate::question::Question;
use crate::read::footer;
use crate::schema::arrow;
use crate::source::candidates;
use crate::table::ColumnarTable;
use group::{BATCH_BYTES, Group};
use project::Projection;

/// The most rows of a batch.
pub const BATCH_ROWS_MAX: usize = 65_536;
/// Parts that are looked into at once while a scan is planned.
const PARTS_AT_ONCE: usize = 8;

/// What to read.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Names of columns: the table's own (`time`, `seq`, `id`, `record`), the schema's, derived ones. Behind dots a member of a
    /// struct, or of the structs in a list: only these leaves are read. None at all: batches that only count rows.
    pub columns: Vec<String>,
    /// Inclusive, seconds since 1970. Rows before are not read: what has expired is hidden by it.
    pub from_s: i64,
    /// Inclusive, seconds since 1970.
    pub to_s: i64,
    /// Conditions on indexed columns that help to pass rows over. Rows that do not fit may come all the same: whoever scans
    /// compares.
    pub terms: Vec<Term>,
    /// Rows of a batch at most; large rows come in smaller ones. From 1 to [`BATCH_ROWS_MAX`].
    pub batch_rows: usize,
    /// At most so many partitions; at least 1.
    pub partitions: usize,
    /// Each partition begins with the newest parts. No order is promised of single rows.
    pub newest_first: bool,
}

/// A scan that is ready to be read.
pub struct Scanned {
    /// What batches look like, columns in the order in which they were first named.
    pub schema: SchemaRef,
    /// At least one. Each row is in exactly one.
    pub partitions: Vec<ScanPartition>,
    /// What was read so far, by all partitions.
    pub counts: Arc<Counts>,
}

/// Counts of what a scan read.
#[derive(Debug, Default)]
pub struct Counts {
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    /// Rows that were decoded.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Bytes that were fetched from parts, and of records in memory that were looked at.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// A share of a scan.
#[derive(Clone)]
pub struct ScanPartition {
    store: Arc<Store>,
    projection: Arc<Projection>,
    units: Vec<Unit>,
    batch_rows: usize,
    counts: Arc<Counts>,
}

/// What is read in one go.
#[derive(Clone)]
enum Unit {
    Group(Group),
    Rows(Arc<[Arc<Row>]>),
}

impl Unit {
    fn weight(&self) -> u64 {
        match self {
            Self::Group(group) => group.weight(),
            Self::Rows(rows) => rows.len() as u64,
        }
    }
}

impl ColumnarTable {
    /// Every column that a scan may name, derived ones last.
    pub fn columns(&self) -> SchemaRef {
        let own = arrow(&self.store.schema);
        let derived = self.store.derived.iter().flat_map(|derived| derived.fields().iter());
        Arc::new(ArrowSchema::new(own.fields().iter().chain(derived).cloned().collect::<Vec<_>>()))
    }

    /// Plans a scan: finds the parts and row groups that the window and the terms leave over. Rows are read when the
    /// partitions are.
    ///
    /// # Errors
    /// [`Error::BadQuestion`] for what the columns cannot answer, [`Error::Removed`], and those of reading.
    pub async fn scan(&self, scan: Scan) -> Result<Scanned, Error> {
        self.alive()?;
        if !(1..=BATCH_ROWS_MAX).contains(&scan.batch_rows) || scan.partitions == 0 {
            let why = format!("ask for batches of 1 to {BATCH_ROWS_MAX} rows in at least one partition");
            return Err(Error::BadQuestion(why));
        }
        let projection = Arc::new(Projection::new(&self.store, &scan.columns)?);
        let question = Find {
            terms: scan.terms,
            words: Vec::new(),
            from_s: scan.from_s,
            to_s: scan.to_s,
            order: Order::OldestFirst,
            after: None,
            limit: 1,
            bytes_max: 0,
        };
        let question = Question::new(&self.store.schema, question)?;
        let units = self.units(&question, scan.newest_first, scan.batch_rows).await;
        let units = units.or_else(|error| self.alive().and(Err(error)))?;
        let counts = Arc::new(Counts::default());
        let partition = |units| ScanPartition {
            store: self.store.clone(),
            projection: projection.clone(),
            units,
            batch_rows: scan.batch_rows,
            counts: counts.clone(),
        };
        let partitions = shared_out(units, scan.partitions).into_iter().map(partition).collect();
        Ok(Scanned { schema: projection.schema().clone(), partitions, counts })
    }

    async fn units(&self, question: &Question, newest_first: bool, batch_rows: usize) -> Result<Vec<Unit>, Error> {
        let Some(window) = question.window else { return Ok(Vec::new()) };
        let snapshot = self.snapshot();
        let mut hot: Vec<Arc<Row>> = Vec::new();
        for memory in &snapshot.memories {
            hot.extend(memory.within(window).into_iter().filter(|row| question.fits(row)));
        }
        let mut parts: Vec<Arc<Part>> =
            snapshot.parts.iter().filter(|part| window.meets(part.row.first, part.row.last)).cloned().collect();
        parts.sort_by_key(|part| (part.row.last, part.row.id));
        let groups = stream::iter(parts).map(|part| groups(&self.store, part, question));
        let groups: Vec<Vec<Group>> = groups.buffered(PARTS_AT_ONCE).try_collect().await?;
        let mut units: Vec<Unit> = groups.into_iter().flatten().map(Unit::Group).collect();
        units.extend(batches(&hot, batch_rows).map(|rows| Unit::Rows(rows.into())));
        if newest_first {
            units.reverse();
        }
        Ok(units)
    }
}

/// The row groups of a part that have rows for the scan.
async fn groups(store: &Store, part: Arc<Part>, question: &Question) -> Result<Vec<Group>, Error> {
    let Some(window) = question.window else { return Ok(Vec::new()) };
    let candidates = candidates(store, &part, question).await?.map(Arc::new);
    let (lo, hi) = Index { store, part: &part }.rows_within(window).await?;
    let footer = footer(store, &part).await?;
    let (mut found, mut first_row) = (Vec::new(), 0u32);
    for (number, group) in footer.metadata().row_groups().iter().enumerate() {
        let end = first_row + group.num_rows().unsigned_abs() as u32;
        let rows = lo.clamp(first_row, end) - first_row..hi.clamp(first_row, end) - first_row;
        let group = Group { part: part.clone(), number, first_row, rows, candidates: candidates.clone() };
        if group.weight() > 0 {
            found.push(group);
        }
        first_row = end;
    }
    Ok(found)
}

/// Rows in memory, in runs of so many rows and so many bytes of records.
fn batches(mut rows: &[Arc<Row>], batch_rows: usize) -> impl Iterator<Item = &[Arc<Row>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fit = rows.iter().take(batch_rows).take_while(|row| {
            bytes += row.record.len() as u64;
            bytes <= BATCH_BYTES
        });
        let (batch, rest) = rows.split_at(fit.count().max(1).min(rows.len()));
        rows = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Deals units out, each to whoever has least to do, in their order.
fn shared_out(units: Vec<Unit>, partitions: usize) -> Vec<Vec<Unit>> {
    let partitions = partitions.min(units.len()).max(1);
    let mut shares: Vec<(u64, Vec<Unit>)> = (0..partitions).map(|_| (0, Vec::new())).collect();
    for unit in units {
        let least = (0..partitions).min_by_key(|at| shares[*at].0).unwrap_or_default();
        let (weight, share) = &mut shares[least];
        *weight += unit.weight();
        share.push(unit);
    }
    shares.into_iter().map(|(_, share)| share).collect()
}

impl ScanPartition {
    /// Reads the partition, one row group at a time: in memory are the fetched pages of one and a batch. Decoding is done by
    /// whoever polls. May be read again, and beside the others.
    pub fn stream(&self) -> BoxStream<'static, Result<RecordBatch, Error>> {
        let this = self.clone();
        let units = stream::iter(self.units.clone());
        let batches = units.then(move |unit| {
            let this = this.clone();
            async move {
                let name = this.store.schema.table.clone();
                let batches = this.read(unit).await;
                // A removal takes the blobs from beneath whoever reads them.
                batches.map_err(|error| if this.store.is_removed() { Error::Removed(name) } else { error })
            }
        });
        batches.try_flatten().boxed()
    }

    async fn read(&self, unit: Unit) -> Result<BoxStream<'static, Result<RecordBatch, Error>>, Error> {
        match unit {
            Unit::Group(group) => {
                let (projection, counts) = (self.projection.clone(), self.counts.clone());
                let batches = group.fetch(&self.store, projection, self.batch_rows, counts).await?;
                Ok(stream::iter(batches).boxed())
            }
            Unit::Rows(rows) => {
                let batch = self.of_rows(&rows)?;
                Ok(stream::iter([Ok(batch)]).boxed())
            }
        }
    }

    fn of_rows(&self, rows: &[Arc<Row>]) -> Result<RecordBatch, Error> {
        let unmade = |why: String| Error::Unavailable(format!("rows in memory not made into a batch: {why}").into());
        let mut batch = Batch::new(&self.store.schema, None);
        for row in rows {
            batch.push(row).map_err(|e| unmade(e.to_string()))?;
        }
        let bytes = rows.iter().map(|row| row.record.len() as u64).sum();
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.counts.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
        let batch = batch.take().map_err(|e| unmade(e.to_string()))?;
        self.projection.assemble(&batch).map_err(unmade)
    }
}
