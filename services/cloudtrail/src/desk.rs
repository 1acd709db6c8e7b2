//! Where operations on trails find trails, and what their failures are called.

use std::sync::Arc;

use opentrail_delivery::Buckets;
use opentrail_event::Arn;
use opentrail_protocol::{Document, Violation};
use opentrail_trail::{RegistryError, TRAILS_MAX, Trail, Trails};
use opentrail_wire::{Cx, Fault};

use crate::Reports;
use crate::names::{Named, blank_name};

/// All that operations on trails need.
pub struct Desk {
    pub trails: Arc<Trails>,
    pub buckets: Arc<dyn Buckets>,
    pub reports: Arc<dyn Reports>,
}

impl Desk {
    /// The trail that a reader asks for: by name one whose home is here, by ARN any of the account's.
    pub(crate) fn look_up(&self, cx: &Cx, text: &str) -> Result<Arc<Trail>, Fault> {
        let named = Named::parse(text)?;
        let found = match &named {
            Named::Name(name) => self.trails.find(cx.account(), &cx.region, name),
            // An ARN of another account names nothing here: there are no organisations.
            Named::Arn(arn) if arn.account == cx.account() => self.trails.find(arn.account, &arn.home, &arn.name),
            Named::Arn(_) => None,
        };
        found.ok_or_else(|| unknown_trail(cx, named.name()))
    }

    /// The trail that is to be changed, which can be done in its home region only. A shadow trail has its name here.
    pub(crate) fn at_home(&self, cx: &Cx, text: &str) -> Result<Arc<Trail>, Fault> {
        let trail = match (self.look_up(cx, text), Named::parse(text)) {
            (Err(fault), Ok(Named::Name(name))) => {
                let shadow = self.seen(cx).into_iter().find(|trail| trail.name == name);
                shadow.ok_or(fault)?
            }
            (found, _) => found?,
        };
        if trail.home == cx.region { Ok(trail) } else { Err(not_at_home(cx, &trail)) }
    }

    /// The trails that the region of the call sees: its own, and the multi-region ones of other homes.
    pub(crate) fn seen(&self, cx: &Cx) -> Vec<Arc<Trail>> {
        let mut trails = self.trails.list(cx.account());
        trails.retain(|trail| trail.home == cx.region || trail.config.multi_region);
        trails
    }
}

/// What the decider is asked about where `member` names a trail. A name that cannot be one is refused later.
pub(crate) fn arns(cx: &Cx, input: &Document, member: &str) -> Vec<Arn> {
    let named = input.text(member).and_then(|text| Named::parse(text).ok());
    named.map(|named| named.arn(&cx.region, cx.account())).into_iter().collect()
}

/// A trail's name that was not given.
pub(crate) fn refuse_name(violation: &Violation) -> Option<Fault> {
    matches!(violation.member.as_str(), "Name" | "TrailName").then(blank_name)
}

/// AWS prints the name even where an ARN was given.
pub(crate) fn unknown_trail(cx: &Cx, name: &str) -> Fault {
    Fault::client("TrailNotFoundException", format!("Unknown trail: {name} for the user: {}", cx.account()))
}

/// The text is ours.
fn not_at_home(cx: &Cx, trail: &Trail) -> Fault {
    let (arn, home, here) = (trail.arn(), &trail.home, &cx.region);
    let message = format!("The home region of trail {arn} is {home}; it cannot be changed from {here}.");
    Fault::client("InvalidHomeRegionException", message)
}

/// A change that the registry refused.
pub(crate) fn refused(cx: &Cx, name: &str, error: RegistryError) -> Fault {
    let account = cx.account();
    match error {
        RegistryError::NotFound => unknown_trail(cx, name),
        RegistryError::NameTaken => {
            Fault::client("TrailAlreadyExistsException", format!("Trail {name} already exists for customer: {account}"))
        }
        RegistryError::TooManyTrails { region } => Fault::client(
            "MaximumNumberOfTrailsExceededException",
            format!("User: {account} already has {TRAILS_MAX} trails in {region}."),
        ),
        RegistryError::TooManyTags => too_many_tags(),
        RegistryError::Conflict => {
            Fault::client("ConflictException", format!("Trail {name} is being changed by another request. Try again."))
        }
        RegistryError::TooManyChanges => Fault::client("ThrottlingException", "Rate exceeded"),
        RegistryError::Catalog(_) | RegistryError::Damaged(_) => {
            tracing::error!(%error, request_id = %cx.request_id, "change trail");
            unavailable("The trail could not be changed; look at it before you try again.")
        }
    }
}

pub(crate) fn too_many_tags() -> Fault {
    Fault::client("TagsLimitExceededException", "A trail can have up to 50 tags.")
}

/// Something that the call needs is not there at the moment.
pub(crate) fn unavailable(message: &str) -> Fault {
    Fault::new("ServiceUnavailableException", 503, message)
}
