//! What an event data store indexes of a record, of whichever family, read out of its bytes in one pass.
//!
//! Unlike [`crate::Head`] and [`crate::View`] it asks for nothing but an id and a time: what files and applications bring
//! is kept as it is, and a member of another type than usual counts as absent.

use std::borrow::Cow;

use crate::derive::{Identity, username};
use crate::head::{event_id, event_time_s, scan, text, text_if_any};
use crate::scan::{Scanner, Text};
use crate::{BadRecord, EventId, Family};

/// The members of a record that are columns of their own, borrowed from its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns<'a> {
    pub event_id: EventId,
    /// Whole seconds since 1970, UTC.
    pub event_time_s: i64,
    /// As the record says, or as records said nothing of it before eventVersion 1.07.
    pub family: Family,
    pub event_source: Option<Cow<'a, str>>,
    pub event_name: Option<Cow<'a, str>>,
    pub region: Option<Cow<'a, str>>,
    pub recipient_account: Option<Cow<'a, str>>,
    pub error_code: Option<Cow<'a, str>>,
    pub source_ip: Option<Cow<'a, str>>,
    pub read_only: Option<bool>,
    /// `userIdentity.arn`
    pub identity_arn: Option<Cow<'a, str>>,
    /// `userIdentity.accessKeyId`
    pub access_key_id: Option<Cow<'a, str>>,
    /// As LookupEvents derives it.
    pub username: Option<Cow<'a, str>>,
}

impl<'a> Columns<'a> {
    /// Reads one record of at most `bytes_max`. Never panics; costs one pass over the bytes.
    pub fn parse_within(record: &'a [u8], bytes_max: usize) -> Result<Self, BadRecord> {
        let mut seen = Seen::default();
        scan(record, bytes_max, |s, key| seen.member(s, key))?;
        seen.columns()
    }
}

#[derive(Default)]
struct Seen<'a> {
    event_id: Option<Text<'a>>,
    event_time: Option<Text<'a>>,
    category: Option<Text<'a>>,
    event_type: Option<Text<'a>>,
    event_source: Option<Text<'a>>,
    event_name: Option<Text<'a>>,
    region: Option<Text<'a>>,
    recipient_account: Option<Text<'a>>,
    error_code: Option<Text<'a>>,
    source_ip: Option<Text<'a>>,
    read_only: Option<bool>,
    identity: Identity<'a>,
}

impl<'a> Seen<'a> {
    fn member(&mut self, s: &mut Scanner<'a>, key: Text<'a>) -> Result<(), BadRecord> {
        match &*key.cow() {
            "eventID" => self.event_id = text(s, "eventID")?,
            "eventTime" => self.event_time = text(s, "eventTime")?,
            "eventCategory" => self.category = text_if_any(s)?,
            "eventType" => self.event_type = text_if_any(s)?,
            "eventSource" => self.event_source = text_if_any(s)?,
            "eventName" => self.event_name = text_if_any(s)?,
            "awsRegion" => self.region = text_if_any(s)?,
            "recipientAccountId" => self.recipient_account = text_if_any(s)?,
            "errorCode" => self.error_code = text_if_any(s)?,
            "sourceIPAddress" => self.source_ip = text_if_any(s)?,
            "readOnly" => {
                self.read_only = match s.value()? {
                    "true" | "\"true\"" => Some(true),
                    "false" | "\"false\"" => Some(false),
                    _ => None,
                }
            }
            "userIdentity" if s.peek() == Some(b'{') => self.identity = Identity::read_loosely(s)?,
            _ => s.skip()?,
        }
        Ok(())
    }

    fn columns(self) -> Result<Columns<'a>, BadRecord> {
        let family = match (self.category.map(Text::cow), self.event_type.map(Text::cow)) {
            (Some(category), _) => Family::of_category(&category)
                .ok_or(BadRecord::Malformed { name: "eventCategory", wanted: "a category of events" })?,
            (None, Some(kind)) if kind == "AwsCloudTrailInsight" => Family::Insight,
            (None, _) => Family::Events,
        };
        let cow = |text: Option<Text<'a>>| text.map(Text::cow);
        Ok(Columns {
            event_id: event_id(self.event_id)?,
            event_time_s: event_time_s(self.event_time)?,
            family,
            username: username(&self.identity),
            event_source: cow(self.event_source),
            event_name: cow(self.event_name),
            region: cow(self.region),
            recipient_account: cow(self.recipient_account),
            error_code: cow(self.error_code),
            source_ip: cow(self.source_ip),
            read_only: self.read_only,
            identity_arn: cow(self.identity.arn),
            access_key_id: cow(self.identity.access_key_id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "9d478fc1-4f10-490f-a26b-eeeeeeeeeeee";

    fn parse(record: &str) -> Result<Columns<'_>, BadRecord> {
        Columns::parse_within(record.as_bytes(), 1 << 20)
    }

    #[test]
    fn an_id_and_a_time_are_enough() {
        let record =
            format!(r#"{{"eventID":"{ID}","eventTime":"2026-01-02T03:04:05Z","userIdentity":"x","readOnly":1}}"#);
        let columns = parse(&record).expect("a record");
        assert_eq!((columns.event_time_s, columns.family), (1_767_323_045, Family::Events));
        assert_eq!((columns.read_only, columns.event_name, columns.identity_arn), (None, None, None));
        assert_eq!(parse(r#"{"eventTime":"2026-01-02T03:04:05Z"}"#), Err(BadRecord::Missing("eventID")));
        assert!(parse(&format!(r#"{{"eventID":"{ID}","eventTime":"yesterday"}}"#)).is_err());
        assert!(matches!(parse("[]"), Err(BadRecord::NotJson(_))));
    }

    #[test]
    fn what_is_of_its_usual_type_is_taken() {
        let record = format!(
            r#"{{"eventID":"{ID}","eventTime":"2026-01-02T03:04:05Z","eventCategory":"ActivityAuditLog","eventName":"a\u0041",
            "eventSource":"s","awsRegion":"us-east-1","recipientAccountId":"111122223333","errorCode":7,"sourceIPAddress":"::1",
            "readOnly":"true","userIdentity":{{"type":"IAMUser","userName":"ana","accessKeyId":["no"],"arn":"arn:x"}}}}"#
        );
        let columns = parse(&record).expect("a record");
        assert_eq!(columns.family, Family::ActivityAuditLog);
        assert_eq!(columns.event_name.as_deref(), Some("aA"));
        assert_eq!((columns.error_code, columns.read_only), (None, Some(true)));
        assert_eq!((columns.username.as_deref(), columns.access_key_id.as_deref()), (Some("ana"), None));
        assert_eq!((columns.identity_arn.as_deref(), columns.source_ip.as_deref()), (Some("arn:x"), Some("::1")));
        let strange = record.replace("ActivityAuditLog", "Weather");
        assert!(matches!(parse(&strange), Err(BadRecord::Malformed { name: "eventCategory", .. })));
    }
}
