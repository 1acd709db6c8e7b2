//! Every error of the operations, by what provokes it.

use super::*;

#[test]
fn names_are_looked_at_first() {
    let house = house();
    let long = "a".repeat(129);
    for name in ["", "ab", &long, "a b", "-ab", "a--b", "1.2.3.4"] {
        assert_eq!(house.code("CreateTrail", &json!({"Name": name, "S3BucketName": "nowhere"})), "InvalidTrailName");
        for operation in ["GetTrail", "GetTrailStatus", "DeleteTrail", "StartLogging", "StopLogging", "UpdateTrail"] {
            assert_eq!(house.code(operation, &json!({"Name": name})), "InvalidTrailName", "{operation} {name}");
        }
        for operation in ["GetEventSelectors", "PutEventSelectors"] {
            assert_eq!(house.code(operation, &json!({"TrailName": name})), "InvalidTrailName", "{operation} {name}");
        }
        assert_eq!(house.code("DescribeTrails", &json!({"trailNameList": [name]})), "InvalidTrailName");
    }
    for operation in ["GetTrail", "GetTrailStatus", "DeleteTrail", "StartLogging", "StopLogging", "UpdateTrail"] {
        assert_eq!(house.code(operation, &json!({"Name": "arn:aws:cloudtrail:x"})), "CloudTrailARNInvalid");
        assert_eq!(house.code(operation, &json!({})), "InvalidTrailName");
        let unknown = ("TrailNotFoundException".into(), format!("Unknown trail: nobody for the user: {ANNA}"));
        assert_eq!(house.fault(operation, &json!({"Name": "nobody"})), unknown);
        assert_eq!(house.fault(operation, &json!({"Name": arn("us-east-1", "nobody")})), unknown);
    }
    assert_eq!(house.code("DescribeTrails", &json!({"trailNameList": ["arn:x"]})), "CloudTrailARNInvalid");
    assert_eq!(
        house.code("CreateTrail", &json!({"Name": arn("us-east-1", "one"), "S3BucketName": "logs"})),
        "InvalidTrailName"
    );
    assert_eq!(house.code("CreateTrail", &json!({"Name": "one"})), "InvalidS3BucketName");
}

#[test]
fn a_trail_is_changed_at_home_only() {
    let house = house();
    house.make_in("eu-west-1", "wide", json!({"IsMultiRegionTrail": true}));
    house.make_in("eu-west-1", "narrow", json!({}));
    for (operation, member) in [
        ("UpdateTrail", "Name"),
        ("DeleteTrail", "Name"),
        ("StartLogging", "Name"),
        ("StopLogging", "Name"),
        ("PutEventSelectors", "TrailName"),
    ] {
        let code = |name: String| house.code(operation, &json!({member: name, "EventSelectors": [{}]}));
        assert_eq!(code(arn("eu-west-1", "wide")), "InvalidHomeRegion", "{operation}");
        assert_eq!(code(arn("eu-west-1", "narrow")), "InvalidHomeRegion", "{operation}");
        assert_eq!(code("wide".into()), "InvalidHomeRegion", "{operation}: the shadow has the name");
        assert_eq!(code("narrow".into()), "TrailNotFound", "{operation}");
    }
}

#[test]
fn names_and_regions_run_out() {
    let house = house();
    house.make("one", json!({}));
    let again = house.fault("CreateTrail", &json!({"Name": "one", "S3BucketName": "logs"}));
    assert_eq!(again, ("TrailAlreadyExistsException".into(), format!("Trail one already exists for customer: {ANNA}")));
    for name in ["two", "three", "four", "five"] {
        house.make(name, json!({}));
    }
    let sixth = house.fault("CreateTrail", &json!({"Name": "six", "S3BucketName": "logs"}));
    let message = format!("User: {ANNA} already has 5 trails in us-east-1.");
    assert_eq!(sixth, ("MaximumNumberOfTrailsExceededException".into(), message));
    house.make_in("eu-west-1", "six", json!({}));
    let wider = json!({"Name": "six", "IsMultiRegionTrail": true});
    assert_eq!(house.fault_in("eu-west-1", "UpdateTrail", &wider).0, "MaximumNumberOfTrailsExceededException");
}

#[test]
fn buckets_and_prefixes_have_rules() {
    let house = house();
    for bucket in ["", "ab", "Logs", "a..b", "-ab", "a_b", "1.2.3.4", &"a".repeat(64)] {
        let code = house.code("CreateTrail", &json!({"Name": "one", "S3BucketName": bucket}));
        assert_eq!(code, "InvalidS3BucketName", "{bucket}");
    }
    let prefix = |n: usize| json!({"Name": "one", "S3BucketName": "logs", "S3KeyPrefix": "p".repeat(n)});
    assert_eq!(house.code("CreateTrail", &prefix(201)), "InvalidS3Prefix");
    for text in ["a\nb", "a\r", "\u{0}", "a\u{85}b", &"\u{1F600}".repeat(171)] {
        let request = json!({"Name": "one", "S3BucketName": "logs", "S3KeyPrefix": text});
        assert_eq!(house.code("CreateTrail", &request), "InvalidS3Prefix", "{text:?}");
    }
    house.call("CreateTrail", &prefix(200));
    assert_eq!(house.code("UpdateTrail", &json!({"Name": "one", "S3BucketName": ""})), "InvalidS3BucketName");
    assert_eq!(house.code("UpdateTrail", &prefix(201)), "InvalidS3Prefix");
}

#[test]
fn tags_have_rules() {
    let house = house();
    house.make("one", json!({}));
    let one = arn("us-east-1", "one");
    let add = |tags: Value| house.code("AddTags", &json!({"ResourceId": one, "TagsList": tags}));
    for bad in [
        json!([{"Key": ""}]),
        json!([{"Value": "v"}]),
        json!([{"Key": "aws:x", "Value": "v"}]),
        json!([{"Key": "k#", "Value": "v"}]),
        json!([{"Key": "k", "Value": "<"}]),
        json!([{"Key": "k".repeat(129), "Value": "v"}]),
        json!([{"Key": "k", "Value": "v".repeat(257)}]),
        json!([{"Key": "k", "Value": "v"}, {"Key": "k", "Value": "w"}]),
    ] {
        assert_eq!(add(bad.clone()), "InvalidTagParameter", "{bad}");
    }
    let tags = |n: usize| Value::from_iter((0..n).map(|i| json!({"Key": format!("k{i}"), "Value": "v"})));
    assert_eq!(add(tags(51)), "TagsLimitExceeded");
    assert_eq!(add(tags(201)), "TagsLimitExceeded");
    let create = json!({"Name": "two", "S3BucketName": "logs", "TagsList": tags(51)});
    assert_eq!(house.code("CreateTrail", &create), "TagsLimitExceeded");
    house.call("AddTags", &json!({"ResourceId": one, "TagsList": tags(50)}));
    assert_eq!(add(json!([{"Key": "another", "Value": "v"}])), "TagsLimitExceeded");

    for (id, code) in [
        ("one", "CloudTrailARNInvalid"),
        ("arn:aws:s3:::logs", "CloudTrailARNInvalid"),
        ("arn:aws:cloudtrail:us-east-1:111111111111:trail/x", "CloudTrailARNInvalid"),
        (
            "arn:aws:cloudtrail:us-east-1:111111111111:eventdatastore/11aa22bb-1111-2222-3333-444455556666",
            "EventDataStoreNotFound",
        ),
        ("arn:aws:cloudtrail:us-east-1:111111111111:dashboard/d", "ResourceTypeNotSupported"),
        ("arn:aws:cloudtrail:us-east-1:111111111111:trail/nobody", "ResourceNotFound"),
        ("arn:aws:cloudtrail:eu-west-1:111111111111:trail/one", "CloudTrailARNInvalid"),
    ] {
        assert_eq!(house.code("AddTags", &json!({"ResourceId": id, "TagsList": []})), code, "{id}");
        assert_eq!(house.code("RemoveTags", &json!({"ResourceId": id, "TagsList": []})), code, "{id}");
        assert_eq!(house.code("ListTags", &json!({"ResourceIdList": [id]})), code, "{id}");
    }
    assert_eq!(house.code("ListTags", &json!({"ResourceIdList": vec![&one; 21]})), "InvalidParameter");
    assert_eq!(house.code("ListTags", &json!({"ResourceIdList": [one], "NextToken": "abcd"})), "InvalidToken");
}

#[test]
fn what_is_not_built_says_so() {
    let house = house();
    house.make("one", json!({}));
    let (code, message) = house.fault("PutInsightSelectors", &json!({"TrailName": "one", "InsightSelectors": []}));
    assert_eq!(code, "NotImplementedException");
    assert!(message.contains("PutInsightSelectors"), "{message}");
}
