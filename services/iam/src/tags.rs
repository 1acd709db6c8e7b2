//! Tags: read, checked, changed and shown (`spec/iam.md` 2).

use opentrail_policy::Context;
use opentrail_policy::rows::Tag;
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use crate::faults::{constraint, invalid_input, limit};

/// Tags of one resource.
const TAGS_MAX: usize = 50;

/// Whether keys that differ in case only are the same: they are for users and roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Folded,
    Kept,
}

impl Case {
    fn same(self, a: &str, b: &str) -> bool {
        match self {
            Self::Folded => a.eq_ignore_ascii_case(b),
            Self::Kept => a == b,
        }
    }
}

/// `Tags` of a request, in its order.
pub(crate) fn read(input: &Document, case: Case) -> Result<Vec<Tag>, Fault> {
    let text = |tag: &Document, name| tag.text(name).unwrap_or_default().to_owned();
    let tags: Vec<Tag> =
        input.list("Tags").iter().map(|tag| Tag { key: text(tag, "Key"), value: text(tag, "Value") }).collect();
    if tags.len() > TAGS_MAX {
        return Err(constraint("tags", "Member must have length less than or equal to 50"));
    }
    for (i, tag) in tags.iter().enumerate() {
        if tag.key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(invalid_input(format!("Tag keys that begin with aws: are reserved: {}", tag.key)));
        }
        for (field, text) in [("key", &tag.key), ("value", &tag.value)] {
            if !text.chars().all(is_legal) {
                let pattern =
                    if field == "key" { r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+" } else { r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*" };
                let what = format!("Member must satisfy regular expression pattern: {pattern}");
                return Err(constraint(&format!("tags.{}.member.{field}", i + 1), &what));
            }
        }
        if tags[..i].iter().any(|other| case.same(&other.key, &tag.key)) {
            return Err(invalid_input(match case {
                Case::Folded => "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                Case::Kept => "Duplicate tag keys found.",
            }));
        }
    }
    Ok(tags)
}

fn is_legal(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c) || (!c.is_ascii() && c.is_whitespace())
}

/// Adds tags, or gives them other values; a key that differs in case only takes the new case.
pub(crate) fn add(tags: &mut Vec<Tag>, new: Vec<Tag>, case: Case) -> Result<(), Fault> {
    for tag in new {
        match tags.iter_mut().find(|other| case.same(&other.key, &tag.key)) {
            Some(other) => *other = tag,
            None => tags.push(tag),
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(limit("The number of tags has reached the maximum limit."));
    }
    Ok(())
}

/// Takes the keys of `TagKeys` away; those that are not there are passed over.
pub(crate) fn remove(tags: &mut Vec<Tag>, input: &Document, case: Case) {
    tags.retain(|tag| !keys(input).any(|key| case.same(key, &tag.key)));
}

fn keys(input: &Document) -> impl Iterator<Item = &str> {
    input.list("TagKeys").iter().filter_map(|key| match key {
        Document::Text(key) => Some(key.as_str()),
        _ => None,
    })
}

/// As answers list them.
pub(crate) fn shown(tags: &[Tag]) -> Document {
    let shown = |tag: &Tag| Document::structure().with("Key", tag.key.as_str()).with("Value", tag.value.as_str());
    Document::List(tags.iter().map(shown).collect())
}

/// The same, or nothing where there are none.
pub(crate) fn shown_if_any(tags: &[Tag]) -> Document {
    if tags.is_empty() { Document::Null } else { shown(tags) }
}

/// `aws:RequestTag/k` and `aws:TagKeys` of a request; `aws:ResourceTag/k` and `iam:ResourceTag/k` of what is there.
pub(crate) fn context(context: &mut Context, input: &Document, there: &[Tag]) {
    for key in keys(input) {
        context.add("aws:TagKeys", key);
    }
    for tag in input.list("Tags") {
        let (key, value) = (tag.text("Key").unwrap_or_default(), tag.text("Value").unwrap_or_default());
        context.set(&format!("aws:RequestTag/{key}"), value);
        context.add("aws:TagKeys", key);
    }
    for tag in there {
        context.set(&format!("aws:ResourceTag/{}", tag.key), tag.value.as_str());
        context.set(&format!("iam:ResourceTag/{}", tag.key), tag.value.as_str());
    }
}
