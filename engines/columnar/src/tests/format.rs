//! The Parquet file as a stranger sees it: plain types, in order, readable without our index.

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMillisecondType, UInt64Type};
use bytes::Bytes;
use opentrail_table::Table;
use opentrail_table::kit::{Sample, schema, through};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::schema::printer::print_schema;

use super::stores::Stores;

/// What every reader is promised. Changing it is a new format version.
const SCHEMA: &str = "message arrow_schema {
  REQUIRED INT64 time (TIMESTAMP(MILLIS,true));
  REQUIRED INT64 seq (INTEGER(64,false));
  REQUIRED FIXED_LEN_BYTE_ARRAY (16) id;
  OPTIONAL BYTE_ARRAY name (STRING);
  OPTIONAL BYTE_ARRAY note (STRING);
  OPTIONAL group resources (LIST) {
    REPEATED group list {
      REQUIRED BYTE_ARRAY element (STRING);
    }
  }
  OPTIONAL BOOLEAN ok;
  REQUIRED BYTE_ARRAY record;
}
";

#[tokio::test]
async fn any_parquet_reader_sees_the_rows_in_order() {
    let stores = Stores::default();
    let table = stores.table(schema()).await.expect("opened");
    let mut rows = Sample::new(51).rows(3000);
    table.append(rows.clone(), &through(1)).expect("rows fit");
    Table::seal(&*table).await.expect("sealed");
    let name = stores.blob_names().into_iter().find(|name| name.ends_with(".parquet")).expect("a part");
    let file = Bytes::from(stores.blob(&name));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let mut shown = Vec::new();
    print_schema(&mut shown, builder.metadata().file_metadata().schema());
    assert_eq!(String::from_utf8(shown).expect("text"), SCHEMA);

    rows.sort_by_key(|row| (row.time_s, row.seq));
    let mut expect = rows.iter();
    for batch in builder.build().expect("a reader") {
        let batch = batch.expect("a batch");
        let time = batch["time"].as_primitive::<TimestampMillisecondType>();
        let seq = batch["seq"].as_primitive::<UInt64Type>();
        let id = batch["id"].as_fixed_size_binary();
        let record = batch["record"].as_binary::<i32>();
        for at in 0..batch.num_rows() {
            let row = expect.next().expect("no more rows than were sealed");
            assert_eq!((time.value(at), seq.value(at)), (row.time_s * 1000, row.seq));
            assert_eq!((id.value(at), record.value(at)), (&row.id.as_bytes()[..], &row.record[..]));
        }
    }
    assert!(expect.next().is_none());
}
