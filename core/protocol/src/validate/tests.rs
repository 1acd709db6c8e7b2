//! AWS's words for broken constraints.

use super::*;
use crate::{Models, json};

fn violations(service: &str, operation: &str, body: &str) -> Vec<Violation> {
    let service = Models::builtin().by_signing_name(service).expect("a known service");
    let operation = service.operation(operation).expect("a known operation");
    let input = json::decode(&service, operation, body.as_bytes()).expect("well formed");
    validate(&service, operation, &input)
}

#[test]
fn broken_constraints_are_told_in_awss_words() {
    let check = |service: &str, operation: &str, body: &str, expect: &[&str]| {
        let found = violations(service, operation, body);
        let messages: Vec<&str> = found.iter().map(|v| v.message.as_str()).collect();
        assert_eq!(messages, expect, "{body}");
    };
    check("cloudtrail", "LookupEvents", r#"{"MaxResults":50}"#, &[]);
    check(
        "cloudtrail",
        "LookupEvents",
        r#"{"MaxResults":51}"#,
        &["Value '51' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50"],
    );
    check(
        "cloudtrail",
        "LookupEvents",
        r#"{"MaxResults":0}"#,
        &["Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"],
    );
    check(
        "cloudtrail",
        "GetTrail",
        "{}",
        &["Value null at 'name' failed to satisfy constraint: Member must not be null"],
    );
    check(
        "cloudtrail",
        "LookupEvents",
        r#"{"LookupAttributes":[{"AttributeKey":"eventname"}],"EventCategory":"x"}"#,
        &[
            "Value 'eventname' at 'lookupAttributes.1.member.attributeKey' failed to satisfy constraint: Member must satisfy \
         enum value set: [EventId, EventName, ReadOnly, Username, ResourceType, ResourceName, EventSource, AccessKeyId]",
            "Value null at 'lookupAttributes.1.member.attributeValue' failed to satisfy constraint: Member must not be null",
            "Value 'x' at 'eventCategory' failed to satisfy constraint: Member must satisfy enum value set: [insight]",
        ],
    );
    check(
        "cloudtrail",
        "LookupEvents",
        r#"{"LookupAttributes":[null]}"#,
        &["Value null at 'lookupAttributes.1.member' failed to satisfy constraint: Member must not be null"],
    );
    // The words of recorded STS (`spec/sts.md` 1).
    check(
        "sts",
        "AssumeRole",
        r#"{"RoleArn":"arn:aws:iam::111122223333:role/a","RoleSessionName":"Session1:2"}"#,
        &[
            r"Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*",
        ],
    );
    check(
        "cloudtrail",
        "StartImport",
        r#"{"Destinations":["a","b"]}"#,
        &[
            "Value '[a, b]' at 'destinations' failed to satisfy constraint: Member must have length less than or equal to 1",
            r"Value '[a, b]' at 'destinations' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: ^[a-zA-Z0-9._/\-:]+$]",
        ],
    );
    check(
        "cloudtrail",
        "StartDashboardRefresh",
        r#"{"DashboardId":"a","QueryParameterValues":{"a":""}}"#,
        &[
            r"Value '{a=}' at 'queryParameterValues' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: ^[a-zA-Z0-9._/\-:$]+$]",
            "Value '{a=}' at 'queryParameterValues' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ^[a-zA-Z0-9._/\\-:]+$]",
        ],
    );
}

#[test]
fn a_violation_names_its_member() {
    let found = violations("cloudtrail", "LookupEvents", r#"{"LookupAttributes":[{"AttributeKey":"ReadOnly"}]}"#);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].path.as_str(), found[0].member.as_str()),
        ("lookupAttributes.1.member.attributeValue", "AttributeValue")
    );
}

#[test]
fn secrets_are_not_echoed() {
    let check = |operation: &str, body: &str| {
        let found = violations("sts", operation, body);
        assert!(found.iter().any(|v| v.message.starts_with("Value at '")), "{found:?}");
        assert!(found.iter().all(|v| !v.message.contains("hush")), "{found:?}");
    };
    check("AssumeRoleWithWebIdentity", &format!("{{\"WebIdentityToken\":\"{}\"}}", "hush".repeat(6000)));
    check("GetSessionToken", r#"{"TokenCode":"hush"}"#);
}

#[test]
fn an_answer_does_not_grow_with_the_mistakes() {
    let attributes = vec!["{}"; 5000].join(",");
    let found = violations("cloudtrail", "LookupEvents", &format!("{{\"LookupAttributes\":[{attributes}]}}"));
    assert_eq!(found.len(), VIOLATIONS_MAX);
    let long = format!("{{\"RoleArn\":\"{}\",\"RoleSessionName\":\"ab\"}}", "é".repeat(100_000));
    assert!(summary(&violations("sts", "AssumeRole", &long)).len() < 20_000);
}

#[test]
fn errors_are_counted_in_the_summary() {
    let one = violations("cloudtrail", "LookupEvents", r#"{"MaxResults":51}"#);
    assert_eq!(
        summary(&one),
        "1 validation error detected: Value '51' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50"
    );
    let two = violations("cloudtrail", "CreateTrail", "{}");
    assert_eq!(
        summary(&two),
        "2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; \
         Value null at 's3BucketName' failed to satisfy constraint: Member must not be null"
    );
}
