//! How a typed record becomes bytes: a version number, then JSON.
//!
//! Every version that was ever written stays readable: a type names its newest version, and `migrate` brings the JSON
//! of an older one forward, one step at a time.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record type that the catalog can hold.
pub trait Stored: Serialize + DeserializeOwned {
    /// What the record is called in messages.
    const NAME: &'static str;
    /// The version that [`encode`] writes.
    const VERSION: u16;

    /// Brings JSON of `version` to the next one. Called for every version below [`Stored::VERSION`], oldest first.
    fn migrate(version: u16, json: serde_json::Value) -> Result<serde_json::Value, Damaged> {
        let _ = json;
        Err(Damaged { name: Self::NAME, why: format!("no way up from version {version}") })
    }
}

/// Stored bytes that are not the record they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored {name} is damaged: {why}")]
pub struct Damaged {
    pub name: &'static str,
    pub why: String,
}

/// `version:u16 big-endian` and JSON.
pub fn encode<T: Stored>(record: &T) -> Bytes {
    let mut out = T::VERSION.to_be_bytes().to_vec();
    serde_json::to_writer(&mut out, record).expect("a record type serialises into memory");
    out.into()
}

/// Reads what [`encode`] of this or an earlier version wrote.
pub fn decode<T: Stored>(bytes: &[u8]) -> Result<T, Damaged> {
    let damaged = |why: String| Damaged { name: T::NAME, why };
    let (version, json) = bytes.split_first_chunk::<2>().ok_or_else(|| damaged("shorter than its header".into()))?;
    let version = u16::from_be_bytes(*version);
    if version == T::VERSION {
        return serde_json::from_slice(json).map_err(|e| damaged(e.to_string()));
    }
    if version > T::VERSION {
        return Err(damaged(format!("version {version} is newer than this program, which knows {}", T::VERSION)));
    }
    let mut tree = serde_json::from_slice(json).map_err(|e| damaged(e.to_string()))?;
    for step in version..T::VERSION {
        tree = T::migrate(step, tree)?;
    }
    serde_json::from_value(tree).map_err(|e| damaged(e.to_string()))
}
