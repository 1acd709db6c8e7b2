//! Lookup: finds management events by several attributes at once, by words, over accounts and regions.
//!
//! Beyond LookupEvents: attributes and words are all ANDed; the operator names an account or asks all of them; time runs either
//! way; and `Follow` turns it into a live [`tail`].

mod tail;

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn, Category};
use opentrail_protocol::Document;
use opentrail_table::{Cursor, Order};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer, Touched};

use super::{PAGE, account_of, bad_token};
use crate::Desk;
use crate::find::{Ask, Attribute, FindError, Found};
use crate::needs::as_in_cloudtrail;
use tail::Mark;

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
impl Operation for Lookup {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        // All accounts are nobody's: the reserved account stands for them, which no tenant may touch.
        let account = if all_accounts(input) { AccountId::OPERATOR } else { account_of(cx, input) };
        vec![Arn::regional("opentrail", &cx.region, account, "history")]
    }

    fn touches<'a>(&'a self, cx: &'a Cx, _input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        std::future::ready(Ok(as_in_cloudtrail(cx))).boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let ask = self.ask(cx, input)?;
            let question = question(cx, &ask, input);
            let question: Vec<&str> = question.iter().map(String::as_str).collect();
            let opened = |token| self.0.tokens.open(&question, token);
            let (records, next) = if input.bool("Follow") == Some(true) {
                let mark = match input.text("NextToken") {
                    Some(token) => Some(opened(token).and_then(|place| Mark::read(&place)).ok_or_else(bad_token)?),
                    None => None,
                };
                let (records, mark) = self.tail(cx, input, ask, mark).await?;
                (records, Some(mark.bytes()))
            } else {
                let after = match input.text("NextToken") {
                    Some(token) => Some(opened(token).and_then(cursor).ok_or_else(bad_token)?),
                    None => None,
                };
                let (records, next) = self.page(cx, Ask { after, ..ask }).await?;
                (records, next.map(place_bytes))
            };
            let listed: Vec<Document> = records
                .iter()
                .map(|found| Document::Text(String::from_utf8_lossy(&found.record).into_owned()))
                .collect();
            let next = next.map(|place| self.0.tokens.seal(&question, &place));
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
