//! One server per data folder: a lock that the kernel holds for the process, not a file that outlives it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use opentrail_world::World;

/// The most that is read of what a holder wrote.
const HOLDER_BYTES_MAX: u64 = 1024;

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody has it; `holder` is what they wrote of themselves.
    #[error("{dir} is in use by {holder}; stop that one first, or choose another folder")]
    Held { dir: PathBuf, holder: String },
    #[error("lock {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// The lock, held until dropped or until the process ends in whatever way.
pub struct DirLock {
    file: Mutex<File>,
    what: String,
}

impl DirLock {
    /// Takes `dir/lock`, or says who has it. `what` names the holder: `opentrail serve`.
    pub fn take(dir: &Path, what: &str, world: &World) -> Result<Self, LockError> {
        let path = dir.join("lock");
        let io = |source| LockError::Io { path: path.clone(), source };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = open.map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(e)) => return Err(io(e)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = Vec::new();
                Read::by_ref(&mut file).take(HOLDER_BYTES_MAX).read_to_end(&mut holder).map_err(io)?;
                let holder: String =
                    String::from_utf8_lossy(&holder).trim().chars().filter(|c| !c.is_control()).collect();
                let holder = if holder.is_empty() { "a process that has not said its name".into() } else { holder };
                return Err(LockError::Held { dir: dir.into(), holder });
            }
        }
        let what = format!("{what}, process {}, since {}", std::process::id(), world.now());
        let lock = Self { file: Mutex::new(file), what };
        lock.write(&lock.what).map_err(io)?;
        Ok(lock)
    }

    /// Adds the address that the holder answers on, once it is known.
    pub fn serves(&self, address: &str) -> io::Result<()> {
        self.write(&format!("{}, listening on {address}", self.what))
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut file = self.file();
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{text}")
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().expect("no holder of the lock file panics")
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // What it says is no longer true; if this fails, the next holder writes over it.
        let _ = self.file().set_len(0);
    }
}
