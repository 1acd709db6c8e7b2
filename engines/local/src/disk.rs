//! The seam between the engine and the file system: few verbs, each with a stated durability.
//!
//! The journal and the blobs speak only to [`Disk`], so that a test can put [`SimDisk`] beneath them and take the power
//! away. The catalog does not: SQLite has its own files and its own tests of torn power.

mod real;
mod sim;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use real::RealDisk;
pub use sim::{Fault, SimDisk};

/// A file system.
///
/// # Contract
/// A change of names (create, rename, link, remove, folder made) survives power loss only after [`Disk::sync_dir`] of
/// the folder that holds the name; the bytes of a file only after [`DiskFile::sync`]. After an error the change may
/// have happened or not. Calls block.
pub trait Disk: Send + Sync + 'static {
    /// Makes a folder that only its owner may enter; one that is there already is no error.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, in no order. `NotFound` where there is no such folder.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// A new, empty file. `AlreadyExists` where the name is taken.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// An existing file, to read and write.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Moves a file, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name. `AlreadyExists` where that is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a name away. `NotFound` where there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes that a process without privileges may still write where `dir` lies.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
}

/// An open file. Lives on when its name goes.
pub trait DiskFile: Send + Sync {
    /// The size in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Reads up to `buf.len()` bytes; fewer only at the end of the file.
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes all of `bytes`, growing the file as needed.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Cuts the file to `len` bytes.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Makes the bytes and the size durable.
    fn sync(&self) -> io::Result<()>;
}

/// Reads `len` bytes at `at`; an earlier end of the file is an error.
pub(crate) fn read_exact_at(file: &dyn DiskFile, at: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let got = file.read_at(&mut bytes, at)?;
    if got < len {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{got} of {len} bytes at {at}")));
    }
    Ok(bytes)
}
