//! The file of all public services, as `cargo xtask codegen` packs it:
//!
//! ```text
//! "opentrail-atlas 1\n"
//! u32 LE  packed length of the index
//! u32 LE  its unpacked length
//! index   zstd; one line for each service, by id:
//!         ID SIGNING_NAME ENDPOINT_PREFIX EVENT_SOURCE API_VERSION PROTOCOL,… TARGET_PREFIX|- PACKED UNPACKED
//! tables  zstd each, in the order of the index; their form is that of the compiled-in tables
//! ```

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::{Protocol, ServiceModel};

const MAGIC: &[u8] = b"opentrail-atlas 1\n";
/// No table is larger; EC2's is the largest with less than a tenth.
const TABLE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A file that is no atlas.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the atlas of services cannot be read: {what}")]
pub struct BadAtlas {
    pub what: &'static str,
}

/// A service of the index, and its table once somebody has asked for it.
#[derive(Debug)]
pub(super) struct Entry {
    /// botocore's: `dynamodbstreams`.
    pub(super) id: String,
    pub(super) signing_name: String,
    pub(super) endpoint_prefix: String,
    pub(super) event_source: String,
    pub(super) api_version: String,
    /// Its table's first.
    pub(super) protocols: Vec<Protocol>,
    /// Before the dot of `X-Amz-Target`, and the service's name in paths of RPC with CBOR.
    pub(super) target_prefix: Option<String>,
    packed: Range<usize>,
    unpacked: usize,
    model: OnceLock<Option<Arc<ServiceModel>>>,
}

impl Entry {
    pub(super) fn speaks(&self, protocol: Protocol) -> bool {
        self.protocols.contains(&protocol)
    }

    /// Whether somebody has asked for the model.
    #[cfg(test)]
    pub(super) fn is_unpacked(&self) -> bool {
        self.model.get().is_some()
    }

    /// The service's model, unpacked when it is first asked for. `None` where the file is damaged.
    ///
    /// Names borrow from the unpacked table, which therefore stays as long as the process does: a server opens one atlas.
    pub(super) fn model(&self, file: &Bytes) -> Option<&Arc<ServiceModel>> {
        let unpack = || {
            let table = zstd::bulk::decompress(file.get(self.packed.clone())?, self.unpacked).ok()?;
            let table: &'static str = Box::leak(String::from_utf8(table).ok()?.into_boxed_str());
            ServiceModel::parse_foreign(table).ok().map(Arc::new)
        };
        self.model.get_or_init(unpack).as_ref()
    }
}

/// Reads the index; tables are left packed.
pub(super) fn open(file: &Bytes) -> Result<Vec<Entry>, BadAtlas> {
    let bad = |what| BadAtlas { what };
    let rest = file.strip_prefix(MAGIC).ok_or(bad("not an atlas of version 1"))?;
    let (lengths, _) = rest.split_first_chunk::<8>().ok_or(bad("it ends before the index"))?;
    let [a, b, c, d, e, f, g, h] = *lengths;
    let packed = u32::from_le_bytes([a, b, c, d]) as usize;
    let unpacked = u32::from_le_bytes([e, f, g, h]) as usize;
    let begin = MAGIC.len() + lengths.len();
    if unpacked > TABLE_BYTES_MAX {
        return Err(bad("its index is too long"));
    }
    let index = file.get(begin..begin + packed).ok_or(bad("it ends within the index"))?;
    let index = zstd::bulk::decompress(index, unpacked).map_err(|_| bad("its index cannot be unpacked"))?;
    let index = String::from_utf8(index).map_err(|_| bad("its index is not UTF-8"))?;
    let mut at = begin + packed;
    let mut entries = Vec::new();
    for line in index.lines() {
        let entry = entry(line, &mut at).ok_or(bad("a line of its index cannot be read"))?;
        if entry.packed.end > file.len() || entry.unpacked > TABLE_BYTES_MAX {
            return Err(bad("a table lies outside the file"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(line: &str, at: &mut usize) -> Option<Entry> {
    let words: Vec<&str> = line.split(' ').collect();
    let [id, signing_name, endpoint_prefix, event_source, api_version, protocols, target, packed, unpacked] = words[..]
    else {
        return None;
    };
    let end = at.checked_add(packed.parse().ok()?)?;
    let packed = std::mem::replace(at, end)..end;
    Some(Entry {
        id: id.to_owned(),
        signing_name: signing_name.to_owned(),
        endpoint_prefix: endpoint_prefix.to_owned(),
        event_source: event_source.to_owned(),
        api_version: api_version.to_owned(),
        protocols: protocols.split(',').map(Protocol::from_word).collect::<Option<_>>()?,
        target_prefix: Some(target).filter(|target| *target != "-").map(str::to_owned),
        packed,
        unpacked: unpacked.parse().ok()?,
        model: OnceLock::new(),
    })
}
