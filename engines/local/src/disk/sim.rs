//! A file system in memory whose power can be cut.
//!
//! Cast: a *node* is a file's bytes, a *name* a path that leads to one. Each node keeps two images: *live*, what the
//! program sees, and *durable*, what is on the platter, with the writes between them. Each folder's changes of names
//! wait in the same way. [`SimDisk::power_cut`] throws the live image away and makes a new one of the durable image and
//! a random choice of what was waiting: sectors of 512 bytes land or do not, each for itself; names too.
//!
//! A sync that fails without landing behaves as on Linux: what it should have written is forgotten by the page cache,
//! so that a later sync succeeds without bringing it to the platter.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use opentrail_world::{Chance, SimChance};

use super::{Disk, DiskFile};

/// What lands or does not land at once.
const SECTOR_BYTES: usize = 512;

/// How an injected failure behaves. The caller gets an error either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The change happened all the same.
    Landed,
    /// The change did not happen.
    NotLanded,
    /// There was no room for it. A write or a name did not happen; of a sync, what is waiting landed in part.
    NoRoom,
}

/// A file system in memory. Clones share it.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    nodes: BTreeMap<u64, Node>,
    nodes_made: u64,
    /// Live names.
    names: BTreeMap<PathBuf, u64>,
    names_durable: BTreeMap<PathBuf, u64>,
    dirs: BTreeSet<PathBuf>,
    dirs_durable: BTreeSet<PathBuf>,
    /// Changes of names not yet synced, oldest first, with the folder that must be synced.
    renames: Vec<(PathBuf, NameChange)>,
    changes: u64,
    fault: Option<(u64, Fault)>,
    /// The change that runs fails for want of room.
    no_room: bool,
    /// Counts power cuts: an open file of an earlier life is dead.
    life: u64,
    /// What it says is free; `None` for more than anybody could use.
    free: Option<u64>,
}

#[derive(Default)]
struct Node {
    live: Vec<u8>,
    durable: Vec<u8>,
    waiting: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8>, doomed: bool },
    Cut { len: usize },
}

#[derive(Clone)]
enum NameChange {
    Add(PathBuf, u64),
    Remove(PathBuf),
    Move(PathBuf, PathBuf, u64),
    MakeDir(PathBuf),
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// A file system with the folder `/` and nothing in it.
    pub fn new() -> Self {
        let disk = Self(Arc::default());
        let root: BTreeSet<PathBuf> = [PathBuf::from("/")].into();
        disk.state().dirs = root.clone();
        disk.state().dirs_durable = root;
        disk
    }

    /// How many changes (creates, writes, syncs, …) were asked for so far.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Lets the `nth` change from now (1 is the next) fail, once.
    pub fn fail_at(&self, nth: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.changes + nth, fault));
    }

    /// What [`Disk::free_bytes`] says from now on. Writes neither use it up nor fail by it.
    pub fn set_free(&self, bytes: u64) {
        self.state().free = Some(bytes);
    }

    /// Whether the failure that was asked for has not come yet.
    pub fn fault_pending(&self) -> bool {
        self.state().fault.is_some()
    }

    /// Cuts the power: synced bytes and names stay, of all others a random choice. Files opened before are dead.
    pub fn power_cut(&self, seed: u64) {
        let dice = Dice(SimChance::new(seed));
        let mut state = self.state();
        let state = &mut *state;
        state.life += 1;
        state.fault = None;
        // Half the time names land in order, up to some point, as on a journaling file system; else each for itself.
        let renames = std::mem::take(&mut state.renames);
        let up_to = if dice.coin() { Some(dice.below(renames.len() as u64 + 1) as usize) } else { None };
        for (i, (_, change)) in renames.into_iter().enumerate() {
            if up_to.map_or_else(|| dice.coin(), |n| i < n) {
                settle(&mut state.names_durable, &mut state.dirs_durable, change);
            }
        }
        for node in state.nodes.values_mut() {
            tear(node, &dice);
        }
        let alive: BTreeSet<u64> = state.names_durable.values().copied().collect();
        state.nodes.retain(|id, _| alive.contains(id));
        state.names = state.names_durable.clone();
        state.dirs = state.dirs_durable.clone();
    }

    /// Flips one bit of a file, on the platter too: what a failing medium does.
    pub fn flip_bit(&self, path: &Path, at: u64, bit: u8) -> io::Result<()> {
        let mut state = self.state();
        let id = *state.names.get(path).ok_or_else(not_found)?;
        let node = state.nodes.get_mut(&id).expect("a name leads to a node");
        for image in [&mut node.live, &mut node.durable] {
            if let Some(byte) = image.get_mut(at as usize) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of the simulated disk panics")
    }

    /// Counts one change and does it, unless its turn to fail has come.
    fn change<T>(&self, make: impl FnOnce(&mut State, bool) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        state.changes += 1;
        match state.fault {
            Some((at, fault)) if at == state.changes => {
                state.fault = None;
                if fault == Fault::NoRoom {
                    state.no_room = true;
                    let made = make(&mut state, false);
                    state.no_room = false;
                    made?;
                    return Err(io::ErrorKind::StorageFull.into());
                }
                make(&mut state, fault == Fault::Landed)?;
                Err(io::Error::other("injected failure"))
            }
            _ => make(&mut state, true),
        }
    }

    fn change_names<T>(&self, make: impl FnOnce(&mut State) -> io::Result<(T, Vec<NameChange>)>) -> io::Result<T> {
        self.change(|state, lands| {
            let (names, dirs) = (state.names.clone(), state.dirs.clone());
            let (out, changes) = make(state)?;
            if lands {
                for change in changes {
                    let folder = match &change {
                        NameChange::Add(path, _) | NameChange::Remove(path) | NameChange::MakeDir(path) => parent(path),
                        NameChange::Move(_, to, _) => parent(to),
                    };
                    settle(&mut state.names, &mut state.dirs, change.clone());
                    state.renames.push((folder, change));
                }
            } else {
                (state.names, state.dirs) = (names, dirs);
            }
            Ok(out)
        })
    }

    fn file(&self, id: u64, life: u64) -> Arc<dyn DiskFile> {
        Arc::new(SimFile { disk: self.clone(), id, life })
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

fn not_found() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "no such file in the simulation")
}

fn settle(names: &mut BTreeMap<PathBuf, u64>, dirs: &mut BTreeSet<PathBuf>, change: NameChange) {
    match change {
        NameChange::Add(path, id) => {
            names.insert(path, id);
        }
        NameChange::Remove(path) => {
            names.remove(&path);
        }
        NameChange::Move(from, to, id) => {
            names.remove(&from);
            names.insert(to, id);
        }
        NameChange::MakeDir(path) => {
            dirs.insert(path);
        }
    }
}

/// Makes the node's image after a power cut.
fn tear(node: &mut Node, dice: &Dice) {
    let waiting = std::mem::take(&mut node.waiting);
    let keep = if dice.coin() { dice.below(waiting.len() as u64 + 1) as usize } else { waiting.len() };
    for change in waiting.into_iter().take(keep) {
        match change {
            Change::Cut { len } => {
                if dice.coin() {
                    node.durable.resize(len, 0);
                }
            }
            Change::Write { doomed: true, .. } => {}
            Change::Write { at, bytes, doomed: false } => {
                let whole = dice.coin();
                for (i, piece) in bytes.chunks(SECTOR_BYTES).enumerate() {
                    if whole || dice.coin() {
                        put(&mut node.durable, at + i * SECTOR_BYTES, piece);
                    }
                }
            }
        }
    }
    node.live = node.durable.clone();
}

fn put(image: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if image.len() < at + bytes.len() {
        image.resize(at + bytes.len(), 0);
    }
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

struct Dice(SimChance);

impl Dice {
    fn below(&self, n: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % n
    }

    fn coin(&self) -> bool {
        self.below(2) == 0
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.change_names(|state| {
            let there = state.dirs.contains(path);
            Ok(((), if there { vec![] } else { vec![NameChange::MakeDir(path.into())] }))
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        if !state.dirs.contains(dir) {
            return Err(not_found());
        }
        let inside = state.names.keys().chain(&state.dirs).filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let (id, life) = self.change_names(|state| {
            if !state.dirs.contains(&parent(path)) {
                return Err(not_found());
            }
            if state.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.nodes_made += 1;
            let id = state.nodes_made;
            state.nodes.insert(id, Node::default());
            Ok(((id, state.life), vec![NameChange::Add(path.into(), id)]))
        })?;
        Ok(self.file(id, life))
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        Ok(self.state().free.unwrap_or(u64::MAX))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state();
        let id = *state.names.get(path).ok_or_else(not_found)?;
        Ok(self.file(id, state.life))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change_names(|state| {
            let id = *state.names.get(from).ok_or_else(not_found)?;
            Ok(((), vec![NameChange::Move(from.into(), to.into(), id)]))
        })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change_names(|state| {
            let id = *state.names.get(from).ok_or_else(not_found)?;
            if state.names.contains_key(to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            Ok(((), vec![NameChange::Add(to.into(), id)]))
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change_names(|state| {
            state.names.get(path).ok_or_else(not_found)?;
            Ok(((), vec![NameChange::Remove(path.into())]))
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(|state, lands| {
            if !state.dirs.contains(dir) {
                return Err(not_found());
            }
            if lands {
                let (done, rest) = std::mem::take(&mut state.renames).into_iter().partition(|(at, _)| at == dir);
                state.renames = rest;
                let done: Vec<(PathBuf, NameChange)> = done;
                for (_, change) in done {
                    settle(&mut state.names_durable, &mut state.dirs_durable, change);
                }
            }
            Ok(())
        })
    }
}

struct SimFile {
    disk: SimDisk,
    id: u64,
    life: u64,
}

impl SimFile {
    fn node<'a>(&self, state: &'a mut State) -> io::Result<&'a mut Node> {
        if state.life != self.life {
            return Err(io::Error::other("the power was cut"));
        }
        state.nodes.get_mut(&self.id).ok_or_else(not_found)
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.node(&mut self.disk.state())?.live.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let live = &self.node(&mut state)?.live;
        let rest = live.get(at as usize..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.change(|state, lands| {
            let node = self.node(state)?;
            if lands {
                put(&mut node.live, at as usize, bytes);
                node.waiting.push(Change::Write { at: at as usize, bytes: bytes.into(), doomed: false });
            }
            Ok(())
        })
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.change(|state, lands| {
            let node = self.node(state)?;
            if lands {
                node.live.resize(len as usize, 0);
                node.waiting.push(Change::Cut { len: len as usize });
            }
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.change(|state, lands| {
            let no_room = state.no_room;
            let node = self.node(state)?;
            if !lands {
                for change in &mut node.waiting {
                    if let Change::Write { at, bytes, doomed } = change {
                        // Every other sector found its block before the blocks ran out.
                        for (i, piece) in bytes.chunks(SECTOR_BYTES).enumerate().filter(|(i, _)| no_room && i % 2 == 1)
                        {
                            put(&mut node.durable, *at + i * SECTOR_BYTES, piece);
                        }
                        *doomed = true;
                    }
                }
                return Ok(());
            }
            for change in std::mem::take(&mut node.waiting) {
                match change {
                    Change::Write { at, bytes, doomed: false } => put(&mut node.durable, at, &bytes),
                    // Forgotten by the page cache; the file is as long as it seems, with a hole.
                    Change::Write { at, bytes, doomed: true } => {
                        let len = node.durable.len().max(at + bytes.len());
                        node.durable.resize(len, 0);
                    }
                    Change::Cut { len } => node.durable.resize(len, 0),
                }
            }
            Ok(())
        })
    }
}
