//! Questions to the history.

use opentrail_event::{AccountId, Category, EventId, Region};
use opentrail_table::{Cursor, Error, Find, Order, Page, Term};

use crate::{History, schema};

/// A condition on an event: the eight attributes of LookupEvents, and the category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    EventId(EventId),
    EventName(String),
    EventSource(String),
    Username(String),
    AccessKeyId(String),
    ReadOnly(bool),
    ResourceType(String),
    ResourceName(String),
    Category(Category),
}

impl Attribute {
    fn term(self) -> Term {
        let text = |column, value| Term::Text { column, value };
        match self {
            Self::EventId(id) => Term::Id(id),
            Self::EventName(value) => text(schema::EVENT_NAME, value),
            Self::EventSource(value) => text(schema::EVENT_SOURCE, value),
            Self::Username(value) => text(schema::USERNAME, value),
            Self::AccessKeyId(value) => text(schema::ACCESS_KEY_ID, value),
            Self::ReadOnly(value) => Term::Bool { column: schema::READ_ONLY, value },
            Self::ResourceType(value) => text(schema::RESOURCE_TYPES, value),
            Self::ResourceName(value) => text(schema::RESOURCE_NAMES, value),
            Self::Category(category) => text(schema::CATEGORY, category.as_str().to_owned()),
        }
    }
}

/// A question. Who asks has been allowed to ask it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// `None`: all accounts, which only the operator may ask for.
    pub account: Option<AccountId>,
    /// `None`: all regions.
    pub region: Option<Region>,
    /// All must hold.
    pub attributes: Vec<Attribute>,
    /// All must occur in the record, ASCII case ignored.
    pub words: Vec<String>,
    /// Inclusive, seconds since 1970. What is older than the retention is hidden whatever is asked.
    pub from_s: i64,
    /// Inclusive, seconds since 1970.
    pub to_s: i64,
    pub order: Order,
    /// Go on behind this event.
    pub after: Option<Cursor>,
    /// At most so many events.
    pub limit: usize,
    /// At most so many bytes of records; one always fits.
    pub bytes_max: usize,
}

impl History {
    /// One page of events.
    ///
    /// # Errors
    /// As [`opentrail_table::Table::find`].
    pub async fn lookup(&self, ask: Ask) -> Result<Page, Error> {
        let from_s = ask.from_s.max(self.horizon_s());
        if from_s > ask.to_s || ask.limit == 0 {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        let account = ask.account.map(|account| Term::Text { column: schema::ACCOUNT, value: account.to_string() });
        let region = ask.region.map(|region| Term::Text { column: schema::REGION, value: region.to_string() });
        let attributes = ask.attributes.into_iter().map(Attribute::term);
        let terms = account.into_iter().chain(region).chain(attributes).collect();
        let Ask { words, to_s, order, after, limit, bytes_max, .. } = ask;
        self.table.find(Find { terms, words, from_s, to_s, order, after, limit, bytes_max }).await
    }
}
