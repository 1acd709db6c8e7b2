#![allow(clippy::print_stderr, reason = "a skip is told to whoever runs the tests")]

use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::Head;

fn sample() -> Value {
    json!({
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/R/s", "invokedBy": "x.amazonaws.com"},
        "eventTime": "2026-03-01T10:20:30Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListObjects",
        "awsRegion": "eu-west-1",
        "errorCode": "AccessDenied",
        "requestParameters": {"eventName": "Decoy", "resources": [{"ARN": "decoy"}]},
        "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6",
        "readOnly": true,
        "resources": [
            {"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/pre"},
            {"accountId": "123456789012", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"},
            {"type": "AWS::CloudWatch::Metric"}
        ],
        "eventType": "AwsApiCall",
        "managementEvent": false,
        "recipientAccountId": "123456789012",
        "eventCategory": "Data",
        "vpcEndpointId": "vpce-1",
        "sessionCredentialFromConsole": "true"
    })
}

#[test]
fn a_view_says_what_the_record_says() {
    let bytes = sample().to_string();
    let view = View::parse(bytes.as_bytes()).expect("a record");
    let touched = |kind: &'static str, arn: Option<&'static str>, is_prefix| Touched {
        kind: Some(kind.into()),
        arn: arn.map(Cow::from),
        is_prefix,
    };
    let expect = View {
        event_id: "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6".parse().expect("an id"),
        event_time_s: 1_772_360_430,
        category: Category::Data,
        read_only: true,
        event_source: "s3.amazonaws.com".into(),
        event_name: "ListObjects".into(),
        event_type: Some("AwsApiCall".into()),
        region: "eu-west-1".into(),
        identity_type: Some("AssumedRole".into()),
        identity_arn: Some("arn:aws:sts::123456789012:assumed-role/R/s".into()),
        invoked_by: Some("x.amazonaws.com".into()),
        from_console: true,
        error_code: Some("AccessDenied".into()),
        vpc_endpoint_id: Some("vpce-1".into()),
        resources: vec![
            touched("AWS::S3::Object", Some("arn:aws:s3:::b/pre"), true),
            touched("AWS::S3::Bucket", Some("arn:aws:s3:::b"), false),
            touched("AWS::CloudWatch::Metric", None, false),
        ],
    };
    assert_eq!(view, expect);
}

#[test]
fn what_is_absent_or_null_is_nothing() {
    let mut sample = sample();
    for name in ["userIdentity", "resources", "eventType", "errorCode", "vpcEndpointId", "sessionCredentialFromConsole"]
    {
        sample[name] = Value::Null;
    }
    sample.as_object_mut().expect("an object").remove("readOnly");
    let bytes = sample.to_string();
    let view = View::parse(bytes.as_bytes()).expect("a record");
    let texts = [&view.identity_type, &view.identity_arn, &view.invoked_by, &view.event_type, &view.error_code];
    assert!(texts.iter().all(|text| text.is_none()) && view.vpc_endpoint_id.is_none() && view.resources.is_empty());
    assert!(!view.from_console && !view.read_only);
}

#[test]
fn an_arn_goes_before_a_prefix() {
    let check = |resource: Value, arn: Option<&str>, is_prefix: bool| {
        let mut sample = sample();
        sample["resources"] = json!([resource]);
        let bytes = sample.to_string();
        let view = View::parse(bytes.as_bytes()).expect("a record");
        assert_eq!((view.resources[0].arn.as_deref(), view.resources[0].is_prefix), (arn, is_prefix));
    };
    check(json!({"ARN": "a", "ARNPrefix": "p"}), Some("a"), false);
    check(json!({"ARNPrefix": "p", "ARN": "a"}), Some("a"), false);
    check(json!({"ARN": null, "ARNPrefix": "p"}), Some("p"), true);
    check(json!({"type": 1}), None, false);
}

#[test]
fn old_records_get_their_category_as_heads_do() {
    let check = |change: fn(&mut Value), expect: Category| {
        let mut sample = sample();
        sample.as_object_mut().expect("an object").remove("eventCategory");
        change(&mut sample);
        let bytes = sample.to_string();
        assert_eq!(View::parse(bytes.as_bytes()).expect("a record").category, expect, "{bytes}");
        assert_eq!(Head::parse(bytes.as_bytes()).expect("a record").category, expect, "{bytes}");
    };
    check(|_| (), Category::Data);
    check(|s| s["managementEvent"] = json!(true), Category::Management);
    check(|s| s["managementEvent"] = Value::Null, Category::Data);
    check(|s| (s["managementEvent"], s["resources"]) = (Value::Null, Value::Null), Category::Management);
    check(|s| s["eventType"] = json!("AwsVpceEvent"), Category::NetworkActivity);
    check(|s| s["eventType"] = json!("AwsCloudTrailInsight"), Category::Insight);
}

#[test]
fn what_is_no_record_is_refused() {
    let check = |name: &str, value: Value, expect: BadRecord| {
        let mut sample = sample();
        sample[name] = value;
        assert_eq!(View::parse(sample.to_string().as_bytes()), Err(expect), "{name}");
    };
    check("eventID", Value::Null, BadRecord::Missing("eventID"));
    check("eventSource", Value::Null, BadRecord::Missing("eventSource"));
    check("eventName", json!(7), BadRecord::Malformed { name: "eventName", wanted: "text" });
    check("readOnly", json!("maybe"), BadRecord::Malformed { name: "readOnly", wanted: "true or false" });
    assert!(matches!(View::parse(b"{} {}"), Err(BadRecord::NotJson(_))));
    assert!(matches!(View::parse(b"\xff"), Err(BadRecord::NotJson(_))));
    let long = vec![b' '; RECORD_BYTES_MAX + 1];
    assert!(matches!(View::parse(&long), Err(BadRecord::TooLarge { .. })));
}

/// Published records: what a head is read of, a view is read of, and both agree with a plain parser.
#[test]
fn real_events_are_viewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cloudtrail/events.ndjson.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).expect("gzip");
    let mut viewed = 0;
    for line in text.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        let tree: Value = serde_json::from_slice(line).expect("the corpus is JSON");
        let (view, head) = (View::parse_within(line, 1 << 20), Head::parse_within(line, 1 << 20));
        let Ok(view) = view else {
            assert!(head.is_err(), "a head without a view: {view:?}");
            continue;
        };
        viewed += 1;
        if let Ok(head) = head {
            assert_eq!((head.event_id, head.event_time_s), (view.event_id, view.event_time_s));
            assert_eq!((head.category, head.read_only), (view.category, view.read_only));
            assert_eq!((&head.event_source, &head.event_name), (&view.event_source, &view.event_name));
            assert_eq!((&head.region, &head.error_code), (&view.region, &view.error_code));
        }
        let identity = &tree["userIdentity"];
        assert_eq!(view.identity_arn.as_deref(), identity["arn"].as_str());
        assert_eq!(view.identity_type.as_deref(), identity["type"].as_str());
        assert_eq!(view.invoked_by.as_deref(), identity["invokedBy"].as_str());
        assert_eq!(view.vpc_endpoint_id.as_deref(), tree["vpcEndpointId"].as_str());
        assert_eq!(view.event_type.as_deref(), tree["eventType"].as_str());
        let resources = tree["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(view.resources.len(), resources.len());
        for (seen, there) in view.resources.iter().zip(resources) {
            assert_eq!(seen.kind.as_deref(), there["type"].as_str());
            assert_eq!(seen.arn.as_deref(), there["ARN"].as_str().or(there["ARNPrefix"].as_str()));
            assert_eq!(seen.is_prefix, there["ARN"].is_null() && there["ARNPrefix"].is_string());
        }
    }
    assert!(viewed > 4_000, "{viewed}");
}
