use serde_json::{Value, json};

use super::*;
use crate::{AccountId, Arn, Category, EventId, IdentityType, Region, TlsDetails, UserIdentity};

fn raw(value: &Value) -> Option<RawJson> {
    Some(RawJson::from_written(value.to_string()))
}

fn record() -> Record {
    let account: AccountId = "123456789012".parse().expect("an account");
    Record {
        user_identity: UserIdentity {
            kind: IdentityType::IAMUser,
            principal_id: "AIDAEXAMPLE".into(),
            arn: Arn::user(account, "/", "anna").to_string(),
            account_id: account.to_string(),
            access_key_id: Some("AKIAEXAMPLE".into()),
            user_name: Some("anna".into()),
            session_context: None,
            invoked_by: None,
            identity_provider: None,
        },
        event_time: "2026-03-01T10:20:30.987Z".parse().expect("a time"),
        event_source: "s3.amazonaws.com".into(),
        event_name: "CreateBucket".into(),
        region: Region::us_east_1(),
        source_ip_address: "127.0.0.1".into(),
        user_agent: Some("[aws-cli/2 \"x\"]".into()),
        error_code: None,
        error_message: None,
        request_parameters: raw(&json!({"bucketName": "b"})),
        response_elements: None,
        additional_event_data: raw(&json!({"bytesTransferredIn": 0})),
        request_id: "REQ1".into(),
        event_id: "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6".parse().expect("an id"),
        read_only: false,
        resources: vec![RecordResource {
            owner: Owner::Account(account),
            kind: "AWS::S3::Bucket",
            arn: Arn::bucket("b"),
            prefix: false,
        }],
        api_version: None,
        category: Category::Management,
        recipient_account: account,
        shared_event_id: None,
        tls: None,
    }
}

fn text(record: &Record) -> String {
    String::from_utf8(record.to_bytes().to_vec()).expect("UTF-8")
}

fn value(record: &Record) -> Value {
    serde_json::from_slice(&record.to_bytes()).expect("JSON")
}

#[test]
fn a_success_is_spelled_member_by_member() {
    assert_eq!(
        text(&record()),
        concat!(
            r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","#,
            r#""arn":"arn:aws:iam::123456789012:user/anna","accountId":"123456789012","accessKeyId":"AKIAEXAMPLE","#,
            r#""userName":"anna"},"eventTime":"2026-03-01T10:20:30Z","eventSource":"s3.amazonaws.com","#,
            r#""eventName":"CreateBucket","awsRegion":"us-east-1","sourceIPAddress":"127.0.0.1","#,
            r#""userAgent":"[aws-cli/2 \"x\"]","requestParameters":{"bucketName":"b"},"responseElements":null,"#,
            r#""additionalEventData":{"bytesTransferredIn":0},"requestID":"REQ1","#,
            r#""eventID":"6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6","readOnly":false,"#,
            r#""resources":[{"accountId":"123456789012","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}],"#,
            r#""eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012","#,
            r#""eventCategory":"Management"}"#
        )
    );
}

#[test]
fn every_optional_member_has_its_place() {
    let mut full = record();
    full.user_identity = full.user_identity.seen_from_outside();
    full.error_code = Some("AccessDenied".into());
    full.error_message = Some("no".into());
    full.request_parameters = None;
    full.response_elements = raw(&json!({"a": 1}));
    full.additional_event_data = None;
    full.api_version = Some("2006-03-01".into());
    full.category = Category::Data;
    full.read_only = true;
    full.shared_event_id = Some(full.event_id);
    full.resources[0].owner = Owner::Hidden;
    full.resources.push(RecordResource {
        owner: Owner::Absent,
        kind: "AWS::S3::Object",
        arn: Arn::object("b", "data/"),
        prefix: true,
    });
    full.tls = Some(TlsDetails {
        tls_version: "TLSv1.3".into(),
        cipher_suite: "TLS_AES_128_GCM_SHA256".into(),
        client_provided_host_header: "localhost:4566".into(),
        key_exchange: Some("X25519MLKEM768".into()),
    });
    assert_eq!(
        text(&full),
        concat!(
            r#"{"eventVersion":"1.11","userIdentity":{"type":"AWSAccount","principalId":"AIDAEXAMPLE","#,
            r#""accountId":"123456789012"},"eventTime":"2026-03-01T10:20:30Z","eventSource":"s3.amazonaws.com","#,
            r#""eventName":"CreateBucket","awsRegion":"us-east-1","sourceIPAddress":"127.0.0.1","#,
            r#""userAgent":"[aws-cli/2 \"x\"]","errorCode":"AccessDenied","errorMessage":"no","#,
            r#""requestParameters":null,"responseElements":{"a":1},"requestID":"REQ1","#,
            r#""eventID":"6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6","readOnly":true,"#,
            r#""resources":[{"accountId":"HIDDEN_DUE_TO_SECURITY_REASONS","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"},"#,
            r#"{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::b/data/"}],"eventType":"AwsApiCall","#,
            r#""apiVersion":"2006-03-01","managementEvent":false,"recipientAccountId":"123456789012","#,
            r#""sharedEventID":"6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6","eventCategory":"Data","#,
            r#""tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","#,
            r#""clientProvidedHostHeader":"localhost:4566","keyExchange":"X25519MLKEM768"}}"#
        )
    );
}

#[test]
fn long_texts_are_cut_between_characters() {
    let mut long = record();
    long.user_agent = Some("é".repeat(600));
    long.error_code = Some("x".repeat(1025));
    long.error_message = Some(format!("a{}", "é".repeat(600)));
    long.request_id = "y".repeat(1024);
    let value = value(&long);
    let check = |name: &str, bytes: usize| assert_eq!(value[name].as_str().expect("text").len(), bytes, "{name}");
    check("userAgent", 1024);
    check("errorCode", 1024);
    check("errorMessage", 1023);
    check("requestID", 1024);
}

#[test]
fn a_member_over_its_limit_says_how_large_it_was() {
    let of_size = |bytes: usize| raw(&json!({"k": "x".repeat(bytes - 8)}));
    let omitted = |name: &str, bytes: usize| json!({"omitted": true, "originalSize": bytes, "reason": format!("{name} too large")});
    let mut large = record();
    large.request_parameters = of_size(FIELD_BYTES_MAX + 1);
    large.response_elements = of_size(FIELD_BYTES_MAX);
    large.additional_event_data = of_size(ADDITIONAL_BYTES_MAX + 1);
    let value = value(&large);
    assert_eq!(value["requestParameters"], omitted("requestParameters", FIELD_BYTES_MAX + 1));
    assert_eq!(value["additionalEventData"], omitted("additionalEventData", ADDITIONAL_BYTES_MAX + 1));
    assert!(value["responseElements"]["k"].is_string());
}

#[test]
fn the_whole_always_fits_and_gives_way_in_order() {
    let resource = |n: usize| RecordResource {
        owner: Owner::Absent,
        kind: "AWS::S3::Object",
        arn: Arn::object("bucket", &format!("{n:0>1000}")),
        prefix: false,
    };
    let mut large = record();
    large.additional_event_data = raw(&json!({"a": "x".repeat(20_000)}));
    large.response_elements = raw(&json!({"r": "x".repeat(90_000)}));
    large.request_parameters = raw(&json!({"q": "x".repeat(90_000)}));
    // Members that are left whole, by how many resources stand beside them.
    let check = |resources: usize, additional: bool, response: bool, request: bool, all_resources: bool| {
        let mut one = large.clone();
        one.resources = (0..resources).map(resource).collect();
        let bytes = one.to_bytes();
        assert!(bytes.len() <= RECORD_BYTES_MAX, "{} bytes with {resources}", bytes.len());
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(value["additionalEventData"].get("a").is_some(), additional, "{resources}");
        assert_eq!(value["responseElements"].get("r").is_some(), response, "{resources}");
        assert_eq!(value["requestParameters"].get("q").is_some(), request, "{resources}");
        assert_eq!(value["resources"].as_array().expect("a list").len() == resources, all_resources, "{resources}");
    };
    check(10, true, true, true, true);
    check(70, false, true, true, true);
    check(140, false, false, true, true);
    check(230, false, false, false, true);
    check(1000, false, false, false, false);
}

#[test]
fn hostile_texts_stay_texts() {
    let mut hostile = record();
    hostile.event_name = "x\",\"recipientAccountId\":\"999999999999".into();
    hostile.user_agent = Some("\u{0}\u{1f}\u{7f}\u{2028}\\\"".into());
    hostile.tls = Some(TlsDetails {
        tls_version: "TLSv1.2".into(),
        cipher_suite: String::new(),
        client_provided_host_header: "h".repeat(100_000),
        key_exchange: None,
    });
    let value = value(&hostile);
    assert_eq!(value["recipientAccountId"], "123456789012");
    assert_eq!(value["eventName"], "x\",\"recipientAccountId\":\"999999999999");
    assert_eq!(value["userAgent"], "\u{0}\u{1f}\u{7f}\u{2028}\\\"");
    assert_eq!(value["tlsDetails"]["clientProvidedHostHeader"].as_str().map(str::len), Some(TEXT_BYTES_MAX));
}

#[test]
fn a_written_record_reads_back() {
    let record = record();
    let bytes = record.to_bytes();
    let head = crate::Head::parse(&bytes).expect("our own record");
    assert_eq!(head.event_id, record.event_id);
    assert_eq!(head.event_time_s, record.event_time.as_second());
    assert_eq!(head.username.as_deref(), Some("anna"));
    assert_eq!(head.category, Category::Management);
    assert_eq!(head.resources.len(), 1);
    assert_eq!(head.resources[0].name, "b");
}

#[test]
fn ids_of_copies_differ_by_account_and_say_version_3() {
    let shared: EventId = "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6".parse().expect("an id");
    let copy = |account: &str| EventId::of_copy(shared, account.parse().expect("an account"));
    assert_eq!(copy("123456789012"), copy("123456789012"));
    assert_ne!(copy("123456789012"), copy("000000000000"));
    assert_eq!(copy("123456789012").to_string().as_bytes()[14], b'3');
}
