//! What earlier versions wrote stays readable.
//!
//! `v1` holds a table as the first version left it: its catalog rows (`rows.txt`: key, version and value in hexadecimal) and its
//! blobs. Its rows are those of the kit's sample with seed 81, of two seals and a merge.

use bytes::Bytes;
use opentrail_blobs::BlobKey;
use opentrail_catalog::{Key, Versioned};
use opentrail_table::kit::{Sample, everything, find_all, schema, through};
use opentrail_table::{Find, Table, Term};

use super::stores::Stores;

macro_rules! blobs {
    ($($name:literal),*) => { [$(($name, include_bytes!(concat!("old/v1/", $name)).as_slice())),*] };
}

const BLOBS: [(&str, &[u8]); 4] =
    blobs!["71bb54d8d101b5b9.index", "71bb54d8d101b5b9.parquet", "e099ec6cd7363ca5.index", "e099ec6cd7363ca5.parquet"];

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}

#[tokio::test]
async fn a_table_of_version_1_is_read_as_it_was_written() {
    let row = |line: &str| {
        let mut fields = line.split(' ');
        let mut field = || fields.next().expect("three fields").to_owned();
        let (key, version, value) = (field(), field(), field());
        let version = version.parse().expect("a number");
        (Key::from_stored(bytes(&key)), Versioned { version, value: bytes(&value).into() })
    };
    let rows = include_str!("old/v1/rows.txt").lines().map(row).collect();
    let blob = |(name, content)| {
        (BlobKey::new(format!("table/kit/{name}")).expect("a plain name"), Bytes::from_static(content))
    };
    let stores = Stores::left_by(rows, BLOBS.into_iter().map(blob).collect());
    let table = stores.table(schema()).await.expect("opened");
    let mut expect = Sample::new(81).rows(150);
    expect.sort_by_key(|row| (row.time_s, row.seq));
    assert_eq!(table.positions(), through(150));
    assert!(find_all(&*table, everything()).await == expect);
    for row in &expect {
        let page = table.find(Find { terms: vec![Term::Id(row.id)], ..everything() }).await.expect("a good question");
        assert!(page.rows.contains(row));
    }
    // It goes on in the newest way.
    let more = Sample::new(82).rows_from(100_000, 30);
    table.append(more.clone(), &through(180)).expect("rows fit");
    Table::seal(&*table).await.expect("sealed");
    while Table::merge(&*table).await.expect("merged") {}
    expect.extend(more);
    expect.sort_by_key(|row| (row.time_s, row.seq));
    assert!(find_all(&*table, everything()).await == expect);
}
