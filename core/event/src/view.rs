//! What event selectors look at, read out of a record's bytes in one pass.
//!
//! [`crate::Head`] derives what LookupEvents shows and pays for it; a trail looks at every record of its account and
//! pays only for what a selector can name. Both read by the same rules, and both refuse the same bytes but for members
//! that only one of them reads.

use std::borrow::Cow;

use crate::derive::Identity;
use crate::head::{category, event_id, event_time_s, flag, insight_call, scan, text, wanted};
use crate::resources::Recorded;
use crate::scan::{Scanner, Text};
use crate::{BadRecord, Category, EventId, RECORD_BYTES_MAX};

/// One element of a record's `resources`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched<'a> {
    /// `AWS::S3::Object`; `None` where the record does not say.
    pub kind: Option<Cow<'a, str>>,
    /// `ARN`, or where there is none `ARNPrefix`. Some services give neither.
    pub arn: Option<Cow<'a, str>>,
    /// Whether `arn` is only the beginning that all touched ones share.
    pub is_prefix: bool,
}

/// What selectors see of a record, borrowed from its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View<'a> {
    pub event_id: EventId,
    /// Whole seconds since 1970, UTC.
    pub event_time_s: i64,
    pub category: Category,
    /// A record without the member counts as a write.
    pub read_only: bool,
    pub event_source: Cow<'a, str>,
    pub event_name: Cow<'a, str>,
    /// `AwsApiCall`; records before eventVersion 1.02 have none.
    pub event_type: Option<Cow<'a, str>>,
    pub region: Cow<'a, str>,
    /// `userIdentity.type`
    pub identity_type: Option<Cow<'a, str>>,
    /// `userIdentity.arn`
    pub identity_arn: Option<Cow<'a, str>>,
    /// `userIdentity.invokedBy`: the AWS service on whose call, or for whom, it was done.
    pub invoked_by: Option<Cow<'a, str>>,
    /// `sessionCredentialFromConsole`, which records show only when it is true.
    pub from_console: bool,
    pub error_code: Option<Cow<'a, str>>,
    pub vpc_endpoint_id: Option<Cow<'a, str>>,
    /// As they stand in the record.
    pub resources: Vec<Touched<'a>>,
}

impl<'a> View<'a> {
    /// Reads one record of at most [`RECORD_BYTES_MAX`]. Never panics; costs one pass over the bytes.
    pub fn parse(record: &'a [u8]) -> Result<Self, BadRecord> {
        Self::parse_within(record, RECORD_BYTES_MAX)
    }

    /// The same with another limit, for event data stores that take larger events.
    pub fn parse_within(record: &'a [u8], bytes_max: usize) -> Result<Self, BadRecord> {
        let mut seen = Seen::default();
        scan(record, bytes_max, |s, key| seen.member(s, key))?;
        seen.view()
    }
}

/// The members as they stood in the record.
#[derive(Default)]
struct Seen<'a> {
    event_id: Option<Text<'a>>,
    event_time: Option<Text<'a>>,
    event_source: Option<Text<'a>>,
    event_name: Option<Text<'a>>,
    region: Option<Text<'a>>,
    category: Option<Text<'a>>,
    event_type: Option<Text<'a>>,
    error_code: Option<Text<'a>>,
    vpc_endpoint_id: Option<Text<'a>>,
    read_only: Option<bool>,
    management_event: Option<bool>,
    from_console: Option<bool>,
    identity: Identity<'a>,
    resources: Vec<Recorded<'a>>,
    insight: (Option<Text<'a>>, Option<Text<'a>>),
}

impl<'a> Seen<'a> {
    fn member(&mut self, s: &mut Scanner<'a>, key: Text<'a>) -> Result<(), BadRecord> {
        match &*key.cow() {
            "eventID" => self.event_id = text(s, "eventID")?,
            "eventTime" => self.event_time = text(s, "eventTime")?,
            "eventSource" => self.event_source = text(s, "eventSource")?,
            "eventName" => self.event_name = text(s, "eventName")?,
            "awsRegion" => self.region = text(s, "awsRegion")?,
            "eventCategory" => self.category = text(s, "eventCategory")?,
            "eventType" => self.event_type = text(s, "eventType")?,
            "errorCode" => self.error_code = text(s, "errorCode")?,
            "vpcEndpointId" => self.vpc_endpoint_id = text(s, "vpcEndpointId")?,
            "readOnly" => self.read_only = flag(s, "readOnly")?,
            "managementEvent" => self.management_event = flag(s, "managementEvent")?,
            "sessionCredentialFromConsole" => self.from_console = flag(s, "sessionCredentialFromConsole")?,
            "userIdentity" => self.identity = Identity::read(s)?,
            "resources" => Recorded::read_all(s, &mut self.resources)?,
            "insightDetails" => self.insight = insight_call(s)?,
            _ => s.skip()?,
        }
        Ok(())
    }

    fn view(self) -> Result<View<'a>, BadRecord> {
        let category = category(self.category, self.event_type, self.management_event, &self.resources)?;
        let (event_source, event_name) = match category {
            Category::Insight => (self.event_source.or(self.insight.0), self.event_name.or(self.insight.1)),
            _ => (self.event_source, self.event_name),
        };
        let touched = |one: Recorded<'a>| Touched {
            kind: one.kind.map(Text::cow),
            arn: one.arn.map(Text::cow),
            is_prefix: one.is_prefix,
        };
        Ok(View {
            event_id: event_id(self.event_id)?,
            event_time_s: event_time_s(self.event_time)?,
            category,
            read_only: self.read_only.unwrap_or(false),
            event_source: wanted(event_source, "eventSource")?,
            event_name: wanted(event_name, "eventName")?,
            event_type: self.event_type.map(Text::cow),
            region: wanted(self.region, "awsRegion")?,
            identity_type: self.identity.kind.map(Text::cow),
            identity_arn: self.identity.arn.map(Text::cow),
            invoked_by: self.identity.invoked_by.map(Text::cow),
            from_console: self.from_console.unwrap_or(false),
            error_code: self.error_code.map(Text::cow),
            vpc_endpoint_id: self.vpc_endpoint_id.map(Text::cow),
            resources: self.resources.into_iter().map(touched).collect(),
        })
    }
}

#[cfg(test)]
mod tests;
