//! Blobs on one machine: one file each.
//!
//! ```text
//! DIR/blobs/<first segment of the key, or + where it has only one>/<2 hex digits>/<key, its slashes written +>
//! DIR/blobs/+tmp/<32 hex digits>        being written; swept when the store opens
//! ```
//!
//! The digits are the low byte of the key's crc32c. `+` cannot stand in a key, so two keys never share a file name.
//! A put runs *temporary file → write → sync → link or rename → sync of the folder*. Dropped before the last step
//! begins, it leaves nothing; dropped within it, the blob may be there, whole.

mod put;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use opentrail_blobs::{BlobKey, Blobs, Error, Source};
use opentrail_journal::Urgency;
use opentrail_world::World;

use self::put::Put;
use crate::disk::{Disk, DiskFile, read_exact_at};
use crate::space::FreeSpace;

/// A stream is read and written in pieces of this size.
const PIECE_BYTES: usize = 256 * 1024;
/// Up to this much is read on the spot: one read, most likely of the page cache.
const DIRECT_BYTES_MAX: u64 = 64 * 1024;
/// The most that [`Blobs::read`] gives at once.
pub const READ_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The most names of one listing.
pub const LIST_NAMES_MAX: usize = 100_000;
const TEMPORARY: &str = "+tmp";
const NO_SEGMENT: &str = "+";

/// The blobs.
#[derive(Clone)]
pub struct LocalBlobs {
    store: Arc<Store>,
    floor: Option<Arc<Floor>>,
}

/// The floor of free space, and for whose names it is lower.
struct Floor {
    space: Arc<FreeSpace>,
    mending: Vec<String>,
}

impl Floor {
    /// Grants bytes of the blob `key` that are about to be written.
    fn claim(&self, key: &BlobKey, bytes: u64) -> Result<(), Error> {
        let mends = self.mending.iter().any(|prefix| key.as_str().starts_with(prefix));
        let urgency = if mends { Urgency::ControlPlane } else { Urgency::Normal };
        self.space.claim(bytes, urgency).map_err(|short| Error::Full(short.to_string().into()))
    }
}

/// The folder and what is known of it.
struct Store {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    world: World,
    /// Folders whose names are durable. At most 256 for each first segment of our own choosing.
    folders: Mutex<HashSet<PathBuf>>,
}

impl LocalBlobs {
    /// Opens the store in `dir` or makes it, and sweeps what puts left unfinished. Blocks.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, world: World) -> io::Result<Self> {
        let store = Store { disk, dir: dir.into(), world, folders: Mutex::default() };
        let temporary = store.dir.join(TEMPORARY);
        store.folder(dir)?;
        store.folder(&temporary)?;
        let left = store.disk.list(&temporary)?;
        for name in &left {
            store.disk.remove(&temporary.join(name))?;
        }
        if !left.is_empty() {
            tracing::info!(files = left.len(), "swept blobs that were never finished");
        }
        Ok(Self { store: Arc::new(store), floor: None })
    }

    /// From now on bytes are taken only while `space` has some; blobs whose names begin with one of `mending` are written
    /// on for longer than the others.
    pub fn with_floor(self, space: Arc<FreeSpace>, mending: Vec<String>) -> Self {
        Self { floor: Some(Arc::new(Floor { space, mending })), ..self }
    }

    async fn put_stream(&self, key: &BlobKey, mut bytes: Source<'_>, if_absent: bool) -> Result<u64, Error> {
        let mut put = Put::new(self.store.clone(), self.floor.clone(), key.clone(), if_absent);
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(|e| Error::Source(e.to_string().into()))?;
            put.take(piece).await?;
        }
        put.finish().await
    }

    async fn open_range(
        &self,
        key: &BlobKey,
        range: Option<Range<u64>>,
    ) -> Result<(Arc<dyn DiskFile>, Range<u64>), Error> {
        let file = self.store.open(key)?;
        let bytes = file.size().map_err(failed("size", key))?;
        let range = range.unwrap_or(0..bytes);
        if range.start > range.end || range.end > bytes {
            return Err(Error::OutOfRange { key: key.clone(), start: range.start, end: range.end, bytes });
        }
        Ok((file, range))
    }

    async fn stream(
        &self,
        key: &BlobKey,
        range: Option<Range<u64>>,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        let (file, range) = self.open_range(key, range).await?;
        let key = key.clone();
        let pieces = stream::try_unfold(range, move |rest| {
            let (file, key) = (file.clone(), key.clone());
            async move {
                if rest.is_empty() {
                    return Ok(None);
                }
                let len = (rest.end - rest.start).min(PIECE_BYTES as u64);
                let piece = read_range(file, key, rest.start..rest.start + len).await?;
                Ok(Some((piece, rest.start + len..rest.end)))
            }
        });
        Ok(pieces.boxed())
    }

    async fn names(&self, prefix: &str, after: Option<&BlobKey>, limit: usize) -> Result<Vec<BlobKey>, Error> {
        let (store, prefix, after) = (self.store.clone(), prefix.to_owned(), after.cloned());
        blocking(move || store.list(&prefix, after.as_ref(), limit.min(LIST_NAMES_MAX))).await
    }
}

async fn read_range(file: Arc<dyn DiskFile>, key: BlobKey, range: Range<u64>) -> Result<Bytes, Error> {
    let len = range.end - range.start;
    let read = move || {
        let bytes = read_exact_at(&*file, range.start, len as usize).map_err(failed("read", &key))?;
        Ok(Bytes::from(bytes))
    };
    if len <= DIRECT_BYTES_MAX { read() } else { blocking(read).await }
}

/// Runs what may wait for the disk on a thread that may.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(run).await;
    done.unwrap_or_else(|e| Err(Error::Unavailable(format!("the work was stopped: {e}").into())))
}

fn failed(what: &'static str, key: &BlobKey) -> impl Fn(io::Error) -> Error {
    let key = key.clone();
    move |e| Error::Unavailable(format!("{what} blob {key}: {e}").into())
}

impl Blobs for LocalBlobs {
    fn room(&self, bytes: u64) -> Result<(), Error> {
        let Some(floor) = &self.floor else { return Ok(()) };
        floor.space.look(bytes, Urgency::Normal).map_err(|short| Error::Full(short.to_string().into()))
    }

    fn put<'a>(&'a self, key: &'a BlobKey, bytes: Source<'a>, if_absent: bool) -> BoxFuture<'a, Result<u64, Error>> {
        self.put_stream(key, bytes, if_absent).boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a BlobKey,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Bytes, Error>>, Error>> {
        self.stream(key, range).boxed()
    }

    fn read<'a>(&'a self, key: &'a BlobKey, range: Range<u64>) -> BoxFuture<'a, Result<Bytes, Error>> {
        async move {
            let (file, range) = self.open_range(key, Some(range)).await?;
            if range.end - range.start > READ_BYTES_MAX {
                let why = format!("a read of more than {READ_BYTES_MAX} bytes at once; stream it");
                return Err(Error::Unavailable(why.into()));
            }
            read_range(file, key.clone(), range).await
        }
        .boxed()
    }

    fn head<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<u64, Error>> {
        async move { self.store.open(key)?.size().map_err(failed("size", key)) }.boxed()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a BlobKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobKey>, Error>> {
        self.names(prefix, after, limit).boxed()
    }

    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), Error>> {
        let (store, key) = (self.store.clone(), key.clone());
        blocking(move || store.delete(&key)).boxed()
    }
}

impl Store {
    /// The folder of a key, and its file in it.
    fn place(&self, key: &BlobKey) -> (PathBuf, PathBuf) {
        let name = key.as_str();
        let first = name.split_once('/').map_or(NO_SEGMENT, |(first, _)| first);
        let fan_out = crc32c::crc32c(name.as_bytes()) & 0xff;
        let folder = self.dir.join(first).join(format!("{fan_out:02x}"));
        let file = folder.join(name.replace('/', "+"));
        (folder, file)
    }

    /// Makes a folder, its name durable.
    fn folder(&self, path: &Path) -> io::Result<()> {
        if self.folders.lock().expect("no holder of the folders panics").contains(path) {
            return Ok(());
        }
        self.disk.create_dir(path)?;
        if let Some(above) = path.parent() {
            self.disk.sync_dir(above)?;
        }
        self.folders.lock().expect("no holder of the folders panics").insert(path.into());
        Ok(())
    }

    fn open(&self, key: &BlobKey) -> Result<Arc<dyn DiskFile>, Error> {
        match self.disk.open(&self.place(key).1) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Error::NotFound(key.clone())),
            file => file.map_err(failed("open", key)),
        }
    }

    fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        let (folder, file) = self.place(key);
        match self.disk.remove(&file) {
            // Also where it is gone already: the caller that removed it may not have synced yet.
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed("remove", key)(e)),
            _ => {}
        }
        match self.disk.sync_dir(&folder) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("sync the folder of", key)(e)),
            _ => Ok(()),
        }
    }

    /// Walks the folders that can hold the prefix and keeps the `limit` smallest names behind `after`.
    fn list(&self, prefix: &str, after: Option<&BlobKey>, limit: usize) -> Result<Vec<BlobKey>, Error> {
        let failed = |e: io::Error| Error::Unavailable(format!("list blobs: {e}").into());
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut names: BTreeSet<BlobKey> = BTreeSet::new();
        let tops = match prefix.split_once('/') {
            Some((first, _)) => vec![first.to_owned()],
            None => self.disk.list(&self.dir).map_err(failed)?,
        };
        for top in tops {
            if top == TEMPORARY || !(top == NO_SEGMENT || BlobKey::new(&*top).is_ok()) {
                continue;
            }
            for fan_out in self.folder_names(&self.dir.join(&top)).map_err(failed)? {
                for name in self.folder_names(&self.dir.join(&top).join(fan_out)).map_err(failed)? {
                    let Ok(key) = BlobKey::new(name.replace('+', "/")) else { continue };
                    if !key.as_str().starts_with(prefix) || after.is_some_and(|after| key <= *after) {
                        continue;
                    }
                    if names.len() < limit || names.last().is_some_and(|last| key < *last) {
                        names.insert(key);
                        if names.len() > limit {
                            names.pop_last();
                        }
                    }
                }
            }
        }
        Ok(names.into_iter().collect())
    }

    fn folder_names(&self, folder: &Path) -> io::Result<Vec<String>> {
        match self.disk.list(folder) {
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
            names => names,
        }
    }
}
