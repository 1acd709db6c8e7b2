//! Measures seal, merge, find and scan on CloudTrail log files: `measure FOLDER COPIES`.
//!
//! FOLDER holds `.json.gz` log files; each record is stored COPIES times under fresh ids. Blobs go to a temporary
//! folder, without syncs: what is measured is the engine's own work.

#![allow(clippy::print_stdout)]

#[path = "measure/events.rs"]
mod events;

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use opentrail_blobs::{BlobKey, Blobs, Error as BlobError, Source};
use opentrail_catalog::{Catalog, Error as CatalogError, From, Key, Txn, Versioned, Write};
use opentrail_columnar::{ColumnarTable, ColumnarTables, Scan, Settings};
use opentrail_journal::{Partition, Position, Positions};
use opentrail_table::{Find, Order, Table, Term};
use opentrail_world::World;
use parquet::file::metadata::ParquetMetaDataReader;

use events::{Members, row, schema};

/// Record bytes between two seals, as history does it.
const SEAL_BYTES: u64 = 64 << 20;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: measure FOLDER COPIES")?;
    let copies: u64 = arguments.next().unwrap_or("1".into()).parse()?;
    let mut files = Vec::new();
    find_files(Path::new(&folder), &mut files)?;
    files.sort();
    let blobs = tempfile::tempdir()?;
    let world = World::real();
    let open = || async {
        let catalog = CATALOG.get_or_init(Arc::default).clone();
        let disk = Arc::new(Disk(blobs.path().to_owned()));
        let tables = ColumnarTables::new(catalog, disk, world.clone(), Settings::default());
        let tables = tables.deriving(|_| Some(Arc::new(Members::new())));
        tables.open(schema(), Positions::default()).await
    };
    let table = open().await?;
    let (mut seq, mut seal_cpu, mut append_cpu, mut merge_cpu) = (0u64, 0.0, 0.0, 0.0);
    let mut ids = Vec::new();
    for copy in 0..copies {
        for file in &files {
            let mut text = String::new();
            flate2::read::GzDecoder::new(std::fs::File::open(file)?).read_to_string(&mut text)?;
            let parsed: Files = serde_json::from_str(&text)?;
            let mut rows = Vec::new();
            for record in parsed.records {
                rows.push(row(record.get(), seq, copy)?);
                ids.push(rows[rows.len() - 1].id);
                seq += 1;
            }
            let mut through = Positions::default();
            through.pass(Position { partition: Partition(0), offset: seq });
            let start = cpu_s();
            table.append(rows, &through)?;
            append_cpu += cpu_s() - start;
            if table.unsealed().bytes >= SEAL_BYTES {
                let start = cpu_s();
                Table::seal(&*table).await?;
                seal_cpu += cpu_s() - start;
                let start = cpu_s();
                Table::merge(&*table).await?;
                merge_cpu += cpu_s() - start;
            }
        }
    }
    let start = cpu_s();
    Table::seal(&*table).await?;
    seal_cpu += cpu_s() - start;
    let start = cpu_s();
    while Table::merge(&*table).await? {}
    merge_cpu += cpu_s() - start;
    let contents = table.contents();
    let n = seq as f64;
    println!("{seq} rows in {} parts, {:.1} B per row", contents.parts, contents.sealed_bytes as f64 / n);
    let mut indexes = 0;
    for entry in walk(blobs.path())? {
        if entry.extension().is_some_and(|e| e == "index") {
            indexes += entry.metadata()?.len();
        }
    }
    println!("of that the indexes: {:.1} B per row", indexes as f64 / n);
    print_columns(blobs.path(), n)?;
    println!("append {:.0} rows per CPU second", n / append_cpu);
    println!("seal   {:.0} rows per CPU second", n / seal_cpu);
    println!("merge  {:.0} rows per CPU second (all tiers)", n / merge_cpu);
    println!("peak memory {}", status("VmHWM"));
    drop(table);

    let table = open().await?;
    let by_id = |id| Find { terms: vec![Term::Id(id)], ..newest(50) };
    let by_text = |column, value: &str| Find { terms: vec![Term::Text { column, value: value.into() }], ..newest(50) };
    for round in ["cold", "warm"] {
        let mut micros = Vec::new();
        for at in 0..1000 {
            let id = ids[(at * 7919 + 13) % ids.len()];
            let start = world.monotonic();
            let page = table.find(by_id(id)).await?;
            micros.push((world.monotonic() - start).as_micros());
            assert_eq!(page.rows.len(), 1);
        }
        show(&format!("by id, {round}"), &mut micros);
    }
    for (what, find) in [
        ("newest 50", newest(50)),
        ("by event name, newest 50", by_text("eventname", "RunInstances")),
        ("by rare event name", by_text("eventname", "StopLogging")),
        ("by account, newest 50", by_text("recipientaccountid", "111122223333")),
        ("by an absent name", by_text("username", "nobody-at-all")),
        ("an absent word", Find { words: vec!["no such word anywhere".into()], ..newest(50) }),
    ] {
        let mut micros = Vec::new();
        let rounds = if find.words.is_empty() { 50 } else { 5 };
        for _ in 0..rounds {
            let start = world.monotonic();
            table.find(find.clone()).await?;
            micros.push((world.monotonic() - start).as_micros());
        }
        show(what, &mut micros);
    }
    for columns in [
        &[][..],
        &["eventname"],
        &["useridentity.arn"],
        &["useridentity.sessioncontext.sessionissuer.username"],
        &["eventname", "useridentity.arn"],
        &["requestparameters"],
        &["requestid"],
        &["record"],
    ] {
        scan(&table, &world, columns).await?;
    }
    println!("memory now {}, peak {}", status("VmRSS"), status("VmHWM"));
    Ok(())
}

/// What the columns of all parts take.
fn print_columns(folder: &Path, rows: f64) -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes: BTreeMap<String, i64> = BTreeMap::new();
    for path in walk(folder)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "parquet")) {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&std::fs::File::open(path)?)?;
        for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
            *bytes.entry(column.column_path().string()).or_default() += column.compressed_size();
        }
    }
    let mut bytes: Vec<(String, i64)> = bytes.into_iter().collect();
    bytes.sort_by_key(|(_, bytes)| -bytes);
    let each = |(name, bytes): &(String, i64)| format!("{name} {:.1}", *bytes as f64 / rows);
    println!("bytes per row: {}", bytes.iter().take(30).map(each).collect::<Vec<_>>().join(", "));
    Ok(())
}

/// The best of five scans by one reader, beside nothing else.
async fn scan(table: &ColumnarTable, world: &World, columns: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    let mut best = (u128::MAX, 0, 0);
    for _ in 0..5 {
        let start = world.monotonic();
        let scan = Scan {
            columns: columns.iter().map(ToString::to_string).collect(),
            from_s: i64::MIN,
            to_s: i64::MAX,
            terms: vec![],
            batch_rows: 8192,
            partitions: 1,
            newest_first: false,
        };
        let scanned = table.scan(scan).await?;
        for partition in &scanned.partitions {
            let mut stream = partition.stream();
            while stream.try_next().await?.is_some() {}
        }
        let micros = (world.monotonic() - start).as_micros();
        best = best.min((micros, scanned.counts.rows(), scanned.counts.bytes()));
    }
    let (micros, rows, bytes) = best;
    let per_row = bytes as f64 / rows.max(1) as f64;
    println!("scan of {columns:?}: {rows} rows in {micros} us, {bytes} B read, {per_row:.1} B per row");
    Ok(())
}

static CATALOG: std::sync::OnceLock<Arc<Rows>> = std::sync::OnceLock::new();

fn newest(limit: usize) -> Find {
    let (from_s, to_s) = (i64::MIN, i64::MAX);
    Find {
        terms: vec![],
        words: vec![],
        from_s,
        to_s,
        order: Order::NewestFirst,
        after: None,
        limit,
        bytes_max: usize::MAX,
    }
}

fn show(what: &str, micros: &mut [u128]) {
    micros.sort_unstable();
    let at = |share: usize| micros[micros.len() * share / 100];
    println!("{what}: p50 {} us, p99 {} us", at(50), at(99));
}

fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn status(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with(name)).unwrap_or("").to_owned()
}

fn find_files(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for path in walk(folder)? {
        if path.extension().is_some_and(|e| e == "gz") {
            files.push(path);
        }
    }
    Ok(())
}

fn walk(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(walk(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

#[derive(serde::Deserialize)]
struct Files {
    #[serde(rename = "Records")]
    records: Vec<Box<serde_json::value::RawValue>>,
}

/// Blobs as files.
struct Disk(PathBuf);

impl Disk {
    fn path(&self, key: &BlobKey) -> PathBuf {
        self.0.join(key.as_str().replace('/', "_"))
    }
}

fn failed(error: std::io::Error) -> BlobError {
    BlobError::Unavailable(error.to_string().into())
}

impl Blobs for Disk {
    fn put<'a>(&'a self, key: &'a BlobKey, mut bytes: Source<'a>, _: bool) -> BoxFuture<'a, Result<u64, BlobError>> {
        Box::pin(async move {
            let mut file = std::fs::File::create(self.path(key)).map_err(failed)?;
            let mut written = 0;
            while let Some(piece) = bytes.next().await {
                let piece = piece.map_err(|e| BlobError::Source(e.to_string().into()))?;
                std::io::Write::write_all(&mut file, &piece).map_err(failed)?;
                written += piece.len() as u64;
            }
            Ok(written)
        })
    }

    fn get<'a>(
        &'a self,
        key: &'a BlobKey,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError>> {
        Box::pin(async move {
            let bytes = self.read(key, range.unwrap_or(0..self.head(key).await?)).await?;
            Ok(stream::iter([Ok(bytes)]).boxed())
        })
    }

    fn read<'a>(&'a self, key: &'a BlobKey, range: Range<u64>) -> BoxFuture<'a, Result<Bytes, BlobError>> {
        Box::pin(async move {
            let path = self.path(key);
            // As an engine does it that keeps file reads off the workers.
            let read = tokio::task::spawn_blocking(move || {
                let file = std::fs::File::open(path)?;
                let mut out = vec![0; (range.end - range.start) as usize];
                file.read_exact_at(&mut out, range.start)?;
                Ok(out.into())
            });
            read.await.map_err(|e| BlobError::Unavailable(e.to_string().into()))?.map_err(failed)
        })
    }

    fn head<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<u64, BlobError>> {
        let size = std::fs::metadata(self.path(key)).map(|m| m.len()).map_err(failed);
        Box::pin(async { size })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a BlobKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobKey>, BlobError>> {
        Box::pin(async move {
            let names = std::fs::read_dir(&self.0).map_err(failed)?.filter_map(Result::ok);
            let names = names.map(|entry| entry.file_name().to_string_lossy().replace('_', "/"));
            let mut keys: Vec<BlobKey> =
                names.filter(|name| name.starts_with(prefix)).filter_map(|name| BlobKey::new(name).ok()).collect();
            keys.retain(|key| after.is_none_or(|after| key > after));
            keys.sort();
            keys.truncate(limit);
            Ok(keys)
        })
    }

    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), BlobError>> {
        let gone = std::fs::remove_file(self.path(key)).map_err(failed);
        Box::pin(async { gone })
    }
}

/// Rows in memory.
#[derive(Default)]
struct Rows(Mutex<BTreeMap<Key, Versioned>>);

impl Catalog for Rows {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, CatalogError>> {
        let row = self.0.lock().expect("no panic").get(key).cloned();
        Box::pin(async { Ok(row) })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: From,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, CatalogError>> {
        let rows = self.0.lock().expect("no panic");
        let rows = rows.iter().filter(|(key, _)| key.starts_with(prefix)).filter(|(key, _)| match &from {
            From::Start => true,
            From::At(at) => *key >= at,
            From::After(after) => *key > after,
        });
        let rows = rows.take(limit).map(|(key, row)| (key.clone(), row.clone())).collect();
        Box::pin(async { Ok(rows) })
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), CatalogError>> {
        let mut rows = self.0.lock().expect("no panic");
        for write in txn.writes {
            match write {
                Write::Put(key, value) => {
                    let version = rows.get(&key).map_or(0, |row| row.version) + 1;
                    rows.insert(key, Versioned { version, value });
                }
                Write::Delete(key) => {
                    rows.remove(&key);
                }
            }
        }
        Box::pin(async { Ok(()) })
    }
}
