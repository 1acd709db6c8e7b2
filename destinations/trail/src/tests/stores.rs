//! A catalog and blobs in memory, one of whose writes fails when told to, having landed or not.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use opentrail_blobs::{BlobKey, Blobs, Error as BlobError, Source};
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_catalog::{Catalog, Error as CatalogError, From, Key, Txn, Versioned};

/// Both stores; clones share them.
#[derive(Clone, Default)]
pub(super) struct Stores {
    pub(super) catalog: MemoryCatalog,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<BlobKey, Bytes>,
    writes: usize,
    /// Which write fails, and whether it lands even so.
    fails: Option<(usize, bool)>,
    /// From the failure on nothing can be read or written.
    goes: bool,
    gone: bool,
}

impl Stores {
    /// The `nth` write from now, counting from 0, fails; with `gone` everything does from there on.
    pub(super) fn fail(&self, nth: usize, lands: bool, gone: bool) {
        let mut state = self.state();
        state.fails = Some((state.writes + nth, lands));
        state.goes = gone;
    }

    /// All works again. Whether the failure had come.
    pub(super) fn mend(&self) -> bool {
        let mut state = self.state();
        state.gone = false;
        state.fails.take().is_none_or(|(nth, _)| state.writes > nth)
    }

    pub(super) fn writes(&self) -> usize {
        self.state().writes
    }

    pub(super) fn blob_names(&self) -> Vec<String> {
        self.state().blobs.keys().map(ToString::to_string).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the stores")
    }

    /// Whether this write is made, and whether it says so.
    fn write(&self) -> (bool, Result<(), Arc<str>>) {
        let mut state = self.state();
        let at = state.writes;
        state.writes += 1;
        if state.gone {
            return (false, Err("the stores are gone".into()));
        }
        match state.fails {
            Some((nth, lands)) if nth == at => {
                state.gone = state.goes;
                (lands, Err("the write failed as told".into()))
            }
            _ => (true, Ok(())),
        }
    }

    fn works(&self) -> Result<(), Arc<str>> {
        if self.state().gone { Err("the stores are gone".into()) } else { Ok(()) }
    }
}

impl Catalog for Stores {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, CatalogError>> {
        async move {
            self.works().map_err(CatalogError::Unavailable)?;
            self.catalog.get(key).await
        }
        .boxed()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: From,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, CatalogError>> {
        async move {
            self.works().map_err(CatalogError::Unavailable)?;
            self.catalog.list(prefix, from, limit).await
        }
        .boxed()
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), CatalogError>> {
        async move {
            let (made, says) = self.write();
            if made {
                self.catalog.txn(txn).await?;
            }
            says.map_err(CatalogError::Unavailable)
        }
        .boxed()
    }
}

impl Blobs for Stores {
    fn put<'a>(&'a self, key: &'a BlobKey, bytes: Source<'a>, _: bool) -> BoxFuture<'a, Result<u64, BlobError>> {
        async move {
            let pieces: Vec<Bytes> = bytes.try_collect().await.map_err(|e| BlobError::Source(e.to_string().into()))?;
            let bytes: Bytes = pieces.concat().into();
            let (made, says) = self.write();
            let n = bytes.len() as u64;
            if made {
                self.state().blobs.insert(key.clone(), bytes);
            }
            says.map(|()| n).map_err(BlobError::Unavailable)
        }
        .boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a BlobKey,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError>> {
        async move {
            let all = 0..self.head(key).await?;
            let bytes = self.read(key, range.unwrap_or(all)).await?;
            Ok(stream::iter([Ok(bytes)]).boxed())
        }
        .boxed()
    }

    fn read<'a>(&'a self, key: &'a BlobKey, range: Range<u64>) -> BoxFuture<'a, Result<Bytes, BlobError>> {
        async move {
            self.works().map_err(BlobError::Unavailable)?;
            let state = self.state();
            let blob = state.blobs.get(key).ok_or_else(|| BlobError::NotFound(key.clone()))?;
            assert!(range.end <= blob.len() as u64, "a range lies within its blob");
            Ok(blob.slice(range.start as usize..range.end as usize))
        }
        .boxed()
    }

    fn head<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<u64, BlobError>> {
        let size = self.state().blobs.get(key).map(|blob| blob.len() as u64);
        async move { size.ok_or_else(|| BlobError::NotFound(key.clone())) }.boxed()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a BlobKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobKey>, BlobError>> {
        async move {
            self.works().map_err(BlobError::Unavailable)?;
            let state = self.state();
            let names = state.blobs.keys().filter(|key| key.as_str().starts_with(prefix));
            Ok(names.filter(|key| after.is_none_or(|after| *key > after)).take(limit).cloned().collect())
        }
        .boxed()
    }

    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), BlobError>> {
        async move {
            let (made, says) = self.write();
            if made {
                self.state().blobs.remove(key);
            }
            says.map_err(BlobError::Unavailable)
        }
        .boxed()
    }
}
