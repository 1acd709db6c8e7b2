//! UpdateAccessKey: turns a key on or off; when it answers, the key is on or off.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_policy::KeyStatus;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer, Touched};

use super::{account_arn, account_of, changed, fault};
use crate::Desk;

pub(crate) struct UpdateAccessKey(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "UpdateAccessKey",
    action: "opentrail:UpdateAccessKey",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "AccessDeniedException",
        "DeleteConflictException",
        "NoSuchEntityException",
        "ServiceUnavailableException",
    ],
};

impl Operation for UpdateAccessKey {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        vec![account_arn(cx, input)]
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move { self.0.on_owner_of_key(cx, input, account_of(cx, input), "iam:UpdateAccessKey").await }.boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let id = input.text("AccessKeyId").unwrap_or_default();
            let account = self.0.key_account(cx, input, id).await?;
            let status = match input.text("Status") {
                Some("Inactive") => KeyStatus::Inactive,
                _ => KeyStatus::Active,
            };
            let key = match self.0.directory.update_access_key(account, id, status).await {
                Ok(key) => key,
                Err(error) => return Err(self.0.failed(cx, account, fault(error)).await),
            };
            let mut answer = changed(cx, account, Document::structure());
            answer.resources = Some(self.0.key_resources(&key).await);
            Ok(answer)
        }
        .boxed()
    }
}
