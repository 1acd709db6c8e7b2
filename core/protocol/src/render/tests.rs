//! Parameters and elements as real records spell them.

use jiff::Timestamp;

use super::*;
use crate::{Models, json};

fn rendered(service: &str, operation: &str, value: &Document, output: bool) -> Option<String> {
    let service = Models::builtin().by_signing_name(service).expect("a known service");
    let operation = service.operation(operation).expect("a known operation");
    let written = match output {
        false => request_parameters(&service, operation, value),
        true => response_elements(&service, operation, value),
    };
    written.map(|json| String::from_utf8(json.as_bytes().to_vec()).expect("UTF-8"))
}

#[test]
fn requests_are_spelled_as_in_records() {
    let check = |service: &str, operation: &str, body: &str, expect: Option<&str>| {
        let model = Models::builtin().by_signing_name(service).expect("a known service");
        let input = json::decode(&model, model.operation(operation).expect("a known operation"), body.as_bytes());
        assert_eq!(rendered(service, operation, &input.expect("well formed"), false).as_deref(), expect, "{body}");
    };
    check("cloudtrail", "LookupEvents", "{}", None);
    check("sts", "GetCallerIdentity", "", None);
    // `spec/recorded.md` 8: a time's fraction is dropped.
    check(
        "cloudtrail",
        "LookupEvents",
        r#"{"LookupAttributes":[{"AttributeKey":"ReadOnly","AttributeValue":"false"}],"StartTime":1789321637.9,"MaxResults":5}"#,
        Some(
            r#"{"lookupAttributes":[{"attributeKey":"ReadOnly","attributeValue":"false"}],"startTime":"2026-09-13T17:47:17Z","maxResults":5}"#,
        ),
    );
    // Order as sent; only the first letter is lowered.
    check(
        "cloudtrail",
        "CreateTrail",
        r#"{"S3BucketName":"b","Name":"t","RecursiveLogging":false,"TagsList":[{"Key":"k","Value":"v"}]}"#,
        Some(r#"{"s3BucketName":"b","name":"t","recursiveLogging":false,"tagsList":[{"key":"k","value":"v"}]}"#),
    );
    check("cloudtrail", "DescribeTrails", r#"{"trailNameList":[]}"#, Some(r#"{"trailNameList":[]}"#));
    check("iam", "CreateServiceLinkedRole", r#"{"AWSServiceName":"a"}"#, Some(r#"{"aWSServiceName":"a"}"#));
    // IAM and STS leave secrets out.
    check(
        "iam",
        "CreateLoginProfile",
        r#"{"UserName":"u","Password":"hush","PasswordResetRequired":false}"#,
        Some(r#"{"userName":"u","passwordResetRequired":false}"#),
    );
    check("iam", "ChangePassword", r#"{"OldPassword":"hush","NewPassword":"hush"}"#, None);
    check(
        "iam",
        "EnableMFADevice",
        r#"{"UserName":"u","SerialNumber":"s","AuthenticationCode1":"111111","AuthenticationCode2":"222222"}"#,
        Some(r#"{"userName":"u","serialNumber":"s"}"#),
    );
    check(
        "sts",
        "GetSessionToken",
        r#"{"DurationSeconds":900,"SerialNumber":"s","TokenCode":"123456"}"#,
        Some(r#"{"durationSeconds":900,"serialNumber":"s"}"#),
    );
}

#[test]
fn services_leave_out_what_their_records_do_not_have() {
    let check = |service: &str, operation: &str, value: Document, output: bool, expect: Option<&str>| {
        let model = crate::Atlas::builtin().service(service).expect("a known service");
        let operation = model.operation(operation).expect("a known operation");
        let written = match output {
            false => request_parameters(&model, operation, &value),
            true => response_elements(&model, operation, &value),
        };
        let written = written.map(|json| String::from_utf8(json.as_bytes().to_vec()).expect("UTF-8"));
        assert_eq!(written.as_deref(), expect, "{}", operation.name);
    };
    let empty = Document::structure;
    let blob = || Document::Blob(b"hush".to_vec().into());
    check("kms", "Decrypt", empty().with("KeyId", "k").with("CiphertextBlob", blob()), false, Some(r#"{"keyId":"k"}"#));
    check("kms", "Encrypt", empty().with("KeyId", "k").with("Plaintext", blob()), false, Some(r#"{"keyId":"k"}"#));
    check("lambda", "DeleteFunction", empty().with("StatusCode", 204i64), true, None);
    let tags = Document::List(vec![empty().with("Key", "k")]);
    let named = || empty().with("ARN", "arn:x").with("Name", "n");
    check(
        "secretsmanager",
        "CreateSecret",
        empty().with("Name", "n").with("Tags", tags),
        false,
        Some(r#"{"name":"n"}"#),
    );
    check("secretsmanager", "CreateSecret", named(), true, Some(r#"{"arn":"arn:x"}"#));
    check("secretsmanager", "PutSecretValue", named(), true, Some(r#"{"arn":"arn:x"}"#));
    check("secretsmanager", "DeleteSecret", named(), true, Some(r#"{"aRN":"arn:x","name":"n"}"#));
}

#[test]
fn responses_are_spelled_as_in_records() {
    let at = Timestamp::from_millisecond(1_789_321_637_492).expect("in range");
    let empty = Document::structure;
    let credentials = empty()
        .with("AccessKeyId", "ASIA")
        .with("SecretAccessKey", "hush")
        .with("SessionToken", "token")
        .with("Expiration", at);
    assert_eq!(
        rendered("sts", "AssumeRole", &empty().with("Credentials", credentials), true).as_deref(),
        Some(r#"{"credentials":{"accessKeyId":"ASIA","sessionToken":"token","expiration":"2026-09-13T17:47:17Z"}}"#)
    );
    let key = empty().with("AccessKeyId", "AKIA").with("SecretAccessKey", "hush");
    assert_eq!(
        rendered("iam", "CreateAccessKey", &empty().with("AccessKey", key.clone()), true).as_deref(),
        Some(r#"{"accessKey":{"accessKeyId":"AKIA"}}"#)
    );
    // Everyone else shows that there is one.
    assert_eq!(
        rendered("opentrail", "CreateAccessKey", &empty().with("AccessKey", key), true).as_deref(),
        Some(r#"{"accessKey":{"accessKeyId":"AKIA","secretAccessKey":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#)
    );
    assert_eq!(rendered("cloudtrail", "StartLogging", &empty(), true), None);
    assert_eq!(rendered("cloudtrail", "StartLogging", &Document::Null, true), None);
    let trail = empty().with("TrailARN", "arn").with("SnsTopicARN", "").with("IsOrganizationTrail", false);
    assert_eq!(
        rendered("cloudtrail", "UpdateTrail", &trail, true).as_deref(),
        Some(r#"{"trailARN":"arn","snsTopicARN":"","isOrganizationTrail":false}"#)
    );
}
