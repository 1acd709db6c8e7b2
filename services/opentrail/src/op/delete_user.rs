//! DeleteUser: deletes a user who has no keys any more.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Need, Operation, RpcAnswer, Touched};

use super::{account_arn, account_of, changed, fault, user_resource};
use crate::Desk;
use crate::needs::as_in_iam;

pub(crate) struct DeleteUser(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "DeleteUser",
    action: "opentrail:DeleteUser",
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

impl Operation for DeleteUser {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        vec![account_arn(cx, input)]
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move {
            let arn = self.0.user_arn(account_of(cx, input), input.text("UserName").unwrap_or_default()).await?;
            as_in_iam(cx, vec![Need::new("iam:DeleteUser", vec![arn])])
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let account = account_of(cx, input);
            let name = input.text("UserName").unwrap_or_default();
            let user = match self.0.directory.delete_user(account, name).await {
                Ok(user) => user,
                Err(error) => return Err(self.0.failed(cx, account, fault(error)).await),
            };
            let mut answer = changed(cx, account, Document::structure());
            answer.resources = Some(vec![user_resource(&user)]);
            Ok(answer)
        }
        .boxed()
    }
}
