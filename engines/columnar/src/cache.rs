//! A bounded memory of what was read from parts and may be needed again: footers, index directories, blocks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use hashbrown::HashMap;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use crate::index::Directory;
use crate::order::SortKey;

/// A table of this process and a part of it.
type PartKey = (u64, u64);

/// Which piece of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    /// The Parquet footer with the page locations.
    Footer,
    /// The directory of the index.
    Directory,
    /// One block of sort keys.
    Keys(u32),
    /// One block of hashed ids.
    Ids(u32),
    /// The checksums of the Parquet file.
    Checks,
    /// The term dictionary of the index's n-th column.
    Terms(u32),
}

/// A piece, ready for use. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Loaded {
    Footer(Arc<ArrowReaderMetadata>),
    Directory(Arc<Directory>),
    Keys(Arc<[SortKey]>),
    Ids(Arc<[(u32, u32)]>),
    Checks(Arc<[u32]>),
    Terms(Arc<fst::Map<Bytes>>),
}

/// Least recently used goes first; holds at most `bytes_max` by the loader's own weights.
pub(crate) struct Cache {
    bytes_max: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    tick: u64,
    bytes: usize,
    pieces: HashMap<(PartKey, Piece), Held>,
    by_use: BTreeMap<u64, (PartKey, Piece)>,
}

struct Held {
    loaded: Loaded,
    bytes: usize,
    used: u64,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, shelf: Mutex::default() }
    }

    fn get(&self, part: PartKey, piece: Piece) -> Option<Loaded> {
        let mut shelf = self.shelf();
        let Shelf { tick, pieces, by_use, .. } = &mut *shelf;
        let held = pieces.get_mut(&(part, piece))?;
        *tick += 1;
        by_use.remove(&held.used);
        by_use.insert(*tick, (part, piece));
        held.used = *tick;
        Some(held.loaded.clone())
    }

    fn put(&self, part: PartKey, piece: Piece, loaded: Loaded, bytes: usize) {
        if bytes > self.bytes_max {
            return;
        }
        let mut shelf = self.shelf();
        shelf.tick += 1;
        let used = shelf.tick;
        if let Some(old) = shelf.pieces.insert((part, piece), Held { loaded, bytes, used }) {
            shelf.bytes -= old.bytes;
            shelf.by_use.remove(&old.used);
        }
        shelf.by_use.insert(used, (part, piece));
        shelf.bytes += bytes;
        while shelf.bytes > self.bytes_max {
            let Some((_, oldest)) = shelf.by_use.pop_first() else { break };
            if let Some(gone) = shelf.pieces.remove(&oldest) {
                shelf.bytes -= gone.bytes;
            }
        }
    }

    /// Lets go of everything of the parts that `gone` names.
    fn forget(&self, gone: impl Fn(PartKey) -> bool) {
        let mut shelf = self.shelf();
        let Shelf { bytes, pieces, by_use, .. } = &mut *shelf;
        pieces.retain(|(of, _), held| {
            let keep = !gone(*of);
            if !keep {
                *bytes -= held.bytes;
                by_use.remove(&held.used);
            }
            keep
        });
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("nothing panics while it holds the shelf")
    }
}

/// One table's view of the cache that all share.
pub(crate) struct Shelves {
    cache: Arc<Cache>,
    table: u64,
}

impl Shelves {
    /// `table` is a number that no other table of the cache has or had.
    pub(crate) fn new(cache: Arc<Cache>, table: u64) -> Self {
        Self { cache, table }
    }

    /// The piece, if it is still here.
    pub(crate) fn get(&self, part: u64, piece: Piece) -> Option<Loaded> {
        self.cache.get((self.table, part), piece)
    }

    /// Keeps a piece of about `bytes`, unless it alone is more than the cache may hold.
    pub(crate) fn put(&self, part: u64, piece: Piece, loaded: Loaded, bytes: usize) {
        self.cache.put((self.table, part), piece, loaded, bytes);
    }

    /// Lets go of everything of a part that is no more.
    pub(crate) fn forget(&self, part: u64) {
        self.cache.forget(|key| key == (self.table, part));
    }

    /// Lets go of everything of the table.
    pub(crate) fn forget_all(&self) {
        self.cache.forget(|(table, _)| table == self.table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Loaded {
        Loaded::Keys(Arc::from(vec![(0, 0)]))
    }

    #[test]
    fn the_least_recently_used_piece_goes_first() {
        let cache = Cache::new(30);
        for n in 0..3 {
            cache.put((0, 1), Piece::Keys(n), keys(), 10);
        }
        assert!(cache.get((0, 1), Piece::Keys(0)).is_some());
        cache.put((0, 2), Piece::Keys(0), keys(), 10);
        assert!(cache.get((0, 1), Piece::Keys(1)).is_none());
        assert!(cache.get((0, 1), Piece::Keys(0)).is_some());
        cache.put((0, 2), Piece::Keys(1), keys(), 31);
        assert!(cache.get((0, 2), Piece::Keys(1)).is_none());
        cache.forget(|(_, part)| part == 1);
        assert!(cache.get((0, 1), Piece::Keys(0)).is_none());
        assert!(cache.get((0, 2), Piece::Keys(0)).is_some());
        assert_eq!(cache.shelf().bytes, 10);
        assert_eq!(cache.shelf().by_use.len(), 1);
    }

    #[test]
    fn tables_with_parts_of_one_number_do_not_meet() {
        let cache = Arc::new(Cache::new(1000));
        let [one, two] = [1, 2].map(|table| Shelves::new(cache.clone(), table));
        one.put(7, Piece::Keys(0), keys(), 10);
        assert!(two.get(7, Piece::Keys(0)).is_none());
        two.put(7, Piece::Keys(0), keys(), 10);
        two.put(8, Piece::Keys(0), keys(), 10);
        one.forget(7);
        assert!(one.get(7, Piece::Keys(0)).is_none() && two.get(7, Piece::Keys(0)).is_some());
        two.forget_all();
        assert_eq!(cache.shelf().bytes, 0);
    }
}
