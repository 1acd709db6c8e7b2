//! CreateUser: makes a user with a coarse policy.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_policy::UserPolicy;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Need, Operation, RpcAnswer, Touched};

use super::{account_arn, account_of, changed, fault, user_document, user_resource};
use crate::Desk;
use crate::needs::as_in_iam;

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

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move {
            let (name, path) = (input.text("UserName").unwrap_or_default(), input.text("Path").unwrap_or("/"));
            let arn = Arn::user(account_of(cx, input), path, name);
            let mut needs = vec![Need::new("iam:CreateUser", vec![arn.clone()])];
            if let Some(policy) = policy_of(input) {
                needs.push(Need::new("iam:AttachUserPolicy", vec![arn]).with("iam:PolicyARN", policy.managed()));
            }
            as_in_iam(cx, needs)
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let account = account_of(cx, input);
            let policy = policy_of(input);
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

fn policy_of(input: &Document) -> Option<UserPolicy> {
    match input.text("Policy") {
        Some("admin") => Some(UserPolicy::Admin),
        Some("read-only") => Some(UserPolicy::ReadOnly),
        _ => None,
    }
}
