//! What is bounded: pages, reading, memory, questions; and schemas that change or cannot be.

use opentrail_event::EventId;
use opentrail_table::kit::{Sample, everything, find_all, schema, through};
use opentrail_table::{Cell, Column, ColumnKind, Find, Row, Schema, Table, Term};

use super::stores::Stores;
use crate::schema::RECORD_BYTES_MAX;
use crate::{Error, Settings};

fn plain(seq: u64, record: Vec<u8>) -> Row {
    let cells = vec![Cell::Null, Cell::Null, Cell::Null, Cell::Null];
    Row { time_s: 0, seq, id: EventId::from_bytes([seq as u8; 16]), cells, record: record.into() }
}

#[tokio::test]
async fn a_question_by_words_reads_only_so_much_at_a_time() {
    let stores = Stores::default();
    let table = stores.table(schema()).await.expect("opened");
    let rows: Vec<Row> = (0..600).map(|seq| plain(seq, vec![b'x'; 1000])).collect();
    table.append(rows, &through(1)).expect("rows fit");
    for sealed in [false, true] {
        if sealed {
            Table::seal(&*table).await.expect("sealed");
        }
        let find = Find { words: vec!["needle".into()], ..everything() };
        let page = table.find(find.clone()).await.expect("a good question");
        assert!(page.rows.is_empty() && page.next.is_some(), "600 kB are more than one call may read");
        assert!(find_all(&*table, find).await.is_empty());
        let found = find_all(&*table, Find { words: vec!["XX".into()], ..everything() }).await;
        assert_eq!(found.len(), 600);
    }
}

#[tokio::test]
async fn a_page_holds_so_many_bytes_or_one_row() {
    let stores = Stores::default();
    let table = stores.table_with(schema(), Settings::default()).await.expect("opened");
    let rows: Vec<Row> = (0..300).map(|seq| plain(seq, vec![b'x'; 1000 + 100 * (seq as usize % 7)])).collect();
    table.append(rows.clone(), &through(1)).expect("rows fit");
    for sealed in [false, true] {
        if sealed {
            Table::seal(&*table).await.expect("sealed");
        }
        for words in [vec![], vec!["X".to_owned()]] {
            for (bytes_max, expect) in
                [(0, 1), (1, 1), (1000, 1), (2099, 1), (2100, 2), (130_000, 100), (usize::MAX, 300)]
            {
                let find = Find { words: words.clone(), bytes_max, limit: 1000, ..everything() };
                let page = table.find(find.clone()).await.expect("a good question");
                assert_eq!(page.rows.len(), expect, "{bytes_max}, sealed: {sealed}");
                assert_eq!(page.next.is_none(), expect == 300, "{bytes_max}");
                assert!(find_all(&*table, find).await == rows, "{bytes_max}");
            }
        }
    }
}

#[tokio::test]
async fn a_search_leaves_the_workers_to_others() {
    let stores = Stores::default();
    let table = stores.table_with(schema(), Settings::default()).await.expect("opened");
    let rows: Vec<Row> = (0..16).map(|seq| plain(seq, vec![b'x'; 4 << 20])).collect();
    table.append(rows, &through(1)).expect("rows fit");
    // On this runtime of one thread, whoever searches on a worker keeps everybody else from it until the end.
    let find = Find { words: (0..8).map(|n| format!("needle {n}")).collect(), ..everything() };
    let mut search = std::pin::pin!(table.find(find));
    let mut turns = 0;
    let page = loop {
        tokio::select! {
            biased;
            page = &mut search => break page.expect("a good question"),
            () = tokio::task::yield_now() => turns += 1,
        }
    };
    assert!(page.rows.is_empty());
    assert!(turns > 3, "{turns} turns of others during a search of 64 MiB");
}

#[tokio::test]
async fn unsealed_rows_have_a_limit_and_sealing_makes_room() {
    let stores = Stores::default();
    let settings = Settings { unsealed_bytes_max: 20_000, ..Settings::default() };
    let table = stores.table_with(schema(), settings).await.expect("opened");
    let mut taken = 0;
    let refused = loop {
        match table.append(vec![plain(taken, vec![0; 1000])], &through(taken + 1)) {
            Ok(()) => taken += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Error::Unavailable(_)), "{refused}");
    assert!((5..20).contains(&taken), "{taken}");
    assert_eq!(Table::seal(&*table).await.expect("sealed"), through(taken));
    table.append(vec![plain(taken, vec![0; 1000])], &through(taken + 1)).expect("there is room again");
}

#[tokio::test]
async fn oversized_rows_and_questions_are_refused() {
    let stores = Stores::default();
    let table = stores.table(schema()).await.expect("opened");
    let refused = table.append(vec![plain(1, vec![0; RECORD_BYTES_MAX + 1])], &through(1));
    assert!(matches!(refused, Err(Error::BadRow(_))));
    let mut row = plain(1, vec![]);
    row.cells[0] = Cell::Text("x".repeat(2 << 20).into());
    assert!(matches!(table.append(vec![row], &through(1)), Err(Error::BadRow(_))));
    for find in [
        Find { words: vec!["x".into(); 100], ..everything() },
        Find { words: vec!["x".repeat(100_000)], ..everything() },
        Find { terms: vec![Term::Bool { column: "ok", value: true }; 100], ..everything() },
    ] {
        assert!(matches!(table.find(find).await, Err(Error::BadQuestion(_))));
    }
}

#[tokio::test]
async fn a_huge_limit_is_answered_in_pages() {
    let stores = Stores::default();
    let table = stores.table_with(schema(), Settings::default()).await.expect("opened");
    let rows: Vec<Row> = (0..10_500).map(|seq| plain(seq, vec![1])).collect();
    table.append(rows, &through(1)).expect("rows fit");
    Table::seal(&*table).await.expect("sealed");
    let page = table.find(Find { limit: usize::MAX, ..everything() }).await.expect("a good question");
    assert_eq!(page.rows.len(), crate::find::PAGE_ROWS_MAX);
    assert_eq!(find_all(&*table, Find { limit: usize::MAX, ..everything() }).await.len(), 10_500);
}

#[tokio::test]
async fn large_records_make_row_groups_and_merges_of_their_own() {
    let stores = Stores::default();
    let table = stores.table_with(schema(), Settings { merge_parts_min: 2, ..Settings::default() });
    let table = table.await.expect("opened");
    let mut all = Vec::new();
    for part in 0..2 {
        let rows: Vec<Row> = (0..8).map(|n| plain(n * 2 + part, vec![n as u8; 9 << 20])).collect();
        all.extend(rows.clone());
        table.append(rows, &through(part + 1)).expect("rows fit");
        Table::seal(&*table).await.expect("sealed");
    }
    assert!(Table::merge(&*table).await.expect("merged"));
    all.sort_by_key(|row| row.seq);
    assert!(find_all(&*table, everything()).await == all);
}

#[tokio::test]
async fn a_schema_may_gain_and_lose_columns() {
    let stores = Stores::default();
    let table = stores.table(schema()).await.expect("opened");
    let old = Sample::new(31).rows(50);
    table.append(old.clone(), &through(50)).expect("rows fit");
    Table::seal(&*table).await.expect("sealed");
    drop(table);

    let mut wider = schema();
    wider.columns.remove(1);
    wider.columns.push(Column { name: "extra", kind: ColumnKind::Text, indexed: true, doc: "new" });
    let table = stores.table(wider).await.expect("opened");
    let widened = |row: &Row, extra| {
        let mut row = row.clone();
        row.cells.remove(1);
        row.cells.push(extra);
        row
    };
    let mut expect: Vec<Row> = old.iter().map(|row| widened(row, Cell::Null)).collect();
    let fresh: Vec<Row> =
        Sample::new(32).rows_from(5000, 9).iter().map(|row| widened(row, Cell::Text("e".into()))).collect();
    table.append(fresh.clone(), &through(59)).expect("rows fit");
    Table::seal(&*table).await.expect("sealed");
    let terms = vec![Term::Text { column: "extra", value: "e".into() }];
    assert_eq!(find_all(&*table, Find { terms, ..everything() }).await.len(), 9);
    expect.extend(fresh);
    expect.sort_by_key(|row| (row.time_s, row.seq));
    assert!(find_all(&*table, everything()).await == expect);
}

#[tokio::test]
async fn schemas_that_cannot_be_stored_are_refused() {
    let column = |name| Column { name, kind: ColumnKind::Text, indexed: true, doc: "" };
    let check = |table: &str, columns: &[&'static str], good: bool| {
        let schema = Schema { table: table.into(), columns: columns.iter().map(|name| column(*name)).collect() };
        async move {
            let opened = Stores::default().table(schema.clone()).await;
            assert_eq!(opened.is_ok(), good, "{schema:?}");
        }
    };
    check("history-1", &["a", "b"], true).await;
    for name in ["", "History", "a/b", "a.b", "..", "a b", &"x".repeat(81)] {
        check(name, &["a"], false).await;
    }
    for columns in [&["a", "a"][..], &["time"], &["seq"], &["id"], &["record"], &[""]] {
        check("t", columns, false).await;
    }
}

#[tokio::test]
async fn tables_of_like_names_leave_each_other_alone() {
    let stores = Stores::default();
    let named = |table: &str| Schema { table: table.into(), ..schema() };
    let mut tables = Vec::new();
    for (n, name) in ["a", "a-b", "ab"].into_iter().enumerate() {
        let table = stores.table(named(name)).await.expect("opened");
        let rows = Sample::new(40 + n as u64).rows(10 + n);
        table.append(rows, &through(1)).expect("rows fit");
        Table::seal(&*table).await.expect("sealed");
        tables.push(name);
    }
    for (n, name) in tables.into_iter().enumerate() {
        let table = stores.table(named(name)).await.expect("opened");
        assert_eq!(find_all(&*table, everything()).await.len(), 10 + n);
    }
    assert_eq!(stores.blob_names().len(), 6);
}
