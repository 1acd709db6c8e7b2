//! Buckets in memory, whose welcome a test decides.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::{BucketError, BucketInfo, Buckets, File, OnBehalf};

/// One put, in the order they came.
#[derive(Debug, Clone)]
pub struct Put {
    pub by: OnBehalf,
    pub bucket: String,
    pub file: File,
}

#[derive(Debug, Default)]
struct State {
    buckets: BTreeMap<String, BucketInfo>,
    /// Buckets that refuse everything, and how.
    faults: BTreeMap<String, BucketError>,
    puts: Vec<Put>,
}

/// Buckets that keep every put.
#[derive(Debug, Default)]
pub struct MemoryBuckets(Mutex<State>);

impl MemoryBuckets {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a bucket.
    pub fn make(&self, name: &str, info: BucketInfo) {
        self.state().buckets.insert(name.to_owned(), info);
    }

    /// From now on everything about `name` fails like this; `None` mends it.
    pub fn fail(&self, name: &str, fault: Option<BucketError>) {
        let mut state = self.state();
        match fault {
            Some(fault) => state.faults.insert(name.to_owned(), fault),
            None => state.faults.remove(name),
        };
    }

    /// Every put that succeeded, oldest first.
    pub fn puts(&self) -> Vec<Put> {
        self.state().puts.clone()
    }

    fn look(&self, name: &str) -> Result<BucketInfo, BucketError> {
        let state = self.state();
        let info = state.buckets.get(name).cloned().ok_or_else(|| BucketError::NoSuchBucket(name.to_owned()))?;
        state.faults.get(name).cloned().map_or(Ok(info), Err)
    }
}

impl Buckets for MemoryBuckets {
    fn describe<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<BucketInfo, BucketError>> {
        async move { self.look(bucket) }.boxed()
    }

    fn read_acl<'a>(&'a self, _by: &'a OnBehalf, bucket: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        async move { self.look(bucket).map(drop) }.boxed()
    }

    fn put<'a>(&'a self, by: &'a OnBehalf, bucket: &'a str, file: File) -> BoxFuture<'a, Result<(), BucketError>> {
        async move {
            self.look(bucket)?;
            self.state().puts.push(Put { by: by.clone(), bucket: bucket.to_owned(), file });
            Ok(())
        }
        .boxed()
    }
}
