//! `GetEventConfiguration`: how large events of a store may be. Of a trail: that nothing is aggregated.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_lake::EventDataStore;
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::{self, Desk};
use crate::lake::{LakeDesk, arns, refuse};

pub(crate) struct GetEventConfiguration {
    pub(crate) trails: Arc<Desk>,
    pub(crate) lake: Arc<LakeDesk>,
}

static FACTS: Facts = Facts {
    name: "GetEventConfiguration",
    action: "cloudtrail:GetEventConfiguration",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "TrailNotFoundException",
        "InvalidTrailNameException",
        "CloudTrailARNInvalidException",
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InvalidParameterCombinationException",
    ],
};

impl Operation for GetEventConfiguration {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        both_arns(cx, input)
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        refuse(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            Ok(match one_of(input)? {
                Of::Trail(name) => {
                    let trail = self.trails.look_up(cx, name)?;
                    let none = Document::List(Vec::new());
                    Document::structure().with("TrailARN", trail.arn().as_str()).with("AggregationConfigurations", none)
                }
                Of::Store(named) => shown(&*self.lake.find(cx, named)?),
            }
            .into())
        }
        .boxed()
    }
}

/// Which of the two a request is about.
pub(super) enum Of<'a> {
    Trail(&'a str),
    Store(&'a str),
}

/// `InvalidParameterCombinationException` unless it is exactly one.
pub(super) fn one_of(input: &Document) -> Result<Of<'_>, Fault> {
    match (input.text("TrailName"), input.text("EventDataStore")) {
        (Some(trail), None) => Ok(Of::Trail(trail)),
        (None, Some(store)) => Ok(Of::Store(store)),
        _ => Err(Fault::client(
            "InvalidParameterCombinationException",
            "Give either TrailName or EventDataStore, and not both.",
        )),
    }
}

pub(super) fn both_arns(cx: &Cx, input: &Document) -> Vec<Arn> {
    let mut all = desk::arns(cx, input, "TrailName");
    all.extend(arns(cx, input, "EventDataStore"));
    all
}

/// The configuration of a store.
pub(super) fn shown(store: &EventDataStore) -> Document {
    let size = if store.events.large { "Large" } else { "Standard" };
    Document::structure()
        .with("EventDataStoreArn", store.arn().as_str())
        .with("MaxEventSize", size)
        .with("ContextKeySelectors", Document::List(Vec::new()))
}
