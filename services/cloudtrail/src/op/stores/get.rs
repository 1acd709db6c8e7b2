//! `GetEventDataStore`: one event data store, pending deletion or not.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{LakeDesk, arns, refuse, store};

pub(crate) struct GetEventDataStore(pub(crate) Arc<LakeDesk>);

static FACTS: Facts = Facts {
    name: "GetEventDataStore",
    action: "cloudtrail:GetEventDataStore",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["EventDataStoreARNInvalidException", "EventDataStoreNotFoundException", "InvalidParameterException"],
};

impl Operation for GetEventDataStore {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        arns(cx, input, "EventDataStore")
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        refuse(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let named = input.text("EventDataStore").unwrap_or_default();
            let found = self.0.find(cx, named)?;
            // The members of the federation are there even where nothing is federated.
            Ok(store(&found).with("FederationStatus", "DISABLED").into())
        }
        .boxed()
    }
}
