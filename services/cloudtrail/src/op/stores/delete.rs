//! `DeleteEventDataStore`: from now on the store is pending deletion, for seven days in which it can be restored.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::lake::{LakeDesk, arns, refuse, refused};

pub(crate) struct DeleteEventDataStore(pub(crate) Arc<LakeDesk>);

static FACTS: Facts = Facts {
    name: "DeleteEventDataStore",
    action: "cloudtrail:DeleteEventDataStore",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "EventDataStoreTerminationProtectedException",
        "InactiveEventDataStoreException",
        "InvalidParameterException",
        "ConflictException",
        "ThrottlingException",
        "ServiceUnavailableException",
    ],
};

impl Operation for DeleteEventDataStore {
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
            let store = self.0.find(cx, named)?;
            self.0.lake.stores().delete(&store.id).await.map_err(|error| refused(cx, named, error))?;
            Ok(Document::structure().into())
        }
        .boxed()
    }
}
