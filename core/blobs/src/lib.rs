//! The blobs port: durable immutable objects under names that we choose.
//!
//! - **From** the table engine (parts and their indexes) and the S3 service (object bodies).
//! - **To** an engine (`engines/local`: one file each).
//! - **Promises** that a blob whose `put` returned `Ok` is whole and survives power loss, and never changes.
//! - **Does not promise** any order between puts, nor that a failed put left nothing behind: a sweep finds it.
//! - **On crash** a half-written blob is not visible.
//! - **Absent on purpose**: names from callers (see [`BlobKey`]), and pointers: the newest state is always a catalog
//!   row, never a blob.

pub mod kit;
pub mod memory;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// A name of our own making: segments of `[a-z0-9_-]` (dots allowed inside), joined by slashes, at most 200 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey(Arc<str>);

/// A text that cannot be a blob's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot name a blob: segments of a-z, 0-9, -, _ and inner dots, joined by slashes, at most 200 bytes")]
pub struct BadBlobKey(pub String);

impl BlobKey {
    /// Checks the form.
    pub fn new(name: impl Into<String>) -> Result<Self, BadBlobKey> {
        let name: String = name.into();
        let segment = |s: &str| {
            !s.is_empty()
                && !s.starts_with('.')
                && !s.ends_with('.')
                && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
        };
        if name.len() <= 200 && name.split('/').all(segment) { Ok(Self(name.into())) } else { Err(BadBlobKey(name)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a blob could not be written or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("there is no blob {0}")]
    NotFound(BlobKey),
    /// `if_absent` was asked and there is one already.
    #[error("there is a blob {0} already")]
    Exists(BlobKey),
    /// The stream that was to be stored failed; nothing is visible. The producer's own words.
    #[error("the source of the blob failed: {0}")]
    Source(Arc<str>),
    /// The range does not lie within the blob.
    #[error("range {start}..{end} lies outside the {bytes} bytes of {key}")]
    OutOfRange { key: BlobKey, start: u64, end: u64, bytes: u64 },
    /// Nothing more is taken until there is space again; what is there can be read and removed.
    #[error("no room for blobs: {0}")]
    Full(Arc<str>),
    /// The engine failed; trying again may help.
    #[error("blobs unavailable: {0}")]
    Unavailable(Arc<str>),
}

/// What fails while a caller's stream is read.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;
/// The bytes of a blob to be.
pub type Source<'a> = BoxStream<'a, Result<Bytes, SourceError>>;

/// The port.
///
/// # Contract
/// A blob appears whole or not at all. `put` with `if_absent` succeeds for exactly one of several racing callers.
/// `delete` of what is not there is no error. `list` is ascending by name and sees every put that returned before it
/// began. Dropping the future of a `put` leaves nothing visible.
pub trait Blobs: Send + Sync {
    /// Whether `bytes` more would be taken now; [`Error::Full`] where not. Also for those that keep small bodies elsewhere on
    /// the same disk. An engine that keeps no floor takes anything.
    fn room(&self, _bytes: u64) -> Result<(), Error> {
        Ok(())
    }
    /// Stores the stream's bytes under `key`; returns their count. Durable on return.
    fn put<'a>(&'a self, key: &'a BlobKey, bytes: Source<'a>, if_absent: bool) -> BoxFuture<'a, Result<u64, Error>>;
    /// The bytes in `range` (all of them when `None`), in pieces.
    fn get<'a>(
        &'a self,
        key: &'a BlobKey,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Bytes, Error>>, Error>>;
    /// The bytes in `range` at once; for ranges that fit in memory.
    fn read<'a>(&'a self, key: &'a BlobKey, range: Range<u64>) -> BoxFuture<'a, Result<Bytes, Error>>;
    /// The size in bytes.
    fn head<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<u64, Error>>;
    /// Up to `limit` names that begin with `prefix`, ascending, behind `after`.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a BlobKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<BlobKey>, Error>>;
    /// Removes the blob. Durable on return.
    fn delete<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), Error>>;
}
