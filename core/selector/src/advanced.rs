//! Which advanced selectors a trail or an event data store can take (`spec/selectors.md` 3.2, `spec/recorded.md` 7).

use opentrail_event::{Category, Family};

use crate::arn::is_of_kind;
use crate::field::{Field, values};
use crate::kinds::{DATA_KINDS, NETWORK_SOURCES, NOISY_SOURCES};
use crate::{AdvancedSelector, FieldSelector, For, SelectorError};

/// Selectors of one trail, and values of all their operators together.
pub(crate) const VALUES_MAX: usize = 500;
/// Selectors of one event data store.
pub(crate) const STORE_SELECTORS_MAX: usize = 5;
/// Characters of a value.
pub(crate) const VALUE_CHARS_MAX: usize = 2048;
/// Characters of a name.
pub(crate) const NAME_CHARS_MAX: usize = 1000;

pub(crate) fn check(selectors: &[AdvancedSelector], selecting: For) -> Result<(), SelectorError> {
    let (max, whose) = match selecting {
        For::Trail => (VALUES_MAX, "trail"),
        For::EventDataStore => (STORE_SELECTORS_MAX, "event data store"),
    };
    if !(1..=max).contains(&selectors.len()) {
        return refuse(format!("Specify between 1 and {max} selectors for your {whose}."));
    }
    let fields = selectors.iter().flat_map(|selector| &selector.fields);
    let count: usize = fields.flat_map(values).map(|(_, values)| values.len()).sum();
    if count > VALUES_MAX {
        let message = format!("Specify up to {VALUES_MAX} values for all conditions in all advanced event selectors.");
        return refuse(message);
    }
    selectors.iter().try_for_each(|selector| check_one(selector, selecting))?;
    let families = |selector: &AdvancedSelector| family(selector).unwrap_or(Family::Events);
    match selectors.split_first() {
        Some((_, [])) | None => Ok(()),
        Some((first, rest)) if families(first) == Family::Events => {
            match rest.iter().find(|other| families(other) != Family::Events) {
                Some(other) => refuse(alone(families(other))),
                None => Ok(()),
            }
        }
        Some((first, _)) => refuse(alone(families(first))),
    }
}

/// The family that a selector names; `None` where it names none.
pub(crate) fn family(selector: &AdvancedSelector) -> Option<Family> {
    let category = selector.fields.iter().find(|field| Field::of(&field.field) == Some(Field::EventCategory))?;
    one(category).and_then(Family::of_category)
}

/// Only events of the three categories that trails know may stand in one store.
fn alone(family: Family) -> String {
    format!("Events of the category {} cannot be selected together with other ones.", family.as_str())
}

fn check_one(selector: &AdvancedSelector, selecting: For) -> Result<(), SelectorError> {
    if selector.name.as_ref().is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
        return refuse(format!("The Name of a selector can have up to {NAME_CHARS_MAX} characters."));
    }
    let mut fields: Vec<(Field, &FieldSelector)> = Vec::new();
    for given in &selector.fields {
        let Some(field) = Field::of(&given.field) else {
            return refuse(format!("The field {} is not valid.", given.field));
        };
        if fields.iter().any(|(known, _)| *known == field) {
            return refuse(format!("The field {} can be specified only once in a selector.", given.field));
        }
        check_sizes(given)?;
        fields.push((field, given));
    }
    if selecting == For::EventDataStore
        && let Some(family) = family(selector).filter(|family| *family != Family::Events)
    {
        return match fields.iter().find(|(field, _)| *field != Field::EventCategory) {
            Some((_, given)) => refuse(misplaced(&given.field, family.as_str())),
            None => Ok(()),
        };
    }
    let category = category(&fields)?;
    for (field, given) in &fields {
        check_operators(*field, given, category, selecting)?;
    }
    let required = match category {
        Category::Data => Some((Field::ResourceType, "resources.type")),
        Category::NetworkActivity => Some((Field::EventSource, "eventSource")),
        Category::Management | Category::Insight => None,
    };
    if let Some((field, name)) = required
        && !fields.iter().any(|(known, _)| *known == field)
    {
        return refuse(missing(name));
    }
    let kind = fields.iter().find(|(field, _)| *field == Field::ResourceType).map(|(_, given)| one(given));
    let kind = kind.flatten().unwrap_or_default();
    fields.iter().try_for_each(|(field, given)| check_values(*field, given, category, kind, selecting))
}

fn check_sizes(given: &FieldSelector) -> Result<(), SelectorError> {
    let mut any = false;
    for value in values(given).iter().flat_map(|(_, values)| *values) {
        any = true;
        if !(1..=VALUE_CHARS_MAX).contains(&value.chars().count()) {
            let message = format!(
                "The values of the field {} must have between 1 and {VALUE_CHARS_MAX} characters.",
                given.field
            );
            return refuse(message);
        }
    }
    if any { Ok(()) } else { refuse(format!("The field {} must have at least one operator.", given.field)) }
}

fn category(fields: &[(Field, &FieldSelector)]) -> Result<Category, SelectorError> {
    let Some((_, given)) = fields.iter().find(|(field, _)| *field == Field::EventCategory) else {
        return refuse(missing("eventCategory"));
    };
    // Whichever operators there are: what is compared is one of three words.
    match one(given).and_then(Category::of) {
        Some(category) if category != Category::Insight => Ok(category),
        _ => refuse(wrong_value("eventCategory")),
    }
}

fn misplaced(field: &str, category: &str) -> String {
    format!("The field {field} is not valid for the eventCategory {category}.")
}

fn check_operators(
    field: Field,
    given: &FieldSelector,
    category: Category,
    selecting: For,
) -> Result<(), SelectorError> {
    let Some(allowed) = field.operators(category, selecting) else {
        return refuse(misplaced(&given.field, category.as_str()));
    };
    for (operator, values) in values(given) {
        if !values.is_empty() && !allowed.contains(&operator) {
            return refuse(format!("The operator {} is not valid for the field {}.", operator.name(), given.field));
        }
    }
    Ok(())
}

/// What is compared with a field can be of the field's own form only. `kind` is the selector's `resources.type`.
fn check_values(
    field: Field,
    given: &FieldSelector,
    category: Category,
    kind: &str,
    selecting: For,
) -> Result<(), SelectorError> {
    let is_flag = |value: &str| matches!(value, "true" | "false");
    let fits = match (field, category) {
        (Field::ReadOnly, _) => one(given).is_some_and(is_flag),
        (Field::FromConsole, _) => all(given, is_flag),
        (Field::EventSource, Category::Management) if selecting == For::Trail => {
            all(given, |source| NOISY_SOURCES.contains(&source))
        }
        (Field::EventSource, Category::NetworkActivity) => {
            one(given).is_some_and(|source| NETWORK_SOURCES.binary_search(&source).is_ok())
        }
        (Field::ErrorCode, _) => all(given, |code| code == "VpceAccessDenied"),
        (Field::ResourceType, _) => one(given).is_some_and(|kind| DATA_KINDS.binary_search(&kind).is_ok()),
        (Field::ResourceArn, _) => return check_arns(given, kind),
        _ => true,
    };
    if fits { Ok(()) } else { refuse(wrong_value(&given.field)) }
}

fn check_arns(given: &FieldSelector, kind: &str) -> Result<(), SelectorError> {
    let whole = values(given).into_iter().filter(|(operator, _)| operator.is_whole());
    match whole.flat_map(|(_, values)| values).find(|arn| !is_of_kind(arn, kind)) {
        Some(arn) => {
            refuse(format!("The specified ARN {arn} is not valid. Verify that the ARN is properly formatted."))
        }
        None => Ok(()),
    }
}

/// The only value of `Equals`.
fn one(given: &FieldSelector) -> Option<&str> {
    match given.equals.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn all(given: &FieldSelector, fits: impl Fn(&str) -> bool) -> bool {
    values(given).iter().flat_map(|(_, values)| *values).all(|value| fits(value))
}

fn missing(field: &str) -> String {
    format!("The following fields are required: [{field}].")
}

fn wrong_value(field: &str) -> String {
    format!("The {field} field value is not valid.")
}

fn refuse<T>(message: String) -> Result<T, SelectorError> {
    Err(SelectorError(message))
}
