//! The stored record of a chain of digests.
//!
//! ```text
//! trail/chain · trail id · run · region       [`Chain`], from its first digest on
//! ```

use opentrail_catalog::{Key, Stored};
use opentrail_digest::Previous;
use opentrail_event::{AccountId, Arn, Region};
use serde::{Deserialize, Serialize};

use crate::Trail;
use crate::spool::row::Delivered;

/// Which chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChainId {
    /// The trail's id.
    pub(crate) trail: String,
    pub(crate) run: u64,
    pub(crate) region: Region,
}

impl ChainId {
    pub(crate) fn stored_under(&self) -> Key {
        Chain::family().part(&self.trail).number(self.run).part(self.region.as_str())
    }

    pub(crate) fn delivered(&self) -> Key {
        Delivered::of_chain(&self.trail, self.run, &self.region)
    }
}

/// Whose digests they are, and where they go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) account: AccountId,
    pub(crate) arn: Arn,
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
}

impl Place {
    /// Where digests of the trail go as it stands.
    pub(crate) fn of(trail: &Trail) -> Self {
        Self {
            account: trail.account,
            arn: trail.arn(),
            bucket: trail.config.bucket.clone(),
            prefix: trail.config.prefix.clone(),
        }
    }

    pub(crate) fn of_delivered(file: &Delivered) -> Self {
        Self { account: file.account, arn: file.arn.clone(), bucket: file.bucket.clone(), prefix: file.prefix.clone() }
    }

    /// The trail's name and home, as its ARN tells them.
    pub(crate) fn trail_name(&self) -> (&str, &str) {
        let mut parts = self.arn.as_str().splitn(6, ':');
        let home = parts.nth(3).unwrap_or_default();
        let name = parts.nth(1).and_then(|resource| resource.strip_prefix("trail/")).unwrap_or_default();
        (name, home)
    }
}

/// The newest digest of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Newest {
    pub(crate) end_s: i64,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) sha256: String,
    pub(crate) signature: String,
}

impl Newest {
    pub(crate) fn as_previous(&self) -> Previous {
        Previous {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            sha256_hex: self.sha256.clone(),
            signature: self.signature.clone(),
        }
    }
}

/// A chain that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chain {
    pub(crate) trail: String,
    pub(crate) run: u64,
    pub(crate) region: Region,
    pub(crate) place: Place,
    /// Seconds since 1970 that its grid counts from: the end of its first digest.
    pub(crate) started_s: i64,
    pub(crate) newest: Newest,
    /// The newest digest is the last. The record stays for a while, for no other digest may get its name.
    pub(crate) ended: bool,
}

impl Stored for Chain {
    const NAME: &'static str = "chain of digests";
    const VERSION: u16 = 1;
}

impl Chain {
    pub(crate) fn family() -> Key {
        Key::family("trail/chain")
    }

    pub(crate) fn id(&self) -> ChainId {
        ChainId { trail: self.trail.clone(), run: self.run, region: self.region.clone() }
    }
}
