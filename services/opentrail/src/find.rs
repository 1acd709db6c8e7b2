//! The port to history: what a look-up may ask.

use bytes::Bytes;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Region};
use opentrail_journal::{Position, Positions};
use opentrail_table::{Cursor, Order};

/// What can be compared: the eight attributes of LookupEvents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute {
    AccessKeyId,
    EventId,
    EventName,
    EventSource,
    ReadOnly,
    ResourceName,
    ResourceType,
    Username,
}

impl Attribute {
    /// All of them, with the names that callers use.
    pub const ALL: [(&'static str, Self); 8] = [
        ("AccessKeyId", Self::AccessKeyId),
        ("EventId", Self::EventId),
        ("EventName", Self::EventName),
        ("EventSource", Self::EventSource),
        ("ReadOnly", Self::ReadOnly),
        ("ResourceName", Self::ResourceName),
        ("ResourceType", Self::ResourceType),
        ("Username", Self::Username),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(n, _)| *n == name).map(|(_, attribute)| attribute)
    }
}

/// A question. Every condition must hold.
#[derive(Debug, Clone)]
pub struct Ask {
    /// `None`: every account. Asked for the operator only.
    pub account: Option<AccountId>,
    /// `None`: every region.
    pub region: Option<Region>,
    pub attributes: Vec<(Attribute, String)>,
    /// Occur anywhere in the record, ASCII case ignored.
    pub words: Vec<String>,
    /// Inclusive, seconds since 1970.
    pub from_s: i64,
    /// Inclusive, seconds since 1970.
    pub to_s: i64,
    pub order: Order,
    /// Go on behind this place.
    pub after: Option<Cursor>,
    /// At most so many records.
    pub limit: usize,
    /// At most so many bytes of records; one always fits.
    pub bytes_max: usize,
}

/// One record and its place.
#[derive(Debug, Clone)]
pub struct Found {
    pub at: Cursor,
    /// Where it stands in the journal: within a partition, what came later stands behind.
    pub place: Position,
    /// The exact bytes.
    pub record: Bytes,
}

/// A page; `next` is where to go on, `None` when there is nothing more. A page may be empty and still go on.
#[derive(Debug, Clone, Default)]
pub struct FoundPage {
    pub records: Vec<Found>,
    pub next: Option<Cursor>,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FindError {
    /// The question cannot be asked.
    #[error("{0}")]
    BadQuestion(String),
    /// Trying again may help.
    #[error("history unavailable: {0}")]
    Unavailable(String),
}

/// The port.
///
/// # Contract
/// Records come in the order asked for, by (time, seq); those older than the retention do not come at all.
pub trait Find: Send + Sync {
    /// Answers one page.
    fn find(&self, ask: Ask) -> BoxFuture<'_, Result<FoundPage, FindError>>;
    /// The place behind everything that can be found now.
    fn end(&self) -> Positions;
}
