//! `ListEventDataStores`: the account's stores in the region, those pending deletion included, by name.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{LakeDesk, invalid_token, listed, refuse};

pub(crate) struct ListEventDataStores(pub(crate) Arc<LakeDesk>);

static FACTS: Facts = Facts {
    name: "ListEventDataStores",
    action: "cloudtrail:ListEventDataStores",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["InvalidMaxResultsException", "InvalidNextTokenException"],
};

/// A page where nothing else is said.
const RESULTS_MAX: i64 = 1_000;
/// Before the name behind which the next page begins: a token has four characters at least.
const TOKEN: &str = "after:";

impl Operation for ListEventDataStores {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        refuse(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let stores = self.0.lake.stores().list(cx.account(), &cx.region);
            // Names of one's own stores are no secret: the token is no more than a place in their order.
            let after = input.text("NextToken").map(|token| token.strip_prefix(TOKEN).ok_or_else(invalid_token));
            let after = after.transpose()?;
            let rest: Vec<_> = stores.iter().filter(|store| after.is_none_or(|after| *store.name > *after)).collect();
            let limit = usize::try_from(input.int("MaxResults").unwrap_or(RESULTS_MAX)).unwrap_or(usize::MAX);
            let page = &rest[..rest.len().min(limit)];
            let next = page.last().filter(|_| rest.len() > limit).map(|last| format!("{TOKEN}{}", last.name));
            let shown: Vec<Document> = page.iter().map(|store| listed(store)).collect();
            Ok(Document::structure().with("EventDataStores", shown).with("NextToken", next).into())
        }
        .boxed()
    }
}
