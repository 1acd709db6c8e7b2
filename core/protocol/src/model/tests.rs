//! The compiled-in tables, and tables that are not well formed.

use super::*;

#[test]
fn every_compiled_in_table_is_well_formed() {
    let models = Models::builtin();
    for name in models.signing_names() {
        let model = models.by_signing_name(name).expect("it is in the list");
        assert_eq!(model.signing_name, name);
        for operation in model.operations() {
            assert!(model.operation(&operation.name).is_some(), "{name} {}", operation.name);
        }
    }
    assert!(models.by_signing_name("nosuch").is_none());
}

#[test]
fn services_say_how_they_are_reached() {
    let models = Models::builtin();
    let cloudtrail = models.by_signing_name("cloudtrail").expect("cloudtrail");
    assert_eq!(cloudtrail.event_source, "cloudtrail.amazonaws.com");
    assert_eq!(cloudtrail.api_version, "2013-11-01");
    assert_eq!(cloudtrail.protocol, Protocol::AwsJson1_1);
    assert_eq!(
        cloudtrail.target_prefixes,
        ["com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", "CloudTrail_20131101"]
    );
    assert_eq!(cloudtrail.operations().count(), 60);
    let ours = models.by_signing_name("opentrail").expect("opentrail");
    assert_eq!(ours.target_prefixes, ["OpenTrail_20261101"]);
    assert_eq!(ours.event_source, "opentrail.amazonaws.com");
    let sts = models.by_signing_name("sts").expect("sts");
    assert_eq!(sts.xml_namespace, "https://sts.amazonaws.com/doc/2011-06-15/");
    assert_eq!(sts.error("MalformedPolicyDocument").and_then(|e| e.http_status), Some(400));
    assert_eq!(sts.error("IDPRejectedClaimException").and_then(|e| e.http_status), Some(403));
}

#[test]
fn operations_say_what_they_do() {
    let models = Models::builtin();
    let check = |service: &str, operation: &str, event_name: &str, read_only: bool| {
        let model = models.by_signing_name(service).expect("a known service");
        let operation = model.operation(operation).expect("a known operation");
        assert_eq!((operation.event_name.as_str(), operation.read_only), (event_name, read_only), "{}", operation.name);
    };
    check("cloudtrail", "LookupEvents", "LookupEvents", true);
    check("cloudtrail", "PutEventSelectors", "PutEventSelectors", false);
    check("sts", "AssumeRole", "AssumeRole", true);
    check("sts", "GetSessionToken", "GetSessionToken", false);
    check("s3", "ListObjectsV2", "ListObjects", true);
    check("s3", "PutPublicAccessBlock", "PutBucketPublicAccessBlock", false);
    check("opentrail", "WhoAmI", "WhoAmI", true);
    check("opentrail", "Lookup", "Lookup", true);
    let cloudtrail = models.by_signing_name("cloudtrail").expect("cloudtrail");
    let lookup = cloudtrail.operation("LookupEvents").expect("LookupEvents");
    assert!(cloudtrail.errors_of(lookup).any(|e| e.name == "InvalidLookupAttributesException"));
}

/// The patterns of the models that the engine cannot compile, and that are therefore not checked.
#[test]
fn the_patterns_that_are_not_checked_are_known() {
    let models = Models::builtin();
    let mut unchecked: Vec<String> = Vec::new();
    for name in models.signing_names() {
        let model = models.by_signing_name(name).expect("it is in the list");
        for limits in model.shapes.iter().filter_map(|s| s.limits.as_ref()) {
            if let (Some(pattern), None) = (limits.pattern(), limits.regex()) {
                unchecked.push(pattern.into_owned());
            }
        }
    }
    unchecked.sort();
    unchecked.dedup();
    assert_eq!(
        unchecked,
        [
            r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
            r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+",
            r"[\p{L}\p{Z}\p{N}_.:/=+\-@{}]*",
            r"[\p{L}\p{Z}\p{N}_.:/=+\-@{}]+",
            r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*",
            r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$",
        ]
    );
}

#[test]
fn a_broken_table_is_refused_with_its_line() {
    let check = |table: &'static str, line: usize| {
        assert_eq!(ServiceModel::parse(table).map(|_| ()).map_err(|e| e.line), Err(line), "{table:?}");
    };
    check("", 1);
    check("opentrail-model 2\n", 1);
    check("opentrail-model 1\n", 2);
    check("opentrail-model 1\nservice a b c json1.1 - -\n\n", 3);
    check("opentrail-model 1\nservice a b c soap - -\n", 2);
    check("opentrail-model 1\nservice a b c json1.1 - -\nS A:9\n", 3);
    check("opentrail-model 1\nservice a b c json1.1 - -\nS A:s;?\n", 3);
    check("opentrail-model 1\nservice a b c json1.1 - -\nO A R POST / 0 - -\n", 3);
    check("opentrail-model 1\nservice a b c json1.1 - -\nO B R POST / - - -\nO A R POST / - - -\n", 4);
    check("opentrail-model 1\nservice a b c json1.1 - -\nL a:s b:s\n", 3);
    check("opentrail-model 1\nservice a b c json1.1 - -\nO A R POST / - - 99999999\n", 3);
}
