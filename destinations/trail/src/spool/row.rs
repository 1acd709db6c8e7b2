//! The stored records of the spool.
//!
//! ```text
//! trail/follower                                          how far the follower has come
//! trail/spool · trail id · kind · bucket · prefix · seq   a file that is to be put
//! trail/delivered · trail id · run · region · seq         a log file that was put and is in no digest yet
//! ```

use std::collections::BTreeMap;

use opentrail_catalog::{Key, Stored};
use opentrail_event::{AccountId, Arn, Region};
use opentrail_journal::{Partition, Positions};
use serde::{Deserialize, Serialize};

/// The follower's place. Its bytes differ from commit to commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) commits: u64,
    /// Partition to next offset.
    pub(crate) positions: BTreeMap<u32, u64>,
}

impl Stored for Head {
    const NAME: &'static str = "trail follower";
    const VERSION: u16 = 1;
}

impl Head {
    pub(crate) fn key() -> Key {
        Key::family("trail/follower")
    }

    pub(crate) fn positions(&self) -> Positions {
        Positions(self.positions.iter().map(|(&partition, &next)| (Partition(partition), next)).collect())
    }

    /// Before the first commit.
    pub(crate) fn beginning(positions: &Positions) -> Self {
        let positions = positions.0.iter().map(|(partition, &next)| (partition.0, next)).collect();
        Self { commits: 0, positions }
    }

    /// The head of the next commit, at `positions`.
    pub(crate) fn next(&self, positions: &Positions) -> Self {
        Self { commits: self.commits + 1, ..Self::beginning(positions) }
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Log,
    Digest,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Digest => "digest",
        }
    }
}

/// A file that is committed and is to be put. Name, bucket and bytes never change any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spooled {
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    /// The trail's id, and its ARN at the time.
    pub(crate) trail: String,
    pub(crate) arn: Arn,
    /// The run of logging that selected it.
    pub(crate) run: u64,
    /// Since when the chain runs that will list it; `None` for a file that no digest lists.
    pub(crate) chain_started_s: Option<i64>,
    /// Whose events, and where they happened.
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) key: String,
    pub(crate) blob: String,
    /// As it lies there, compressed.
    pub(crate) bytes: u64,
    /// Of the uncompressed bytes, in lower-case hexadecimal digits.
    pub(crate) sha256: String,
    /// Of a log file's events, in seconds since 1970.
    pub(crate) oldest_s: Option<i64>,
    pub(crate) newest_s: Option<i64>,
    pub(crate) staged_s: i64,
    /// Whether the put may be recorded as a data event.
    pub(crate) recorded: bool,
    /// A digest's signature.
    pub(crate) signature: Option<String>,
}

impl Stored for Spooled {
    const NAME: &'static str = "file to be delivered";
    const VERSION: u16 = 1;
}

impl Spooled {
    pub(crate) fn family() -> Key {
        Key::family("trail/spool")
    }

    pub(crate) fn lane(&self) -> Lane {
        Lane { trail: self.trail.clone(), kind: self.kind, bucket: self.bucket.clone(), prefix: self.prefix.clone() }
    }

    pub(crate) fn stored_under(&self) -> Key {
        self.lane().family().number(self.seq)
    }
}

/// Files that are put one after another, because the same policy lets them in or keeps them out. Lanes do not wait for each
/// other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lane {
    pub(crate) trail: String,
    pub(crate) kind: Kind,
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
}

impl Lane {
    /// All files of the lane, in the order in which they are put.
    pub(crate) fn family(&self) -> Key {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        Spooled::family().part(&self.trail).part(self.kind.as_str()).part(&self.bucket).part(prefix)
    }
}

/// A log file that was delivered, for the digest that will list it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivered {
    pub(crate) seq: u64,
    pub(crate) trail: String,
    pub(crate) arn: Arn,
    pub(crate) run: u64,
    pub(crate) chain_started_s: i64,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) key: String,
    pub(crate) sha256: String,
    pub(crate) oldest_s: i64,
    pub(crate) newest_s: i64,
    pub(crate) delivered_s: i64,
}

impl Stored for Delivered {
    const NAME: &'static str = "delivered log file";
    const VERSION: u16 = 1;
}

impl Delivered {
    /// What a digest will want to know of `file`; `None` where none will list it.
    pub(crate) fn of(file: &Spooled, delivered_s: i64) -> Option<Self> {
        Some(Self {
            seq: file.seq,
            trail: file.trail.clone(),
            arn: file.arn.clone(),
            run: file.run,
            chain_started_s: file.chain_started_s?,
            account: file.account,
            region: file.region.clone(),
            bucket: file.bucket.clone(),
            prefix: file.prefix.clone(),
            key: file.key.clone(),
            sha256: file.sha256.clone(),
            oldest_s: file.oldest_s?,
            newest_s: file.newest_s?,
            delivered_s,
        })
    }

    pub(crate) fn family() -> Key {
        Key::family("trail/delivered")
    }

    /// Those of one chain.
    pub(crate) fn of_chain(trail: &str, run: u64, region: &Region) -> Key {
        Self::family().part(trail).number(run).part(region.as_str())
    }

    pub(crate) fn stored_under(&self) -> Key {
        Self::of_chain(&self.trail, self.run, &self.region).number(self.seq)
    }
}
