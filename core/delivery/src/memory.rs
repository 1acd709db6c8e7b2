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
    /// Buckets that let in one source alone.
    welcome: BTreeMap<String, OnBehalf>,
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

    /// From now on `name` lets in nobody but `source`.
    pub fn welcome(&self, name: &str, source: OnBehalf) {
        self.state().welcome.insert(name.to_owned(), source);
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

impl MemoryBuckets {
    fn enter(&self, by: &OnBehalf, name: &str) -> Result<(), BucketError> {
        self.look(name)?;
        match self.state().welcome.get(name) {
            Some(only) if only != by => {
                Err(BucketError::Denied { bucket: name.to_owned(), because: "another is welcome".into() })
            }
            _ => Ok(()),
        }
    }
}

impl Buckets for MemoryBuckets {
    fn describe<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<BucketInfo, BucketError>> {
        async move { self.look(bucket) }.boxed()
    }

    fn read_acl<'a>(&'a self, by: &'a OnBehalf, bucket: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        async move { self.enter(by, bucket) }.boxed()
    }

    fn put<'a>(&'a self, by: &'a OnBehalf, bucket: &'a str, file: File) -> BoxFuture<'a, Result<(), BucketError>> {
        async move {
            self.enter(by, bucket)?;
            self.state().puts.push(Put { by: by.clone(), bucket: bucket.to_owned(), file });
            Ok(())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{Kept, Setup, run};

    impl Setup for MemoryBuckets {
        fn buckets(&self) -> &dyn Buckets {
            self
        }

        fn make<'a>(&'a self, bucket: &'a str, info: &'a BucketInfo) -> BoxFuture<'a, ()> {
            async move { MemoryBuckets::make(self, bucket, info.clone()) }.boxed()
        }

        fn welcome<'a>(&'a self, bucket: &'a str, source: &'a OnBehalf) -> BoxFuture<'a, ()> {
            async move {
                self.fail(bucket, None);
                MemoryBuckets::welcome(self, bucket, source.clone());
            }
            .boxed()
        }

        fn close<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, ()> {
            async move {
                self.fail(bucket, Some(BucketError::Denied { bucket: bucket.into(), because: "closed".into() }));
            }
            .boxed()
        }

        fn read<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Option<Kept>> {
            async move {
                let puts = self.puts();
                let put = puts.into_iter().rev().find(|put| put.bucket == bucket && put.file.key == key)?;
                Some(Kept {
                    bytes: put.file.bytes,
                    content_type: put.file.content_type.into(),
                    content_encoding: put.file.content_encoding.map(str::to_owned),
                    metadata: put.file.metadata,
                })
            }
            .boxed()
        }
    }

    #[test]
    fn memory_passes_the_kit() {
        futures::executor::block_on(run(&MemoryBuckets::default()));
    }
}
