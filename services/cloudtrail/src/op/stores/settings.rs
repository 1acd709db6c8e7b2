//! What CreateEventDataStore and UpdateEventDataStore read alike.

use opentrail_lake::Billing;
use opentrail_protocol::Document;
use opentrail_selector::{EventSelectors, For, SelectorError};
use opentrail_wire::Fault;

use crate::lake::{invalid_parameter, invalid_selectors};
use crate::shapes::read_advanced;

/// The selectors, where they are given.
pub(super) fn selectors(input: &Document) -> Result<Option<EventSelectors>, Fault> {
    if input.get("AdvancedEventSelectors").is_none() {
        return Ok(None);
    }
    let selectors = read_advanced(input.list("AdvancedEventSelectors"));
    match selectors.check(For::EventDataStore) {
        Ok(()) => Ok(Some(selectors)),
        Err(SelectorError(message)) => Err(invalid_selectors(message)),
    }
}

/// The billing mode, where it is given; the model allows no other words.
pub(super) fn billing(input: &Document) -> Option<Billing> {
    let text = input.text("BillingMode")?;
    Billing::ALL.into_iter().find(|billing| billing.as_str() == text)
}

/// Days of retention, where they are given.
pub(super) fn retention(input: &Document, billing: Billing) -> Result<Option<u16>, Fault> {
    let Some(days) = input.int("RetentionPeriod") else { return Ok(None) };
    let (least, most) = billing.days();
    let fits = u16::try_from(days).ok().filter(|days| (least..=most).contains(days));
    fits.map(Some).ok_or_else(|| {
        let mode = billing.as_str();
        invalid_parameter(format!("RetentionPeriod must be between {least} and {most} days with {mode}."))
    })
}

pub(super) fn no_organizations(input: &Document) -> Result<(), Fault> {
    if input.bool("OrganizationEnabled") == Some(true) {
        let message = "Your account is not a member of an organization: this house has no organizations yet.";
        return Err(Fault::client("OrganizationsNotInUseException", message));
    }
    Ok(())
}
