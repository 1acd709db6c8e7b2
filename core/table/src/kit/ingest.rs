//! Rows that no journal brings.

use futures::StreamExt;
use futures::stream;
use opentrail_catalog::{Check, Key, Txn};
use opentrail_journal::Positions;

use super::{Sample, Stand, check, everything, open, through};
use crate::{Chunks, Error, Ingested, Row};

/// Where the sequence numbers of the kit's importer begin.
const UPPER_HALF: u64 = 1 << 63;

pub(super) async fn conforms<S: Stand>(make: &impl Fn() -> S) {
    ingested_rows_are_found_like_all_others(make()).await;
    what_goes_with_rows_is_committed_with_them(make()).await;
    what_fails_brings_nothing(make()).await;
}

/// The rows as a stream of chunks.
fn chunks(rows: &[Row], each: usize) -> Chunks<'static> {
    let chunks: Vec<_> = rows.chunks(each).map(|chunk| Ok(chunk.to_vec())).collect();
    stream::iter(chunks).boxed()
}

fn key(n: u64) -> Key {
    Key::family("importer").number(n)
}

async fn ingested_rows_are_found_like_all_others(stand: impl Stand) {
    let mut sample = Sample::new(21);
    let table = open(&stand).await;
    let mut rows = sample.rows(300);
    table.append(rows.clone(), &through(300)).expect("rows fit");
    table.seal().await.expect("sealed");
    let hot = sample.rows(50);
    table.append(hot.clone(), &through(350)).expect("rows fit");
    rows.extend(hot);
    for n in 0..3 {
        let theirs = sample.rows_from(UPPER_HALF + 100_000 * n, 400);
        rows.extend(theirs.clone());
        let ingested = table.ingest(chunks(&theirs, 150), Txn::new()).await.expect("ingested");
        assert_eq!(ingested.rows, 400);
        assert!(ingested.parts > 0 && ingested.bytes > 0, "{ingested:?}");
        check(&*table, &rows, everything()).await;
    }
    assert_eq!(table.positions(), through(300), "the journal's positions stay");
    assert_eq!(table.contents().sealed_rows, 1500);
    assert_eq!(table.unsealed().rows, 50);
    for _ in 0..60 {
        let find = sample.question(&rows);
        check(&*table, &rows, find).await;
    }
    assert_eq!(table.seal().await.expect("sealed"), through(350));
    while table.merge().await.expect("merged") {}
    check(&*table, &rows, everything()).await;
    drop(table);
    let table = open(&stand).await;
    assert_eq!(table.positions(), through(350));
    check(&*table, &rows, everything()).await;
}

async fn what_goes_with_rows_is_committed_with_them(stand: impl Stand) {
    let (mut sample, catalog) = (Sample::new(22), stand.catalog());
    let table = open(&stand).await;
    let rows = sample.rows_from(UPPER_HALF, 40);
    let cursor = |from: Check, to: &'static str| Txn::new().check(Check::Absent(key(9))).check(from).put(key(1), to);
    table.ingest(chunks(&rows, 40), cursor(Check::Absent(key(1)), "first")).await.expect("ingested");
    assert_eq!(catalog.get(&key(1)).await.expect("a get").map(|row| row.value), Some("first".into()));

    let more = sample.rows_from(UPPER_HALF + 1000, 40);
    let refused = table.ingest(chunks(&more, 7), cursor(Check::Absent(key(1)), "again")).await;
    assert!(matches!(refused, Err(Error::Conflict { check: 1 })), "{refused:?}");
    assert_eq!(catalog.get(&key(1)).await.expect("a get").map(|row| row.value), Some("first".into()));
    check(&*table, &rows, everything()).await;

    // Nothing to keep, and something to note.
    let ingested = table.ingest(chunks(&[], 1), cursor(Check::Is(key(1), 1), "second")).await.expect("committed");
    assert_eq!(ingested, Ingested::default());
    assert_eq!(catalog.get(&key(1)).await.expect("a get").map(|row| row.value), Some("second".into()));

    table.ingest(chunks(&more, 7), cursor(Check::Is(key(1), 2), "third")).await.expect("ingested");
    drop(table);
    check(&*open(&stand).await, &[rows, more].concat(), everything()).await;
}

async fn what_fails_brings_nothing(stand: impl Stand) {
    let mut sample = Sample::new(23);
    let table = open(&stand).await;
    let rows = sample.rows_from(UPPER_HALF, 60);
    let with = || Txn::new().put(key(2), "done");

    let broken = chunks(&rows, 20).chain(stream::iter([Err("the line went dead".into())])).boxed();
    let failed = table.ingest(broken, with()).await;
    assert!(matches!(&failed, Err(Error::Source(why)) if why.contains("went dead")), "{failed:?}");

    let mut spoilt = rows.clone();
    spoilt[59].cells.pop();
    let mut twice = rows.clone();
    let mut twin = rows[3].clone();
    twin.record = b"another".as_slice().into();
    twice.push(twin);
    for bad in [spoilt, twice] {
        let refused = table.ingest(chunks(&bad, 20), with()).await;
        assert!(matches!(refused, Err(Error::BadRow(_))), "{refused:?}");
    }
    assert_eq!(stand.catalog().get(&key(2)).await.expect("a get"), None);
    assert_eq!((table.contents().parts, table.positions()), (0, Positions::default()));
    check(&*table, &[], everything()).await;
    table.ingest(chunks(&rows, 20), with()).await.expect("nothing is left in the way");
    check(&*table, &rows, everything()).await;
}
