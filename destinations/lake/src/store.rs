//! One event data store, as it stands between two changes.

use std::collections::BTreeMap;

use opentrail_event::{AccountId, Arn, Family, Region};
use opentrail_journal::{Position, Positions};
use opentrail_selector::EventSelectors;
use serde::{Deserialize, Serialize};

/// How long a store may be kept, and what it would cost at AWS (`spec/lake.md` 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    Extendable,
    Fixed,
}

impl Billing {
    pub const ALL: [Self; 2] = [Self::Extendable, Self::Fixed];

    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extendable => "EXTENDABLE_RETENTION_PRICING",
            Self::Fixed => "FIXED_RETENTION_PRICING",
        }
    }

    /// Days that events are kept where nothing else is said.
    pub fn default_days(self) -> u16 {
        match self {
            Self::Extendable => 366,
            Self::Fixed => 2557,
        }
    }

    /// Days that events may be kept: from, to.
    pub fn days(self) -> (u16, u16) {
        match self {
            Self::Extendable => (7, 3653),
            Self::Fixed => (7, 2557),
        }
    }
}

/// What Create and UpdateEventDataStore set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Advanced ones.
    pub selectors: EventSelectors,
    pub multi_region: bool,
    /// By the time of the event.
    pub retention_days: u16,
    pub billing: Billing,
    pub termination_protection: bool,
}

/// `Type` of a context key selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    Tag,
    Request,
}

/// What PutEventConfiguration sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventConfiguration {
    /// Events of up to 1 MB, not 256 KB.
    pub large: bool,
    /// Keys of each context that is asked for.
    pub keys: BTreeMap<Context, Vec<String>>,
}

/// From a place in the journal on, this is taken into the store; `None`: nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Partition to offset of the first entry that it decides about.
    #[serde(with = "places")]
    pub from: Positions,
    pub takes: Option<Takes>,
}

/// What is taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takes {
    pub selectors: EventSelectors,
    /// `None`: of all regions.
    pub region: Option<Region>,
}

/// What a store is to its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Enabled,
    StoppedIngestion,
    PendingDeletion,
}

impl Status {
    /// As the API spells it. Changes are whole when they are answered, so the states between are never seen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::StoppedIngestion => "STOPPED_INGESTION",
            Self::PendingDeletion => "PENDING_DELETION",
        }
    }
}

/// A store. Its id never changes and is never used again; its table has the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDataStore {
    /// A UUID.
    pub id: String,
    /// Counts its changes, from 1.
    pub revision: u64,
    pub account: AccountId,
    pub home: Region,
    pub name: String,
    pub family: Family,
    pub config: Config,
    pub events: EventConfiguration,
    pub tags: BTreeMap<String, String>,
    /// Whether it takes events while it is not deleted.
    pub ingests: bool,
    /// Seconds since 1970.
    pub created_s: i64,
    pub updated_s: i64,
    /// Since when it waits to be deleted.
    pub deleted_s: Option<i64>,
    /// Oldest first, never empty; those that no follower can ask for are dropped with the next change.
    pub courses: Vec<Course>,
}

impl EventDataStore {
    /// `arn:aws:cloudtrail:<home>:<account>:eventdatastore/<id>`
    pub fn arn(&self) -> Arn {
        Arn::regional("cloudtrail", &self.home, self.account, &format!("eventdatastore/{}", self.id))
    }

    pub fn status(&self) -> Status {
        match (self.deleted_s, self.ingests) {
            (Some(_), _) => Status::PendingDeletion,
            (None, true) => Status::Enabled,
            (None, false) => Status::StoppedIngestion,
        }
    }

    /// The oldest event time that it shows, in seconds since 1970.
    pub fn horizon_s(&self, now_s: i64) -> i64 {
        now_s.saturating_sub(i64::from(self.config.retention_days) * 86_400)
    }

    /// Which of its courses decides about the entry at `position`.
    pub(crate) fn course_at(&self, position: Position) -> Option<usize> {
        self.courses.iter().rposition(|course| course.from.next(position.partition) <= position.offset)
    }

    /// What it takes as it stands.
    pub(crate) fn takes(&self) -> Option<Takes> {
        (self.status() == Status::Enabled && self.family == Family::Events).then(|| Takes {
            selectors: self.config.selectors.clone(),
            region: (!self.config.multi_region).then(|| self.home.clone()),
        })
    }
}

/// Positions as pairs, for JSON has no numbers for keys.
mod places {
    use opentrail_journal::{Partition, Positions};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(positions: &Positions, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs: Vec<(u32, u64)> = positions.0.iter().map(|(partition, &offset)| (partition.0, offset)).collect();
        pairs.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Positions, D::Error> {
        let pairs = Vec::<(u32, u64)>::deserialize(deserializer)?;
        Ok(Positions(pairs.into_iter().map(|(partition, offset)| (Partition(partition), offset)).collect()))
    }
}
