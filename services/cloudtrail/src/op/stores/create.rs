//! `CreateEventDataStore`: a store that takes what it selects from the next event on.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_lake::{Billing, Config, NewStore};
use opentrail_protocol::{Document, Violation};
use opentrail_selector::EventSelectors;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::settings::{billing, no_organizations, retention, selectors};
use crate::admission::no_kms;
use crate::lake::{LakeDesk, refuse, refused, store_in, with_tags};
use crate::tags;

pub(crate) struct CreateEventDataStore(pub(crate) Arc<LakeDesk>);

static FACTS: Facts = Facts {
    name: "CreateEventDataStore",
    action: "cloudtrail:CreateEventDataStore",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "EventDataStoreAlreadyExistsException",
        "EventDataStoreMaxLimitExceededException",
        "InvalidEventSelectorsException",
        "InvalidParameterException",
        "InvalidTagParameterException",
        "TagsLimitExceededException",
        "KmsKeyNotFoundException",
        "InsufficientEncryptionPolicyException",
        "OrganizationsNotInUseException",
        "ConflictException",
        "ServiceUnavailableException",
    ],
};

impl Operation for CreateEventDataStore {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        refuse(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        self.create(cx, input).boxed()
    }
}

impl CreateEventDataStore {
    async fn create(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let name = input.text("Name").unwrap_or_default().to_owned();
        let billing = billing(input).unwrap_or(Billing::Extendable);
        let config = Config {
            selectors: selectors(input)?.unwrap_or_else(EventSelectors::default_for_event_data_store),
            multi_region: input.bool("MultiRegionEnabled").unwrap_or(true),
            retention_days: retention(input, billing)?.unwrap_or(billing.default_days()),
            billing,
            termination_protection: input.bool("TerminationProtectionEnabled").unwrap_or(true),
        };
        let tags = tags::read(input)?;
        input.text("KmsKeyId").map_or(Ok(()), no_kms)?;
        no_organizations(input)?;
        let new = NewStore {
            account: cx.account(),
            home: cx.region.clone(),
            name: name.clone(),
            config,
            tags,
            ingests: input.bool("StartIngestion").unwrap_or(true),
        };
        let made = self.0.lake.stores().create(new).await.map_err(|error| refused(cx, &name, error))?;
        // As AWS answers it; whoever asks afterwards sees the state it has.
        Ok(with_tags(store_in(&made, "CREATED"), &made).into())
    }
}
