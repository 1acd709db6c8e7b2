//! The few members of a record that routing and indexing need, read out of bytes that stay as they are.

use std::borrow::Cow;

use crate::{AccountId, EventId};

/// `eventCategory`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    Management,
    Data,
    NetworkActivity,
    Insight,
}

impl Category {
    /// As CloudTrail spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Management => "Management",
            Self::Data => "Data",
            Self::NetworkActivity => "NetworkActivity",
            Self::Insight => "Insight",
        }
    }
}

/// One entry of the `Resources` that LookupEvents shows (`spec/lookup.md` 4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedResource<'a> {
    /// `AWS::S3::Bucket`; `None` where the record does not say.
    pub kind: Option<Cow<'a, str>>,
    pub name: Cow<'a, str>,
}

/// What routing needs of a record, borrowed from its bytes.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    pub event_id: EventId,
    /// Whole seconds since 1970, UTC.
    pub event_time_s: i64,
    pub event_source: Cow<'a, str>,
    pub event_name: Cow<'a, str>,
    pub region: Cow<'a, str>,
    pub recipient_account: AccountId,
    /// A record without the member counts as a write.
    pub read_only: bool,
    pub category: Category,
    /// As LookupEvents derives it: the user's name, `root`, a role's session name.
    pub username: Option<Cow<'a, str>>,
    pub access_key_id: Option<Cow<'a, str>>,
    pub error_code: Option<Cow<'a, str>>,
    /// As LookupEvents shows them.
    pub resources: Vec<NamedResource<'a>>,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    #[error("not one JSON object: {0}")]
    NotJson(String),
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    #[error("{bytes} bytes, more than {max}")]
    TooLarge { bytes: usize, max: usize },
    #[error("member {0} is missing")]
    Missing(&'static str),
    #[error("member {name} should be {wanted}")]
    Malformed { name: &'static str, wanted: &'static str },
}

impl<'a> Head<'a> {
    /// Reads the head of one record. Never panics; costs one pass over the bytes.
    pub fn parse(_record: &'a [u8]) -> Result<Self, BadRecord> {
        unimplemented!()
    }
}
