//! The embedded engines: journal, catalog, blobs and seal in one folder of one machine.
//!
//! - **From** `server`, which opens a [`Local`] and hands its parts on as ports.
//! - **To** the file system, through [`Disk`]; the catalog through SQLite.
//! - **Promises** what the ports promise: acknowledged means durable, against `kill -9` and power loss alike; that a
//!   floor of free space is kept, below which only what mends the cause is taken; that a folder whose journal is not the
//!   one that its catalog was kept with does not open.
//! - **Does not promise** to mend damage: a journal that was good once and is not now does not open.
//! - **On crash** the next start cuts the torn tail, sweeps unfinished blobs, and goes on.
//! - **Absent on purpose**: any knowledge of what records, keys and blobs mean; more than one process at a time.

mod blobs;
mod catalog;
mod disk;
mod issuers;
mod journal;
mod lock;
mod pair;
mod seal;
mod space;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opentrail_blobs::Blobs;
use opentrail_catalog::Catalog;
use opentrail_journal::Journal;
use opentrail_policy::Seal;
use opentrail_world::World;
use serde::{Deserialize, Serialize};

pub use blobs::{LIST_NAMES_MAX, LocalBlobs, READ_BYTES_MAX};
pub use catalog::{
    KEY_BYTES_MAX, LIST_ROWS_MAX, LocalCatalog, OpenError as CatalogOpenError, TXN_BYTES_MAX, VALUE_BYTES_MAX,
};
pub use disk::{Disk, DiskFile, Fault, RealDisk, SimDisk};
pub use issuers::{IssuerKeyFiles, IssuerKeysError};
pub use journal::{
    BATCH_BYTES_MAX, ENTRY_BYTES_MAX, JournalId, JournalSettings, LocalJournal, OpenError as JournalOpenError,
};
pub use lock::{DirLock, LockError};
pub use pair::PairError;
pub use seal::{SealKey, SealKeyError};
pub use space::{ASK_PERIOD, FreeSpace, Short};

/// What an owner may choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The journal's.
    pub journal: JournalSettings,
    /// Where the key that seals secrets lies. Default: `seal.key` in the data folder.
    pub seal_key_file: Option<PathBuf>,
    /// Where the key lies under which the keys that sign digests are sealed. Default: the one that seals all secrets.
    pub signing_key_file: Option<PathBuf>,
    /// Bytes of the disk that are to stay free; 0 (the default) turns the floor off.
    pub free_floor: u64,
    /// What the names of blobs begin with that are written on below the floor, down to a quarter of it: those by which the
    /// journal gets shorter.
    pub mending_blobs: Vec<String>,
}

/// Why the data folder does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Seal(#[from] SealKeyError),
    #[error(transparent)]
    Journal(#[from] JournalOpenError),
    #[error(transparent)]
    Catalog(#[from] CatalogOpenError),
    #[error(transparent)]
    Pair(#[from] PairError),
    #[error("{what} {path}: {source}")]
    Io { what: &'static str, path: PathBuf, source: io::Error },
}

/// Everything that one machine keeps.
#[derive(Clone)]
pub struct Local {
    pub journal: Arc<dyn Journal>,
    pub catalog: Arc<dyn Catalog>,
    pub blobs: Arc<dyn Blobs>,
    pub seal: Arc<dyn Seal>,
    /// Seals the keys that sign digests.
    pub signing_seal: Arc<dyn Seal>,
    pub space: Arc<FreeSpace>,
    /// Held until the last clone is dropped: keep it longer than the others.
    pub lock: Arc<DirLock>,
}

impl Local {
    /// Opens `dir`, or makes it, for its owner alone. Blocks: up to the time it takes to read the journal's tail.
    ///
    /// Two at once never open the same folder: the second gets [`LockError::Held`], which names the first.
    pub fn open(dir: &Path, settings: Settings, world: World) -> Result<Self, OpenError> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let io = |what: &'static str| {
            let path = dir.to_path_buf();
            move |source| OpenError::Io { what, path, source }
        };
        make_dir(dir).map_err(io("make folder"))?;
        let lock = Arc::new(DirLock::take(dir, "opentrail", &world)?);
        let key_file = settings.seal_key_file.unwrap_or_else(|| dir.join("seal.key"));
        let seal: Arc<dyn Seal> = Arc::new(SealKey::open(&key_file, dir, world.clone())?);
        let signing_seal: Arc<dyn Seal> = match settings.signing_key_file {
            Some(file) => Arc::new(SealKey::open_for_signing(&file, dir, world.clone())?),
            None => seal.clone(),
        };
        let catalog_dir = dir.join("catalog");
        disk.create_dir(&catalog_dir).and_then(|()| disk.sync_dir(dir)).map_err(io("make folders in"))?;
        let catalog = Arc::new(LocalCatalog::open(&catalog_dir.join("catalog.sqlite"))?);
        let blobs =
            LocalBlobs::open(disk.clone(), &dir.join("blobs"), world.clone()).map_err(io("open the blobs in"))?;
        let journal_dir = dir.join("journal");
        pair::check(&catalog, &*disk, &journal_dir)?;
        let journal = LocalJournal::open(disk.clone(), &journal_dir, settings.journal, world.clone())?;
        pair::remember(&catalog, journal.id())?;
        let space = Arc::new(FreeSpace::new(disk, dir, settings.free_floor, world));
        let blobs = blobs.with_floor(space.clone(), settings.mending_blobs);
        let journal = journal.with_floor(space.clone());
        Ok(Self { journal: Arc::new(journal), catalog, blobs: Arc::new(blobs), seal, signing_seal, space, lock })
    }
}

/// Makes the folder and those above it, entered by their owner alone, their names durable.
fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = match dir.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    make_dir(above)?;
    RealDisk.create_dir(dir)?;
    RealDisk.sync_dir(above)
}
