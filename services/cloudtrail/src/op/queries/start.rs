//! `StartQuery`: checks a SELECT over event data stores, and starts it.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_lake::Ask;
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{QueryDesk, invalid_parameter, no_aliases, query_fault, refuse_query};

pub(crate) struct StartQuery(pub(crate) Arc<QueryDesk>);

static FACTS: Facts = Facts {
    name: "StartQuery",
    action: "cloudtrail:StartQuery",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InactiveEventDataStoreException",
        "InvalidParameterException",
        "InvalidQueryStatementException",
        "MaxConcurrentQueriesException",
        "UnsupportedOperationException",
        "ServiceUnavailableException",
    ],
};

impl Operation for StartQuery {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        input.text("QueryStatement").map(|statement| self.0.arns_in(cx, statement)).unwrap_or_default()
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        refuse_query(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let statement = match (input.text("QueryStatement"), input.text("QueryAlias")) {
                (Some(statement), None) => statement,
                (None, Some(_)) => return Err(no_aliases()),
                _ => return Err(invalid_parameter("Give either QueryStatement or QueryAlias.")),
            };
            if input.text("DeliveryS3Uri").is_some_and(|uri| !uri.is_empty()) {
                let message = "Answers of queries are not delivered to buckets yet. Leave DeliveryS3Uri out.";
                return Err(Fault::client("UnsupportedOperationException", message));
            }
            let ask = Ask {
                account: cx.account(),
                region: cx.region.clone(),
                statement: statement.to_owned(),
                stores: self.0.named_in(cx, statement),
            };
            let id = self.0.queries.start(ask).await.map_err(|error| query_fault(cx, "", error))?;
            Ok(Document::structure().with("QueryId", id).into())
        }
        .boxed()
    }
}
