//! The rules of selection, written down as plainly as they can be: over a tree, list by list.

use serde_json::Value;

use crate::field::{Operator, values};
use crate::{AdvancedSelector, BasicSelector, EventSelectors, FieldSelector, ReadWrite};

pub(super) fn selects(selectors: &EventSelectors, event: &Value) -> bool {
    match selectors {
        EventSelectors::Basic(all) => all.iter().any(|one| basic_selects(one, event)),
        EventSelectors::Advanced(all) => all.iter().any(|one| advanced_selects(one, event)),
    }
}

fn basic_selects(selector: &BasicSelector, event: &Value) -> bool {
    let read_only = event["readOnly"].as_bool().unwrap_or(false);
    let read_write_fits = match selector.read_write {
        ReadWrite::All => true,
        ReadWrite::ReadOnly => read_only,
        ReadWrite::WriteOnly => !read_only,
    };
    let source = event["eventSource"].as_str().unwrap();
    let wanted = match event["eventCategory"].as_str().unwrap() {
        "Management" => selector.include_management && !selector.exclude_sources.iter().any(|s| s == source),
        "Data" => resources(event).any(|(kind, arn)| {
            selector.data_resources.iter().any(|data| {
                data.values.iter().any(|value| match (data.kind.as_str(), value.as_str(), kind) {
                    ("AWS::S3::Object", "arn:aws:s3" | "arn:aws:s3:::", "AWS::S3::Object") => true,
                    ("AWS::S3::Object", prefix, "AWS::S3::Object") => arn.is_some_and(|arn| arn.starts_with(prefix)),
                    ("AWS::Lambda::Function", "arn:aws:lambda", "AWS::Lambda::Function") => true,
                    ("AWS::Lambda::Function", function, "AWS::Lambda::Function") => arn == Some(function),
                    ("AWS::DynamoDB::Table", "arn:aws:dynamodb", "AWS::DynamoDB::Table" | "AWS::DynamoDB::Stream") => {
                        true
                    }
                    ("AWS::DynamoDB::Table", table, "AWS::DynamoDB::Table") => arn == Some(table),
                    ("AWS::DynamoDB::Table", table, "AWS::DynamoDB::Stream") => {
                        arn.is_some_and(|arn| arn.starts_with(&format!("{table}/stream/")))
                    }
                    _ => false,
                })
            })
        }),
        _ => false,
    };
    read_write_fits && wanted
}

fn advanced_selects(selector: &AdvancedSelector, event: &Value) -> bool {
    let kind =
        selector.fields.iter().find(|field| field.field == "resources.type").map(|field| field.equals[0].as_str());
    selector.fields.iter().all(|field| {
        let text = |name: &str| event[name].as_str();
        match field.field.as_str() {
            "eventCategory" => text("eventCategory") != Some("Insight") && passes(field, text("eventCategory")),
            "readOnly" => passes(field, Some(if event["readOnly"] == true { "true" } else { "false" })),
            "sessionCredentialFromConsole" => {
                passes(field, Some(text("sessionCredentialFromConsole").unwrap_or("false")))
            }
            "userIdentity.arn" => passes(field, event["userIdentity"]["arn"].as_str()),
            "resources.type" => resources(event).any(|(there, _)| Some(there) == kind),
            "resources.ARN" => {
                let arns: Vec<&str> =
                    resources(event).filter(|(there, _)| Some(*there) == kind).filter_map(|(_, arn)| arn).collect();
                let unwanted = arns.iter().any(|arn| hit(field, arn, &UNWANTED));
                let asked = values(field).iter().any(|(o, list)| !UNWANTED.contains(o) && !list.is_empty());
                !arns.is_empty() && !unwanted && (!asked || arns.iter().any(|arn| hit(field, arn, &WANTED)))
            }
            other => passes(field, text(other)),
        }
    })
}

const WANTED: [Operator; 3] = [Operator::Equals, Operator::StartsWith, Operator::EndsWith];
const UNWANTED: [Operator; 3] = [Operator::NotEquals, Operator::NotStartsWith, Operator::NotEndsWith];

fn passes(field: &FieldSelector, text: Option<&str>) -> bool {
    let asked = values(field).iter().any(|(operator, list)| WANTED.contains(operator) && !list.is_empty());
    match text {
        None => !asked,
        Some(text) => !hit(field, text, &UNWANTED) && (!asked || hit(field, text, &WANTED)),
    }
}

fn hit(field: &FieldSelector, text: &str, operators: &[Operator]) -> bool {
    values(field).iter().filter(|(operator, _)| operators.contains(operator)).any(|(operator, list)| {
        list.iter().any(|value| match operator {
            Operator::Equals | Operator::NotEquals => text == value,
            Operator::StartsWith | Operator::NotStartsWith => text.starts_with(value.as_str()),
            Operator::EndsWith | Operator::NotEndsWith => text.ends_with(value.as_str()),
        })
    })
}

fn resources(event: &Value) -> impl Iterator<Item = (&str, Option<&str>)> {
    let list = event["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|one| (one["type"].as_str().unwrap_or_default(), one["ARN"].as_str().or(one["ARNPrefix"].as_str())))
}
