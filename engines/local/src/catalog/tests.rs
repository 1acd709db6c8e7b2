//! The port's kit, restarts, limits, a newer format, and a short look at the speed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use opentrail_catalog::{Catalog, Error, From, Key, Txn, kit};
use opentrail_world::World;
use rusqlite::Connection;

use super::{KEY_BYTES_MAX, LocalCatalog, OpenError, VALUE_BYTES_MAX};

fn open(folder: &Path, name: &str) -> LocalCatalog {
    LocalCatalog::open(&folder.join(name)).expect("a catalog")
}

#[tokio::test]
async fn it_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    kit::conforms(|name| async move { Arc::new(open(folder, name)) as Arc<dyn Catalog> }).await;
}

#[tokio::test]
async fn every_commit_is_synced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog");
    let connection = super::prepare(&path).expect("a connection");
    let pragma = |name: &str| -> String {
        connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).map_or_else(
            |e| e.to_string(),
            |value| match value {
                rusqlite::types::Value::Integer(n) => n.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            },
        )
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("synchronous"), "2");
    assert_eq!(pragma("user_version"), "1");
    assert!(rusqlite::version_number() >= 3_051_003, "older ones can corrupt the write-ahead log");
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog");
    drop(LocalCatalog::open(&path).expect("a catalog"));
    let connection = Connection::open(&path).expect("a connection");
    connection.pragma_update(None, "user_version", 2).expect("a newer version");
    drop(connection);
    let refused = LocalCatalog::open(&path).err().expect("refused");
    assert!(matches!(refused, OpenError::TooNew { found: 2, known: 1, .. }), "{refused}");
    std::fs::write(folder.path().join("other"), b"this is no database, and long enough to say so").expect("a file");
    let refused = LocalCatalog::open(&folder.path().join("other")).err().expect("refused");
    assert!(matches!(refused, OpenError::Sqlite { .. }), "{refused}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_hurts_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let catalog = open(folder.path(), "catalog");
    let key = Key::family("large").number(1);
    let refused = catalog.txn(Txn::new().put(key.clone(), vec![0; VALUE_BYTES_MAX + 1])).await;
    assert!(matches!(&refused, Err(Error::Unavailable(why)) if why.contains("larger than")), "{refused:?}");
    let long = Key::family("large").part(vec![b'x'; KEY_BYTES_MAX]);
    assert!(catalog.txn(Txn::new().put(long, "")).await.is_err());
    let many = (0..5).fold(Txn::new(), |txn, n| txn.put(Key::family("large").number(n), vec![0; VALUE_BYTES_MAX]));
    assert!(catalog.txn(many).await.is_err());
    catalog.txn(Txn::new().put(key, vec![0; VALUE_BYTES_MAX])).await.expect("the largest record is taken");
    let all = catalog.list(&Key::family("large"), From::Start, usize::MAX).await.expect("a listing");
    assert_eq!(all.len(), 1);
}

#[tokio::test]
async fn a_dropped_catalog_has_committed_what_it_took() {
    let folder = tempfile::tempdir().expect("a folder");
    for n in 0..50_u64 {
        let catalog = open(folder.path(), "catalog");
        let key = Key::family("dropped").number(n);
        let txn = catalog.txn(Txn::new().put(key, "x"));
        // Polled once, so that it is on its way, then forgotten.
        let gone = futures::future::select(txn, futures::future::ready(())).await;
        drop(gone);
        drop(catalog);
        let catalog = open(folder.path(), "catalog");
        let all = catalog.list(&Key::family("dropped"), From::Start, 1000).await.expect("a listing");
        assert_eq!(all.len() as u64, n + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_share_a_commit() {
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder on a real disk");
    let catalog = Arc::new(open(folder.path(), "catalog"));
    let span = Duration::from_millis(500);
    let clock = World::real();
    let writers: Vec<_> = (0..32_u64)
        .map(|caller| {
            let (catalog, clock) = (catalog.clone(), clock.clone());
            tokio::spawn(async move {
                let mut done = 0_u64;
                while clock.monotonic() < span {
                    let key = Key::family("speed").number(caller).number(done);
                    catalog.txn(Txn::new().put(key, vec![b'x'; 300])).await.expect("a transaction");
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for writer in writers {
        done += writer.await.expect("a writer");
    }
    println!("{:.0} transactions/s of 32 callers", done as f64 / span.as_secs_f64());
    let before = clock.monotonic();
    for n in 0..10_000_u64 {
        let key = Key::family("speed").number(n % 32).number(0);
        catalog.get(&key).await.expect("a get").expect("it is there");
    }
    println!("{:?} per get", (clock.monotonic() - before) / 10_000);
    assert!(done > 100, "{done} transactions");
}
