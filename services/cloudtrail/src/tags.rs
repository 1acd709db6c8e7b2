//! Tags as callers write them, and the resources that have them.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentrail_event::Arn;
use opentrail_protocol::{Document, Violation};
use opentrail_trail::{TAGS_MAX, Trail};
use opentrail_wire::{Cx, Fault};

use crate::desk::{Desk, too_many_tags};
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

/// The trail of a `ResourceId`: an ARN, of this region.
pub(crate) fn resource(desk: &Desk, cx: &Cx, id: &str) -> Result<Arc<Trail>, Fault> {
    let parts: Vec<&str> = id.splitn(6, ':').collect();
    let ["arn", "aws", "cloudtrail", _, _, resource] = parts[..] else { return Err(arn_invalid(id)) };
    match resource.split_once('/').map_or(resource, |(kind, _)| kind) {
        "trail" => {}
        "eventdatastore" => {
            let message = "The event data store was not found: this house has none yet.";
            return Err(Fault::client("EventDataStoreNotFoundException", message));
        }
        kind => {
            let message = format!("Resources of type {} cannot be tagged here.", shown(kind));
            return Err(Fault::client("ResourceTypeNotSupportedException", message));
        }
    }
    let arn = TrailArn::parse(id).ok_or_else(|| arn_invalid(id))?;
    if arn.home != cx.region {
        let here = &cx.region;
        let message = format!("Region in ARN is wrong, you can only access resources in region {here}.");
        return Err(Fault::client("CloudTrailARNInvalidException", message));
    }
    let found = desk.trails.find(arn.account, &arn.home, &arn.name).filter(|_| arn.account == cx.account());
    found.ok_or_else(|| not_found(id))
}

/// The text is ours.
pub(crate) fn not_found(id: &str) -> Fault {
    Fault::client("ResourceNotFoundException", format!("Resource {} does not exist.", shown(id)))
}

/// What the decider is asked about.
pub(crate) fn arn_of(id: &str) -> Option<Arn> {
    TrailArn::parse(id).map(|arn| crate::names::trail_arn(&arn.home, arn.account, &arn.name))
}
