//! A catalog and blobs in memory, which can be told to fail, with the write landed or not. Every operation lets others
//! go first, so that calls which run at once really mix.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use opentrail_blobs::{BlobKey, Blobs, Source};
use opentrail_catalog::{Catalog, Check, From, Key, Txn, Versioned, Write};
use tokio::task::yield_now;

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fail {
    /// It happened all the same.
    Landed,
    NotLanded,
}

/// Fails the write that is so many writes away.
#[derive(Default)]
pub(crate) struct Plan(Mutex<Option<(usize, Fail)>>);

impl Plan {
    pub(crate) fn fail(&self, writes_away: usize, how: Fail) {
        *self.0.lock().unwrap() = Some((writes_away, how));
    }

    /// Nothing fails any more, also if that write never came.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap() = None;
    }

    fn next(&self) -> Option<Fail> {
        let mut plan = self.0.lock().unwrap();
        match plan.take() {
            Some((0, how)) => Some(how),
            Some((n, how)) => {
                *plan = Some((n - 1, how));
                None
            }
            None => None,
        }
    }
}

#[derive(Default)]
pub(crate) struct MemoryCatalog {
    rows: Mutex<BTreeMap<Vec<u8>, Versioned>>,
    pub(crate) plan: Plan,
    /// A family whose records cannot be read.
    pub(crate) unreadable: Mutex<Option<&'static str>>,
    pub(crate) rows_listed: AtomicUsize,
    /// Happens once, before the next transaction is applied.
    pub(crate) interruption: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl MemoryCatalog {
    /// How many records a family has.
    pub(crate) fn count(&self, family: &str) -> usize {
        let prefix = Key::family(family);
        self.rows.lock().unwrap().keys().filter(|k| k.starts_with(prefix.as_bytes())).count()
    }

    /// The keys and the JSON of a family's records.
    pub(crate) fn records(&self, family: &str) -> Vec<(Vec<Vec<u8>>, String)> {
        let prefix = Key::family(family);
        let rows = self.rows.lock().unwrap();
        let found = rows.iter().filter(|(k, _)| k.starts_with(prefix.as_bytes()));
        let json = |row: &Versioned| String::from_utf8_lossy(row.value.get(2..).unwrap_or_default()).into_owned();
        found.map(|(k, row)| (Key::from_stored(k.clone()).parts().unwrap(), json(row))).collect()
    }

    /// Removes everything of a family, as damage would.
    pub(crate) fn lose(&self, family: &str) {
        let prefix = Key::family(family);
        self.rows.lock().unwrap().retain(|k, _| !k.starts_with(prefix.as_bytes()));
    }

    fn apply(&self, txn: Txn) -> Result<(), opentrail_catalog::Error> {
        let mut rows = self.rows.lock().unwrap();
        let under = |rows: &BTreeMap<Vec<u8>, Versioned>, prefix: &Key| {
            rows.keys().filter(|k| k.starts_with(prefix.as_bytes())).count() as u64
        };
        for (i, check) in txn.checks.iter().enumerate() {
            let holds = match check {
                Check::Is(key, version) => rows.get(key.as_bytes()).is_some_and(|r| r.version == *version),
                Check::Absent(key) => !rows.contains_key(key.as_bytes()),
                Check::AtMost { prefix, max } => under(&rows, prefix) <= *max,
                Check::Empty { prefix } => under(&rows, prefix) == 0,
            };
            if !holds {
                return Err(opentrail_catalog::Error::Conflict { check: i });
            }
        }
        for write in txn.writes {
            match write {
                Write::Put(key, value) => {
                    let version = rows.get(key.as_bytes()).map_or(1, |r| r.version + 1);
                    rows.insert(key.as_bytes().to_vec(), Versioned { version, value });
                }
                Write::Delete(key) => {
                    rows.remove(key.as_bytes());
                }
            }
        }
        Ok(())
    }
}

impl Catalog for MemoryCatalog {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, opentrail_catalog::Error>> {
        async {
            yield_now().await;
            let unreadable = *self.unreadable.lock().unwrap();
            if unreadable.is_some_and(|family| key.starts_with(&Key::family(family))) {
                return Err(opentrail_catalog::Error::Unavailable("as planned".into()));
            }
            Ok(self.rows.lock().unwrap().get(key.as_bytes()).cloned())
        }
        .boxed()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: From,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, opentrail_catalog::Error>> {
        let found: Vec<_> = self
            .rows
            .lock()
            .unwrap()
            .iter()
            .filter(|(k, _)| k.starts_with(prefix.as_bytes()))
            .filter(|(k, _)| match &from {
                From::Start => true,
                From::At(at) => k.as_slice() >= at.as_bytes(),
                From::After(after) => k.as_slice() > after.as_bytes(),
            })
            .take(limit)
            .map(|(k, v)| (Key::from_stored(k.clone()), v.clone()))
            .collect();
        self.rows_listed.fetch_add(found.len(), Ordering::Relaxed);
        async { Ok(found) }.boxed()
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), opentrail_catalog::Error>> {
        let unavailable = || Err(opentrail_catalog::Error::Unavailable("as planned".into()));
        async move {
            yield_now().await;
            let interruption = self.interruption.lock().unwrap().take();
            if let Some(interruption) = interruption {
                interruption.await;
            }
            let result = match self.plan.next() {
                None => self.apply(txn),
                Some(Fail::NotLanded) => unavailable(),
                Some(Fail::Landed) => self.apply(txn).and_then(|()| unavailable()),
            };
            yield_now().await;
            result
        }
        .boxed()
    }
}

#[derive(Default)]
pub(crate) struct MemoryBlobs {
    blobs: Mutex<BTreeMap<BlobKey, Bytes>>,
    pub(crate) plan: Plan,
}

impl MemoryBlobs {
    pub(crate) fn names(&self) -> Vec<BlobKey> {
        self.blobs.lock().unwrap().keys().cloned().collect()
    }
}

fn unavailable<T>() -> Result<T, opentrail_blobs::Error> {
    Err(opentrail_blobs::Error::Unavailable("as planned".into()))
}

impl Blobs for MemoryBlobs {
    fn put<'a>(
        &'a self,
        key: &'a BlobKey,
        mut bytes: Source<'a>,
        if_absent: bool,
    ) -> BoxFuture<'a, Result<u64, opentrail_blobs::Error>> {
        async move {
            let mut all = BytesMut::new();
            while let Some(piece) = bytes.next().await {
                match piece {
                    Ok(piece) => all.extend_from_slice(&piece),
                    Err(e) => return Err(opentrail_blobs::Error::Source(e.to_string().into())),
                }
            }
            yield_now().await;
            let fail = self.plan.next();
            if fail == Some(Fail::NotLanded) {
                return unavailable();
            }
            let mut blobs = self.blobs.lock().unwrap();
            if if_absent && blobs.contains_key(key) {
                return Err(opentrail_blobs::Error::Exists(key.clone()));
            }
            let length = all.len() as u64;
            blobs.insert(key.clone(), all.freeze());
            if fail.is_some() { unavailable() } else { Ok(length) }
        }
        .boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a BlobKey,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Bytes, opentrail_blobs::Error>>, opentrail_blobs::Error>> {
        async move {
            yield_now().await;
            let found = self.blobs.lock().unwrap().get(key).cloned();
            let bytes = found.ok_or_else(|| opentrail_blobs::Error::NotFound(key.clone()))?;
            let range = range.unwrap_or(0..bytes.len() as u64);
            let bytes = bytes.slice(range.start as usize..range.end as usize);
            let pieces: Vec<_> = bytes.chunks(1000).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
            Ok(futures::stream::iter(pieces).boxed())
        }
        .boxed()
    }

    fn read<'a>(&'a self, key: &'a BlobKey, range: Range<u64>) -> BoxFuture<'a, Result<Bytes, opentrail_blobs::Error>> {
        let found = self.blobs.lock().unwrap().get(key).cloned();
        async move {
            let bytes = found.ok_or_else(|| opentrail_blobs::Error::NotFound(key.clone()))?;
            Ok(bytes.slice(range.start as usize..range.end as usize))
        }
        .boxed()
    }

    fn head<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<u64, opentrail_blobs::Error>> {
        let found = self.blobs.lock().unwrap().get(key).map(|b| b.len() as u64);
        async move { found.ok_or_else(|| opentrail_blobs::Error::NotFound(key.clone())) }.boxed()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a BlobKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobKey>, opentrail_blobs::Error>> {
        let names = self.names().into_iter();
        let found = names.filter(|k| k.as_str().starts_with(prefix) && after.is_none_or(|a| k > a)).take(limit);
        let found = found.collect();
        async { Ok(found) }.boxed()
    }

    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), opentrail_blobs::Error>> {
        async move {
            yield_now().await;
            let fail = self.plan.next();
            if fail != Some(Fail::NotLanded) {
                self.blobs.lock().unwrap().remove(key);
            }
            if fail.is_some() { unavailable() } else { Ok(()) }
        }
        .boxed()
    }
}
