//! CreateAccount: the operator makes an account and its root's first key.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::{account_document, changed, fault, key_resource, new_key_document};
use crate::Desk;

pub(crate) struct CreateAccount(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "CreateAccount",
    action: "opentrail:CreateAccount",
    read_only: false,
    category: Category::Management,
    mints_credentials: true,
    open: false,
    errors: &[
        "AccessDeniedException",
        "EntityAlreadyExistsException",
        "InvalidInputException",
        "LimitExceededException",
        "ServiceUnavailableException",
    ],
};

impl Operation for CreateAccount {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let name = input.text("AccountName").unwrap_or_default();
            let id = input.text("AccountId").and_then(|id| id.parse().ok());
            let (account, key) = self.0.directory.create_account(name, id).await.map_err(fault)?;
            let output = Document::structure()
                .with("Account", account_document(&account))
                .with("AccessKey", new_key_document(&key));
            let mut answer = changed(cx, account.id, output);
            answer.resources = Some(vec![key_resource(account.id, &key.key.id)]);
            Ok(answer)
        }
        .boxed()
    }
}
