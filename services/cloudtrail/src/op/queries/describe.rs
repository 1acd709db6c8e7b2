//! `DescribeQuery`: where a query is, and what it has read so far.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{QueryDesk, arns, refuse_query};
use crate::shapes::time;

pub(crate) struct DescribeQuery(pub(crate) Arc<QueryDesk>);

static FACTS: Facts = Facts {
    name: "DescribeQuery",
    action: "cloudtrail:DescribeQuery",
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
        "UnsupportedOperationException",
        "ServiceUnavailableException",
    ],
};

impl Operation for DescribeQuery {
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
            let row = self.0.query(cx, input).await?;
            let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            let statistics = Document::structure()
                .with("EventsMatched", count(row.events_matched))
                .with("EventsScanned", count(row.events_scanned))
                .with("BytesScanned", count(row.bytes_scanned))
                .with("ExecutionTimeInMillis", count(row.ran_ms).min(i64::from(i32::MAX)))
                .with("CreationTime", time(Some(row.created_ms.div_euclid(1_000))));
            let answer = Document::structure()
                .with("QueryId", row.id)
                .with("QueryString", row.statement)
                .with("QueryStatus", row.status.as_str())
                .with("QueryStatistics", statistics)
                .with("ErrorMessage", row.error);
            Ok(answer.into())
        }
        .boxed()
    }
}
