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
                let (records, next) = self.tail(cx, input, ask, place).await?;
                (records, Some(next))
            } else {
                self.page(cx, Ask { after: place, ..ask }).await?
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
            bytes_max: ANSWER_BYTES_MAX,
        })
    }

    /// One page, cut where it would grow too large.
    async fn page(&self, cx: &Cx, ask: Ask) -> Result<(Vec<Found>, Option<Cursor>), Fault> {
        let _turn = self.0.turns.take(cx.account()).await;
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
    async fn tail(
        &self,
        cx: &Cx,
        input: &Document,
        ask: Ask,
        place: Option<Cursor>,
    ) -> Result<(Vec<Found>, Cursor), Fault> {
        let mut seen = match place {
            Some(place) => place,
            None => self.tail_start(cx, &ask).await?,
        };
        let from_s = if place.is_none() && ask.from_s != i64::MIN { ask.from_s } else { seen.time_s - LATE_S_MAX };
        let ask = Ask { from_s: from_s.max(ask.from_s), order: Order::OldestFirst, ..ask };
        let wait_s = input.int("WaitSeconds").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let give_up = self.0.world.monotonic() + Duration::from_secs(wait_s);
        loop {
            let (records, through) = self.new_records(cx, ask.clone(), seen).await?;
            seen = through;
            if !records.is_empty() || self.0.world.monotonic() >= give_up {
                return Ok((records, seen));
            }
            self.0.world.sleep(TAIL_PAUSE).await;
        }
    }

    /// Where a tail without a token begins: at its StartTime, else behind what is there now.
    async fn tail_start(&self, cx: &Cx, ask: &Ask) -> Result<Cursor, Fault> {
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
            bytes_max: ANSWER_BYTES_MAX,
        };
        let _turn = self.0.turns.take(cx.account()).await;
        let page = self.0.find.find(recent).await.map_err(fault)?;
        let newest = page.records.iter().map(|found| found.at.seq + 1).max().unwrap_or(0);
        Ok(Cursor { time_s: now_s, seq: newest })
    }

    /// One look of a tail: up to `limit` records from the place `seen` on, those of its own polling left out.
    async fn new_records(&self, cx: &Cx, ask: Ask, mut seen: Cursor) -> Result<(Vec<Found>, Cursor), Fault> {
        let _turn = self.0.turns.take(cx.account()).await;
        let (limit, from) = (ask.limit, seen.seq);
        let mut ask = Ask { limit: RECENT_MAX, ..ask };
        let (mut fresh, mut cut) = (Vec::new(), false);
        for _ in 0..TAIL_PAGES_MAX {
            let page = self.0.find.find(ask.clone()).await.map_err(fault)?;
            fresh.extend(page.records.into_iter().filter(|found| found.at.seq >= from));
            // By place, so that what is left for the next look lies behind everything shown now.
            fresh.sort_by_key(|found| found.at.seq);
            let fit = limit.min(fitting(&fresh).unwrap_or(0));
            cut |= fit < fresh.len();
            fresh.truncate(fit);
            let Some(next) = page.next else { break };
            // What lies further on came later than all that is held, however late those came.
            let newest_s = fresh.iter().map(|found| found.at.time_s).max();
            if (cut || fit == limit) && newest_s.is_some_and(|newest_s| next.time_s > newest_s + LATE_S_MAX) {
                break;
            }
            ask.after = Some(next);
        }
        for found in &fresh {
            seen = Cursor { time_s: seen.time_s.max(found.at.time_s), seq: seen.seq.max(found.at.seq + 1) };
        }
        fresh.retain(|found| !is_polling(&found.record, &cx.principal.access_key_id));
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

/// A tail that showed its own calls would feed on itself. Other look-ups are events like any.
fn is_polling(record: &[u8], access_key_id: &str) -> bool {
    let ours = Head::parse(record).is_ok_and(|head| {
        head.event_name == "Lookup"
            && head.event_source == "opentrail.amazonaws.com"
            && head.access_key_id.as_deref() == Some(access_key_id)
    });
    ours && serde_json::from_slice::<serde_json::Value>(record)
        .is_ok_and(|record| record["requestParameters"]["follow"] == serde_json::Value::Bool(true))
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
