//! Blobs in memory.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::{BlobKey, Blobs, Error, Source};

/// Blobs in memory, for tests of those who keep some. Clones share them.
#[derive(Debug, Default, Clone)]
pub struct MemoryBlobs(Arc<Mutex<BTreeMap<BlobKey, Bytes>>>);

impl MemoryBlobs {
    /// The names of all of them.
    pub fn keys(&self) -> Vec<BlobKey> {
        self.now().keys().cloned().collect()
    }

    fn now(&self) -> MutexGuard<'_, BTreeMap<BlobKey, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn whole(&self, key: &BlobKey) -> Result<Bytes, Error> {
        self.now().get(key).cloned().ok_or_else(|| Error::NotFound(key.clone()))
    }

    fn part(&self, key: &BlobKey, range: Range<u64>) -> Result<Bytes, Error> {
        let bytes = self.whole(key)?;
        let (start, end, len) = (range.start, range.end, bytes.len() as u64);
        if start > end || end > len {
            return Err(Error::OutOfRange { key: key.clone(), start, end, bytes: len });
        }
        Ok(bytes.slice(start as usize..end as usize))
    }
}

impl Blobs for MemoryBlobs {
    fn put<'a>(&'a self, key: &'a BlobKey, bytes: Source<'a>, if_absent: bool) -> BoxFuture<'a, Result<u64, Error>> {
        async move {
            let pieces: Vec<Bytes> = bytes.try_collect().await.map_err(|e| Error::Source(e.to_string().into()))?;
            let whole = Bytes::from(pieces.concat());
            let count = whole.len() as u64;
            let mut blobs = self.now();
            if if_absent && blobs.contains_key(key) {
                return Err(Error::Exists(key.clone()));
            }
            blobs.insert(key.clone(), whole);
            Ok(count)
        }
        .boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a BlobKey,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Bytes, Error>>, Error>> {
        let found = match range {
            Some(range) => self.part(key, range),
            None => self.whole(key),
        };
        ready(found.map(|bytes| stream::iter([Ok(bytes)]).boxed())).boxed()
    }

    fn read<'a>(&'a self, key: &'a BlobKey, range: Range<u64>) -> BoxFuture<'a, Result<Bytes, Error>> {
        ready(self.part(key, range)).boxed()
    }

    fn head<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<u64, Error>> {
        ready(self.whole(key).map(|bytes| bytes.len() as u64)).boxed()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a BlobKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobKey>, Error>> {
        let blobs = self.now();
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let named = blobs.range::<BlobKey, _>(behind).map(|(key, _)| key);
        let found = named.filter(|key| key.as_str().starts_with(prefix)).take(limit).cloned().collect();
        ready(Ok(found)).boxed()
    }

    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), Error>> {
        self.now().remove(key);
        ready(Ok(())).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_passes_the_kit() {
        let stands = Mutex::new(BTreeMap::<&str, MemoryBlobs>::new());
        let open = |name| {
            let blobs = stands.lock().expect("unpoisoned").entry(name).or_default().clone();
            async move { Arc::new(blobs) as Arc<dyn Blobs> }
        };
        futures::executor::block_on(crate::kit::conforms(open));
    }
}
