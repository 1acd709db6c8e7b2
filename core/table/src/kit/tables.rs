//! Tables beside each other: opened, begun and removed.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use opentrail_catalog::{From, Key, Txn};
use opentrail_journal::Positions;

use super::{Sample, Stand, check, everything, schema, through};
use crate::{Error, Schema};

pub(super) async fn conforms<S: Stand>(make: &impl Fn() -> S) {
    an_open_table_is_opened_once(make()).await;
    a_new_table_begins_where_it_is_told(make()).await;
    a_removed_table_is_gone(make()).await;
}

fn named(table: &str) -> Schema {
    Schema { table: table.into(), ..schema() }
}

async fn an_open_table_is_opened_once(stand: impl Stand) {
    let tables = stand.tables();
    let open = |schema| tables.open(schema, Positions::default());
    let (one, two) = (open(named("one")).await.expect("opened"), open(named("two")).await.expect("opened"));
    assert!(Arc::ptr_eq(&one, &open(named("one")).await.expect("opened")));
    assert!(!Arc::ptr_eq(&one, &two));
    let other = Schema { columns: vec![], ..named("one") };
    let refused = open(other).await;
    assert!(matches!(refused, Err(Error::BadQuestion(_))), "it is open with other columns");
    let (mut sample, mut all) = (Sample::new(31), Vec::new());
    for (n, table) in [&one, &two, &one].into_iter().enumerate() {
        let rows = sample.rows(50);
        table.append(rows.clone(), &through(n as u64 + 1)).expect("rows fit");
        table.seal().await.expect("sealed");
        all.push(rows);
    }
    check(&*one, &[all[0].clone(), all[2].clone()].concat(), everything()).await;
    check(&*two, &all[1], everything()).await;
}

async fn a_new_table_begins_where_it_is_told(stand: impl Stand) {
    let mut sample = Sample::new(32);
    let tables = stand.tables();
    let table = tables.open(named("late"), through(40)).await.expect("opened");
    assert_eq!(table.positions(), through(40));
    assert_eq!(table.seal().await.expect("nothing to do"), through(40));
    table.append(sample.rows(5), &through(50)).expect("rows fit");
    assert_eq!(table.positions(), through(40));
    assert_eq!(table.seal().await.expect("sealed"), through(50));
    // A commit of any kind keeps the beginning.
    let filled = tables.open(named("filled"), through(60)).await.expect("opened");
    let rows = stream::iter([Ok(sample.rows(5))]).boxed();
    filled.ingest(rows, Txn::new()).await.expect("ingested");
    drop((table, filled, tables));

    let tables = stand.tables();
    let positions = async |name, beginning| {
        tables.open(named(name), beginning).await.map(|table| table.positions()).expect("opened")
    };
    assert_eq!(positions("late", through(7)).await, through(50), "what is committed counts");
    assert_eq!(positions("filled", Positions::default()).await, through(60));
    assert_eq!(positions("newer", through(70)).await, through(70));
}

async fn a_removed_table_is_gone(stand: impl Stand) {
    let (tables, catalog) = (stand.tables(), stand.catalog());
    tables.remove("never-there").await.expect("nothing to remove");
    let keep = tables.open(named("keep"), Positions::default()).await.expect("opened");
    let mut sample = Sample::new(33);
    let kept = sample.rows(40);
    keep.append(kept.clone(), &through(1)).expect("rows fit");
    keep.seal().await.expect("sealed");
    let everything_of_keep = catalog.list(&Key::from_stored(vec![]), From::Start, 1000).await.expect("a listing");

    let go = tables.open(named("go"), Positions::default()).await.expect("opened");
    for n in 1..=6 {
        go.append(sample.rows(40), &through(n)).expect("rows fit");
        go.seal().await.expect("sealed");
    }
    go.append(sample.rows(5), &through(7)).expect("rows fit");
    tables.remove("go").await.expect("removed");
    tables.remove("go").await.expect("removed before");
    let there = catalog.list(&Key::from_stored(vec![]), From::Start, 1000).await.expect("a listing");
    assert_eq!(there, everything_of_keep, "nothing of the other table is left, and nothing of this one is touched");

    // Whoever still holds it hears of it.
    let removed = |answer: Result<(), Error>| assert!(matches!(answer, Err(Error::Removed(_))), "{answer:?}");
    removed(go.append(sample.rows(5), &through(8)));
    removed(go.seal().await.map(drop));
    removed(go.merge().await.map(drop));
    removed(go.expire(0).await.map(drop));
    removed(go.find(everything()).await.map(drop));
    removed(go.ingest(stream::iter([Ok(sample.rows(5))]).boxed(), Txn::new()).await.map(drop));
    check(&*keep, &kept, everything()).await;

    let anew = tables.open(named("go"), through(9)).await.expect("opened");
    assert!(!Arc::ptr_eq(&go, &anew));
    assert_eq!((anew.positions(), anew.contents().parts), (through(9), 0));
    check(&*anew, &[], everything()).await;
    tables.remove("go").await.expect("a table that has committed nothing");
    removed(anew.append(sample.rows(5), &through(10)));
}
