//! What each operation answers, and what records say of it.

use super::*;

#[test]
fn a_trail_is_made_shown_changed_and_deleted() {
    let house = house();
    let made = house.done("CreateTrail", &json!({"Name": "one", "S3BucketName": "logs", "S3KeyPrefix": "p"}));
    let changed = |bucket: &str| {
        json!({
            "Name": "one", "S3BucketName": bucket, "S3KeyPrefix": "p", "IncludeGlobalServiceEvents": true,
            "IsMultiRegionTrail": false, "TrailARN": arn("us-east-1", "one"), "LogFileValidationEnabled": false,
            "IsOrganizationTrail": false, "RecursiveLogging": true,
        })
    };
    assert_eq!(made.answer, Ok(changed("logs")));
    assert_eq!((made.read_only, made.action.as_str()), (false, "cloudtrail:CreateTrail"));
    assert_eq!(made.arns, [arn("us-east-1", "one")]);
    assert_eq!(made.parameters, json!({"name": "one", "s3BucketName": "logs", "s3KeyPrefix": "p"}));
    assert_eq!(made.elements["trailARN"], arn("us-east-1", "one"));
    assert_eq!(made.elements["recursiveLogging"], true);

    let shown = house.done("GetTrail", &json!({"Name": "one"}));
    let mut whole = changed("logs");
    for (member, value) in [
        ("HomeRegion", json!("us-east-1")),
        ("HasCustomEventSelectors", json!(false)),
        ("HasInsightSelectors", json!(false)),
    ] {
        whole[member] = value;
    }
    assert_eq!(shown.answer, Ok(json!({"Trail": whole})));
    assert_eq!((shown.read_only, shown.elements), (true, Value::Null));
    assert_eq!(house.call("DescribeTrails", &json!({})), json!({"trailList": [whole]}));

    let update = json!({"Name": arn("us-east-1", "one"), "S3BucketName": "more-logs", "RecursiveLogging": false});
    let updated = house.done("UpdateTrail", &update);
    let mut expect = changed("more-logs");
    expect["RecursiveLogging"] = json!(false);
    assert_eq!(updated.answer, Ok(expect));
    assert_eq!(updated.elements["s3BucketName"], "more-logs");
    assert_eq!(updated.elements["s3KeyPrefix"], "p", "the whole trail is on record");
    assert_eq!(updated.parameters["recursiveLogging"], false);
    assert_eq!(house.call("UpdateTrail", &json!({"Name": "one", "S3KeyPrefix": ""})).get("S3KeyPrefix"), None);

    let deleted = house.done("DeleteTrail", &json!({"Name": "one"}));
    assert_eq!((deleted.answer, deleted.elements, deleted.read_only), (Ok(json!({})), Value::Null, false));
    assert_eq!(house.code("GetTrail", &json!({"Name": "one"})), "TrailNotFound");
}

fn at(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

#[test]
fn logging_starts_and_stops_and_the_status_says_when() {
    let house = house();
    house.make("one", json!({}));
    let fresh = json!({
        "IsLogging": false, "LatestDeliveryAttemptTime": "", "LatestNotificationAttemptTime": "",
        "LatestNotificationAttemptSucceeded": "", "LatestDeliveryAttemptSucceeded": "", "TimeLoggingStarted": "",
        "TimeLoggingStopped": "",
    });
    assert_eq!(house.call("GetTrailStatus", &json!({"Name": "one"})), fresh);

    let started = house.done("StartLogging", &json!({"Name": "one"}));
    assert_eq!((started.answer, started.elements), (Ok(json!({})), Value::Null));
    house.clock.advance(std::time::Duration::from_secs(60));
    house.call("StartLogging", &json!({"Name": arn("us-east-1", "one")}));
    let status = house.call("GetTrailStatus", &json!({"Name": "one"}));
    assert_eq!((&status["IsLogging"], &status["TimeLoggingStarted"]), (&json!(true), &json!(NOW)));
    assert_eq!(status["StartLoggingTime"].as_f64(), Some(1_780_272_000.0));
    assert_eq!(status.get("StopLoggingTime"), None);

    *house.told.report.lock().unwrap() = DeliveryReport {
        attempted: Some(at("2026-06-01T00:01:00.250Z")),
        delivered: Some(at("2026-06-01T00:00:00.500Z")),
        error: Some("AccessDenied".into()),
        digest_delivered: Some(at("2026-06-01T00:00:01Z")),
        digest_error: Some("NoSuchBucket".into()),
    };
    house.call("StopLogging", &json!({"Name": "one"}));
    house.call("StopLogging", &json!({"Name": "one"}));
    let status = house.call("GetTrailStatus", &json!({"Name": "one"}));
    assert_eq!(
        status,
        json!({
            "IsLogging": false, "LatestDeliveryError": "AccessDenied", "LatestDeliveryTime": 1_780_272_000.5,
            "StartLoggingTime": 1_780_272_000, "StopLoggingTime": 1_780_272_060,
            "LatestDigestDeliveryTime": 1_780_272_001, "LatestDigestDeliveryError": "NoSuchBucket",
            "LatestDeliveryAttemptTime": "2026-06-01T00:01:00Z", "LatestNotificationAttemptTime": "",
            "LatestNotificationAttemptSucceeded": "", "LatestDeliveryAttemptSucceeded": NOW,
            "TimeLoggingStarted": NOW, "TimeLoggingStopped": "2026-06-01T00:01:00Z",
        })
    );
    *house.told.failing.lock().unwrap() = true;
    assert_eq!(house.code("GetTrailStatus", &json!({"Name": "one"})), "ServiceUnavailable");
    assert_eq!(house.code("ListPublicKeys", &json!({})), "ServiceUnavailable");
}

#[test]
fn a_multi_region_trail_casts_a_shadow_in_every_region() {
    let house = house();
    house.make_in("eu-west-1", "wide", json!({"IsMultiRegionTrail": true}));
    house.make_in("eu-west-1", "narrow", json!({}));
    house.make("here", json!({}));
    let names = |region: &str, input: Value| -> Vec<String> {
        let list = house.call_in(region, "DescribeTrails", &input)["trailList"].as_array().expect("a list").clone();
        list.iter().map(|trail| trail["Name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("us-east-1", json!({})), ["here", "wide"]);
    assert_eq!(names("us-east-1", json!({"includeShadowTrails": false})), ["here"]);
    assert_eq!(names("eu-west-1", json!({})), ["narrow", "wide"]);
    assert_eq!(names("ap-south-1", json!({})), ["wide"]);
    // Names are those of the region's own trails; everything else needs the ARN.
    assert_eq!(names("us-east-1", json!({"trailNameList": ["wide", "here", "nobody"]})), ["here"]);
    let by_arn =
        json!({"trailNameList": [arn("eu-west-1", "wide"), arn("eu-west-1", "narrow"), arn("eu-west-1", "nobody")]});
    assert_eq!(names("us-east-1", by_arn), ["narrow", "wide"]);
    let shadow = house.call("DescribeTrails", &json!({}))["trailList"][1].clone();
    assert_eq!((&shadow["HomeRegion"], &shadow["TrailARN"]), (&json!("eu-west-1"), &json!(arn("eu-west-1", "wide"))));

    let listed = house.call("ListTrails", &json!({}));
    let info = |name: &str, home: &str| json!({"TrailARN": arn(home, name), "Name": name, "HomeRegion": home});
    assert_eq!(listed, json!({"Trails": [info("here", "us-east-1"), info("wide", "eu-west-1")]}));

    let by_arn = json!({"Name": arn("eu-west-1", "wide")});
    assert_eq!(house.call("GetTrail", &by_arn)["Trail"]["HomeRegion"], "eu-west-1");
    assert_eq!(house.call("GetTrailStatus", &by_arn)["IsLogging"], false);
    assert_eq!(house.code("GetTrail", &json!({"Name": "wide"})), "TrailNotFound");
    assert_eq!(house.code("GetTrailStatus", &json!({"Name": "wide"})), "TrailNotFound");
}

#[test]
fn tags_are_kept_with_the_trail() {
    let house = house();
    house.make("one", json!({"TagsList": [{"Key": "team", "Value": "a"}, {"Key": "empty"}]}));
    house.make("two", json!({}));
    let (one, two) = (arn("us-east-1", "one"), arn("us-east-1", "two"));
    let list = |ids: &[&String]| house.call("ListTags", &json!({"ResourceIdList": ids}))["ResourceTagList"].clone();
    assert_eq!(
        list(&[&two, &one]),
        json!([
            {"ResourceId": two, "TagsList": []},
            {"ResourceId": one, "TagsList": [{"Key": "empty"}, {"Key": "team", "Value": "a"}]},
        ])
    );
    let added = house.done("AddTags", &json!({"ResourceId": one, "TagsList": [{"Key": "team", "Value": "b"}]}));
    assert_eq!((added.answer, added.elements, added.arns), (Ok(json!({})), Value::Null, vec![one.clone()]));
    let gone = json!({"ResourceId": one, "TagsList": [{"Key": "empty", "Value": "whatever"}, {"Key": "never"}]});
    house.call("RemoveTags", &gone);
    assert_eq!(list(&[&one])[0]["TagsList"], json!([{"Key": "team", "Value": "b"}]));
    let listed = house.done("ListTags", &json!({"ResourceIdList": [one, two]}));
    assert_eq!(listed.arns, [one, two]);
}

#[test]
fn public_keys_are_listed_as_they_are_told() {
    let house = house();
    assert_eq!(house.call("ListPublicKeys", &json!({"NextToken": "invalid"})), json!({"PublicKeyList": []}));
    let key = PublicKey {
        der: Bytes::from_static(b"\x30\x82"),
        fingerprint: "0123".into(),
        valid_from_s: 1_780_272_000,
        valid_to_s: 1_782_864_000,
    };
    house.told.keys.lock().unwrap().push(key);
    let listed = house.call_in("eu-west-1", "ListPublicKeys", &json!({"StartTime": 5, "EndTime": 7}));
    assert_eq!(
        listed,
        json!({"PublicKeyList": [{
            "Value": "MII=", "ValidityStartTime": 1_780_272_000, "ValidityEndTime": 1_782_864_000, "Fingerprint": "0123",
        }]})
    );
    let asked = house.told.asked.lock().unwrap().clone();
    assert_eq!(asked, [("us-east-1".into(), None, None), ("eu-west-1".into(), Some(5), Some(7))]);
    assert_eq!(house.code("ListPublicKeys", &json!({"StartTime": 7, "EndTime": 5})), "InvalidTimeRange");
}

#[test]
fn an_account_sees_and_changes_its_own() {
    let house = house();
    house.make("one", json!({}));
    assert_eq!(house.done_as(EVE, "us-east-1", "ListTrails", &json!({})).answer, Ok(json!({"Trails": []})));
    for (operation, input) in [
        ("GetTrail", json!({"Name": arn("us-east-1", "one")})),
        ("DeleteTrail", json!({"Name": "one"})),
        ("StartLogging", json!({"Name": arn("us-east-1", "one")})),
        ("PutEventSelectors", json!({"TrailName": "one", "EventSelectors": [{}]})),
        ("ListTags", json!({"ResourceIdList": [arn("us-east-1", "one")]})),
    ] {
        let (code, _) = house.done_as(EVE, "us-east-1", operation, &input).answer.expect_err(operation);
        assert!(code == "TrailNotFoundException" || code == "ResourceNotFoundException", "{operation}: {code}");
    }
    let described = json!({"trailNameList": [arn("us-east-1", "one")]});
    assert_eq!(house.done_as(EVE, "us-east-1", "DescribeTrails", &described).answer, Ok(json!({"trailList": []})));
    assert_eq!(house.trails.list(ANNA.parse().expect("an account")).len(), 1);
}
