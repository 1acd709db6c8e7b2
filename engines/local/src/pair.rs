//! The journal and the catalog of a folder belong together: the catalog holds how far each follower has come in *this*
//! journal. Over another one the same numbers would skip records or take them twice.
//!
//! Catalog record `local/journal`: [`Known`]. It stands beside the positions of every follower there is, so one of it serves
//! all of them.

use std::path::{Path, PathBuf};

use opentrail_catalog::{Key, Stored, Txn, decode, encode};
use serde::{Deserialize, Serialize};

use crate::LocalCatalog;
use crate::disk::Disk;
use crate::journal::{JournalId, OpenError as JournalOpenError, id_in};

/// Why a journal and a catalog do not open together.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// It was moved away, and another one or none is in its place. Nothing was changed.
    #[error(
        "the journal in {path} is {found}, and not journal {known}, which this folder's catalog was kept with: bring that \
         one back; nothing was changed"
    )]
    Other { path: PathBuf, found: String, known: JournalId },
    #[error("{what} the journal that the catalog was kept with: {why}")]
    Catalog { what: &'static str, why: String },
    #[error(transparent)]
    Journal(#[from] JournalOpenError),
}

/// The journal that the catalog's positions are of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    id: String,
}

impl Stored for Known {
    const NAME: &'static str = "journal's id";
    const VERSION: u16 = 1;
}

fn key() -> Key {
    Key::family("local/journal")
}

/// Refuses a journal that is not the one the catalog knows, before anything is made or mended.
pub(crate) fn check(catalog: &LocalCatalog, disk: &dyn Disk, dir: &Path) -> Result<(), PairError> {
    let Some(known) = known(catalog)? else { return Ok(()) };
    let found = match id_in(disk, dir)? {
        Some(Some(id)) if id == known => return Ok(()),
        Some(Some(id)) => format!("journal {id}"),
        Some(None) => "one without an id".to_owned(),
        None => "not there".to_owned(),
    };
    Err(PairError::Other { path: dir.into(), found, known })
}

/// Notes the journal's id where there is none yet. Blocks.
pub(crate) fn remember(catalog: &LocalCatalog, id: JournalId) -> Result<(), PairError> {
    if known(catalog)?.is_some() {
        return Ok(());
    }
    let txn = Txn::new().put(key(), encode(&Known { id: id.to_string() }));
    catalog.commit_now(txn).map_err(|e| PairError::Catalog { what: "note", why: e.to_string() })
}

fn known(catalog: &LocalCatalog) -> Result<Option<JournalId>, PairError> {
    let failed = |why: String| PairError::Catalog { what: "read", why };
    let Some(stored) = catalog.get_now(&key()).map_err(|e| failed(e.to_string()))? else { return Ok(None) };
    let known: Known = decode(&stored.value).map_err(|e| failed(e.to_string()))?;
    known.id.parse().map(Some).map_err(|why: &str| failed(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_read_for_ever() {
        let stored = b"\x00\x01{\"id\":\"0123456789abcdef0123456789abcdef\"}";
        let known: Known = decode(stored).expect("version 1");
        assert_eq!(known.id, "0123456789abcdef0123456789abcdef");
        assert_eq!(&encode(&known)[..], stored);
    }
}
