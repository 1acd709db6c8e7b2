//! Tags as callers write them, and the resources that have them.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentrail_event::Arn;
use opentrail_lake::EventDataStore;
use opentrail_protocol::{Document, Violation};
use opentrail_trail::{TAGS_MAX, Trail};
use opentrail_wire::{Cx, Fault};

use crate::desk::{self, Desk, too_many_tags};
use crate::lake::{self, LakeDesk, Named};
use crate::names::{TrailArn, arn_invalid, shown};

/// Characters of a key and of a value; the model has the same.
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// The tags of `TagsList`, each key once; a value that was left out is an empty one.
pub(crate) fn read(input: &Document) -> Result<BTreeMap<String, String>, Fault> {
    let list = input.list("TagsList");
    let mut tags = BTreeMap::new();
    for tag in list {
        let (key, value) = (tag.text("Key").unwrap_or_default(), tag.text("Value").unwrap_or_default());
        check(key, value)?;
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("Tag key {key} is given more than once.")));
        }
    }
    if tags.len() > TAGS_MAX { Err(too_many_tags()) } else { Ok(tags) }
}

/// Letters and digits of any language, spaces, and `_ . : / = + - @`.
fn check(key: &str, value: &str) -> Result<(), Fault> {
    let fits = |text: &str, max: usize| {
        text.chars().count() <= max
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '.' | ':' | '/' | '=' | '+' | '-' | '@'))
    };
    if key.is_empty() || !fits(key, KEY_CHARS_MAX) {
        return Err(invalid(format!("Tag key {} is not valid.", shown(key))));
    }
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return Err(invalid(format!("Tag key {key} begins with aws:, which is reserved.")));
    }
    if !fits(value, VALUE_CHARS_MAX) {
        return Err(invalid(format!("The value of tag {key} is not valid.")));
    }
    Ok(())
}

/// Tags that the model does not allow.
pub(crate) fn refuse(violation: &Violation) -> Option<Fault> {
    match violation.member.as_str() {
        "Key" | "Value" | "Tag" => Some(invalid(violation.message.clone())),
        "TagsList" => Some(too_many_tags()),
        _ => None,
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidTagParameterException", message)
}

/// What can have tags.
#[derive(Clone)]
pub(crate) struct Taggable {
    pub(crate) trails: Arc<Desk>,
    pub(crate) lake: Arc<LakeDesk>,
}

/// A resource that a caller's `ResourceId` names.
pub(crate) enum Tagged {
    Trail(Arc<Trail>),
    Store(Arc<EventDataStore>),
}

impl Tagged {
    pub(crate) fn tags(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Trail(trail) => &trail.tags,
            Self::Store(store) => &store.tags,
        }
    }
}

impl Taggable {
    /// The resource of a `ResourceId`: an ARN, of this region.
    pub(crate) fn find(&self, cx: &Cx, id: &str) -> Result<Tagged, Fault> {
        let parts: Vec<&str> = id.splitn(6, ':').collect();
        let ["arn", "aws", "cloudtrail", _, _, resource] = parts[..] else { return Err(arn_invalid(id)) };
        match resource.split_once('/').map_or(resource, |(kind, _)| kind) {
            "trail" => self.trail(cx, id).map(Tagged::Trail),
            "eventdatastore" => self.lake.active(cx, id).map(Tagged::Store),
            kind => {
                let message = format!("Resources of type {} cannot be tagged here.", shown(kind));
                Err(Fault::client("ResourceTypeNotSupportedException", message))
            }
        }
    }

    fn trail(&self, cx: &Cx, id: &str) -> Result<Arc<Trail>, Fault> {
        let arn = TrailArn::parse(id).ok_or_else(|| arn_invalid(id))?;
        if arn.home != cx.region {
            let here = &cx.region;
            let message = format!("Region in ARN is wrong, you can only access resources in region {here}.");
            return Err(Fault::client("CloudTrailARNInvalidException", message));
        }
        let found = self.trails.trails.find(arn.account, &arn.home, &arn.name);
        found.filter(|_| arn.account == cx.account()).ok_or_else(|| not_found(id))
    }

    /// Adds tags, in place of those of the same keys.
    pub(crate) async fn add(&self, cx: &Cx, to: &Tagged, tags: BTreeMap<String, String>) -> Result<(), Fault> {
        match to {
            Tagged::Trail(trail) => {
                let added = self.trails.trails.add_tags(&trail.id, tags).await;
                added.map(drop).map_err(|error| desk::refused(cx, &trail.name, error))
            }
            Tagged::Store(store) => {
                let added = self.lake.lake.stores().add_tags(&store.id, tags).await;
                added.map_err(|error| lake::refused(cx, store.arn().as_str(), error))
            }
        }
    }

    /// Removes the tags of these keys.
    pub(crate) async fn remove(&self, cx: &Cx, from: &Tagged, keys: &[String]) -> Result<(), Fault> {
        match from {
            Tagged::Trail(trail) => {
                let removed = self.trails.trails.remove_tags(&trail.id, keys).await;
                removed.map(drop).map_err(|error| desk::refused(cx, &trail.name, error))
            }
            Tagged::Store(store) => {
                let removed = self.lake.lake.stores().remove_tags(&store.id, keys).await;
                removed.map_err(|error| lake::refused(cx, store.arn().as_str(), error))
            }
        }
    }
}

/// The text is ours.
pub(crate) fn not_found(id: &str) -> Fault {
    Fault::client("ResourceNotFoundException", format!("Resource {} does not exist.", shown(id)))
}

/// What the decider is asked about.
pub(crate) fn arn_of(cx: &Cx, id: &str) -> Option<Arn> {
    let trail = TrailArn::parse(id).map(|arn| crate::names::trail_arn(&arn.home, arn.account, &arn.name));
    trail.or_else(|| Some(Named::parse(id).ok().filter(|_| id.starts_with("arn:"))?.arn(&cx.region, cx.account())))
}
