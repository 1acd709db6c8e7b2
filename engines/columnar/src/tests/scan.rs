//! Scans: every row once whatever happens meanwhile, only what was asked for read, derived columns always there.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Fields};
use bytes::Bytes;
use futures::TryStreamExt;
use opentrail_journal::Positions;
use opentrail_table::kit::{Sample, everything, expected, schema, through};
use opentrail_table::{Find, Row, Table, Tables, Term};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::shapes::Shapes;
use super::stores::{Stores, small};
use crate::{ColumnarTable, Counts, Error, Scan, Shred, ShredError};

const ALL: [&str; 8] = ["seq", "time", "record", "name", "shape", "words", "marks", "even"];

fn scan(columns: &[&str]) -> Scan {
    Scan {
        columns: columns.iter().map(ToString::to_string).collect(),
        from_s: i64::MIN,
        to_s: i64::MAX,
        terms: vec![],
        batch_rows: 64,
        partitions: 1,
        newest_first: false,
    }
}

/// All batches, and what was read for them.
async fn read(table: &ColumnarTable, scan: Scan) -> (Vec<RecordBatch>, Arc<Counts>) {
    let scanned = table.scan(scan.clone()).await.expect("a good scan");
    assert!((1..=scan.partitions).contains(&scanned.partitions.len()));
    let mut batches = Vec::new();
    for partition in &scanned.partitions {
        let mut stream = partition.stream();
        while let Some(batch) = stream.try_next().await.expect("nothing is damaged") {
            assert_eq!(batch.schema(), scanned.schema);
            assert!((1..=scan.batch_rows).contains(&batch.num_rows()));
            batches.push(batch);
        }
    }
    (batches, scanned.counts)
}

/// Values of one column by the row's seq, which the scan has too.
fn by_seq(batches: &[RecordBatch], column: &str) -> BTreeMap<u64, ArrayRef> {
    let mut values = BTreeMap::new();
    for batch in batches {
        let seqs = batch.column_by_name("seq").expect("seq was asked for").as_primitive::<UInt64Type>();
        let column = batch.column_by_name(column).expect("the column was asked for");
        for (at, seq) in seqs.values().iter().enumerate() {
            assert!(values.insert(*seq, column.slice(at, 1)).is_none(), "row {seq} came twice");
        }
    }
    values
}

/// That exactly these rows came, with these columns.
fn check(batches: &[RecordBatch], rows: &[Row]) {
    let shapes = Shapes::new();
    let records = by_seq(batches, "record");
    assert_eq!(records.keys().copied().collect::<Vec<_>>(), sorted(rows.iter().map(|row| row.seq)));
    let (times, names) = (by_seq(batches, "time"), by_seq(batches, "name"));
    let derived: Vec<_> = shapes.fields().iter().map(|field| by_seq(batches, field.name())).collect();
    for row in rows {
        assert_eq!(records[&row.seq].as_binary::<i32>().value(0), row.record);
        assert_eq!(times[&row.seq].as_primitive::<TimestampMillisecondType>().value(0), row.time_s * 1000);
        let name = names[&row.seq].as_string::<i32>().iter().next().flatten().map(ToOwned::to_owned);
        assert_eq!(
            name,
            match &row.cells[0] {
                opentrail_table::Cell::Text(text) => Some(text.to_string()),
                _ => None,
            }
        );
        for (made, column) in shapes.shred(&[&row.record], &[0, 1, 2, 3]).expect("never fails").iter().zip(&derived) {
            assert_eq!(made, &column[&row.seq], "row {}", row.seq);
        }
    }
}

fn sorted(seqs: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut seqs: Vec<u64> = seqs.collect();
    seqs.sort_unstable();
    seqs
}

/// A table with parts that overlap in time, and hot rows above them.
async fn filled(stores: &Stores, shred: impl Shred + 'static) -> (Arc<ColumnarTable>, Vec<Row>) {
    let table = stores.shredded(Arc::new(shred)).await.expect("opened");
    let mut sample = Sample::new(91);
    let mut rows = Vec::new();
    for n in 0..4 {
        let batch = sample.rows(300);
        rows.extend(batch.clone());
        table.append(batch, &through(rows.len() as u64)).expect("rows fit");
        if n < 3 {
            Table::seal(&*table).await.expect("sealed");
        }
    }
    (table, rows)
}

#[tokio::test]
async fn every_row_comes_once_with_every_column() {
    let stores = Stores::default();
    let (table, rows) = filled(&stores, Shapes::new()).await;
    for partitions in [1, 3, 50] {
        for newest_first in [false, true] {
            let (batches, counts) = read(&table, Scan { partitions, newest_first, ..scan(&ALL) }).await;
            check(&batches, &rows);
            assert_eq!(counts.rows(), rows.len() as u64);
        }
    }
    let (batches, _) = read(&table, Scan { batch_rows: 7, ..scan(&ALL) }).await;
    check(&batches, &rows);
    let (batches, counts) = read(&table, Scan { batch_rows: 1000, ..scan(&[]) }).await;
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), rows.len());
    let hot: u64 = rows[900..].iter().map(|row| row.record.len() as u64).sum();
    assert_eq!(counts.bytes(), hot, "counting rows reads nothing of a part");
}

#[tokio::test]
async fn a_window_and_terms_pass_over_what_they_can() {
    let stores = Stores::default();
    let (table, rows) = filled(&stores, Shapes::new()).await;
    let (_, whole) = read(&table, scan(&ALL)).await;
    for (from_s, to_s) in [(-10, 10), (0, 0), (150, 10_000), (10_000, 20_000), (5, 4)] {
        let (batches, counts) = read(&table, Scan { from_s, to_s, partitions: 2, ..scan(&ALL) }).await;
        let within: Vec<Row> = rows.iter().filter(|row| (from_s..=to_s).contains(&row.time_s)).cloned().collect();
        check(&batches, &within);
        assert!(counts.rows() == within.len() as u64 && counts.rows() < whole.rows() / 2);
    }
    let mut sample = Sample::new(92);
    let mut narrowed = 0;
    for _ in 0..100 {
        let find = Find { words: vec![], after: None, ..sample.question(&rows) };
        let (terms, from_s, to_s) = (find.terms.clone(), find.from_s, find.to_s);
        let (batches, counts) = read(&table, Scan { terms, from_s, to_s, ..scan(&["seq"]) }).await;
        let came: Vec<u64> = by_seq(&batches, "seq").into_keys().collect();
        let fit = expected(&schema(), &rows, &find);
        assert!(fit.iter().all(|row| came.binary_search(&row.seq).is_ok()), "{find:?}");
        assert!(came.iter().all(|seq| rows.iter().any(|row| row.seq == *seq)));
        narrowed += usize::from(counts.rows() < whole.rows() / 4);
    }
    assert!(narrowed > 30, "{narrowed} of 100 scans read less");
    let (batches, counts) = read(&table, Scan { terms: vec![Term::Id(rows[7].id)], ..scan(&ALL) }).await;
    assert!(counts.rows() < 40, "{} rows for one id", counts.rows());
    assert!(by_seq(&batches, "seq").contains_key(&rows[7].seq));
}

#[tokio::test]
async fn members_are_read_alone() {
    let stores = Stores::default();
    let (table, rows) = filled(&stores, Shapes::new()).await;
    Table::seal(&*table).await.expect("sealed");
    let names = ["words.text", "seq", "shape.ends.last", "shape.bytes"];
    let (batches, counts) = read(&table, scan(&names)).await;
    let schema = batches[0].schema();
    assert_eq!(schema.fields().iter().map(|field| field.name()).collect::<Vec<_>>(), ["words", "seq", "shape"]);
    assert_eq!(schema.field(2).data_type().to_string(), "Struct(\"bytes\": Int64, \"ends\": Struct(\"last\": Utf8))");
    let (shapes, words) = (by_seq(&batches, "shape"), by_seq(&batches, "words"));
    for row in &rows {
        let shape = shapes[&row.seq].as_struct();
        assert_eq!(shape.is_null(0), row.record.len() == 1);
        if shape.is_valid(0) {
            assert_eq!(shape.column(0).as_primitive::<Int64Type>().value(0), row.record.len() as i64);
            let last = shape.column(1).as_struct().column(0).as_string::<i32>().iter().next().flatten();
            assert_eq!(last.map(ToOwned::to_owned), row.record.last().map(|byte| format!("{byte:02x}")));
        }
        let list = words[&row.seq].as_list::<i32>();
        if list.is_valid(0) {
            assert_eq!(list.value(0).as_struct().num_columns(), 1);
            assert_eq!(list.value(0).len(), row.record.len().div_ceil(200));
        }
    }
    let (_, whole) = read(&table, scan(&["seq", "words", "shape"])).await;
    let (_, one) = read(&table, scan(&["even"])).await;
    assert!(counts.bytes() <= whole.bytes() && one.bytes() < whole.bytes(), "{one:?} {counts:?} {whole:?}");
    // Named whole and by a member is whole.
    let (batches, _) = read(&table, scan(&["seq", "shape.bytes", "shape"])).await;
    assert_eq!(batches[0].schema().field(1).data_type(), Shapes::new().fields()[0].data_type());

    for bad in ["nothing", "shape.nothing", "shape.bytes.more", "name.x", "marks.key", "", "record."] {
        let refused = table.scan(scan(&[bad])).await;
        assert!(matches!(refused, Err(Error::BadQuestion(_))), "{bad}");
    }
    for bad in [Scan { batch_rows: 0, ..scan(&["seq"]) }, Scan { partitions: 0, ..scan(&["seq"]) }] {
        assert!(matches!(table.scan(bad).await, Err(Error::BadQuestion(_))));
    }
}

#[tokio::test]
async fn parts_from_before_a_change_of_columns_give_them_all_the_same() {
    for (n, earlier) in
        [None, Some(Shapes::only(&["marks", "even"])), Some(Shapes::without_ends())].into_iter().enumerate()
    {
        let stores = Stores::default();
        let mut rows = Sample::new(93).rows(400);
        let table = match earlier {
            None => stores.table(schema()).await,
            Some(earlier) => stores.shredded(Arc::new(earlier)).await,
        };
        let table = table.expect("opened");
        table.append(rows.clone(), &through(400)).expect("rows fit");
        Table::seal(&*table).await.expect("sealed");
        drop(table);

        let table = stores.shredded(Arc::new(Shapes::new())).await.expect("opened");
        let (batches, _) = read(&table, scan(&ALL)).await;
        check(&batches, &rows);
        let (_, members) = read(&table, scan(&["shape.ends.first"])).await;
        let (_, records) = read(&table, scan(&["record"])).await;
        assert_eq!(members.bytes(), records.bytes(), "version {n}: made of the records");
        // The next merge writes them.
        for n in 0..4 {
            let more = Sample::new(94).rows_from(100_000 * (n + 1), 300);
            table.append(more.clone(), &through(401 + n)).expect("rows fit");
            Table::seal(&*table).await.expect("sealed");
            rows.extend(more);
        }
        while Table::merge(&*table).await.expect("merged") {}
        let (batches, _) = read(&table, scan(&ALL)).await;
        check(&batches, &rows);
        let find = opentrail_table::kit::find_all(&*table, everything()).await;
        assert_eq!(find.len(), rows.len());
    }
}

#[tokio::test]
async fn columns_that_parts_do_not_hold_are_made_when_they_are_asked_for() {
    let stores = Stores::default();
    let mut shapes = Shapes::new();
    shapes.unstored = vec![0, 2];
    let (table, rows) = filled(&stores, shapes).await;
    Table::seal(&*table).await.expect("sealed");
    while Table::merge(&*table).await.expect("merged") {}
    let (batches, _) = read(&table, Scan { partitions: 2, ..scan(&ALL) }).await;
    check(&batches, &rows);
    let bytes = async |column| read(&table, scan(&[column])).await.1.bytes();
    assert_eq!(bytes("marks").await, bytes("record").await);
    assert!(bytes("even").await < bytes("record").await);
}

#[tokio::test]
async fn a_scan_stands_on_the_instant_it_began() {
    let stores = Stores::default();
    let (table, rows) = filled(&stores, Shapes::new()).await;
    let scanned = table.scan(Scan { partitions: 2, ..scan(&ALL) }).await.expect("a good scan");
    let mut first = scanned.partitions[0].stream();
    let mut batches = vec![first.try_next().await.expect("nothing is damaged").expect("a batch")];
    // Everything changes beneath it.
    table.append(Sample::new(95).rows_from(500_000, 100), &through(9000)).expect("rows fit");
    Table::seal(&*table).await.expect("sealed");
    while Table::merge(&*table).await.expect("merged") {}
    Table::expire(&*table, 1_000_000).await.expect("expired");
    assert_eq!(table.contents().parts, 0);
    batches.extend(first.try_collect::<Vec<_>>().await.expect("nothing is damaged"));
    batches.extend(scanned.partitions[1].stream().try_collect::<Vec<_>>().await.expect("nothing is damaged"));
    check(&batches, &rows);
    // And it can be read again.
    assert!(scanned.partitions[1].stream().try_collect::<Vec<_>>().await.is_ok());
    drop(scanned);
    Table::seal(&*table).await.expect("nothing to do but to sweep");
    assert!(stores.blob_names().is_empty());
}

#[tokio::test]
async fn scans_during_seals_and_merges_see_every_row_once() {
    let stores = Stores::default();
    let table = stores.shredded(Arc::new(Shapes::new())).await.expect("opened");
    let mut sample = Sample::new(96);
    let mut rows = Vec::new();
    for n in 0..10 {
        let batch = sample.rows(150);
        rows.extend(batch.clone());
        table.append(batch, &through(n + 1)).expect("rows fit");
        let change = async {
            Table::seal(&*table).await.expect("sealed");
            Table::merge(&*table).await.expect("merged");
        };
        let ask = async {
            for partitions in [1, 4] {
                let (batches, _) = read(&table, Scan { partitions, ..scan(&ALL) }).await;
                check(&batches, &rows);
                tokio::task::yield_now().await;
            }
        };
        futures::join!(change, ask);
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_shredded_costs_its_own_columns_only() {
    let stores = Stores::default();
    let rows = Sample::new(97).rows(200);
    let bad = rows.iter().find(|row| row.record.len() > 1000).expect("a long one").clone();
    let mut shapes = Shapes::new();
    shapes.fails_at = Some(bad.record.to_vec());
    let table = stores.shredded(Arc::new(shapes)).await.expect("opened");
    table.append(rows.clone(), &through(200)).expect("rows fit");
    for sealed in [false, true] {
        if sealed {
            Table::seal(&*table).await.expect("one record keeps no part from being written");
        }
        let (batches, _) = read(&table, scan(&ALL)).await;
        let even = by_seq(&batches, "even");
        for row in &rows {
            let null = row.seq == bad.seq || row.record.is_empty();
            assert_eq!(even[&row.seq].is_null(0), null, "row {}", row.seq);
        }
        assert_eq!(by_seq(&batches, "record")[&bad.seq].as_binary::<i32>().value(0), bad.record);
    }
}

struct Only(Fields);

impl Shred for Only {
    fn fields(&self) -> &Fields {
        &self.0
    }

    fn shred(&self, _: &[&[u8]], _: &[usize]) -> Result<Vec<ArrayRef>, ShredError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn columns_that_cannot_be_kept_are_refused() {
    let refused = async |field: Field| {
        let opened = Stores::default().shredded(Arc::new(Only(Fields::from(vec![field.clone()])))).await;
        assert!(matches!(opened, Err(Error::BadQuestion(_))), "{field:?}");
    };
    for name in ["name", "record", "time", ""] {
        refused(Field::new(name, DataType::Utf8, true)).await;
    }
    refused(Field::new("must", DataType::Utf8, false)).await;
    for kind in [DataType::LargeUtf8, DataType::Utf8View, DataType::Timestamp(arrow_schema::TimeUnit::Second, None)] {
        refused(Field::new("changes", kind, true)).await;
    }
    // One that answers nothing is taken for one that cannot read the records.
    let fields = Fields::from(vec![Field::new("silent", DataType::Utf8, true)]);
    let table = Stores::default().shredded(Arc::new(Only(fields))).await.expect("opened");
    table.append(Sample::new(98).rows(3), &through(3)).expect("rows fit");
    Table::seal(&*table).await.expect("sealed");
    let (batches, _) = read(&table, scan(&["silent"])).await;
    assert_eq!(batches.iter().map(|batch| batch.column(0).null_count()).sum::<usize>(), 3);
}

#[tokio::test]
async fn a_scan_of_a_table_that_is_removed_says_so() {
    let stores = Stores::default();
    let tables = stores.tables_with(small()).deriving(|_| Some(Arc::new(Shapes::new())));
    let table = tables.open(schema(), Positions::default()).await.expect("opened");
    table.append(Sample::new(99).rows(300), &through(300)).expect("rows fit");
    Table::seal(&*table).await.expect("sealed");
    let scanned = table.scan(scan(&ALL)).await.expect("a good scan");
    assert_eq!(table.columns().fields().len(), 4 + schema().columns.len() + 4);
    Tables::remove(&tables, "kit").await.expect("removed");
    let late = scanned.partitions[0].stream().try_collect::<Vec<_>>().await;
    assert!(matches!(late, Err(Error::Removed(_))), "{late:?}");
    assert!(matches!(table.scan(scan(&ALL)).await, Err(Error::Removed(_))));
}

#[tokio::test]
async fn any_parquet_reader_sees_derived_columns() {
    let stores = Stores::default();
    let (table, mut rows) = filled(&stores, Shapes::new()).await;
    Table::seal(&*table).await.expect("sealed");
    while Table::merge(&*table).await.expect("merged") {}
    let name = stores.blob_names().into_iter().find(|name| name.ends_with(".parquet")).expect("a part");
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(stores.blob(&name))).expect("a Parquet file");
    let mut shown = Vec::new();
    parquet::schema::printer::print_schema(&mut shown, builder.metadata().file_metadata().schema());
    let shown = String::from_utf8(shown).expect("text");
    let derived = shown.split_once("REQUIRED BYTE_ARRAY record;\n").map(|(_, derived)| derived.to_owned());
    assert_eq!(derived.as_deref(), Some(DERIVED), "{shown}");
    rows.sort_by_key(|row| (row.time_s, row.seq));
    let batches: Vec<RecordBatch> = builder.build().expect("a reader").map(|batch| batch.expect("a batch")).collect();
    check(&batches, &rows);
}

/// What every reader is promised of the shapes.
const DERIVED: &str = "  OPTIONAL group shape {
    OPTIONAL INT64 bytes;
    OPTIONAL INT64 at (TIMESTAMP(MILLIS,true));
    OPTIONAL group ends {
      OPTIONAL BYTE_ARRAY first (STRING);
      OPTIONAL BYTE_ARRAY last (STRING);
    }
  }
  OPTIONAL group words (LIST) {
    REPEATED group list {
      OPTIONAL group element {
        OPTIONAL BYTE_ARRAY text (STRING);
        OPTIONAL INT64 place;
      }
    }
  }
  OPTIONAL group marks (MAP) {
    REPEATED group key_value {
      REQUIRED BYTE_ARRAY key (STRING);
      OPTIONAL BYTE_ARRAY value (STRING);
    }
  }
  OPTIONAL BOOLEAN even;
}
";
