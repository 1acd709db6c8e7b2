//! What a trail wants to see of a record, and whether it selects it.

use opentrail_event::{BadRecord, Category, Head};
use opentrail_selector::EventSelectors;

/// A record, as far as selecting goes.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    head: Head<'a>,
    record: &'a [u8],
}

impl<'a> Seen<'a> {
    pub(crate) fn parse(record: &'a [u8]) -> Result<Self, BadRecord> {
        Ok(Self { head: Head::parse_within(record, usize::MAX)?, record })
    }

    /// Seconds since 1970.
    pub(crate) fn event_time_s(&self) -> i64 {
        self.head.event_time_s
    }

    pub(crate) fn is_delivery(&self) -> bool {
        let _ = self.record;
        false
    }

    pub(crate) fn is_of_global_service(&self) -> bool {
        false
    }
}

#[derive(Debug)]
pub(crate) struct Selection;

impl Selection {
    pub(crate) fn of(_selectors: Option<&EventSelectors>) -> Self {
        Self
    }

    pub(crate) fn wants(&self, seen: &Seen<'_>) -> bool {
        seen.head.category == Category::Management
    }
}
