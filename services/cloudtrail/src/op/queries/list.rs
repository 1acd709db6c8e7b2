//! `ListQueries`: the queries of the last seven days that read an event data store, newest first.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_lake::QueryRow;
use opentrail_protocol::{Document, Violation};
use opentrail_table::Cursor;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{QueryDesk, arns, invalid_parameter, invalid_token, query_fault, refuse_query};
use crate::shapes::time;
use crate::token::Question;

pub(crate) struct ListQueries(pub(crate) Arc<QueryDesk>);

/// A page where nothing else is said.
const RESULTS_MAX: i64 = 1_000;

static FACTS: Facts = Facts {
    name: "ListQueries",
    action: "cloudtrail:ListQueries",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InactiveEventDataStoreException",
        "InvalidParameterException",
        "InvalidDateRangeException",
        "InvalidMaxResultsException",
        "InvalidNextTokenException",
        "InvalidQueryStatusException",
        "ServiceUnavailableException",
    ],
};

impl Operation for ListQueries {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        arns(cx, input, "EventDataStore")
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        refuse_query(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let store = self.0.stores.active(cx, input.text("EventDataStore").unwrap_or_default())?;
            let within = within(input)?;
            let status = input.text("QueryStatus");
            let question = [Some(store.id.as_str()), status]
                .into_iter()
                .fold(Question::default(), |question, part| question.part(part.map(str::as_bytes)));
            let after = match input.text("NextToken") {
                None => None,
                Some(token) => Some(self.0.token_key.open(token, &question).ok_or_else(invalid_token)?),
            };
            let found = self.0.queries.list(cx.account(), &cx.region, &store.id).await;
            let mut found = found.map_err(|error| query_fault(cx, "", error))?;
            found.retain(|row| {
                within.is_none_or(|(from, to)| (from..=to).contains(&row.created_ms.div_euclid(1_000)))
                    && status.is_none_or(|status| row.status.as_str() == status)
            });
            // A place in the order of times and, within a millisecond, of ids: queries that come meanwhile move nothing.
            let place = |row: &QueryRow| Cursor { time_s: row.created_ms, seq: number(&row.id) };
            if let Some(after) = after {
                found.retain(|row| place(row) < after);
            }
            found.sort_by_key(|row| std::cmp::Reverse(place(row)));
            let limit = usize::try_from(input.int("MaxResults").unwrap_or(RESULTS_MAX)).unwrap_or(usize::MAX);
            let page = &found[..found.len().min(limit)];
            let next = page.last().filter(|_| found.len() > limit).map(place);
            let shown: Vec<Document> = page.iter().map(query).collect();
            let next = next.map(|cursor| self.0.token_key.seal(cursor, &question));
            Ok(Document::structure().with("Queries", shown).with("NextToken", next).into())
        }
        .boxed()
    }
}

fn query(row: &QueryRow) -> Document {
    Document::structure()
        .with("QueryId", row.id.as_str())
        .with("QueryStatus", row.status.as_str())
        .with("CreationTime", time(Some(row.created_ms.div_euclid(1_000))))
}

/// The first half of a UUID.
fn number(id: &str) -> u64 {
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).unwrap_or_default()
}

/// Both ends of the time of creation, in seconds, or neither.
fn within(input: &Document) -> Result<Option<(i64, i64)>, Fault> {
    match (input.time("StartTime"), input.time("EndTime")) {
        (None, None) => Ok(None),
        (Some(from), Some(to)) if from < to => Ok(Some((from.as_second(), to.as_second()))),
        (Some(_), Some(_)) => {
            Err(Fault::client("InvalidDateRangeException", "StartTime must be earlier than EndTime."))
        }
        _ => Err(invalid_parameter("Give StartTime and EndTime, or neither.")),
    }
}
