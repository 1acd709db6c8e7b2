//! WhoAmI: what the server knows of whoever signed the call.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::fault;
use crate::Desk;

pub(crate) struct WhoAmI(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "WhoAmI",
    action: "opentrail:WhoAmI",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: true,
    errors: &["ServiceUnavailableException"],
};

impl Operation for WhoAmI {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, cx: &'a Cx, _input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let account = self.0.directory.account(cx.account()).await.map_err(fault)?;
            Ok(Document::structure()
                .with("Account", cx.account().as_str())
                .with("AccountName", account.map(|account| account.name))
                .with("Arn", cx.principal.arn().as_str())
                .with("UserId", cx.principal.unique_id())
                .with("AccessKeyId", cx.principal.access_key_id.as_str())
                .with("Operator", cx.principal.is_operator())
                .into())
        }
        .boxed()
    }
}
