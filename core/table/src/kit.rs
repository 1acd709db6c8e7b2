//! The conformance kit: every engine behind [`Table`] passes it.
//!
//! An engine's test hands in a [`Stand`]: one empty store that tables can be opened in, again and again. Every
//! check compares a table with a plain [`reference`](mod@reference) over a list of rows.

mod ingest;
mod reference;
mod sample;
mod tables;

use std::sync::Arc;

use futures::future::join;
use opentrail_catalog::Catalog;
use opentrail_journal::{Partition, Position, Positions};

use crate::{Cursor, Error, Find, Order, Row, Table, Tables, Term};

pub use reference::expected;
pub use sample::{Sample, schema};

/// A store of its own.
pub trait Stand: Send + Sync {
    /// The tables of the store, as after a restart. Those opened before were dropped.
    fn tables(&self) -> Arc<dyn Tables>;
    /// What they commit to.
    fn catalog(&self) -> Arc<dyn Catalog>;
}

/// Pages that a question may take before the kit calls it endless.
const PAGES_MAX: usize = 10_000;

/// Runs every check, each on a stand of its own. Panics at the first that does not hold.
pub async fn conforms<S: Stand>(make: impl Fn() -> S) {
    appended_rows_are_seen_at_once(make()).await;
    a_batch_that_does_not_fit_changes_nothing(make()).await;
    questions_that_the_schema_cannot_answer_are_refused(make()).await;
    questions_are_answered_as_the_reference_does(make()).await;
    cursors_walk_through_everything_once(make()).await;
    sealed_rows_and_positions_come_back_together(make()).await;
    positions_move_without_rows(make()).await;
    merging_changes_no_answer(make()).await;
    expiry_drops_old_parts_only(make()).await;
    finds_during_seals_and_merges_see_every_row_once(make()).await;
    ingest::conforms(&make).await;
    tables::conforms(&make).await;
}

/// The kit's table of the store, as after a restart.
async fn open(stand: &impl Stand) -> Arc<dyn Table> {
    stand.tables().open(schema(), Positions::default()).await.expect("the store works")
}

/// Positions behind the first `n` entries of partition 0.
pub fn through(n: u64) -> Positions {
    let mut positions = Positions::default();
    if let Some(offset) = n.checked_sub(1) {
        positions.pass(Position { partition: Partition(0), offset });
    }
    positions
}

/// Every row of the table, oldest first.
pub fn everything() -> Find {
    Find {
        terms: vec![],
        words: vec![],
        from_s: i64::MIN,
        to_s: i64::MAX,
        order: Order::OldestFirst,
        after: None,
        limit: 97,
        bytes_max: usize::MAX,
    }
}

/// All pages of an answer, one behind the other.
pub async fn find_all(table: &dyn Table, mut find: Find) -> Vec<Row> {
    let mut rows = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = table.find(find.clone()).await.expect("the question is a good one");
        assert!(page.rows.len() <= find.limit, "{} rows for a limit of {}", page.rows.len(), find.limit);
        let bytes: usize = page.rows.iter().map(|row| row.record.len()).sum();
        assert!(bytes <= find.bytes_max || page.rows.len() == 1, "{bytes} bytes for a limit of {}", find.bytes_max);
        rows.extend(page.rows);
        match page.next {
            None => return rows,
            next => {
                assert_ne!(next, find.after, "the cursor stands still");
                find.after = next;
            }
        }
    }
    panic!("no end of {find:?}");
}

async fn check(table: &dyn Table, rows: &[Row], find: Find) {
    let schema = table.schema().clone();
    let expect = expected(&schema, rows, &find);
    let got = find_all(table, find.clone()).await;
    assert_same(&got, &expect, &find);
}

fn assert_same(got: &[Row], expect: &[Row], find: &Find) {
    let keys = |rows: &[Row]| rows.iter().map(|row| (row.time_s, row.seq)).collect::<Vec<_>>();
    assert_eq!(keys(got), keys(expect), "{find:?}");
    assert!(got == expect, "rows differ from what was appended: {find:?}");
}

async fn appended_rows_are_seen_at_once(stand: impl Stand) {
    let table = open(&stand).await;
    check(&*table, &[], everything()).await;
    let mut sample = Sample::new(1);
    let mut rows = Vec::new();
    for n in 1..=20 {
        let batch = sample.rows(n);
        rows.extend(batch.clone());
        table.append(batch, &through(rows.len() as u64)).expect("rows fit");
        check(&*table, &rows, everything()).await;
    }
    assert_eq!(table.positions(), Positions::default(), "nothing was sealed");
    let unsealed = table.unsealed();
    assert_eq!(unsealed.rows, rows.len() as u64);
    assert_eq!(unsealed.bytes, rows.iter().map(|row| row.record.len() as u64).sum::<u64>());
    assert!(unsealed.since.is_some());
}

async fn a_batch_that_does_not_fit_changes_nothing(stand: impl Stand) {
    let table = open(&stand).await;
    let rows = Sample::new(2).rows(10);
    table.append(rows.clone(), &through(10)).expect("rows fit");
    let spoil = |change: fn(&mut Row)| {
        let mut batch = Sample::new(3).rows_from(1000, 5);
        change(&mut batch[4]);
        batch
    };
    let mut twin = rows[3].clone();
    twin.record = b"another".as_slice().into();
    let mut taken = Sample::new(3).rows_from(1000, 2);
    taken.push(twin);
    for batch in [
        spoil(|row| {
            row.cells.pop();
        }),
        spoil(|row| row.cells.swap(0, 2)),
        spoil(|row| row.time_s = i64::MAX),
        taken,
    ] {
        let refused = table.append(batch, &through(99));
        assert!(matches!(refused, Err(Error::BadRow(_))), "{refused:?}");
        check(&*table, &rows, everything()).await;
    }
    table.append(rows.clone(), &through(10)).expect("the same rows again are no harm");
    check(&*table, &rows, everything()).await;
    assert_eq!(table.seal().await.expect("sealed"), through(10));
}

async fn questions_that_the_schema_cannot_answer_are_refused(stand: impl Stand) {
    let table = open(&stand).await;
    let text = |column| Term::Text { column, value: "x".into() };
    for term in [text("nothing"), text("note"), text("ok"), Term::Bool { column: "name", value: true }] {
        let answer = table.find(Find { terms: vec![term.clone()], ..everything() }).await;
        assert!(matches!(answer, Err(Error::BadQuestion(_))), "{term:?}: {answer:?}");
    }
    let answer = table.find(Find { limit: 0, ..everything() }).await;
    assert!(matches!(answer, Err(Error::BadQuestion(_))), "{answer:?}");
}

async fn questions_are_answered_as_the_reference_does(stand: impl Stand) {
    let mut sample = Sample::new(4);
    let mut rows = Vec::new();
    let table = open(&stand).await;
    // Several parts that overlap in time, and hot rows above them.
    for _ in 0..3 {
        let batch = sample.rows(700);
        rows.extend(batch.clone());
        table.append(batch, &through(rows.len() as u64)).expect("rows fit");
        table.seal().await.expect("sealed");
    }
    let batch = sample.rows(300);
    rows.extend(batch.clone());
    table.append(batch, &through(rows.len() as u64)).expect("rows fit");
    for _ in 0..300 {
        let find = sample.question(&rows);
        check(&*table, &rows, find).await;
    }
    let longest = "v".repeat(5000);
    for value in ["", "\0", &longest] {
        let terms = vec![Term::Text { column: "name", value: value.into() }];
        check(&*table, &rows, Find { terms, ..everything() }).await;
    }
}

async fn cursors_walk_through_everything_once(stand: impl Stand) {
    let mut sample = Sample::new(5);
    let table = open(&stand).await;
    let mut rows = sample.rows(60);
    table.append(rows.clone(), &through(60)).expect("rows fit");
    table.seal().await.expect("sealed");
    let hot = sample.rows(40);
    rows.extend(hot.clone());
    table.append(hot, &through(100)).expect("rows fit");
    for order in [Order::NewestFirst, Order::OldestFirst] {
        for limit in [1, 7, 100, 1000] {
            check(&*table, &rows, Find { order, limit, ..everything() }).await;
        }
        for row in &rows {
            let after = Some(Cursor { time_s: row.time_s, seq: row.seq });
            check(&*table, &rows, Find { order, after, ..everything() }).await;
        }
    }
}

async fn sealed_rows_and_positions_come_back_together(stand: impl Stand) {
    let mut sample = Sample::new(6);
    let table = open(&stand).await;
    let sealed = sample.rows(500);
    table.append(sealed.clone(), &through(500)).expect("rows fit");
    assert_eq!(table.seal().await.expect("sealed"), through(500));
    assert_eq!(table.seal().await.expect("nothing to do"), through(500));
    let hot = sample.rows(50);
    table.append(hot.clone(), &through(550)).expect("rows fit");
    assert_eq!(table.contents().sealed_rows, 500);
    assert_eq!(table.unsealed().rows, 50);
    drop(table);

    let table = open(&stand).await;
    assert_eq!(table.positions(), through(500));
    check(&*table, &sealed, everything()).await;
    table.append(hot.clone(), &through(550)).expect("the journal brings them again");
    assert_eq!(table.seal().await.expect("sealed"), through(550));
    drop(table);
    let table = open(&stand).await;
    check(&*table, &[sealed, hot].concat(), everything()).await;
}

async fn positions_move_without_rows(stand: impl Stand) {
    let table = open(&stand).await;
    table.append(vec![], &through(7)).expect("nothing fits");
    assert_eq!(table.positions(), Positions::default());
    assert_eq!(table.seal().await.expect("sealed"), through(7));
    assert_eq!(table.contents().parts, 0);
    drop(table);
    assert_eq!(open(&stand).await.positions(), through(7));
}

async fn merging_changes_no_answer(stand: impl Stand) {
    let mut sample = Sample::new(7);
    let table = open(&stand).await;
    let mut rows = Vec::new();
    for _ in 0..20 {
        let batch = sample.rows(50);
        rows.extend(batch.clone());
        table.append(batch, &through(rows.len() as u64)).expect("rows fit");
        table.seal().await.expect("sealed");
    }
    let before = table.contents().parts;
    let mut merges = 0;
    while table.merge().await.expect("merged") {
        merges += 1;
        assert!(merges < 100, "merging finds no end");
        check(&*table, &rows, everything()).await;
    }
    assert!(merges > 0 && table.contents().parts < before, "twenty like parts were worth a merge");
    assert_eq!(table.contents().sealed_rows, rows.len() as u64);
    for _ in 0..100 {
        let find = sample.question(&rows);
        check(&*table, &rows, find).await;
    }
    drop(table);
    let table = open(&stand).await;
    check(&*table, &rows, everything()).await;
    assert_eq!(table.positions(), through(rows.len() as u64));
}

async fn expiry_drops_old_parts_only(stand: impl Stand) {
    let mut sample = Sample::new(8);
    let table = open(&stand).await;
    let mut rows = Vec::new();
    for day in 0..4 {
        let mut batch = sample.rows(30);
        batch.iter_mut().for_each(|row| row.time_s = 1_000_000 * day + row.time_s.rem_euclid(1000));
        rows.extend(batch.clone());
        table.append(batch, &through(rows.len() as u64)).expect("rows fit");
        table.seal().await.expect("sealed");
    }
    assert_eq!(table.expire(0).await.expect("nothing is that old"), 0);
    assert_eq!(table.expire(2_000_000).await.expect("expired"), 2);
    rows.retain(|row| row.time_s >= 2_000_000);
    check(&*table, &rows, everything()).await;
    drop(table);
    let table = open(&stand).await;
    check(&*table, &rows, everything()).await;
    assert_eq!(table.positions(), through(120), "expiry leaves positions alone");
}

async fn finds_during_seals_and_merges_see_every_row_once(stand: impl Stand) {
    let mut sample = Sample::new(9);
    let table = open(&stand).await;
    let mut rows = Vec::new();
    for _ in 0..12 {
        let batch = sample.rows(200);
        rows.extend(batch.clone());
        table.append(batch, &through(rows.len() as u64)).expect("rows fit");
        let change = async {
            table.seal().await.expect("sealed");
            table.merge().await.expect("merged");
        };
        let late = sample.rows(20);
        let ask = async {
            check(&*table, &rows, everything()).await;
            table.append(late.clone(), &through(rows.len() as u64)).expect("rows fit");
            let all = [rows.clone(), late.clone()].concat();
            for limit in [3000, 50, 3000] {
                check(&*table, &all, Find { order: Order::NewestFirst, limit, ..everything() }).await;
            }
        };
        join(change, ask).await;
        rows.extend(late);
        check(&*table, &rows, everything()).await;
    }
}
