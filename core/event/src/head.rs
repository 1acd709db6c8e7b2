//! The few members of a record that routing and indexing need, read out of bytes that stay as they are.
//!
//! Records of every age are read, and what the age or the source of a record left out is filled in by the rules that
//! stand beside each member below. A member that stands twice counts as it stood last, as for most readers of JSON.

use std::borrow::Cow;

use crate::derive::{Identity, username};
use crate::resources::{Recorded, named};
use crate::scan::{Scanner, Text};
use crate::{AccountId, EventId, RECORD_BYTES_MAX};

/// `eventCategory`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// The category of this name, spelled exactly so.
    pub fn of(text: &str) -> Option<Self> {
        [Self::Management, Self::Data, Self::NetworkActivity, Self::Insight].into_iter().find(|c| c.as_str() == text)
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
    /// Of a record older than the member (eventVersion 1.02) the caller's account.
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
    /// Reads the head of one record of at most [`RECORD_BYTES_MAX`]. Never panics; costs one pass over the bytes.
    pub fn parse(record: &'a [u8]) -> Result<Self, BadRecord> {
        Self::parse_within(record, RECORD_BYTES_MAX)
    }

    /// The same with another limit, for imports and event data stores that take larger events.
    pub fn parse_within(record: &'a [u8], bytes_max: usize) -> Result<Self, BadRecord> {
        let mut seen = Seen::default();
        scan(record, bytes_max, |s, key| seen.member(s, key))?;
        seen.head()
    }
}

/// Reads a record, which is one object and nothing behind it, member by member.
pub(crate) fn scan<'a>(
    record: &'a [u8],
    bytes_max: usize,
    member: impl FnMut(&mut Scanner<'a>, Text<'a>) -> Result<(), BadRecord>,
) -> Result<(), BadRecord> {
    if record.len() > bytes_max {
        return Err(BadRecord::TooLarge { bytes: record.len(), max: bytes_max });
    }
    let text = std::str::from_utf8(record)
        .map_err(|e| BadRecord::NotJson(format!("not UTF-8 from byte {} on", e.valid_up_to())))?;
    let mut scanner = Scanner::new(text);
    scanner.object(member)?;
    scanner.end()
}

/// The members as they stood in the record.
#[derive(Default)]
struct Seen<'a> {
    event_id: Option<Text<'a>>,
    event_time: Option<Text<'a>>,
    event_source: Option<Text<'a>>,
    event_name: Option<Text<'a>>,
    region: Option<Text<'a>>,
    recipient_account: Option<Text<'a>>,
    category: Option<Text<'a>>,
    event_type: Option<Text<'a>>,
    error_code: Option<Text<'a>>,
    read_only: Option<bool>,
    management_event: Option<bool>,
    identity: Identity<'a>,
    resources: Vec<Recorded<'a>>,
    request: Option<&'a str>,
    response: Option<&'a str>,
    /// `eventSource` and `eventName` of `insightDetails`: an insight has none of its own.
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
            "recipientAccountId" => self.recipient_account = text(s, "recipientAccountId")?,
            "eventCategory" => self.category = text(s, "eventCategory")?,
            "eventType" => self.event_type = text(s, "eventType")?,
            "errorCode" => self.error_code = text(s, "errorCode")?,
            "readOnly" => self.read_only = flag(s, "readOnly")?,
            "managementEvent" => self.management_event = flag(s, "managementEvent")?,
            "userIdentity" => self.identity = Identity::read(s)?,
            "resources" => Recorded::read_all(s, &mut self.resources)?,
            "requestParameters" => self.request = Some(s.value()?),
            "responseElements" => self.response = Some(s.value()?),
            "insightDetails" => self.insight = insight_call(s)?,
            _ => s.skip()?,
        }
        Ok(())
    }

    fn head(self) -> Result<Head<'a>, BadRecord> {
        let category = category(self.category, self.event_type, self.management_event, &self.resources)?;
        let (event_source, event_name) = match category {
            Category::Insight => (self.event_source.or(self.insight.0), self.event_name.or(self.insight.1)),
            _ => (self.event_source, self.event_name),
        };
        let event_source = wanted(event_source, "eventSource")?;
        let event_name = wanted(event_name, "eventName")?;
        let (event_id, event_time_s) = (event_id(self.event_id)?, event_time_s(self.event_time)?);
        let recipient_account = wanted(self.recipient_account.or(self.identity.account_id), "recipientAccountId")?
            .parse()
            .map_err(|_| BadRecord::Malformed { name: "recipientAccountId", wanted: "twelve digits" })?;
        let error_code = self.error_code.map(Text::cow);
        let read_only = self.read_only.unwrap_or(false);
        let call = crate::resources::Call {
            source: &event_source,
            name: &event_name,
            read_only,
            failed: error_code.is_some(),
            recorded: self.resources,
            request: self.request,
            response: self.response,
        };
        let resources = named(call)?;
        Ok(Head {
            event_id,
            event_time_s,
            resources,
            event_source,
            event_name,
            region: wanted(self.region, "awsRegion")?,
            recipient_account,
            read_only,
            category,
            username: username(&self.identity),
            access_key_id: self.identity.access_key_id.map(Text::cow).filter(|key| !key.is_empty()),
            error_code,
        })
    }
}

/// Before eventVersion 1.07 there was no `eventCategory`, before 1.06 no `managementEvent` either; of those, object
/// and function calls alone were data events.
pub(crate) fn category(
    recorded: Option<Text<'_>>,
    event_type: Option<Text<'_>>,
    management_event: Option<bool>,
    resources: &[Recorded<'_>],
) -> Result<Category, BadRecord> {
    if let Some(category) = recorded {
        return Category::of(&category.cow())
            .ok_or(BadRecord::Malformed { name: "eventCategory", wanted: "a category of events of this record form" });
    }
    let event_type = event_type.map(Text::cow);
    Ok(match (event_type.as_deref(), management_event) {
        (Some("AwsCloudTrailInsight"), _) => Category::Insight,
        (Some("AwsVpceEvent" | "AwsVpceEvents"), _) => Category::NetworkActivity,
        (_, Some(false)) => Category::Data,
        (_, Some(true)) => Category::Management,
        _ if resources.iter().any(Recorded::makes_data_event) => Category::Data,
        _ => Category::Management,
    })
}

/// `eventSource` and `eventName` of `insightDetails`: what an insight is about.
pub(crate) fn insight_call<'a>(s: &mut Scanner<'a>) -> Result<(Option<Text<'a>>, Option<Text<'a>>), BadRecord> {
    let mut call = (None, None);
    if !absent(s)? {
        s.object(|s, key| {
            match &*key.cow() {
                "eventSource" => call.0 = text(s, "insightDetails.eventSource")?,
                "eventName" => call.1 = text(s, "insightDetails.eventName")?,
                _ => s.skip()?,
            }
            Ok(())
        })?;
    }
    Ok(call)
}

/// True, having read it, if null comes next.
#[inline]
pub(crate) fn absent(s: &mut Scanner<'_>) -> Result<bool, BadRecord> {
    let null = s.peek() == Some(b'n');
    if null {
        s.skip()?;
    }
    Ok(null)
}

/// A text; null counts as absent.
#[inline]
pub(crate) fn text<'a>(s: &mut Scanner<'a>, name: &'static str) -> Result<Option<Text<'a>>, BadRecord> {
    match s.peek() {
        Some(b'"') => s.string().map(Some),
        Some(b'n') => s.skip().map(|()| None),
        _ => {
            s.skip()?;
            Err(BadRecord::Malformed { name, wanted: "text" })
        }
    }
}

/// A text, or nothing where something else stands.
#[inline]
pub(crate) fn text_if_any<'a>(s: &mut Scanner<'a>) -> Result<Option<Text<'a>>, BadRecord> {
    if s.peek() == Some(b'"') { s.string().map(Some) } else { s.skip().map(|()| None) }
}

/// True or false; some tools that pass records on write them as texts.
pub(crate) fn flag(s: &mut Scanner<'_>, name: &'static str) -> Result<Option<bool>, BadRecord> {
    match s.value()? {
        "true" | "\"true\"" => Ok(Some(true)),
        "false" | "\"false\"" => Ok(Some(false)),
        "null" => Ok(None),
        _ => Err(BadRecord::Malformed { name, wanted: "true or false" }),
    }
}

pub(crate) fn event_id(text: Option<Text<'_>>) -> Result<EventId, BadRecord> {
    let malformed = |_| BadRecord::Malformed { name: "eventID", wanted: "a UUID in its hyphenated form" };
    wanted(text, "eventID")?.parse().map_err(malformed)
}

pub(crate) fn event_time_s(text: Option<Text<'_>>) -> Result<i64, BadRecord> {
    let malformed = BadRecord::Malformed { name: "eventTime", wanted: "a time like 2026-01-31T23:59:59Z" };
    seconds(&wanted(text, "eventTime")?).ok_or(malformed)
}

pub(crate) fn wanted<'a>(text: Option<Text<'a>>, name: &'static str) -> Result<Cow<'a, str>, BadRecord> {
    text.map(Text::cow).ok_or(BadRecord::Missing(name))
}

/// Seconds since 1970 of `2026-01-31T23:59:59Z`; a fraction of a second is cut off.
fn seconds(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (head, tail) = bytes.split_at_checked(19)?;
    let fraction = tail.strip_suffix(b"Z")?;
    let fraction_fits = fraction.is_empty()
        || fraction.strip_prefix(b".").is_some_and(|f| (1..=9).contains(&f.len()) && f.iter().all(u8::is_ascii_digit));
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !fraction_fits || marks.iter().any(|&(at, mark)| head[at] != mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        head[from..to].iter().try_fold(0i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970 of the Gregorian calendar, with years that begin in March so that the leap day is their last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days =
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (month * 153 + 2) / 5 + day;
    Some((days - 719_469) * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests;
