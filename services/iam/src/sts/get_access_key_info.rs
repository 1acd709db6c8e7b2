//! GetAccessKeyInfo: the account that a key's id carries. Whether there is such a key it does not tell.

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_policy::account_of;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::invalid;
use super::issue::details;

pub(crate) struct GetAccessKeyInfo;

const FACTS: Facts = Facts {
    name: "GetAccessKeyInfo",
    action: "sts:GetAccessKeyInfo",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["ValidationError"],
};

impl Operation for GetAccessKeyInfo {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let id = input.text("AccessKeyId").unwrap_or_default();
            let account = account_of(id).ok_or_else(|| invalid(format!("{id} is not the id of an access key.")))?;
            let output = Document::structure().with("Account", account.as_str());
            Ok(RpcAnswer { additional_event_data: Some(details(cx)), ..output.into() })
        }
        .boxed()
    }
}
