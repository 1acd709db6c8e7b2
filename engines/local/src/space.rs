//! The floor of free space: what journal and blobs leave to the catalog, to the machine, and to whoever comes to mend it.
//!
//! A file system that is full to the last byte fails everybody at once, SQLite in the middle of a transaction among
//! them. So the file system is asked what it has left, at most once in [`ASK_PERIOD`], what was granted since is taken
//! off, and below the floor appends and puts are refused before a byte is written. What mends the cause goes on down to
//! a quarter of the floor. Nothing is remembered of a refusal: when there is space again, the next write goes through.
//!
//! Bytes that were granted just before the file system was asked and written just after count for nothing: at most what
//! the journal's queue and the blobs under way hold, some tens of MiB. A floor should be well above that.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentrail_journal::Urgency;
use opentrail_world::World;

use crate::disk::Disk;

/// How long an answer of the file system is believed.
pub const ASK_PERIOD: Duration = Duration::from_secs(1);
/// What mends the cause may use all but this part of the floor.
const LAST_PART: u64 = 4;

/// Watches the free space of one file system.
pub struct FreeSpace {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    world: World,
    /// Bytes; 0 turns it off.
    floor: u64,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    asked_at: Option<Duration>,
    /// As the file system said; `None` where it did not.
    free: Option<u64>,
    granted_since: u64,
    /// The last claim of normal urgency was refused: both ways are told once.
    below: bool,
}

/// Too little is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the disk has {free} bytes left, and {floor} are to stay free (disk.free_floor)")]
pub struct Short {
    pub free: u64,
    pub floor: u64,
}

impl FreeSpace {
    /// Keeps `floor` bytes free where `dir` lies; 0 turns it off.
    pub fn new(disk: Arc<dyn Disk>, dir: &Path, floor: u64, world: World) -> Self {
        Self { disk, dir: dir.into(), world, floor, books: Mutex::default() }
    }

    /// The floor in bytes; 0 where there is none.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Bytes that are free by our books; `None` where the file system does not say.
    pub fn free(&self) -> Option<u64> {
        let mut books = self.books();
        self.ask(&mut books);
        books.left()
    }

    /// Whether `bytes` would be granted, as [`FreeSpace::claim`] does.
    pub(crate) fn look(&self, bytes: u64, urgency: Urgency) -> Result<(), Short> {
        self.decide(bytes, urgency, false)
    }

    /// Grants `bytes` that are about to be written. A file system that does not say what it has left refuses nothing: a
    /// write that finds it full is mended where it fails.
    pub(crate) fn claim(&self, bytes: u64, urgency: Urgency) -> Result<(), Short> {
        self.decide(bytes, urgency, true)
    }

    fn decide(&self, bytes: u64, urgency: Urgency, take: bool) -> Result<(), Short> {
        if self.floor == 0 {
            return Ok(());
        }
        let mut books = self.books();
        self.ask(&mut books);
        let Some(free) = books.left() else { return Ok(()) };
        let floor = match urgency {
            Urgency::Normal => self.floor,
            Urgency::ControlPlane => self.floor / LAST_PART,
        };
        let short = free < floor.saturating_add(bytes);
        if urgency == Urgency::Normal && books.below != short {
            books.below = short;
            if short {
                tracing::warn!(free, floor, "the disk is at its floor: what would fill it is refused");
            } else {
                tracing::info!(free, floor, "the disk has space again");
            }
        }
        if short {
            metrics::counter!("opentrail_disk_refused_total").increment(1);
            return Err(Short { free, floor });
        }
        if take {
            books.granted_since += bytes;
        }
        Ok(())
    }

    fn ask(&self, books: &mut Books) {
        let now = self.world.monotonic();
        if books.asked_at.is_some_and(|at| now.saturating_sub(at) < ASK_PERIOD) {
            return;
        }
        let answer = self.disk.free_bytes(&self.dir);
        if let Err(error) = &answer
            && (books.free.is_some() || books.asked_at.is_none())
        {
            tracing::warn!(%error, dir = %self.dir.display(), "ask the file system what it has left");
        }
        *books = Books { asked_at: Some(now), free: answer.ok(), granted_since: 0, below: books.below };
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().expect("no holder of the books panics")
    }
}

impl Books {
    fn left(&self) -> Option<u64> {
        self.free.map(|free| free.saturating_sub(self.granted_since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;

    fn space(disk: &SimDisk, floor: u64) -> (FreeSpace, Arc<opentrail_world::SimClock>) {
        let (world, clock) = World::simulated(1, "2026-03-01T10:00:00Z".parse().expect("a time"));
        (FreeSpace::new(Arc::new(disk.clone()), Path::new("/"), floor, world), clock)
    }

    #[test]
    fn the_floor_holds_for_normal_and_a_quarter_of_it_for_what_mends() {
        let disk = SimDisk::new();
        disk.set_free(1_500);
        let (space, clock) = space(&disk, 1_000);
        assert_eq!(space.claim(500, Urgency::Normal), Ok(()));
        assert_eq!(space.claim(1, Urgency::Normal), Err(Short { free: 1_000, floor: 1_000 }));
        assert_eq!(space.claim(750, Urgency::ControlPlane), Ok(()));
        assert_eq!(space.claim(1, Urgency::ControlPlane), Err(Short { free: 250, floor: 250 }));
        // Space comes back; it is seen once the last answer is old enough.
        disk.set_free(9_000);
        assert!(space.claim(1, Urgency::Normal).is_err());
        clock.advance(ASK_PERIOD);
        assert_eq!(space.look(8_000, Urgency::Normal), Ok(()));
        assert_eq!(space.claim(8_000, Urgency::Normal), Ok(()));
        assert_eq!(space.free(), Some(1_000));
    }

    #[test]
    fn no_floor_refuses_nothing() {
        let disk = SimDisk::new();
        disk.set_free(0);
        let (space, _) = space(&disk, 0);
        assert_eq!((space.claim(u64::MAX, Urgency::Normal), space.free()), (Ok(()), Some(0)));
    }

    #[test]
    fn the_real_disk_says_what_it_has() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(crate::disk::RealDisk.free_bytes(folder.path()).expect("an answer") > 0);
    }
}
