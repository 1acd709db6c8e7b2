//! The verifier: whether log files and digests still are what was delivered, as far as signatures prove it.
//!
//! The cast: a *source* is where the files lie, a bucket or a copy of one. A *group* is one account in one region: its digests lie
//! in one folder, its log files in others. A *chain* is one trail's digests in a group; [`walk`] follows it from its newest digest back, as
//! `aws cloudtrail validate-logs` does, [`check`] proves one file, [`unlisted`] looks for log files that no digest names, [`report`]
//! holds what was found.
//!
//! A file is *proven* by the signature of a digest of known key, a *problem* where something contradicts, and *not proven* where
//! nothing contradicts and nothing proves.
//!
//! Memory: a few numbers per digest and 16 bytes per log file of one group, and the files that are being read.

mod check;
mod group;
mod keys;
mod report;
#[cfg(test)]
mod tests;
mod unlisted;
mod walk;

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use opentrail_event::{AccountId, Region};

pub use check::DIGEST_BYTES_MAX;
pub use group::{DIGESTS_MAX, FOLDERS_MAX, Group, discover};
pub use keys::{KnownKey, PublicKeys};
pub use report::{ChainReport, Counts, FINDINGS_MAX, Finding, GroupReport, LinkFault, Weight, What};

/// Most bytes of one object as it lies there.
pub const OBJECT_BYTES_MAX: u64 = 128 << 20;
/// Log files that are read at a time, per group.
const READS_AT_A_TIME: usize = 8;

/// Where files lie.
///
/// # Contract
/// Keys come in the order of their bytes, each once. What is read is what lies there now; nothing is remembered.
pub trait Source: Send + Sync {
    /// The bucket that is listed.
    fn bucket(&self) -> &str;
    /// The folders directly in `folder` (which is empty or ends in a slash): whole keys that end in a slash.
    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, SourceError>>;
    /// The next keys that begin with `prefix`, behind `after`. The last page is empty.
    fn list<'a>(&'a self, prefix: &'a str, after: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, SourceError>>;
    /// One object, of at most [`OBJECT_BYTES_MAX`].
    fn read<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<Object, ReadError>>;
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    /// Where the source vouches for it.
    pub modified: Option<Timestamp>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub bytes: Bytes,
    /// User metadata, names in lower case without `x-amz-meta-`; `None` where the source keeps none, as a plain copy does.
    pub metadata: Option<BTreeMap<String, String>>,
}

/// The source cannot be used: nothing more is looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// Why one object was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("not found")]
    Absent,
    #[error("lies in a bucket that is not looked at")]
    OtherBucket,
    #[error("larger than {OBJECT_BYTES_MAX} bytes")]
    TooLarge,
    #[error("refused: {0}")]
    Refused(String),
    #[error(transparent)]
    Broken(#[from] SourceError),
}

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Keys begin with it.
    pub prefix: String,
    pub account: Option<AccountId>,
    pub region: Option<Region>,
    /// A trail's name.
    pub trail: Option<String>,
    /// Digests that end later, and log files that were delivered then or later.
    pub from: Option<Timestamp>,
    /// Digests up to the one that covers it, and log files that were delivered before.
    pub to: Option<Timestamp>,
}

/// Who wants to know how far it is. Called often, from several groups at a time.
pub trait Observer: Send + Sync {
    /// So many more digests are to be looked at.
    fn digests_found(&self, count: u64);
    /// A digest was looked at.
    fn digest_done(&self);
    /// A log file was looked at, of so many bytes inside.
    fn log_file_done(&self, bytes: u64);
}

/// What the parts of the verifier look with.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub source: &'a dyn Source,
    pub keys: &'a PublicKeys,
    pub scope: &'a Scope,
    pub observer: &'a dyn Observer,
}

/// Looks at everything of one group.
pub async fn verify(look: Look<'_>, group: &Group) -> Result<GroupReport, SourceError> {
    let mut report = GroupReport::new(group);
    let mut evidence = unlisted::Evidence::default();
    for chain in group::chains(look, group, &mut report).await? {
        let walked = walk::walk(look, chain, &mut report, &mut evidence).await?;
        report.chains.push(walked);
    }
    // Trails share the folder of log files: what one of them alone has not named says nothing.
    if look.scope.trail.is_none() {
        unlisted::look_for(look, group, evidence, &mut report).await?;
    }
    Ok(report)
}

impl Look<'_> {
    /// The next page of a listing; moves `after` behind it. A listing that does not move on would never end.
    async fn page(&self, prefix: &str, after: &mut String) -> Result<Vec<Listed>, SourceError> {
        let page = self.source.list(prefix, after).await?;
        if page.first().is_some_and(|first| first.key <= *after) || !page.is_sorted_by(|a, b| a.key < b.key) {
            return Err(SourceError(format!("the listing of {prefix} is out of order")));
        }
        if let Some(last) = page.last() {
            after.clone_from(&last.key);
        }
        Ok(page)
    }
}
