//! The journal's `meta` file: which journal it is, and how many partitions it has.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use opentrail_world::World;

use super::format::FORMAT_VERSION;
use super::{OpenError, PARTITIONS_MAX};
use crate::disk::{Disk, read_exact_at};

/// Tells one journal from every other. Positions are good for the journal that gave them only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JournalId(u128);

impl JournalId {
    pub(crate) fn new(world: &World) -> Self {
        Self(u128::from_be_bytes(world.bytes()))
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for JournalId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = if hex { u128::from_str_radix(text, 16).ok() } else { None };
        number.map(Self).ok_or("the id of a journal is 32 hexadecimal digits")
    }
}

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) partitions: u32,
    /// `None` in a journal from before there were ids.
    pub(crate) id: Option<JournalId>,
}

impl Meta {
    /// The journal's id, which it gets now if it has none.
    pub(crate) fn with_id(self, disk: &dyn Disk, dir: &Path, world: &World) -> Result<JournalId, OpenError> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let id = JournalId::new(world);
        Self { id: Some(id), ..self }.write(disk, dir)?;
        Ok(id)
    }

    /// Writes the file, whole or not at all, durable on return.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), OpenError> {
        let (temporary, meta) = (dir.join("meta.new"), dir.join("meta"));
        if let Err(e) = disk.remove(&temporary)
            && e.kind() != io::ErrorKind::NotFound
        {
            return Err(OpenError::io("remove", &temporary)(e));
        }
        let file = disk.create(&temporary).map_err(OpenError::io("create", &temporary))?;
        let mut text = format!("opentrail journal\nformat {FORMAT_VERSION}\npartitions {}\n", self.partitions);
        if let Some(id) = self.id {
            text.push_str(&format!("id {id}\n"));
        }
        file.write_at(text.as_bytes(), 0).and_then(|()| file.sync()).map_err(OpenError::io("write", &temporary))?;
        disk.rename(&temporary, &meta).map_err(OpenError::io("rename", &temporary))?;
        disk.sync_dir(dir).map_err(OpenError::io("sync folder", dir))
    }
}

/// What the journal in `dir` says of itself; `None` if there is none.
pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<Meta>, OpenError> {
    let meta = dir.join("meta");
    let file = match disk.open(&meta) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(OpenError::io("open", &meta))?,
    };
    let len = file.size().map_err(OpenError::io("read", &meta))?.min(1024);
    let bytes = read_exact_at(&*file, 0, len as usize).map_err(OpenError::io("read", &meta))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    let damaged = |why: String| OpenError::damaged(&meta, why);
    if lines.next() != Some("opentrail journal") {
        return Err(damaged("it does not say that this is a journal".into()));
    }
    let mut value = |name: &str| lines.next().map(|line| line.strip_prefix(name).and_then(|v| v.strip_prefix(' ')));
    let version: Option<u32> = value("format").flatten().and_then(|text| text.parse().ok());
    let version = version.ok_or_else(|| damaged("it does not name its format".into()))?;
    if version != u32::from(FORMAT_VERSION) {
        return Err(damaged(format!("format {version} is not one this program knows, which is {FORMAT_VERSION}")));
    }
    let partitions = match value("partitions").flatten().and_then(|text| text.parse().ok()) {
        Some(n) if (1..=PARTITIONS_MAX).contains(&n) => n,
        _ => return Err(damaged("it does not say how many partitions there are".into())),
    };
    let id = match value("id") {
        None => None,
        Some(id) => Some(
            id.unwrap_or_default().parse().map_err(|why| damaged(format!("it does not name the journal: {why}")))?,
        ),
    };
    Ok(Some(Meta { partitions, id }))
}
