//! Event data stores as callers name them, what they are answered with, and what failures are called.

mod named;
mod shapes;

use std::sync::Arc;

use opentrail_event::Arn;
use opentrail_lake::{EventDataStore, Lake, RegistryError, STORES_MAX, Status};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Fault};

use crate::desk::{too_many_tags, unavailable};
use crate::names::shown;
use crate::tags;

pub(crate) use named::Named;
pub(crate) use shapes::{listed, store, store_in, with_tags};

/// All that operations on event data stores need.
pub(crate) struct LakeDesk {
    pub(crate) lake: Arc<Lake>,
}

impl LakeDesk {
    /// The store that a caller names, whatever its state. Stores are known in their home region only.
    pub(crate) fn find(&self, cx: &Cx, text: &str) -> Result<Arc<EventDataStore>, Fault> {
        let named = Named::parse(text)?;
        if named.account.is_some_and(|account| account != cx.account()) {
            return Err(named::arn_invalid(text));
        }
        let found = self.lake.stores().find(cx.account(), &named.id);
        let here = |store: &Arc<EventDataStore>| {
            store.home == cx.region && named.home.as_ref().is_none_or(|home| *home == store.home)
        };
        found.filter(here).ok_or_else(|| not_found(text))
    }

    /// The store that a caller names, unless it is pending deletion.
    pub(crate) fn active(&self, cx: &Cx, text: &str) -> Result<Arc<EventDataStore>, Fault> {
        let store = self.find(cx, text)?;
        if store.status() == Status::PendingDeletion { Err(inactive(&store)) } else { Ok(store) }
    }
}

/// What the decider is asked about where `member` names a store. What cannot name one is refused later.
pub(crate) fn arns(cx: &Cx, input: &Document, member: &str) -> Vec<Arn> {
    let named = input.text(member).and_then(|text| Named::parse(text).ok());
    named.map(|named| named.arn(&cx.region, cx.account())).into_iter().collect()
}

/// What a model's constraint that does not hold is called.
pub(crate) fn refuse(violation: &Violation) -> Option<Fault> {
    match violation.member.as_str() {
        "EventDataStore" => Some(named::arn_invalid(&value(violation))),
        "AdvancedEventSelectors" | "AdvancedEventSelector" | "FieldSelectors" | "Field" | "OperatorValue" => {
            Some(invalid_selectors(violation.message.clone()))
        }
        "MaxResults" => Some(Fault::client("InvalidMaxResultsException", violation.message.clone())),
        "NextToken" => Some(invalid_token()),
        _ => tags::refuse(violation).or_else(|| Some(invalid_parameter(violation.message.clone()))),
    }
}

/// What the violation says the value was.
fn value(violation: &Violation) -> String {
    let value = || violation.message.strip_prefix("Value '")?.split_once("' at ").map(|(value, _)| value.to_owned());
    value().unwrap_or_default()
}

pub(crate) fn invalid_parameter(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

pub(crate) fn invalid_selectors(message: impl Into<String>) -> Fault {
    Fault::client("InvalidEventSelectorsException", message)
}

pub(crate) fn invalid_token() -> Fault {
    Fault::client("InvalidNextTokenException", "The NextToken is not one that was given out for this request.")
}

/// The texts here and below are ours: none of the Lake's are on record.
pub(crate) fn not_found(text: &str) -> Fault {
    let message = format!("Event data store {} was not found in this region.", shown(text));
    Fault::client("EventDataStoreNotFoundException", message)
}

pub(crate) fn inactive(store: &EventDataStore) -> Fault {
    let message =
        format!("Event data store {} is pending deletion. RestoreEventDataStore brings it back.", store.arn());
    Fault::client("InactiveEventDataStoreException", message)
}

/// A change that the registry refused.
pub(crate) fn refused(cx: &Cx, text: &str, error: RegistryError) -> Fault {
    let text = shown(text);
    match error {
        RegistryError::NotFound => not_found(&text),
        RegistryError::NameTaken => Fault::client(
            "EventDataStoreAlreadyExistsException",
            format!("Event data store {text} already exists for account {} in {}.", cx.account(), cx.region),
        ),
        RegistryError::TooManyStores => Fault::client(
            "EventDataStoreMaxLimitExceededException",
            format!("The account has {STORES_MAX} event data stores in this region, those pending deletion included."),
        ),
        RegistryError::TooManyTags => too_many_tags(),
        RegistryError::Protected => Fault::client(
            "EventDataStoreTerminationProtectedException",
            format!("Event data store {text} is protected. Turn its termination protection off first."),
        ),
        RegistryError::PendingDeletion => {
            Fault::client("InactiveEventDataStoreException", format!("Event data store {text} is pending deletion."))
        }
        RegistryError::WrongStatus(status) => Fault::client(
            "InvalidEventDataStoreStatusException",
            format!("Event data store {text} is {}: the operation does not apply.", status.as_str()),
        ),
        RegistryError::WrongFamily => Fault::client(
            "InvalidEventDataStoreCategoryException",
            "The operation applies to event data stores of CloudTrail events and of configuration items only.",
        ),
        RegistryError::Conflict => Fault::client(
            "ConflictException",
            format!("Event data store {text} is being changed by another request. Try again."),
        ),
        RegistryError::TooManyChanges => Fault::client("ThrottlingException", "Rate exceeded"),
        RegistryError::Catalog(_) | RegistryError::Damaged(_) => {
            tracing::error!(%error, request_id = %cx.request_id, "change event data store");
            unavailable("The event data store could not be changed; look at it before you try again.")
        }
    }
}
