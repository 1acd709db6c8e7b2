//! ListAccounts: the operator reads all accounts, by id.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::{account_document, fault};
use crate::Desk;

pub(crate) struct ListAccounts(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "ListAccounts",
    action: "opentrail:ListAccounts",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["AccessDeniedException", "InvalidNextTokenException", "ServiceUnavailableException"],
};

impl Operation for ListAccounts {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let account = cx.account();
            let question = ["ListAccounts", account.as_str()];
            let paging = self.0.paging(&question, input)?;
            let after = paging.after.and_then(|id| id.parse().ok());
            let mut accounts = self.0.directory.list_accounts(after, paging.limit + 1).await.map_err(fault)?;
            let next = self.0.cut(&question, paging.limit, &mut accounts, |a| a.id.as_str());
            let listed: Vec<_> = accounts.iter().map(account_document).collect();
            Ok(Document::structure().with("Accounts", listed).with("NextToken", next).into())
        }
        .boxed()
    }
}
