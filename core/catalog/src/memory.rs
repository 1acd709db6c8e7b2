//! A catalog in memory, for tests of whoever keeps state. It loses all of it with its last clone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use crate::{Catalog, Check, Error, From, Key, Txn, Versioned, Write};

type Rows = BTreeMap<Key, Versioned>;

/// A catalog in memory. Clones share it, so a test can drop one and go on with another, as after a restart.
#[derive(Clone, Default)]
pub struct MemoryCatalog {
    rows: Arc<Mutex<Rows>>,
    /// Reads that still succeed, where they are to fail behind them.
    good_reads: Arc<Mutex<Option<usize>>>,
}

impl MemoryCatalog {
    /// All records.
    pub fn rows(&self) -> BTreeMap<Key, Versioned> {
        self.state().clone()
    }

    /// Reads fail from now on, all but the first `good`; until [`MemoryCatalog::mend_reads`].
    pub fn fail_reads_after(&self, good: usize) {
        *self.good_reads.lock().unwrap_or_else(PoisonError::into_inner) = Some(good);
    }

    /// Reads succeed again.
    pub fn mend_reads(&self) {
        *self.good_reads.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn state(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<(), Error> {
        match &mut *self.good_reads.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(0) => Err(Error::Unavailable("as planned".into())),
            Some(good) => {
                *good -= 1;
                Ok(())
            }
        }
    }
}

impl Catalog for MemoryCatalog {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, Error>> {
        ready(self.read().map(|()| self.state().get(key).cloned())).boxed()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: From,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, Error>> {
        let behind = |key: &Key| match &from {
            From::Start => true,
            From::At(at) => key >= at,
            From::After(at) => key > at,
        };
        if let Err(error) = self.read() {
            return ready(Err(error)).boxed();
        }
        let rows = self.state();
        let listed = rows.iter().filter(|(key, _)| key.starts_with(prefix) && behind(key)).take(limit);
        ready(Ok(listed.map(|(key, row)| (key.clone(), row.clone())).collect())).boxed()
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), Error>> {
        let mut rows = self.state();
        for (check, what) in txn.checks.iter().enumerate() {
            if !holds(&rows, what) {
                return ready(Err(Error::Conflict { check })).boxed();
            }
        }
        for write in txn.writes {
            match write {
                Write::Put(key, value) => {
                    let version = rows.get(&key).map_or(1, |row| row.version + 1);
                    rows.insert(key, Versioned { version, value });
                }
                Write::Delete(key) => drop(rows.remove(&key)),
            }
        }
        ready(Ok(())).boxed()
    }
}

fn holds(rows: &Rows, check: &Check) -> bool {
    let count = |prefix: &Key| rows.keys().filter(|key| key.starts_with(prefix)).count() as u64;
    match check {
        Check::Is(key, version) => rows.get(key).is_some_and(|row| row.version == *version),
        Check::Absent(key) => !rows.contains_key(key),
        Check::AtMost { prefix, max } => count(prefix) <= *max,
        Check::Empty { prefix } => count(prefix) == 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn it_conforms() {
        let opened: Mutex<HashMap<&str, MemoryCatalog>> = Mutex::default();
        let open = |name| {
            let catalog = opened.lock().expect("no panic").entry(name).or_default().clone();
            ready(Arc::new(catalog) as Arc<dyn Catalog>)
        };
        futures::executor::block_on(crate::kit::conforms(open));
    }
}
