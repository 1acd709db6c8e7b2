//! The power of one life: what a process still does when its power is gone reaches no disk.
//!
//! [`SimDisk`] kills the files that were open. Names have no such mark: without this, a task of the old life could sync a
//! folder of the new one, and take its own rename, which the cut has lost, for durable.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use opentrail_local::{Disk, DiskFile, SimDisk};

/// The disk, as one life sees it.
pub(crate) struct Powered {
    disk: SimDisk,
    is_on: RwLock<bool>,
}

impl Powered {
    pub(crate) fn new(disk: &SimDisk) -> Arc<Self> {
        Arc::new(Self { disk: disk.clone(), is_on: RwLock::new(true) })
    }

    /// Ends the life: nothing that is under way, and nothing later, lands half.
    pub(crate) fn cut(&self, seed: u64) {
        let mut is_on = self.is_on.write().unwrap_or_else(PoisonError::into_inner);
        *is_on = false;
        self.disk.power_cut(seed);
    }

    fn with<T>(&self, act: impl FnOnce(&SimDisk) -> io::Result<T>) -> io::Result<T> {
        let is_on = self.is_on.read().unwrap_or_else(PoisonError::into_inner);
        if *is_on { act(&self.disk) } else { Err(io::Error::other("the power is off")) }
    }
}

impl Disk for Powered {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.with(|disk| disk.create_dir(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.with(|disk| disk.list(dir))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.with(|disk| disk.create(path))
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.with(|disk| disk.free_bytes(dir))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.with(|disk| disk.open(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.with(|disk| disk.rename(from, to))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.with(|disk| disk.link(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.with(|disk| disk.remove(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.with(|disk| disk.sync_dir(dir))
    }
}
