//! DecodeAuthorizationMessage: denials here say in plain text why, and no service encodes its own, so there is no message that
//! could be decoded.

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

pub(crate) struct DecodeAuthorizationMessage;

const FACTS: Facts = Facts {
    name: "DecodeAuthorizationMessage",
    action: "sts:DecodeAuthorizationMessage",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["InvalidAuthorizationMessageException"],
};

impl Operation for DecodeAuthorizationMessage {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, _cx: &'a Cx, _input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        let fault = Fault::client("InvalidAuthorizationMessageException", "Message is not valid");
        std::future::ready(Err(fault)).boxed()
    }
}
