//! One trail, as of one revision.

use std::collections::BTreeMap;

use opentrail_event::{AccountId, Arn, Region};
use opentrail_journal::Positions;
use opentrail_selector::EventSelectors;
use serde::{Deserialize, Serialize};

/// What CreateTrail and UpdateTrail set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    pub bucket: String,
    /// As given, not empty; `None` where there is none. A slash follows it in keys.
    pub prefix: Option<String>,
    pub include_global_service_events: bool,
    pub multi_region: bool,
    pub log_file_validation: bool,
    pub recursive_logging: bool,
}

/// Since when a trail logs, and since when its digest chain runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logging {
    /// Seconds since 1970 of the StartLogging (or of the UpdateTrail that turned validation on) that this chain counts
    /// from.
    pub chain_started_s: i64,
    /// Tells this run of logging from every other one of the same trail: a chain never goes on in another run.
    pub run: u64,
}

/// A trail as one revision has it. A change makes a new revision; the trail's `id` never changes and is never used again,
/// so that a trail made again under an old name has nothing of the old one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// 32 hexadecimal digits.
    pub id: String,
    /// From 1.
    pub revision: u64,
    pub account: AccountId,
    pub name: String,
    pub home: Region,
    pub config: Config,
    /// `None` until PutEventSelectors: all management events.
    pub selectors: Option<EventSelectors>,
    /// `None` while it does not log.
    pub logging: Option<Logging>,
    /// Seconds since 1970 of the newest StartLogging and StopLogging.
    pub started_s: Option<i64>,
    pub stopped_s: Option<i64>,
    pub tags: BTreeMap<String, String>,
    /// The trail is gone: what it has selected is still delivered, and its chain ends.
    pub deleted: bool,
    /// From which entry of each partition on this revision is in force.
    pub from: Positions,
}

impl Trail {
    /// `arn:aws:cloudtrail:<home>:<account>:trail/<name>`, also of shadow trails.
    pub fn arn(&self) -> Arn {
        Arn::regional("cloudtrail", &self.home, self.account, &format!("trail/{}", self.name))
    }
}
