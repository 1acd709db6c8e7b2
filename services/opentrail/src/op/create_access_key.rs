//! CreateAccessKey: makes a key and shows its secret, this once.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer, Touched};

use super::{account_arn, account_of, changed, fault, guard_root, key_owner, new_key_document};
use crate::Desk;

pub(crate) struct CreateAccessKey(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "CreateAccessKey",
    action: "opentrail:CreateAccessKey",
    read_only: false,
    category: Category::Management,
    mints_credentials: true,
    open: false,
    errors: &[
        "AccessDeniedException",
        "InvalidInputException",
        "LimitExceededException",
        "NoSuchEntityException",
        "ServiceUnavailableException",
    ],
};

impl Operation for CreateAccessKey {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        vec![account_arn(cx, input)]
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move { self.0.on_key_owner(cx, input, account_of(cx, input), "iam:CreateAccessKey").await }.boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let account = account_of(cx, input);
            let owner = key_owner(cx, input);
            guard_root(cx, owner.as_deref())?;
            let key = match self.0.directory.create_access_key(account, owner.as_deref()).await {
                Ok(key) => key,
                Err(error) => return Err(self.0.failed(cx, account, fault(error)).await),
            };
            let mut answer = changed(cx, account, Document::structure().with("AccessKey", new_key_document(&key)));
            answer.resources = Some(self.0.key_resources(&key.key).await);
            Ok(answer)
        }
        .boxed()
    }
}
