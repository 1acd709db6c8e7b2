//! The port's kit, and records of any bytes.

use opentrail_table::Table;
use opentrail_table::kit::{Sample, conforms, everything, find_all, schema, through};
use proptest::prelude::*;

use super::stores::Stores;

#[tokio::test]
async fn the_table_conforms() {
    conforms(Stores::default).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_conforms_on_several_threads() {
    conforms(Stores::default).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_record_comes_back_byte_for_byte(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 8..60),
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let stores = Stores::default();
            let table = stores.table(schema()).await.expect("the stores work");
            let mut rows = Sample::new(seed).rows(records.len());
            for (row, record) in rows.iter_mut().zip(records) {
                row.record = record.into();
            }
            for (n, batch) in rows.chunks(rows.len().div_ceil(4)).enumerate() {
                table.append(batch.to_vec(), &through(n as u64)).expect("rows fit");
                Table::seal(&*table).await.expect("sealed");
            }
            rows.sort_by_key(|row| (row.time_s, row.seq));
            assert_eq!(find_all(&*table, everything()).await, rows);
            Table::merge(&*table).await.expect("merged");
            assert_eq!(find_all(&*table, everything()).await, rows);
            drop(table);
            let table = stores.table(schema()).await.expect("the stores work");
            assert_eq!(find_all(&*table, everything()).await, rows);
        });
    }
}
