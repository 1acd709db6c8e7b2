//! Stored bytes that are not what was written: an error, never a panic, a wrong answer or an endless loop.

use opentrail_table::kit::{Sample, everything, schema, through};
use opentrail_table::{Find, Order, Row, Table, Term};

use super::stores::Stores;
use crate::Error;

async fn one_part() -> (Stores, Vec<Row>) {
    let stores = Stores::default();
    let table = stores.table(schema()).await.expect("opened");
    let rows = Sample::new(21).rows(300);
    table.append(rows.clone(), &through(300)).expect("rows fit");
    Table::seal(&*table).await.expect("sealed");
    (stores, rows)
}

/// Questions that between them touch every piece of a part.
fn questions(rows: &[Row]) -> Vec<Find> {
    let text = |column, value: &str| vec![Term::Text { column, value: value.into() }];
    let terms = [vec![Term::Id(rows[7].id)], text("name", "value-4"), text("resources", "value-9"), vec![]];
    let mut all: Vec<Find> = terms.into_iter().map(|terms| Find { terms, ..everything() }).collect();
    all.push(Find { words: vec!["alice".into()], ..everything() });
    all.push(Find { from_s: -50, to_s: 50, order: Order::NewestFirst, limit: 3, ..everything() });
    all
}

#[tokio::test]
async fn a_flipped_bit_never_changes_an_answer() {
    let (stores, rows) = one_part().await;
    let mut right = Vec::new();
    let table = stores.table(schema()).await.expect("opened");
    for find in questions(&rows) {
        right.push(table.find(find).await.expect("nothing is damaged").rows);
    }
    for name in stores.blob_names() {
        let whole = stores.blob(&name);
        let mut noticed = 0;
        for at in (0..whole.len()).step_by(whole.len() / 800 + 1) {
            stores.edit_blob(&name, |bytes| bytes[at] ^= 1 << (at % 8));
            let table = stores.table(schema()).await.expect("opening reads no part");
            for (find, right) in questions(&rows).into_iter().zip(&right) {
                match table.find(find.clone()).await {
                    Ok(page) => assert!(page.rows == *right, "{name} at {at}: {find:?}"),
                    Err(Error::Damaged(_)) => noticed += 1,
                    Err(other) => panic!("{name} at {at}: {other}"),
                }
            }
            stores.edit_blob(&name, |bytes| *bytes = whole.clone());
        }
        assert!(noticed > 400, "{noticed} in {name}");
    }
}

#[tokio::test]
async fn shortened_blobs_are_reported() {
    let (stores, rows) = one_part().await;
    for name in stores.blob_names() {
        let whole = stores.blob(&name);
        for left in [0, 1, 7, 23, whole.len() / 2, whole.len() - 1] {
            stores.edit_blob(&name, |bytes| bytes.truncate(left));
            let table = stores.table(schema()).await.expect("opening reads no part");
            let mut noticed = 0;
            for find in questions(&rows) {
                match table.find(find).await {
                    Ok(_) => {}
                    Err(Error::Damaged(_)) => noticed += 1,
                    Err(other) => panic!("{name}, {left} bytes: {other}"),
                }
            }
            assert!(noticed > 0, "{name}, {left} bytes");
            stores.edit_blob(&name, |bytes| *bytes = whole.clone());
        }
    }
}
