//! Trails and selectors as the API spells them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use opentrail_protocol::Document;
use opentrail_selector::{AdvancedSelector, BasicSelector, DataResource, EventSelectors, FieldSelector, ReadWrite};
use opentrail_trail::Trail;

/// What CreateTrail and UpdateTrail answer.
pub(crate) fn changed_trail(trail: &Trail) -> Document {
    let config = &trail.config;
    Document::structure()
        .with("Name", trail.name.as_str())
        .with("S3BucketName", config.bucket.as_str())
        .with("S3KeyPrefix", config.prefix.as_deref())
        .with("IncludeGlobalServiceEvents", config.include_global_service_events)
        .with("IsMultiRegionTrail", config.multi_region)
        .with("TrailARN", trail.arn().as_str())
        .with("LogFileValidationEnabled", config.log_file_validation)
        .with("IsOrganizationTrail", false)
        .with("RecursiveLogging", config.recursive_logging)
}

/// What GetTrail and DescribeTrails answer.
pub(crate) fn whole_trail(trail: &Trail) -> Document {
    let config = &trail.config;
    Document::structure()
        .with("Name", trail.name.as_str())
        .with("S3BucketName", config.bucket.as_str())
        .with("S3KeyPrefix", config.prefix.as_deref())
        .with("IncludeGlobalServiceEvents", config.include_global_service_events)
        .with("IsMultiRegionTrail", config.multi_region)
        .with("HomeRegion", trail.home.as_str())
        .with("TrailARN", trail.arn().as_str())
        .with("LogFileValidationEnabled", config.log_file_validation)
        .with("HasCustomEventSelectors", trail.selectors.is_some())
        .with("HasInsightSelectors", false)
        .with("IsOrganizationTrail", false)
        .with("RecursiveLogging", config.recursive_logging)
}

/// `Key` and `Value` of each.
pub(crate) fn tags_list(tags: &BTreeMap<String, String>) -> Document {
    // A tag that was added without a value has none to show.
    let value = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
    let each = tags.iter().map(|(key, v)| Document::structure().with("Key", key.as_str()).with("Value", value(v)));
    each.collect::<Vec<_>>().into()
}

/// Seconds since 1970 as a timestamp.
pub(crate) fn time(seconds: Option<i64>) -> Option<Timestamp> {
    seconds.and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// `2026-09-13T17:12:18Z`; empty where there is none.
pub(crate) fn iso(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Adds the kind of selectors that a trail has. Fields are in the order in which they were put.
pub(crate) fn with_selectors(answer: Document, selectors: &EventSelectors) -> Document {
    match selectors {
        EventSelectors::Basic(all) => answer.with("EventSelectors", all.iter().map(basic).collect::<Vec<_>>()),
        EventSelectors::Advanced(all) => {
            answer.with("AdvancedEventSelectors", all.iter().map(advanced).collect::<Vec<_>>())
        }
    }
}

fn basic(selector: &BasicSelector) -> Document {
    let resource =
        |r: &DataResource| Document::structure().with("Type", r.kind.as_str()).with("Values", texts(&r.values));
    Document::structure()
        .with("ReadWriteType", selector.read_write.as_str())
        .with("IncludeManagementEvents", selector.include_management)
        .with("DataResources", selector.data_resources.iter().map(resource).collect::<Vec<_>>())
        .with("ExcludeManagementEventSources", texts(&selector.exclude_sources))
}

fn advanced(selector: &AdvancedSelector) -> Document {
    Document::structure()
        .with("Name", selector.name.as_deref())
        .with("FieldSelectors", selector.fields.iter().map(field).collect::<Vec<_>>())
}

fn field(selector: &FieldSelector) -> Document {
    let given = |values: &[String]| Some(values).filter(|values| !values.is_empty()).map(texts);
    Document::structure()
        .with("Field", selector.field.as_str())
        .with("Equals", given(&selector.equals))
        .with("StartsWith", given(&selector.starts_with))
        .with("EndsWith", given(&selector.ends_with))
        .with("NotEquals", given(&selector.not_equals))
        .with("NotStartsWith", given(&selector.not_starts_with))
        .with("NotEndsWith", given(&selector.not_ends_with))
}

fn texts(values: &[String]) -> Document {
    values.iter().map(|value| Document::from(value.as_str())).collect::<Vec<_>>().into()
}

/// Reads what PutEventSelectors was given, of either kind.
pub(crate) fn read_basic(list: &[Document]) -> EventSelectors {
    let read = |one: &Document| BasicSelector {
        read_write: match one.text("ReadWriteType") {
            Some("ReadOnly") => ReadWrite::ReadOnly,
            Some("WriteOnly") => ReadWrite::WriteOnly,
            // The model allows nothing else.
            _ => ReadWrite::All,
        },
        include_management: one.bool("IncludeManagementEvents").unwrap_or(true),
        data_resources: one.list("DataResources").iter().map(read_resource).collect(),
        exclude_sources: read_texts(one, "ExcludeManagementEventSources"),
    };
    EventSelectors::Basic(list.iter().map(read).collect())
}

fn read_resource(one: &Document) -> DataResource {
    DataResource { kind: one.text("Type").unwrap_or_default().to_owned(), values: read_texts(one, "Values") }
}

pub(crate) fn read_advanced(list: &[Document]) -> EventSelectors {
    let field = |one: &Document| FieldSelector {
        field: one.text("Field").unwrap_or_default().to_owned(),
        equals: read_texts(one, "Equals"),
        starts_with: read_texts(one, "StartsWith"),
        ends_with: read_texts(one, "EndsWith"),
        not_equals: read_texts(one, "NotEquals"),
        not_starts_with: read_texts(one, "NotStartsWith"),
        not_ends_with: read_texts(one, "NotEndsWith"),
    };
    let read = |one: &Document| AdvancedSelector {
        name: one.text("Name").map(str::to_owned),
        fields: one.list("FieldSelectors").iter().map(field).collect(),
    };
    EventSelectors::Advanced(list.iter().map(read).collect())
}

fn read_texts(one: &Document, member: &str) -> Vec<String> {
    let texts = one.list(member).iter().filter_map(|value| match value {
        Document::Text(text) => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}
