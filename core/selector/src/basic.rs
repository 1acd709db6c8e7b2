//! Which basic selectors can be taken (`spec/selectors.md` 3.1).

use crate::arn::{dynamodb_table, lambda_function, s3_prefix};
use crate::kinds::{BASIC_KINDS, NOISY_SOURCES};
use crate::{BasicSelector, DataResource, SelectorError};

/// Of one trail.
pub(crate) const SELECTORS_MAX: usize = 5;
/// Of one trail, over all its selectors; those that name everything of a service do not count.
pub(crate) const DATA_RESOURCES_MAX: usize = 250;

pub(crate) fn check(selectors: &[BasicSelector]) -> Result<(), SelectorError> {
    if !(1..=SELECTORS_MAX).contains(&selectors.len()) {
        // AWS ends this sentence without a full stop.
        return refuse(format!("Specify a valid number of selectors (1 to {SELECTORS_MAX}) for your trail"));
    }
    let mut named = 0;
    for selector in selectors {
        for source in &selector.exclude_sources {
            if !NOISY_SOURCES.contains(&source.as_str()) {
                return refuse(format!("Value {source} for ExcludeManagementEventSources is invalid."));
            }
        }
        if !selector.include_management && !selector.exclude_sources.is_empty() {
            return refuse("ExcludeManagementEventSources requires IncludeManagementEvents to be true.".to_owned());
        }
        for data in &selector.data_resources {
            named += check_data(data)?;
        }
    }
    if named > DATA_RESOURCES_MAX { Err(too_many()) } else { Ok(()) }
}

/// How many resources it names.
fn check_data(data: &DataResource) -> Result<usize, SelectorError> {
    if !BASIC_KINDS.contains(&data.kind.as_str()) {
        return refuse(format!("Value {} for DataResources.Type is invalid.", data.kind));
    }
    if data.values.is_empty() {
        return Err(too_many());
    }
    let mut named = 0;
    for value in &data.values {
        match reach(&data.kind, value) {
            Some(Reach::All) => {}
            Some(Reach::Named) => named += 1,
            None => return refuse(format!("Value {value} for DataResources.Values is invalid.")),
        }
    }
    Ok(named)
}

/// How far a value of `DataResources` reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All resources of the type, those of other accounts that own callers use included.
    All,
    /// Resources by name.
    Named,
}

/// `None` of what is no value of this type.
pub(crate) fn reach(kind: &str, value: &str) -> Option<Reach> {
    let (service, named): (_, fn(&str) -> bool) = match kind {
        "AWS::S3::Object" => ("s3", s3_prefix),
        "AWS::Lambda::Function" => ("lambda", lambda_function),
        "AWS::DynamoDB::Table" => ("dynamodb", dynamodb_table),
        _ => return None,
    };
    let all = value.strip_prefix("arn:aws:").is_some_and(|rest| rest == service)
        || (service == "s3" && value == "arn:aws:s3:::");
    if all {
        return Some(Reach::All);
    }
    named(value).then_some(Reach::Named)
}

fn too_many() -> SelectorError {
    SelectorError(format!("Specify a valid number of data resources (1 to {DATA_RESOURCES_MAX}) for your trail"))
}

fn refuse<T>(message: String) -> Result<T, SelectorError> {
    Err(SelectorError(message))
}
