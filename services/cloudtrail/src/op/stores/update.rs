//! `UpdateEventDataStore`: changes what is given and keeps the rest.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_lake::{Billing, Change, Config, EventDataStore, RegistryError};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::settings::{billing, no_organizations, retention, selectors};
use crate::admission::no_kms;
use crate::lake::{LakeDesk, arns, invalid_parameter, invalid_selectors, refuse, refused, store};

pub(crate) struct UpdateEventDataStore(pub(crate) Arc<LakeDesk>);

static FACTS: Facts = Facts {
    name: "UpdateEventDataStore",
    action: "cloudtrail:UpdateEventDataStore",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "EventDataStoreAlreadyExistsException",
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InactiveEventDataStoreException",
        "InvalidEventSelectorsException",
        "InvalidParameterException",
        "KmsKeyNotFoundException",
        "InsufficientEncryptionPolicyException",
        "OrganizationsNotInUseException",
        "ConflictException",
        "ThrottlingException",
        "ServiceUnavailableException",
    ],
};

/// Members of which one at least must be given.
const OPTIONAL: [&str; 8] = [
    "Name",
    "AdvancedEventSelectors",
    "MultiRegionEnabled",
    "OrganizationEnabled",
    "RetentionPeriod",
    "TerminationProtectionEnabled",
    "KmsKeyId",
    "BillingMode",
];
/// An update whose store was changed meanwhile starts over so many times.
const TRIES_MAX: usize = 3;

impl Operation for UpdateEventDataStore {
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
        self.update(cx, input).boxed()
    }
}

impl UpdateEventDataStore {
    async fn update(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let named = input.text("EventDataStore").unwrap_or_default();
        let mut tries = 0;
        loop {
            tries += 1;
            let seen = self.0.active(cx, named)?;
            if OPTIONAL.iter().all(|member| input.get(member).is_none()) {
                return Err(invalid_parameter("Give at least one member that is to be changed."));
            }
            let change = changed(&seen, input)?;
            let name = change.name.clone();
            match self.0.lake.stores().update(&seen, change).await {
                Ok(updated) => return Ok(store(&updated).with("FederationStatus", "DISABLED").into()),
                Err(RegistryError::Conflict) if tries < TRIES_MAX => {}
                Err(error) => return Err(refused(cx, &name, error)),
            }
        }
    }
}

/// The store after the update.
fn changed(now: &EventDataStore, input: &Document) -> Result<Change, Fault> {
    input.text("KmsKeyId").map_or(Ok(()), no_kms)?;
    no_organizations(input)?;
    let config = &now.config;
    let billing = billing(input).unwrap_or(config.billing);
    if (config.billing, billing) == (Billing::Extendable, Billing::Fixed) {
        return Err(invalid_parameter("The billing mode cannot be changed to FIXED_RETENTION_PRICING."));
    }
    let selectors = selectors(input)?.unwrap_or_else(|| config.selectors.clone());
    if selectors.family() != Some(now.family) {
        let message = format!("The event data store holds events of the category {}.", now.family.as_str());
        return Err(invalid_selectors(message));
    }
    Ok(Change {
        name: input.text("Name").unwrap_or(&now.name).to_owned(),
        config: Config {
            selectors,
            multi_region: input.bool("MultiRegionEnabled").unwrap_or(config.multi_region),
            retention_days: retention(input, billing)?.unwrap_or(config.retention_days),
            billing,
            termination_protection: input.bool("TerminationProtectionEnabled").unwrap_or(config.termination_protection),
        },
    })
}
