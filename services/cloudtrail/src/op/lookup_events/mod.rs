//! `LookupEvents`: the management events of the caller's account in one region, newest first, 90 days back.
//!
//! Rules and error names are those of `spec/lookup.md` 4.2 and of AWS as recorded (`spec/recorded.md` 8); the texts of the
//! messages are ours, for AWS's are not on record.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use opentrail_event::{Category, Head};
use opentrail_history::{Ask, Attribute, History};
use opentrail_protocol::{Document, Violation};
use opentrail_table::{Order, Row};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};
use opentrail_world::World;

use crate::TokenKey;
use crate::token::Question;

/// Events of a page, and what a caller who does not say gets.
const RESULTS_MAX: i64 = 50;
/// Characters of an attribute's value. AWS's documented double counting of some characters was seen not to be enforced.
const VALUE_CHARS_MAX: usize = 2_000;
/// Characters of a page token; ours have 66.
const TOKEN_CHARS_MAX: usize = 1_024;
/// Bytes of records in one page.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

static FACTS: Facts = Facts {
    name: "LookupEvents",
    action: "cloudtrail:LookupEvents",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "InvalidLookupAttributesException",
        "InvalidTimeRangeException",
        "InvalidMaxResultsException",
        "InvalidNextTokenException",
        "InvalidEventCategoryException",
    ],
};

/// See the module.
pub(crate) struct LookupEvents {
    pub(crate) history: Arc<History>,
    pub(crate) world: World,
    pub(crate) token_key: TokenKey,
}

impl Operation for LookupEvents {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        match violation.member.as_str() {
            "MaxResults" => Some(bad_max_results()),
            "EventCategory" => Some(bad_category()),
            "LookupAttributes" | "LookupAttribute" | "AttributeKey" | "AttributeValue" => {
                Some(bad_attributes(violation.message.clone()))
            }
            _ => None,
        }
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        self.look_up(cx, input).boxed()
    }
}

impl LookupEvents {
    async fn look_up(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let category = category(input)?;
        let limit = max_results(input)?;
        let asked = attribute(input, category)?;
        let (from_s, to_s) = self.time_range(input)?;
        let question = question(cx, input);
        let after = match input.text("NextToken") {
            None => None,
            Some(token) if token.len() <= TOKEN_CHARS_MAX => {
                Some(self.token_key.open(token, &question).ok_or_else(bad_token)?)
            }
            Some(_) => return Err(bad_token()),
        };
        let mut attributes = vec![Attribute::Category(category)];
        match asked {
            Asked::Everything => {}
            Asked::For(attribute) => attributes.push(attribute),
            Asked::Nothing => return Ok(page(Vec::new(), None)),
        }
        let ask = Ask {
            account: Some(cx.account()),
            region: Some(cx.region.clone()),
            attributes,
            words: Vec::new(),
            from_s,
            to_s,
            order: Order::NewestFirst,
            after,
            limit,
            bytes_max: PAGE_BYTES_MAX,
        };
        let found = self.history.lookup(ask).await.map_err(|error| {
            tracing::error!(%error, request_id = %cx.request_id, "look up events");
            Fault::new("InternalFailure", 500, "the event history could not be read; try again")
        })?;
        let events = found.rows.iter().map(event).collect::<Result<Vec<_>, _>>()?;
        Ok(page(events, found.next.map(|cursor| self.token_key.seal(cursor, &question))))
    }

    /// Both ends in whole seconds, as records have them, and inclusive.
    fn time_range(&self, input: &Document) -> Result<(i64, i64), Fault> {
        let (start, end) = (input.time("StartTime"), input.time("EndTime"));
        let bad = |message: &str| Err(Fault::client("InvalidTimeRangeException", message));
        if start.is_some_and(|start| start > self.world.now()) {
            return bad("StartTime is in the future.");
        }
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return bad("StartTime is after EndTime.");
        }
        let floor_s = |time: Timestamp| time.as_nanosecond().div_euclid(1_000_000_000) as i64;
        let ceil_s = |time: Timestamp| -((-time.as_nanosecond()).div_euclid(1_000_000_000)) as i64;
        Ok((start.map_or(i64::MIN, ceil_s), end.map_or(i64::MAX, floor_s)))
    }
}

/// An event without a category is a management event; the only one to be named is `insight`.
fn category(input: &Document) -> Result<Category, Fault> {
    match input.text("EventCategory") {
        None => Ok(Category::Management),
        Some("insight") => Ok(Category::Insight),
        Some(_) => Err(bad_category()),
    }
}

fn max_results(input: &Document) -> Result<usize, Fault> {
    let asked = input.int("MaxResults").unwrap_or(RESULTS_MAX);
    if (1..=RESULTS_MAX).contains(&asked) { Ok(asked as usize) } else { Err(bad_max_results()) }
}

/// Which events are asked for.
enum Asked {
    Everything,
    For(Attribute),
    /// By a value that no event can have.
    Nothing,
}

fn attribute(input: &Document, category: Category) -> Result<Asked, Fault> {
    let pair = match input.list("LookupAttributes") {
        [] => return Ok(Asked::Everything),
        [pair] => pair,
        _ => return Err(bad_attributes("Specify one lookup attribute; more than one was given.")),
    };
    let (Some(key), Some(value)) = (pair.text("AttributeKey"), pair.text("AttributeValue")) else {
        return Err(bad_attributes("A lookup attribute needs an AttributeKey and an AttributeValue."));
    };
    if !(1..=VALUE_CHARS_MAX).contains(&value.chars().count()) {
        return Err(bad_attributes("An AttributeValue has 1 to 2000 characters."));
    }
    if category == Category::Insight && !matches!(key, "EventId" | "EventName" | "EventSource") {
        return Err(bad_attributes("Insights events are looked up by EventId, EventName or EventSource."));
    }
    let text = value.to_owned();
    Ok(Asked::For(match key {
        // What is not the form of an id is nobody's id.
        "EventId" => match value.parse() {
            Ok(id) => Attribute::EventId(id),
            Err(_) => return Ok(Asked::Nothing),
        },
        "EventName" => Attribute::EventName(text),
        "ReadOnly" => match value {
            "true" => Attribute::ReadOnly(true),
            "false" => Attribute::ReadOnly(false),
            _ => return Err(bad_attributes("The value of ReadOnly is true or false.")),
        },
        "Username" => Attribute::Username(text),
        "ResourceType" => Attribute::ResourceType(text),
        "ResourceName" => Attribute::ResourceName(text),
        "EventSource" => Attribute::EventSource(text),
        "AccessKeyId" => Attribute::AccessKeyId(text),
        _ => return Err(bad_attributes("The AttributeKey is not one that events can be looked up by.")),
    }))
}

/// All that a page token is bound to: everything but the token itself.
fn question(cx: &Cx, input: &Document) -> Question {
    let time = |name| input.time(name).map(|time| time.as_nanosecond().to_be_bytes());
    let limit = input.int("MaxResults").map(i64::to_be_bytes);
    let question = Question::default()
        .part(Some(cx.account().as_str().as_bytes()))
        .part(Some(cx.region.as_str().as_bytes()))
        .part(time("StartTime").as_ref().map(<[u8; 16]>::as_slice))
        .part(time("EndTime").as_ref().map(<[u8; 16]>::as_slice))
        .part(input.text("EventCategory").map(str::as_bytes))
        .part(limit.as_ref().map(<[u8; 8]>::as_slice));
    input.list("LookupAttributes").iter().fold(question, |question, pair| {
        question.part(pair.text("AttributeKey").map(str::as_bytes)).part(pair.text("AttributeValue").map(str::as_bytes))
    })
}

fn page(events: Vec<Document>, token: Option<String>) -> RpcAnswer {
    Document::structure().with("Events", events).with("NextToken", token).into()
}

/// The `Event` that a row is shown as.
fn event(row: &Row) -> Result<Document, Fault> {
    let unreadable = |why: String| {
        tracing::error!(event_id = %row.id, error = %why, "read a row of the history");
        Fault::new("InternalFailure", 500, "an event of the history cannot be read")
    };
    let head = Head::parse_within(&row.record, usize::MAX).map_err(|e| unreadable(e.to_string()))?;
    let record = std::str::from_utf8(&row.record).map_err(|e| unreadable(e.to_string()))?;
    let time = Timestamp::from_second(head.event_time_s).map_err(|e| unreadable(e.to_string()))?;
    let resources = head.resources.iter().map(|resource| {
        Document::structure().with("ResourceType", resource.kind.as_deref()).with("ResourceName", &*resource.name)
    });
    Ok(Document::structure()
        .with("EventId", head.event_id.to_string())
        .with("EventName", &*head.event_name)
        .with("ReadOnly", if head.read_only { "true" } else { "false" })
        .with("AccessKeyId", head.access_key_id.as_deref())
        .with("EventTime", time)
        .with("EventSource", &*head.event_source)
        .with("Username", head.username.as_deref())
        .with("Resources", resources.collect::<Vec<_>>())
        .with("CloudTrailEvent", record))
}

fn bad_attributes(message: impl Into<String>) -> Fault {
    Fault::client("InvalidLookupAttributesException", message)
}

fn bad_max_results() -> Fault {
    Fault::client("InvalidMaxResultsException", "Specify a value of MaxResults between 1 and 50.")
}

fn bad_category() -> Fault {
    Fault::client("InvalidEventCategoryException", "Specify an EventCategory of insight, or none.")
}

fn bad_token() -> Fault {
    let message =
        "The NextToken is not valid for this request. Use it with the parameters of the request that returned it.";
    Fault::client("InvalidNextTokenException", message)
}

#[cfg(test)]
mod tests;
