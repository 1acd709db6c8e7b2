//! ListUsers: an account's users, by name.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Need, Operation, RpcAnswer, Touched};

use super::{account_arn, account_of, fault, user_document};
use crate::Desk;
use crate::needs::as_in_iam;

pub(crate) struct ListUsers(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "ListUsers",
    action: "opentrail:ListUsers",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "AccessDeniedException",
        "InvalidNextTokenException",
        "NoSuchEntityException",
        "ServiceUnavailableException",
    ],
};

impl Operation for ListUsers {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        vec![account_arn(cx, input)]
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move {
            let all = Arn::user(account_of(cx, input), "/", "");
            as_in_iam(cx, vec![Need::new("iam:ListUsers", vec![all])])
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let (caller, account) = (cx.account(), account_of(cx, input));
            if self.0.directory.account(account).await.map_err(fault)?.is_none() {
                return Err(Fault::client("NoSuchEntityException", format!("account {account} does not exist")));
            }
            let question = ["ListUsers", caller.as_str(), account.as_str()];
            let paging = self.0.paging(&question, input)?;
            let users = self.0.directory.list_users(account, paging.after.as_deref(), paging.limit + 1).await;
            let mut users = users.map_err(fault)?;
            let next = self.0.cut(&question, paging.limit, &mut users, |user| &user.name);
            let listed: Vec<_> = users.iter().map(user_document).collect();
            Ok(Document::structure().with("Users", listed).with("NextToken", next).into())
        }
        .boxed()
    }
}
