//! What a trail wants to see of a record, and whether it selects it.

use opentrail_event::{BadRecord, View};
use opentrail_selector::{Compiled, EventSelectors};

use crate::spool::publish::SERVICE;

const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";
/// As capture writes it.
const REQUEST_ID: &str = r#""requestID":""#;

/// Services whose events belong to no region: they are recorded in us-east-1. `sts` is one of them at its global endpoint only.
const GLOBAL_SOURCES: [&str; 8] = [
    "iam.amazonaws.com",
    "sts.amazonaws.com",
    "cloudfront.amazonaws.com",
    "route53.amazonaws.com",
    "route53domains.amazonaws.com",
    "organizations.amazonaws.com",
    "globalaccelerator.amazonaws.com",
    "waf.amazonaws.com",
];
/// What a call of a regional endpoint of `sts` has in its record, beside spaces.
const REGIONAL: &[u8] = br#""endpointType":"regional""#;

/// A record, as far as selecting goes.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    view: View<'a>,
    record: &'a [u8],
}

impl<'a> Seen<'a> {
    /// Reads one record. The journal's own limit is the only one: capture has held records to theirs.
    pub(crate) fn parse(record: &'a [u8]) -> Result<Self, BadRecord> {
        Ok(Self { view: View::parse_within(record, usize::MAX)?, record })
    }

    /// Seconds since 1970.
    pub(crate) fn event_time_s(&self) -> i64 {
        self.view.event_time_s
    }

    /// Whether CloudTrail itself did it: the delivery of a log file or of a digest.
    pub(crate) fn is_delivery(&self) -> bool {
        let view = &self.view;
        view.invoked_by.as_deref() == Some(SERVICE)
            && matches!(
                (&*view.event_source, &*view.event_name),
                ("s3.amazonaws.com", "PutObject") | ("logs.amazonaws.com", "PutLogEvents")
            )
    }

    /// Whether it is an event of a service that has no regions.
    pub(crate) fn is_of_global_service(&self) -> bool {
        let source = &*self.view.event_source;
        GLOBAL_SOURCES.contains(&source) && (source != "sts.amazonaws.com" || !self.says(REGIONAL))
    }

    /// The request id, where it is the record of a call of CloudTrail's own API. What else has that name in the record comes
    /// too: whoever looks for an id that the server made finds it in one record only.
    pub(crate) fn request_ids(&self) -> impl Iterator<Item = &str> {
        let record = Some(self.record).filter(|_| self.view.event_source == CLOUDTRAIL);
        let record = record.and_then(|record| std::str::from_utf8(record).ok()).unwrap_or_default();
        record.split(REQUEST_ID).skip(1).filter_map(|rest| rest.split_once('"').map(|(id, _)| id))
    }

    fn says(&self, words: &[u8]) -> bool {
        self.record.windows(words.len()).any(|window| window == words)
    }
}

/// What a trail selects.
#[derive(Debug)]
pub(crate) struct Selection(Compiled);

impl Selection {
    /// `None`: what a trail selects that was never told.
    pub(crate) fn of(selectors: Option<&EventSelectors>) -> Self {
        Self(selectors.map_or_else(|| EventSelectors::default_for_trail().compile(), EventSelectors::compile))
    }

    pub(crate) fn wants(&self, seen: &Seen<'_>) -> bool {
        self.0.matches(&seen.view)
    }
}
