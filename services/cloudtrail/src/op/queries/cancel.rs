//! `CancelQuery`: ends a query that waits or runs.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_lake::QueryStatus;
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{QueryDesk, arns, query_fault, refuse_query};

pub(crate) struct CancelQuery(pub(crate) Arc<QueryDesk>);

static FACTS: Facts = Facts {
    name: "CancelQuery",
    action: "cloudtrail:CancelQuery",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InactiveEventDataStoreException",
        "InvalidParameterException",
        "QueryIdNotFoundException",
        "InactiveQueryException",
        "ServiceUnavailableException",
    ],
};

impl Operation for CancelQuery {
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
            let cancelled = self.0.queries.cancel(cx.account(), &cx.region, id).await;
            cancelled.map_err(|error| query_fault(cx, id, error))?;
            let status = QueryStatus::Cancelled.as_str();
            Ok(Document::structure().with("QueryId", id).with("QueryStatus", status).into())
        }
        .boxed()
    }
}
