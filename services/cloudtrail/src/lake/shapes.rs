//! Event data stores as the API spells them.

use opentrail_lake::EventDataStore;
use opentrail_protocol::Document;

use crate::shapes::{tags_list, time, with_selectors};

/// What every operation that shows one store shows of it.
pub(crate) fn store(store: &EventDataStore) -> Document {
    store_in(store, store.status().as_str())
}

/// The same in a state that AWS answers while a change goes on.
pub(crate) fn store_in(store: &EventDataStore, status: &str) -> Document {
    members(store, status).with("BillingMode", store.config.billing.as_str())
}

/// A store in a list.
pub(crate) fn listed(store: &EventDataStore) -> Document {
    members(store, store.status().as_str())
}

fn members(store: &EventDataStore, status: &str) -> Document {
    let config = &store.config;
    let answer = identity(store).with("Status", status);
    let answer = with_selectors(answer, &config.selectors).with("MultiRegionEnabled", config.multi_region);
    answer
        .with("RetentionPeriod", i64::from(config.retention_days))
        .with("OrganizationEnabled", false)
        .with("TerminationProtectionEnabled", config.termination_protection)
        .with("CreatedTimestamp", time(Some(store.created_s)))
        .with("UpdatedTimestamp", time(Some(store.updated_s)))
}

/// Its ARN and its name.
fn identity(store: &EventDataStore) -> Document {
    Document::structure().with("EventDataStoreArn", store.arn().as_str()).with("Name", store.name.as_str())
}

/// With its tags.
pub(crate) fn with_tags(answer: Document, store: &EventDataStore) -> Document {
    answer.with("TagsList", tags_list(&store.tags))
}
