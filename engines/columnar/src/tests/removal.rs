//! Removal: whole at every write that fails, and never half seen.

use opentrail_journal::Positions;
use opentrail_table::kit::{Sample, everything, find_all, schema, through};
use opentrail_table::{Find, Row, Schema, Table, Tables};

use super::stores::{Failure, Stores, small};
use crate::Error;

fn named(table: &str) -> Schema {
    Schema { table: table.into(), ..schema() }
}

/// Two tables with parts; the rows of the one that goes.
async fn two_tables(stores: &Stores) -> Vec<Row> {
    let tables = stores.tables_with(small());
    let mut all = Vec::new();
    for name in ["go", "go-not"] {
        let table = tables.open(named(name), Positions::default()).await.expect("opened");
        let mut sample = Sample::new(71);
        for n in 1..=3 {
            let rows = sample.rows(20);
            table.append(rows.clone(), &through(n)).expect("rows fit");
            Table::seal(&*table).await.expect("sealed");
            if name == "go" {
                all.extend(rows);
            }
        }
    }
    all.sort_by_key(|row| (row.time_s, row.seq));
    all
}

#[tokio::test]
async fn every_write_of_a_removal_may_fail() {
    let clean = Stores::default();
    two_tables(&clean).await;
    let before = clean.writes();
    clean.tables_with(small()).remove("go").await.expect("removed");
    let writes = clean.writes() - before;
    assert!(writes >= 9, "a mark, rows, six blobs, the mark again: {writes}");
    let (keys, blobs) = (clean.keys().len(), clean.blob_names().len());
    for failure in [Failure::NotLanded, Failure::Landed, Failure::NotLandedAndGone, Failure::LandedAndGone] {
        for nth in 0..writes {
            for again in [true, false] {
                let stores = Stores::default();
                let rows = two_tables(&stores).await;
                let mut tables = stores.tables_with(small());
                let open = tables.open(named("go"), Positions::default()).await.expect("opened");
                stores.fail(nth, failure);
                let failed = Tables::remove(&tables, "go").await;
                assert!(matches!(failed, Err(Error::Unavailable(_))), "{failure:?} of write {nth}: {failed:?}");
                let answer = open.find(everything()).await;
                assert!(matches!(answer, Err(Error::Removed(_))), "{answer:?}");
                stores.mend();
                if matches!(failure, Failure::NotLandedAndGone | Failure::LandedAndGone) {
                    tables = stores.tables_with(small());
                }
                if !again {
                    let table = tables.open(named("go"), through(9)).await.expect("opened");
                    let found = find_all(&*table, everything()).await;
                    let begun = nth > 0 || matches!(failure, Failure::Landed | Failure::LandedAndGone);
                    assert!(found == if begun { vec![] } else { rows }, "{failure:?} of write {nth}");
                    assert_eq!(table.positions(), through(if begun { 9 } else { 3 }));
                }
                Tables::remove(&tables, "go").await.expect("removed");
                assert_eq!((stores.keys().len(), stores.blob_names().len()), (keys, blobs));
            }
        }
    }
}

#[tokio::test]
async fn a_find_under_way_hears_of_the_removal() {
    let stores = Stores::default();
    let rows = two_tables(&stores).await;
    let tables = stores.tables_with(small());
    let table = tables.open(named("go"), Positions::default()).await.expect("opened");
    let mut find = table.find(Find { words: vec!["no such word".into()], ..everything() });
    let early = futures::poll!(&mut find);
    assert!(early.is_pending(), "searching is done on another thread");
    Tables::remove(&tables, "go").await.expect("removed");
    let late = find.await;
    // It had read all that it needed, or it is told why it could not.
    assert!(matches!(&late, Ok(page) if page.rows.is_empty()) || matches!(late, Err(Error::Removed(_))), "{late:?}");
    assert_eq!(rows.len(), 60);
    assert!(tables.get("go").is_none() && tables.get("go-not").is_none());
}
