//! CreateUser: makes a user with a coarse policy.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_policy::UserPolicy;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::{account_arn, account_of, changed, fault, user_document, user_resource};
use crate::Desk;

pub(crate) struct CreateUser(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "CreateUser",
    action: "opentrail:CreateUser",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "AccessDeniedException",
        "EntityAlreadyExistsException",
        "InvalidInputException",
        "LimitExceededException",
        "NoSuchEntityException",
        "ServiceUnavailableException",
    ],
};

impl Operation for CreateUser {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        vec![account_arn(cx, input)]
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let account = account_of(cx, input);
            let policy = match input.text("Policy") {
                Some("admin") => Some(UserPolicy::Admin),
                Some("read-only") => Some(UserPolicy::ReadOnly),
                _ => None,
            };
            let (name, path) = (input.text("UserName").unwrap_or_default(), input.text("Path").unwrap_or("/"));
            let user = match self.0.directory.create_user(account, name, path, policy).await {
                Ok(user) => user,
                Err(error) => return Err(self.0.failed(cx, account, fault(error)).await),
            };
            let mut answer = changed(cx, account, Document::structure().with("User", user_document(&user)));
            answer.resources = Some(vec![user_resource(&user)]);
            Ok(answer)
        }
        .boxed()
    }
}
