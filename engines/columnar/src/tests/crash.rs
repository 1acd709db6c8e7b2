//! The error matrix: each write of a table's life fails, landed and not landed, with and without the process going
//! down at that moment. Whatever happens, committed positions and committed rows agree, and no row is there twice.

use std::sync::Arc;

use opentrail_journal::Partition;
use opentrail_table::kit::{Sample, everything, find_all, schema, through};
use opentrail_table::{Cursor, Find, Order, Row, Table};

use super::stores::{Failure, Stores};
use crate::{ColumnarTable, Error};

const OLD: i64 = 1_000;
const NEW: i64 = 1_000_000;
const BATCH: usize = 12;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Appends one batch and seals it.
    Seal,
    /// Appends two batches with a seal between them that may fail, so that several sets are frozen.
    SealTwice,
    Merge,
    /// Drops everything old.
    Expire,
}

/// Four old parts become one; new ones come; the old one goes; two seals close the life.
const LIFE: [Step; 9] = [
    Step::Seal,
    Step::Seal,
    Step::Seal,
    Step::Seal,
    Step::Merge,
    Step::Seal,
    Step::SealTwice,
    Step::Expire,
    Step::Seal,
];

/// A table, and the journal that it is filled from.
struct Life {
    stores: Stores,
    table: Arc<ColumnarTable>,
    /// What the journal holds: batches of old rows, then new ones.
    journal: Vec<Row>,
    /// How many of them the table was given since it was opened, or committed before.
    applied: usize,
    expired: bool,
}

impl Life {
    async fn begin() -> Self {
        let stores = Stores::default();
        let table = stores.table(schema()).await.expect("nothing fails yet");
        let mut sample = Sample::new(11);
        let mut journal = Vec::new();
        for batch in 0..12 {
            let mut rows = sample.rows(BATCH);
            let epoch = if batch < 4 { OLD } else { NEW };
            rows.iter_mut().for_each(|row| row.time_s = epoch + row.time_s.rem_euclid(100));
            journal.extend(rows);
        }
        Self { stores, table, journal, applied: 0, expired: false }
    }

    fn feed(&mut self, upto: usize) {
        let rows = self.journal[self.applied..upto].to_vec();
        self.table.append(rows, &through(upto as u64)).expect("appends touch no store");
        self.applied = upto;
    }

    /// Every row that was given is there once, save what expired.
    async fn check(&self, upto: usize) {
        let mut expect: Vec<Row> = self.journal[..upto].to_vec();
        expect.retain(|row| !self.expired || row.time_s >= NEW);
        expect.sort_by_key(|row| (row.time_s, row.seq));
        let found = find_all(&*self.table, everything()).await;
        let keys = |rows: &[Row]| rows.iter().map(|row| (row.time_s, row.seq)).collect::<Vec<_>>();
        assert_eq!(keys(&found), keys(&expect));
        assert!(found == expect);
        let newest = Find { order: Order::NewestFirst, after: None::<Cursor>, ..everything() };
        expect.reverse();
        assert!(find_all(&*self.table, newest).await == expect);
    }

    fn committed(&self) -> usize {
        self.table.positions().next(Partition(0)) as usize
    }

    /// The process went down and starts again.
    async fn restart(&mut self) {
        self.stores.mend();
        self.table = self.stores.table(schema()).await.expect("the stores work again");
        self.applied = self.committed();
        self.check_or_expired().await;
    }

    /// An expiry that failed may have happened; then everything old is gone, else nothing is.
    async fn check_or_expired(&mut self) {
        let rows = find_all(&*self.table, everything()).await;
        let has_old = rows.iter().any(|row| row.time_s < NEW);
        self.expired |= !has_old && self.committed() > 6 * BATCH;
        self.check(self.applied).await;
    }

    async fn try_step(&mut self, step: Step, goal: usize) -> Result<(), Error> {
        match step {
            Step::Seal => {
                self.feed(goal);
                Table::seal(&*self.table).await.map(|positions| assert_eq!(positions, through(goal as u64)))
            }
            Step::SealTwice => {
                if self.applied <= goal - 2 * BATCH {
                    self.feed(goal - BATCH);
                }
                let first = Table::seal(&*self.table).await;
                if self.stores_are_there(&first).await {
                    self.feed(goal);
                }
                Table::seal(&*self.table).await?;
                first.map(drop)
            }
            Step::Merge => Table::merge(&*self.table).await.map(drop),
            Step::Expire => Table::expire(&*self.table, NEW).await.map(|_| self.expired = true),
        }
    }

    async fn stores_are_there(&self, sealed: &Result<opentrail_journal::Positions, Error>) -> bool {
        sealed.is_ok() || self.table.find(everything()).await.is_ok()
    }

    /// Runs all steps, trying again what failed; a failure that takes the stores away is followed by a restart.
    async fn run(&mut self, goes_down: bool) {
        let mut goal = 0;
        for step in LIFE {
            goal += match step {
                Step::Seal => BATCH,
                Step::SealTwice => 2 * BATCH,
                Step::Merge | Step::Expire => 0,
            };
            let mut tries = 0;
            while let Err(error) = self.try_step(step, goal).await {
                assert!(matches!(error, Error::Unavailable(_)), "{step:?}: {error}");
                tries += 1;
                assert!(tries < 4, "{step:?} does not mend: {error}");
                if goes_down {
                    self.restart().await;
                } else {
                    self.check_or_expired().await;
                }
            }
            if self.stores.gone() {
                // What failed was a sweep, which is nobody's business but the next start's.
                self.restart().await;
            }
            self.check(goal).await;
            assert!(self.committed() == goal, "{step:?}: {} of {goal}", self.committed());
        }
    }
}

#[tokio::test]
async fn every_write_may_fail_at_any_time() {
    let mut clean = Life::begin().await;
    clean.run(false).await;
    let writes = clean.stores.writes();
    assert!(writes > 25, "a life of {writes} writes");
    for failure in [Failure::NotLanded, Failure::Landed, Failure::NotLandedAndGone, Failure::LandedAndGone] {
        for nth in 0..writes {
            let mut life = Life::begin().await;
            life.stores.fail(nth, failure);
            let goes_down = matches!(failure, Failure::NotLandedAndGone | Failure::LandedAndGone);
            life.run(goes_down).await;
            assert!(life.stores.failed(), "write {nth} was never made");
            life.restart().await;
            let parts = life.table.contents().parts as usize;
            assert_eq!(life.stores.blob_names().len(), 2 * parts, "{failure:?} of write {nth} left blobs behind");
            Table::seal(&*life.table).await.expect("the stores work");
        }
    }
}

#[tokio::test]
async fn a_second_writer_is_noticed() {
    let stores = Stores::default();
    let one = stores.table(schema()).await.expect("opened");
    let two = stores.table(schema()).await.expect("opened");
    let mut sample = Sample::new(12);
    one.append(sample.rows(5), &through(5)).expect("rows fit");
    two.append(sample.rows(5), &through(9)).expect("rows fit");
    Table::seal(&*one).await.expect("the first wins");
    let lost = Table::seal(&*two).await;
    assert!(matches!(lost, Err(Error::Damaged(_))), "{lost:?}");
    assert_eq!(two.positions(), through(0));
}

#[tokio::test]
async fn a_find_that_holds_parts_keeps_their_blobs() {
    let stores = Stores::default();
    let table = stores.table(schema()).await.expect("opened");
    let mut sample = Sample::new(13);
    for n in 1..=4 {
        table.append(sample.rows(50), &through(n)).expect("rows fit");
        Table::seal(&*table).await.expect("sealed");
    }
    let held = table.snapshot();
    assert!(Table::merge(&*table).await.expect("merged"));
    assert_eq!(stores.blob_names().len(), 10, "four old parts and the new one");
    drop(held);
    Table::seal(&*table).await.expect("nothing to do but to sweep");
    assert_eq!(stores.blob_names().len(), 2);
}
