use serde_json::{Value, json};

use crate::Head;

/// A call with the given members beside the usual ones, and what LookupEvents lists for it as `Type=name`; an entry
/// without a type begins with `=`.
fn check(source: &str, name: &str, members: Value, expect: &[&str]) {
    let mut record = json!({
        "userIdentity": {"type": "Root"}, "eventTime": "2026-03-01T10:20:30Z", "eventSource": source, "eventName": name,
        "awsRegion": "us-east-1", "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6", "readOnly": false,
        "recipientAccountId": "123456789012", "eventCategory": "Management"
    });
    for (name, value) in members.as_object().expect("an object") {
        record[name] = value.clone();
    }
    let bytes = record.to_string();
    let head = Head::parse(bytes.as_bytes()).expect("a record");
    let listed: Vec<_> =
        head.resources.iter().map(|r| format!("{}={}", r.kind.as_deref().unwrap_or_default(), r.name)).collect();
    assert_eq!(listed, expect, "{source} {name}");
}

#[test]
fn iam() {
    let user = json!({"userName": "bob", "userId": "AIDA1", "arn": "arn:aws:iam::123456789012:user/bob"});
    check(
        "iam.amazonaws.com",
        "CreateUser",
        json!({"requestParameters": {"userName": "bob"}, "responseElements": {"user": user}}),
        &["AWS::IAM::User=bob", "AWS::IAM::User=AIDA1", "AWS::IAM::User=arn:aws:iam::123456789012:user/bob"],
    );
    check(
        "iam.amazonaws.com",
        "DeleteUser",
        json!({"requestParameters": {"userName": "bob"}}),
        &["AWS::IAM::User=bob"],
    );
    check(
        "iam.amazonaws.com",
        "DeleteUser",
        json!({"requestParameters": {"userName": "bob"}, "errorCode": "AccessDenied"}),
        &[],
    );
    check("iam.amazonaws.com", "GetUser", json!({"requestParameters": {"userName": "bob"}, "readOnly": true}), &[]);
    check(
        "iam.amazonaws.com",
        "PutRolePolicy",
        json!({"requestParameters": {"roleName": "r", "policyName": "p", "policyDocument": "{}"}}),
        &["AWS::IAM::Policy=p", "AWS::IAM::Role=r"],
    );
    check(
        "iam.amazonaws.com",
        "CreateAccessKey",
        json!({"requestParameters": {"userName": "bob"}, "responseElements": {"accessKey": {"accessKeyId": "AKIA2", "userName": "bob"}}}),
        &["AWS::IAM::AccessKey=AKIA2", "AWS::IAM::User=bob"],
    );
}

#[test]
fn sts_and_kms() {
    check(
        "sts.amazonaws.com",
        "AssumeRole",
        json!({"readOnly": true, "requestParameters": {"roleArn": "arn:aws:iam::1:role/r", "roleSessionName": "s"},
            "responseElements": {"credentials": {"accessKeyId": "ASIA1"},
                "assumedRoleUser": {"assumedRoleId": "AROA1:s", "arn": "arn:aws:sts::1:assumed-role/r/s"}}}),
        &[
            "AWS::IAM::AccessKey=ASIA1",
            "AWS::STS::AssumedRole=s",
            "AWS::STS::AssumedRole=AROA1:s",
            "AWS::STS::AssumedRole=arn:aws:sts::1:assumed-role/r/s",
            "AWS::IAM::Role=arn:aws:iam::1:role/r",
        ],
    );
    check("sts.amazonaws.com", "GetCallerIdentity", json!({"readOnly": true}), &[]);
    let key = json!([{"accountId": "1", "type": "AWS::KMS::Key", "ARN": "arn:aws:kms:us-east-1:1:key/abc"}]);
    check(
        "kms.amazonaws.com",
        "DisableKey",
        json!({"resources": key, "requestParameters": {"keyId": "abc"}}),
        &["AWS::KMS::Key=abc", "AWS::KMS::Key=arn:aws:kms:us-east-1:1:key/abc"],
    );
    check(
        "kms.amazonaws.com",
        "Encrypt",
        json!({"readOnly": true, "resources": key, "requestParameters": {"keyId": "alias/x"}}),
        &["=alias/x"],
    );
    check("kms.amazonaws.com", "Decrypt", json!({"readOnly": true, "resources": key, "requestParameters": null}), &[]);
}

#[test]
fn the_rest_of_the_table() {
    let url = "http://127.0.0.1/123456789012/q";
    let queue = json!([{"type": "AWS::SQS::Queue", "ARN": "arn:aws:sqs:us-east-1:1:q"}]);
    check(
        "sqs.amazonaws.com",
        "DeleteQueue",
        json!({"resources": queue, "requestParameters": {"queueUrl": url}}),
        &[&format!("AWS::SQS::Queue={url}")],
    );
    check(
        "sqs.amazonaws.com",
        "CreateQueue",
        json!({"responseElements": {"queueUrl": url}}),
        &[&format!("AWS::SQS::Queue={url}")],
    );
    let bucket = json!([{"accountId": "1", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"}]);
    check(
        "s3.amazonaws.com",
        "CreateBucket",
        json!({"resources": bucket, "requestParameters": {"bucketName": "b", "Host": "x"}}),
        &["AWS::S3::Bucket=b"],
    );
    check("s3.amazonaws.com", "ListBuckets", json!({"readOnly": true, "requestParameters": null}), &[]);
    check(
        "lambda.amazonaws.com",
        "DeleteFunction20150331",
        json!({"errorCode": "X", "requestParameters": {"functionName": "arn:aws:lambda:us-east-1:1:function:f"}}),
        &["AWS::Lambda::Function=f"],
    );
    check(
        "lambda.amazonaws.com",
        "GetFunction20150331v2",
        json!({"readOnly": true, "requestParameters": {"functionName": "f"}}),
        &[],
    );
    let trail = "arn:aws:cloudtrail:us-east-1:1:trail/t";
    check(
        "cloudtrail.amazonaws.com",
        "StopLogging",
        json!({"requestParameters": {"name": trail}}),
        &["AWS::CloudTrail::Trail=t", &format!("AWS::CloudTrail::Trail={trail}")],
    );
    for name in ["AddTags", "RemoveTags"] {
        check(
            "cloudtrail.amazonaws.com",
            name,
            json!({"requestParameters": {"resourceId": trail, "tagsList": [{"key": "k"}]}}),
            &["AWS::CloudTrail::Trail=t", &format!("AWS::CloudTrail::Trail={trail}")],
        );
    }
    let store = "arn:aws:cloudtrail:us-east-1:1:eventdatastore/e";
    check(
        "cloudtrail.amazonaws.com",
        "ListTags",
        json!({"readOnly": true, "requestParameters": {"resourceIdList": [store, trail]}}),
        &["AWS::CloudTrail::Trail=t", &format!("AWS::CloudTrail::Trail={trail}")],
    );
    check(
        "cloudtrail.amazonaws.com",
        "LookupEvents",
        json!({"readOnly": true, "requestParameters": {"maxResults": 1}}),
        &[],
    );
    check(
        "logs.amazonaws.com",
        "CreateLogGroup",
        json!({"requestParameters": {"logGroupName": "/g"}}),
        &["AWS::Logs::LogGroup=/g"],
    );
    check(
        "events.amazonaws.com",
        "PutRule",
        json!({"resources": [{"ARN": "x"}], "requestParameters": {"name": "r"}}),
        &[],
    );
    check(
        "ec2.amazonaws.com",
        "TerminateInstances",
        json!({"requestParameters": {"instancesSet": {"items": [{"instanceId": "i-1"}, {"x": 1}, 7, {"instanceId": "i-2"}]}},
            "responseElements": {"instancesSet": {"items": [{"instanceId": "i-1"}]}}}),
        &["AWS::EC2::Instance=i-1", "AWS::EC2::Instance=i-2"],
    );
}

#[test]
fn a_service_that_the_table_does_not_know_lists_what_the_record_lists() {
    check(
        "secretsmanager.amazonaws.com",
        "DeleteSecret",
        json!({"resources": [{"accountId": "1", "type": "AWS::SecretsManager::Secret", "ARN": "arn:s"}, {"accountId": "1", "ARN": "arn:u"}, {"type": "T"}, null]}),
        &["AWS::SecretsManager::Secret=arn:s", "=arn:u"],
    );
}

#[test]
fn hostile_shapes_name_nothing() {
    for request in [
        json!(7),
        json!("x"),
        json!([]),
        json!({"userName": 7}),
        json!({"userName": ""}),
        json!({"userName": {"userName": "x"}}),
        json!({"userName": ["x"]}),
    ] {
        check("iam.amazonaws.com", "DeleteUser", json!({"requestParameters": request}), &[]);
    }
    for request in [
        json!({"instancesSet": {"items": {"instanceId": "i"}}}),
        json!({"instancesSet": []}),
        json!({"instancesSet": {"items": [[{"instanceId": "i"}]]}}),
    ] {
        check("ec2.amazonaws.com", "StopInstances", json!({"requestParameters": request}), &[]);
    }
}

#[test]
fn so_many_are_listed_and_no_more() {
    let items: Vec<_> = (0..1_000).map(|n| json!({"instanceId": format!("i-{n}")})).collect();
    let record = json!({
        "eventTime": "2026-03-01T10:20:30Z", "eventSource": "ec2.amazonaws.com", "eventName": "StopInstances", "awsRegion": "r",
        "eventID": "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6", "recipientAccountId": "123456789012",
        "requestParameters": {"instancesSet": {"items": items}}
    })
    .to_string();
    assert_eq!(Head::parse(record.as_bytes()).expect("a record").resources.len(), super::NAMED_MAX);
}
