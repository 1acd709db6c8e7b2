//! ListAccessKeys: the keys of a user or root, without their secrets.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer, Touched};

use super::{account_arn, account_of, fault, guard_root, key_document, key_owner};
use crate::Desk;

pub(crate) struct ListAccessKeys(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "ListAccessKeys",
    action: "opentrail:ListAccessKeys",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["AccessDeniedException", "NoSuchEntityException", "ServiceUnavailableException"],
};

impl Operation for ListAccessKeys {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        vec![account_arn(cx, input)]
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move { self.0.on_key_owner(cx, input, account_of(cx, input), "iam:ListAccessKeys").await }.boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let account = account_of(cx, input);
            let owner = key_owner(cx, input);
            guard_root(cx, owner.as_deref())?;
            let keys = self.0.directory.list_access_keys(account, owner.as_deref()).await.map_err(fault)?;
            let listed: Vec<_> = keys.iter().map(key_document).collect();
            Ok(Document::structure().with("AccessKeyMetadata", listed).into())
        }
        .boxed()
    }
}
