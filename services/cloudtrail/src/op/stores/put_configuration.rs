//! `PutEventConfiguration`: how large events of a store may be.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_lake::EventConfiguration;
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::get_configuration::{Of, both_arns, one_of, shown};
use crate::desk::Desk;
use crate::lake::{LakeDesk, invalid_parameter, refuse, refused};

pub(crate) struct PutEventConfiguration {
    pub(crate) trails: Arc<Desk>,
    pub(crate) lake: Arc<LakeDesk>,
}

static FACTS: Facts = Facts {
    name: "PutEventConfiguration",
    action: "cloudtrail:PutEventConfiguration",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "TrailNotFoundException",
        "InvalidTrailNameException",
        "CloudTrailARNInvalidException",
        "InvalidHomeRegionException",
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InactiveEventDataStoreException",
        "InvalidParameterException",
        "InvalidParameterCombinationException",
        "UnsupportedOperationException",
        "ConflictException",
        "ServiceUnavailableException",
    ],
};

impl Operation for PutEventConfiguration {
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
        self.put(cx, input).boxed()
    }
}

impl PutEventConfiguration {
    async fn put(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let named = match one_of(input)? {
            Of::Trail(name) => {
                self.trails.at_home(cx, name)?;
                return Err(unsupported("Aggregated events of trails are not built yet."));
            }
            Of::Store(named) => named,
        };
        let store = self.lake.active(cx, named)?;
        if !input.list("AggregationConfigurations").is_empty() {
            let message = "AggregationConfigurations are for trails.";
            return Err(Fault::client("InvalidParameterCombinationException", message));
        }
        if !input.list("ContextKeySelectors").is_empty() {
            return Err(unsupported("Events enriched with tags and request context are not built yet."));
        }
        let large = match input.text("MaxEventSize") {
            Some(size) => size == "Large",
            None if input.get("ContextKeySelectors").is_some() => store.events.large,
            None => return Err(invalid_parameter("Give MaxEventSize, Standard or Large.")),
        };
        let events = EventConfiguration { large, keys: BTreeMap::new() };
        let stores = self.lake.lake.stores();
        let store = stores.configure(&store.id, events).await.map_err(|error| refused(cx, named, error))?;
        Ok(shown(&store).into())
    }
}

/// The texts are ours.
fn unsupported(message: &str) -> Fault {
    Fault::client("UnsupportedOperationException", message)
}
