//! `GetQueryResults`: a page of a query's answer. Each row is a list of maps, one for each column.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_table::Cursor;
use opentrail_table::sql::Value;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{QueryDesk, arns, invalid_token, query_fault, refuse_query};
use crate::token::Question;

pub(crate) struct GetQueryResults(pub(crate) Arc<QueryDesk>);

/// Rows of a page, and what a caller who does not say gets.
const RESULTS_MAX: i64 = 1_000;

static FACTS: Facts = Facts {
    name: "GetQueryResults",
    action: "cloudtrail:GetQueryResults",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InactiveEventDataStoreException",
        "InvalidParameterException",
        "QueryIdNotFoundException",
        "InvalidMaxResultsException",
        "InvalidNextTokenException",
        "ServiceUnavailableException",
    ],
};

impl Operation for GetQueryResults {
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
            self.0.named_store(cx, input)?;
            let id = input.text("QueryId").unwrap_or_default();
            let question = Question::default().part(Some(cx.account().as_str().as_bytes())).part(Some(id.as_bytes()));
            let from = match input.text("NextToken") {
                None => 0,
                Some(token) => self.0.token_key.open(token, &question).ok_or_else(invalid_token)?.seq,
            };
            let limit = usize::try_from(input.int("MaxQueryResults").unwrap_or(RESULTS_MAX)).unwrap_or(usize::MAX);
            let page = self.0.queries.results(cx.account(), &cx.region, id, from, limit).await;
            let (query, rows) = page.map_err(|error| query_fault(cx, id, error))?;
            let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            let behind = from + rows.len() as u64;
            let next = (behind < query.rows()).then(|| Cursor { time_s: 0, seq: behind });
            let statistics = Document::structure()
                .with("ResultsCount", count(rows.len() as u64))
                .with("TotalResultsCount", count(query.rows()))
                .with("BytesScanned", count(query.bytes_scanned));
            let rows: Vec<Document> = rows.into_iter().map(|row| shown(&query.columns, row)).collect();
            let answer = Document::structure()
                .with("QueryStatus", query.status.as_str())
                .with("QueryStatistics", statistics)
                .with("QueryResultRows", rows)
                .with("NextToken", next.map(|cursor| self.0.token_key.seal(cursor, &question)))
                .with("ErrorMessage", query.error);
            Ok(answer.into())
        }
        .boxed()
    }
}

/// One map for each column, all of texts. The API has no NULL: it is an empty text here.
fn shown(columns: &[String], row: Vec<Value>) -> Document {
    let cell = |(name, value): (&String, Value)| {
        Document::Map(vec![(name.clone(), Document::Text(value.unwrap_or_default()))])
    };
    columns.iter().zip(row).map(cell).collect::<Vec<_>>().into()
}
