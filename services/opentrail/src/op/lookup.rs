//! Lookup: finds management events by several attributes at once, by words, over accounts and regions.
//!
//! Beyond LookupEvents: attributes and words are all ANDed; the operator names an account or asks all of them; time runs either
//! way; and `Follow` turns it into a live tail. A tail's token goes by the place in the journal: a record that arrives late
//! with an earlier time is still new to it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn, Category, Head};
use opentrail_protocol::Document;
use opentrail_table::{Cursor, Order};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::{PAGE, account_of, bad_token};
use crate::Desk;
use crate::find::{Ask, Attribute, FindError, Found};

pub(crate) struct Lookup(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "Lookup",
    action: "opentrail:Lookup",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "AccessDeniedException",
        "InvalidInputException",
        "InvalidNextTokenException",
        "ServiceUnavailableException",
    ],
};

/// Most bytes of records in one answer, so that it fits a client's and our own memory. One record always fits.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How much later than its time a record may come and still be seen by a tail.
const LATE_S_MAX: i64 = 5;
/// Pause of a tail between two looks.
const TAIL_PAUSE: Duration = Duration::from_millis(250);
/// Most records of the last seconds that are read to find where a new tail begins.
const RECENT_MAX: usize = 1_000;
/// Most pages that a tail reads at one look.
const TAIL_PAGES_MAX: usize = 100;

impl Operation for Lookup {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        // All accounts are nobody's: the reserved account stands for them, which no tenant may touch.
        let account = if all_accounts(input) { AccountId::OPERATOR } else { account_of(cx, input) };
        vec![Arn::regional("opentrail", &cx.region, account, "history")]
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let ask = self.ask(cx, input)?;
            let question = question(cx, &ask, input);
            let question: Vec<&str> = question.iter().map(String::as_str).collect();
            let place = match input.text("NextToken") {
                Some(token) => Some(self.0.tokens.open(&question, token).and_then(cursor).ok_or_else(bad_token)?),
                None => None,
            };
            let (records, next) = if input.bool("Follow") == Some(true) {
                let (records, next) = self.tail(input, ask, place).await?;
                (records, Some(next))
            } else {
                self.page(Ask { after: place, ..ask }).await?
            };
            let listed: Vec<Document> = records
                .iter()
                .map(|found| Document::Text(String::from_utf8_lossy(&found.record).into_owned()))
                .collect();
            let next = next.map(|at| self.0.tokens.seal(&question, &place_bytes(at)));
            Ok(Document::structure().with("Records", listed).with("NextToken", next).into())
        }
        .boxed()
    }
}

impl Lookup {
    fn ask(&self, cx: &Cx, input: &Document) -> Result<Ask, Fault> {
        if all_accounts(input) && input.get("AccountId").is_some() {
            return Err(invalid("name AccountId or AllAccounts, not both"));
        }
        let mut attributes = Vec::new();
        for pair in input.list("Attributes") {
            let name = pair.text("AttributeKey").unwrap_or_default();
            let attribute = Attribute::named(name).ok_or_else(|| invalid(format!("there is no attribute {name}")))?;
            attributes.push((attribute, pair.text("AttributeValue").unwrap_or_default().to_owned()));
        }
        let words = input.list("Words").iter().filter_map(|word| match word {
            Document::Text(word) => Some(word.clone()),
            _ => None,
        });
        let follow = input.bool("Follow") == Some(true);
        let order = match input.text("Order") {
            Some(_) if follow => return Err(invalid("Follow has an order of its own; leave Order out")),
            Some("OldestFirst") => Order::OldestFirst,
            _ => Order::NewestFirst,
        };
        if follow && input.get("EndTime").is_some() {
            return Err(invalid("Follow has no end; leave EndTime out"));
        }
        let (from_s, to_s) = (
            input.time("StartTime").map_or(i64::MIN, |t| t.as_second()),
            input.time("EndTime").map_or(i64::MAX, |t| t.as_second()),
        );
        if from_s > to_s {
            return Err(invalid("StartTime is after EndTime"));
        }
        let region = match input.text("Region") {
            Some(name) => Some(name.parse().map_err(|e: opentrail_event::MalformedId| invalid(e.to_string()))?),
            None => None,
        };
        Ok(Ask {
            account: (!all_accounts(input)).then(|| account_of(cx, input)),
            region,
            attributes,
            words: words.collect(),
            from_s,
            to_s,
            order,
            after: None,
            limit: input.int("MaxResults").and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE),
        })
    }

    /// One page, cut where it would grow too large.
    async fn page(&self, ask: Ask) -> Result<(Vec<Found>, Option<Cursor>), Fault> {
        let page = self.0.find.find(ask).await.map_err(fault)?;
        let (mut records, mut next) = (page.records, page.next);
        if let Some(fit) = fitting(&records)
            && fit < records.len()
        {
            records.truncate(fit);
            next = records.last().map(|found| found.at);
        }
        Ok((records, next))
    }

    /// What came behind `place`, oldest first; waits for the first of it. The cursor that comes back holds the newest
    /// time seen and the place behind the highest one seen.
    async fn tail(&self, input: &Document, ask: Ask, place: Option<Cursor>) -> Result<(Vec<Found>, Cursor), Fault> {
        let mut seen = match place {
            Some(place) => place,
            None => self.tail_start(&ask).await?,
        };
        let from_s = if place.is_none() && ask.from_s != i64::MIN { ask.from_s } else { seen.time_s - LATE_S_MAX };
        let ask = Ask { from_s: from_s.max(ask.from_s), order: Order::OldestFirst, ..ask };
        let wait_s = input.int("WaitSeconds").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let give_up = self.0.world.monotonic() + Duration::from_secs(wait_s);
        loop {
            let (records, through) = self.new_records(ask.clone(), seen).await?;
            seen = through;
            if !records.is_empty() || self.0.world.monotonic() >= give_up {
                return Ok((records, seen));
            }
            self.0.world.sleep(TAIL_PAUSE).await;
        }
    }

    /// Where a tail without a token begins: at its StartTime, else behind what is there now.
    async fn tail_start(&self, ask: &Ask) -> Result<Cursor, Fault> {
        if ask.from_s != i64::MIN {
            return Ok(Cursor { time_s: ask.from_s, seq: 0 });
        }
        let now_s = self.0.world.now().as_second();
        let recent = Ask {
            account: ask.account,
            region: ask.region.clone(),
            attributes: Vec::new(),
            words: Vec::new(),
            from_s: now_s - LATE_S_MAX,
            to_s: i64::MAX,
            order: Order::NewestFirst,
            after: None,
            limit: RECENT_MAX,
        };
        let page = self.0.find.find(recent).await.map_err(fault)?;
        let newest = page.records.iter().map(|found| found.at.seq + 1).max().unwrap_or(0);
        Ok(Cursor { time_s: now_s, seq: newest })
    }

    /// One look of a tail: up to `limit` records from the place `seen` on, those of Lookup itself left out.
    async fn new_records(&self, mut ask: Ask, mut seen: Cursor) -> Result<(Vec<Found>, Cursor), Fault> {
        let (limit, from) = (ask.limit, seen.seq);
        let mut fresh = Vec::new();
        for _ in 0..TAIL_PAGES_MAX {
            let page = self.0.find.find(ask.clone()).await.map_err(fault)?;
            fresh.extend(page.records.into_iter().filter(|found| found.at.seq >= from));
            match page.next {
                Some(next) => ask.after = Some(next),
                None => break,
            }
        }
        // By place, so that what is left for the next look lies behind everything shown now.
        fresh.sort_by_key(|found| found.at.seq);
        fresh.truncate(limit.min(fitting(&fresh).unwrap_or(0)));
        for found in &fresh {
            seen = Cursor { time_s: seen.time_s.max(found.at.time_s), seq: seen.seq.max(found.at.seq + 1) };
        }
        fresh.retain(|found| !is_lookup(&found.record));
        fresh.sort_by_key(|found| found.at);
        Ok((fresh, seen))
    }
}

/// How many records from the start fit an answer: one at least, if there is any.
fn fitting(records: &[Found]) -> Option<usize> {
    let mut bytes = 0;
    let over = records.iter().position(|found| {
        bytes += found.record.len();
        bytes > ANSWER_BYTES_MAX
    });
    (!records.is_empty()).then(|| over.map_or(records.len(), |at| at.max(1)))
}

/// A tail that showed its own calls would feed on itself.
fn is_lookup(record: &[u8]) -> bool {
    Head::parse(record).is_ok_and(|head| head.event_name == "Lookup" && head.event_source == "opentrail.amazonaws.com")
}

fn all_accounts(input: &Document) -> bool {
    input.bool("AllAccounts") == Some(true)
}

/// All that a page token is bound to.
fn question(cx: &Cx, ask: &Ask, input: &Document) -> Vec<String> {
    let follow = input.bool("Follow") == Some(true);
    let mut parts = vec!["Lookup".to_owned(), cx.account().to_string(), format!("{:?} {:?}", ask.account, ask.region)];
    parts.push(format!("{} {} {:?} {follow}", ask.from_s, ask.to_s, ask.order));
    parts.extend(ask.attributes.iter().flat_map(|(attribute, value)| [format!("{attribute:?}"), value.clone()]));
    parts.push(String::new());
    parts.extend(ask.words.iter().cloned());
    parts
}

fn place_bytes(at: Cursor) -> Vec<u8> {
    [at.time_s.to_be_bytes(), at.seq.to_be_bytes()].concat()
}

fn cursor(place: Vec<u8>) -> Option<Cursor> {
    let (time_s, seq) = place.split_first_chunk::<8>()?;
    Some(Cursor { time_s: i64::from_be_bytes(*time_s), seq: u64::from_be_bytes(seq.try_into().ok()?) })
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidInputException", message)
}

fn fault(error: FindError) -> Fault {
    match error {
        FindError::BadQuestion(why) => invalid(why),
        FindError::Unavailable(why) => Fault::new("ServiceUnavailableException", 503, why),
    }
}
