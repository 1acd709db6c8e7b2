//! What a trail's bucket is asked for, and in which order faults are told.

use opentrail_delivery::BucketError;

use super::*;

#[test]
fn markers_are_written_in_the_trail_s_name() {
    let house = house();
    house.make("one", json!({}));
    house.make("two", json!({"S3KeyPrefix": "a/b", "EnableLogFileValidation": true}));
    let (plain, long) = (format!("logs/AWSLogs/{ANNA}"), format!("logs/a/b/AWSLogs/{ANNA}"));
    let both = [format!("{long}/CloudTrail/"), format!("{long}/CloudTrail-Digest/")];
    assert_eq!(house.keys(), [format!("{plain}/CloudTrail/"), both[0].clone(), both[1].clone()]);
    // Every update tries again, also one that changes nothing.
    house.call("UpdateTrail", &json!({"Name": "two"}));
    assert_eq!(house.keys()[3..], both);

    let put = house.buckets.puts().remove(0);
    assert_eq!(put.by.service, "cloudtrail.amazonaws.com");
    assert_eq!((put.by.source_arn.as_str(), put.by.source_account.as_str()), (arn("us-east-1", "one").as_str(), ANNA));
    assert!(put.file.bytes.is_empty() && put.file.metadata.is_empty());
    assert_eq!((put.file.content_type, put.file.content_encoding), ("application/json", Some("gzip")));
}

#[test]
fn a_bucket_that_does_not_take_it_refuses_the_trail() {
    let house = house();
    let create = json!({"Name": "one", "S3BucketName": "logs"});
    let fault = |fault: BucketError| {
        house.buckets.fail("logs", Some(fault));
        house.fault("CreateTrail", &create)
    };
    let denied = BucketError::Denied { bucket: "logs".into(), because: "no policy".into() };
    let (code, message) = fault(denied.clone());
    assert_eq!(code, "InsufficientS3BucketPolicyException");
    assert_eq!(message, "Incorrect S3 bucket policy is detected for bucket: logs");
    assert_eq!(fault(BucketError::Unavailable("slow".into())).0, "ServiceUnavailableException");
    let missing = house.fault("CreateTrail", &json!({"Name": "one", "S3BucketName": "nowhere"}));
    assert_eq!(missing, ("S3BucketDoesNotExistException".into(), "S3 bucket nowhere does not exist!".into()));
    assert_eq!(house.call("ListTrails", &json!({}))["Trails"], json!([]));

    house.buckets.fail("logs", None);
    house.call("CreateTrail", &create);
    house.buckets.fail("logs", Some(denied));
    let before = house.call("GetTrail", &json!({"Name": "one"}));
    assert_eq!(house.code("UpdateTrail", &json!({"Name": "one"})), "InsufficientS3BucketPolicy");
    assert_eq!(house.code("UpdateTrail", &json!({"Name": "one", "S3KeyPrefix": "p"})), "InsufficientS3BucketPolicy");
    assert_eq!(house.call("GetTrail", &json!({"Name": "one"})), before, "a refused update changes nothing");
    house.call("UpdateTrail", &json!({"Name": "one", "S3BucketName": "more-logs"}));
}

#[test]
fn global_events_follow_the_regions() {
    let house = house();
    let created = house.make("one", json!({"IsMultiRegionTrail": true}));
    assert_eq!(created["IncludeGlobalServiceEvents"], true);
    let update = |more: Value| {
        let mut input = json!({"Name": "one"});
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        house.call("UpdateTrail", &input)["IncludeGlobalServiceEvents"].clone()
    };
    assert_eq!(update(json!({"IsMultiRegionTrail": false})), false, "one region turns them off");
    assert_eq!(update(json!({})), false);
    assert_eq!(update(json!({"IncludeGlobalServiceEvents": true})), true);
    assert_eq!(update(json!({"IncludeGlobalServiceEvents": false})), false);
    assert_eq!(update(json!({"IsMultiRegionTrail": true})), true, "all regions turn them on");
    assert_eq!(update(json!({"IsMultiRegionTrail": false, "IncludeGlobalServiceEvents": true})), true);
    update(json!({"IsMultiRegionTrail": true}));

    let wrong = (
        "InvalidParameterCombinationException".into(),
        "Multi-Region trail must include global service events.".into(),
    );
    assert_eq!(house.fault("UpdateTrail", &json!({"Name": "one", "IncludeGlobalServiceEvents": false})), wrong);
    // Told before the bucket is looked for.
    let both = json!({
        "Name": "two", "S3BucketName": "nowhere", "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": false
    });
    assert_eq!(house.fault("CreateTrail", &both), wrong);
    house.make("two", json!({"IncludeGlobalServiceEvents": false}));
}

#[test]
fn what_is_not_in_the_house_is_refused_in_the_recorded_order() {
    let house = house();
    let code = |more: Value| {
        let mut input = json!({"Name": "one", "S3BucketName": "logs"});
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        house.code("CreateTrail", &input)
    };
    // Malformed topics are told before the bucket is touched.
    assert_eq!(code(json!({"SnsTopicName": "t.fifo"})), "InvalidSnsTopicName");
    assert_eq!(code(json!({"SnsTopicName": "arn:aws:sqs:us-east-1:111111111111:t"})), "InvalidSnsTopicName");
    assert_eq!(code(json!({"SnsTopicName": "x".repeat(257)})), "InvalidSnsTopicName");
    assert!(house.keys().is_empty());
    assert_eq!(code(json!({"SnsTopicName": "topic", "S3BucketName": "nowhere"})), "S3BucketDoesNotExist");
    assert_eq!(code(json!({"IsOrganizationTrail": true, "S3BucketName": "nowhere"})), "S3BucketDoesNotExist");

    let arn = "arn:aws:sns:us-east-1:111111111111:topic";
    for topic in ["topic", arn] {
        assert_eq!(code(json!({"SnsTopicName": topic, "IsOrganizationTrail": true})), "InsufficientSnsTopicPolicy");
    }
    assert_eq!(house.keys().len(), 2, "the marker stays");
    assert_eq!(code(json!({"IsOrganizationTrail": true})), "OrganizationsNotInUse");

    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let key_arn = format!("arn:aws:kms:us-east-1:111111111111:key/{id}");
    for key in [id, "alias/logs", "mrk-1234abcd12ab34cd56ef1234567890ab", &key_arn] {
        assert_eq!(code(json!({"KmsKeyId": key})), "InsufficientEncryptionPolicy", "{key}");
    }
    for key in ["key", "alias/", "arn:aws:kms:us-east-1", "x".repeat(36).as_str()] {
        assert_eq!(code(json!({"KmsKeyId": key})), "KmsKeyNotFound", "{key}");
    }

    let group = "arn:aws:logs:us-east-1:111111111111:log-group:g:*";
    let role = "arn:aws:iam::111111111111:role/r";
    let logs =
        |group: Value, role: Value| code(json!({"CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": role}));
    assert_eq!(logs(json!(group), Value::Null), "InvalidCloudWatchLogsRoleArn");
    assert_eq!(logs(Value::Null, json!(role)), "InvalidCloudWatchLogsLogGroupArn");
    assert_eq!(logs(json!("g"), json!(role)), "InvalidCloudWatchLogsLogGroupArn");
    assert_eq!(logs(json!(group), json!("r")), "InvalidCloudWatchLogsRoleArn");
    assert_eq!(logs(json!(group), json!(role)), "CloudWatchLogsDeliveryUnavailable");

    // What is empty asks for nothing.
    house.make(
        "one",
        json!({"SnsTopicName": "", "KmsKeyId": "", "CloudWatchLogsRoleArn": "", "IsOrganizationTrail": false}),
    );
    house.call("UpdateTrail", &json!({"Name": "one", "SnsTopicName": "", "CloudWatchLogsLogGroupArn": ""}));
}
