//! Ingestion: all or nothing at every write, bounded in memory, and nothing left behind by who gave up.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use opentrail_catalog::{Catalog, Check, Key, Txn};
use opentrail_table::kit::{Sample, everything, find_all, schema, through};
use opentrail_table::{Chunks, Row, Table};

use super::stores::{Failure, Stores, small};
use crate::{ColumnarTable, Error};

const UPPER_HALF: u64 = 1 << 63;

fn chunks(rows: &[Row]) -> Chunks<'static> {
    let chunks: Vec<_> = rows.chunks(25).map(|chunk| Ok(chunk.to_vec())).collect();
    stream::iter(chunks).boxed()
}

/// An importer's cursor: it moves from one batch to the next, once.
async fn import(stores: &Stores, table: &ColumnarTable, batch: usize, rows: &[Row]) -> Result<(), Error> {
    let cursor = Key::family("importer").part("cursor");
    let there = stores.get(&cursor).await.map_err(|e| Error::Unavailable(e.to_string().into()))?;
    let done = there.as_ref().map_or(0, |row| usize::from(row.value[0]));
    if done > batch {
        return Ok(());
    }
    let check = there.map_or(Check::Absent(cursor.clone()), |row| Check::Is(cursor.clone(), row.version));
    let with = Txn::new().check(check).put(cursor, vec![batch as u8 + 1]);
    Table::ingest(table, chunks(rows), with).await.map(drop)
}

async fn check(table: &ColumnarTable, rows: &[Row]) {
    let mut expect = rows.to_vec();
    expect.sort_by_key(|row| (row.time_s, row.seq));
    assert!(find_all(table, everything()).await == expect);
}

#[tokio::test]
async fn an_import_goes_through_any_failure_with_each_row_once() {
    let mut sample = Sample::new(61);
    let batches: Vec<Vec<Row>> = (0..3).map(|n| sample.rows_from(UPPER_HALF + 10_000 * n, 100)).collect();
    let live = sample.rows_from(1, 50);
    let run = async |stores: &Stores, goes_down: bool| {
        let mut table = stores.table(schema()).await.expect("nothing fails yet");
        table.append(live.clone(), &through(50)).expect("rows fit");
        for (n, rows) in batches.iter().enumerate() {
            let mut tries = 0;
            while let Err(error) = import(stores, &table, n, rows).await {
                assert!(matches!(error, Error::Unavailable(_) | Error::Conflict { .. }), "{error}");
                tries += 1;
                assert!(tries < 4, "{error}");
                if goes_down {
                    stores.mend();
                    table = stores.table(schema()).await.expect("the stores work again");
                }
                let found = find_all(&*table, everything()).await.len() % 50;
                assert_eq!(found, 0, "a batch is there whole or not at all");
            }
            if stores.gone() {
                // What failed was a sweep.
                stores.mend();
                table = stores.table(schema()).await.expect("the stores work again");
            }
        }
        table
    };
    let clean = Stores::default();
    run(&clean, false).await;
    let writes = clean.writes();
    assert!(writes >= 9, "three batches of {writes} writes");
    for failure in [Failure::NotLanded, Failure::Landed, Failure::NotLandedAndGone, Failure::LandedAndGone] {
        for nth in 0..writes {
            let stores = Stores::default();
            stores.fail(nth, failure);
            let goes_down = matches!(failure, Failure::NotLandedAndGone | Failure::LandedAndGone);
            drop(run(&stores, goes_down).await);
            assert!(stores.failed(), "write {nth} was never made");
            let table = stores.table(schema()).await.expect("the stores work again");
            check(&table, &batches.concat()).await;
            assert_eq!(stores.blob_names().len() as u64, 2 * table.contents().parts, "{failure:?} of write {nth}");
            assert_eq!(table.positions(), through(0));
        }
    }
}

#[tokio::test]
async fn more_than_fits_into_memory_becomes_several_parts() {
    let stores = Stores::default();
    let table = stores.table(schema()).await.expect("opened");
    let rows = Sample::new(62).rows_from(UPPER_HALF, 900);
    let ingested = Table::ingest(&*table, chunks(&rows), Txn::new()).await.expect("ingested");
    assert_eq!(ingested.rows, 900);
    assert!(ingested.parts > 3, "{ingested:?} with {} bytes at once", small().ingest_bytes_max);
    assert_eq!(ingested.bytes, table.contents().sealed_bytes);
    check(&table, &rows).await;
    while Table::merge(&*table).await.expect("merged") {}
    check(&table, &rows).await;
}

#[tokio::test]
async fn nothing_is_left_of_an_import_that_was_refused_or_given_up() {
    let stores = Stores::default();
    let table = stores.table(schema()).await.expect("opened");
    let rows = Sample::new(63).rows_from(UPPER_HALF, 900);
    let with = || Txn::new().check(Check::Is(Key::family("importer").part("nothing"), 1));
    let refused = Table::ingest(&*table, chunks(&rows), with()).await;
    assert!(matches!(refused, Err(Error::Conflict { check: 0 })), "{refused:?}");
    assert!(stores.blob_names().is_empty());

    // The rows end in silence, and whoever waits for them goes.
    let silent = chunks(&rows).chain(stream::pending()).boxed();
    let mut import = Table::ingest(&*table, silent, Txn::new());
    while stores.blob_names().len() < 4 {
        let _ = futures::poll!(&mut import);
        tokio::task::yield_now().await;
    }
    drop(import);
    assert!(!stores.blob_names().is_empty());
    Table::seal(&*table).await.expect("nothing to do but to sweep");
    assert!(stores.blob_names().is_empty());
    check(&table, &[]).await;
}

#[tokio::test]
async fn imports_and_seals_go_on_beside_each_other() {
    let stores = Stores::default();
    let table = stores.table(schema()).await.expect("opened");
    let mut sample = Sample::new(64);
    let theirs: Vec<Vec<Row>> = (0..4).map(|n| sample.rows_from(UPPER_HALF + 10_000 * n, 60)).collect();
    let live = sample.rows_from(1, 200);
    let imports = theirs.iter().map(|rows| Table::ingest(&*table, chunks(rows), Txn::new()));
    let seals = async {
        for (n, rows) in live.chunks(50).enumerate() {
            table.append(rows.to_vec(), &through(n as u64 + 1)).expect("rows fit");
            Table::seal(&*table).await.expect("sealed");
            Table::merge(&*table).await.expect("merged");
        }
    };
    let (imported, ()) = futures::join!(futures::future::join_all(imports), seals);
    assert!(imported.iter().all(Result::is_ok), "{imported:?}");
    check(&table, &[theirs.concat(), live].concat()).await;
    assert_eq!(table.positions(), through(4));
    let table: Arc<ColumnarTable> = stores.table(schema()).await.expect("opened");
    assert_eq!(table.contents().sealed_rows, 440);
}
