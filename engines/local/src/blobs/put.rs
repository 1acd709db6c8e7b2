//! One put: temporary file → write → sync → link or rename → sync of the folder.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use opentrail_blobs::{BlobKey, Error};

use super::{Floor, PIECE_BYTES, Store, TEMPORARY, blocking, failed};
use crate::disk::DiskFile;

/// A blob being written. Dropping it removes the temporary file.
pub(crate) struct Put {
    store: Arc<Store>,
    floor: Option<Arc<Floor>>,
    key: BlobKey,
    if_absent: bool,
    /// What has come and is not written; less than a piece between calls.
    waiting: BytesMut,
    temporary: Option<Temporary>,
    bytes: u64,
    /// Set when the caller has gone: the last step must not begin any more.
    gone: Arc<AtomicBool>,
}

/// The file under its temporary name, removed when dropped.
struct Temporary {
    store: Arc<Store>,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        match self.store.disk.remove(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(error = %e, "remove the temporary file of a blob; the next start sweeps it");
            }
            _ => {}
        }
    }
}

impl Drop for Put {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}

impl Put {
    pub(super) fn new(store: Arc<Store>, floor: Option<Arc<Floor>>, key: BlobKey, if_absent: bool) -> Self {
        let gone = Arc::new(AtomicBool::new(false));
        Self { store, floor, key, if_absent, waiting: BytesMut::new(), temporary: None, bytes: 0, gone }
    }

    /// Takes bytes in; writes once a piece is full.
    pub(crate) async fn take(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            let n = bytes.len().min(PIECE_BYTES - self.waiting.len());
            self.waiting.extend_from_slice(&bytes.split_to(n));
            if self.waiting.len() == PIECE_BYTES {
                let piece = self.waiting.split().freeze();
                self.claim(piece.len())?;
                let (store, key, temporary, at) =
                    (self.store.clone(), self.key.clone(), self.temporary.take(), self.bytes);
                self.bytes += piece.len() as u64;
                self.temporary = Some(blocking(move || write(store, &key, temporary, &piece, at)).await?);
            }
        }
        Ok(())
    }

    /// Before the bytes are written; what was written before them goes with the temporary file.
    fn claim(&self, bytes: usize) -> Result<(), Error> {
        self.floor.as_ref().map_or(Ok(()), |floor| floor.claim(&self.key, bytes as u64))
    }

    /// Makes the blob durable and visible.
    pub(crate) async fn finish(mut self) -> Result<u64, Error> {
        let rest = self.waiting.split().freeze();
        self.claim(rest.len())?;
        let (store, key, temporary, at) = (self.store.clone(), self.key.clone(), self.temporary.take(), self.bytes);
        let (if_absent, gone) = (self.if_absent, self.gone.clone());
        blocking(move || {
            let temporary = write(store.clone(), &key, temporary, &rest, at)?;
            temporary.file.sync().map_err(failed("sync", &key))?;
            let (folder, file) = store.place(&key);
            if let Some(top) = folder.parent() {
                store.folder(top).map_err(failed("make the folder of", &key))?;
            }
            store.folder(&folder).map_err(failed("make the folder of", &key))?;
            if gone.load(Ordering::Acquire) {
                return Err(Error::Unavailable("the caller has gone".into()));
            }
            if if_absent {
                match store.disk.link(&temporary.path, &file) {
                    Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(Error::Exists(key)),
                    done => done.map_err(failed("link", &key))?,
                }
            } else {
                store.disk.rename(&temporary.path, &file).map_err(failed("rename", &key))?;
            }
            store.disk.sync_dir(&folder).map_err(failed("sync the folder of", &key))?;
            Ok(at + rest.len() as u64)
        })
        .await
    }
}

fn write(
    store: Arc<Store>,
    key: &BlobKey,
    temporary: Option<Temporary>,
    bytes: &[u8],
    at: u64,
) -> Result<Temporary, Error> {
    let temporary = match temporary {
        Some(temporary) => temporary,
        None => {
            let name: String = store.world.bytes::<16>().iter().map(|b| format!("{b:02x}")).collect();
            let path = store.dir.join(TEMPORARY).join(name);
            let file = store.disk.create(&path).map_err(failed("create", key))?;
            Temporary { store, path, file }
        }
    };
    if !bytes.is_empty() {
        temporary.file.write_at(bytes, at).map_err(failed("write", key))?;
    }
    Ok(temporary)
}
