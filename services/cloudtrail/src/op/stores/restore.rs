//! `RestoreEventDataStore`: takes a store back that is pending deletion, as it was before.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{LakeDesk, arns, refuse, refused, store};

pub(crate) struct RestoreEventDataStore(pub(crate) Arc<LakeDesk>);

static FACTS: Facts = Facts {
    name: "RestoreEventDataStore",
    action: "cloudtrail:RestoreEventDataStore",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InvalidEventDataStoreStatusException",
        "InvalidParameterException",
        "ConflictException",
        "ThrottlingException",
        "ServiceUnavailableException",
    ],
};

impl Operation for RestoreEventDataStore {
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
            let restored = self.0.lake.stores().restore(&found.id).await.map_err(|error| refused(cx, named, error))?;
            Ok(store(&restored).into())
        }
        .boxed()
    }
}
