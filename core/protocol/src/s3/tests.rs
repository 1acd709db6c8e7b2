//! Every operation of the model, the table of `spec/s3.md` 16, and requests that mean harm.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use super::*;
use crate::Models;
use crate::model::shape::{Kind, Location};

/// Operations that are another one on the wire.
const ALIASES: &[(&str, &str)] = &[
    // Deprecated forms of the same request.
    ("GetBucketLifecycle", "GetBucketLifecycleConfiguration"),
    ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
    ("GetBucketNotification", "GetBucketNotificationConfiguration"),
    ("PutBucketNotification", "PutBucketNotificationConfiguration"),
    // Told from ListBuckets by its host alone, which is not one of ours.
    ("ListDirectoryBuckets", "ListBuckets"),
];

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let header = |&(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        (name, HeaderValue::from_str(value).expect("a header's value"))
    };
    pairs.iter().map(header).collect()
}

fn identified(method: &str, target: &str, with: &[(&str, &str)]) -> Result<S3Call, NoCall> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    identify(&Method::from_bytes(method.as_bytes()).expect("a method"), path, query, &headers(with))
}

/// Builds each operation's request from its binding in the model, with and without its optional query parameters.
#[test]
fn every_operation_of_the_model_is_identified() {
    let model = Models::builtin().by_signing_name("s3").expect("s3");
    let mut seen = 0;
    for operation in model.operations() {
        let (path, fixed) = operation.http_uri.split_once('?').unwrap_or((operation.http_uri, ""));
        let path = path.replace("{Bucket}", "bucket").replace("{Key+}", "a/b%20c");
        let Kind::Structure(members) = &model.shape(operation.input.expect("every operation has an input")).kind else {
            panic!("{} takes a structure", operation.name);
        };
        let expected =
            ALIASES.iter().find(|(alias, _)| *alias == operation.name).map_or(operation.name.as_str(), |a| a.1);
        for optional in [false, true] {
            let mut query: Vec<String> = fixed.split('&').filter(|p| !p.is_empty()).map(str::to_owned).collect();
            let mut with = HeaderMap::new();
            for member in members.iter().filter(|m| m.required || optional) {
                let location = member.binding.as_ref().and_then(|b| b.location);
                let value = if matches!(model.shape(member.shape).kind, Kind::Integer) { "1" } else { "x" };
                match location {
                    Some(Location::Query) => query.push(format!("{}={value}", member.wire_name())),
                    Some(Location::Header) => {
                        let name = HeaderName::from_bytes(member.wire_name().as_bytes()).expect("a header's name");
                        with.insert(name, HeaderValue::from_static("x"));
                    }
                    _ => {}
                }
            }
            query.push(format!("x-id={}", operation.name));
            let method = Method::from_bytes(operation.http_method.as_bytes()).expect("a method");
            let call = identify(&method, &path, &query.join("&"), &with).unwrap_or_else(|e| {
                panic!("{} is no call: {e:?} ({method} {path}?{})", operation.name, query.join("&"))
            });
            assert_eq!(call.operation, expected, "{method} {path}?{}", query.join("&"));
            let expected = model.operation(expected).expect("it is in the model");
            assert_eq!(call.event_name, expected.event_name, "{expected:?}");
            assert_eq!(call.read_only, expected.read_only, "{expected:?}");
            assert_eq!(
                call.key.as_deref(),
                operation.http_uri.contains("Key+").then_some("a/b c"),
                "{}",
                operation.name
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 116);
}

#[test]
fn every_route_is_an_operation_of_the_model() {
    let model = Models::builtin().by_signing_name("s3").expect("s3");
    for route in ROUTES.iter().filter(|route| route.operation != "PostObject") {
        let operation = model.operation(route.operation).expect(route.operation);
        assert_eq!(operation.http_method, route.method, "{}", route.operation);
        assert_eq!(operation.event_name, route.event_name, "{}", route.operation);
    }
}

/// `spec/s3.md` 16, "Class".
#[test]
fn classes_are_those_of_the_sheet() {
    const DATA: &[&str] = &[
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "CopyObject",
        "DeleteObject",
        "DeleteObjects",
        "DeleteObjectTagging",
        "GetObject",
        "GetObjectAcl",
        "GetObjectAttributes",
        "GetObjectLockLegalHold",
        "GetObjectLockRetention",
        "GetObjectTagging",
        "GetObjectTorrent",
        "HeadBucket",
        "HeadObject",
        "ListObjects",
        "ListObjectVersions",
        "ListParts",
        "PutObject",
        "PutObjectAcl",
        "PutObjectLockLegalHold",
        "PutObjectLockRetention",
        "PutObjectTagging",
        "RestoreObject",
        "SelectObjectContent",
        "UploadPart",
        "UploadPartCopy",
    ];
    /// Not on the sheet: they act on objects.
    const NEWER: &[&str] = &[
        "CreateSession",
        "WriteGetObjectResponse",
        "PostObject",
        "GetObjectAnnotation",
        "ListObjectAnnotations",
        "PutObjectAnnotation",
        "DeleteObjectAnnotation",
        "UpdateObjectEncryption",
        "RenameObject",
    ];
    for route in ROUTES {
        let data = DATA.contains(&route.event_name) || NEWER.contains(&route.operation);
        assert_eq!(route.data, data, "{}", route.operation);
    }
    for name in DATA {
        assert!(ROUTES.iter().any(|route| route.event_name == *name), "{name}");
    }
}

#[test]
fn requests_are_told_apart() {
    let check = |method: &str, target: &str, with: &[(&str, &str)], operation: &str, action: &str| {
        let call = identified(method, target, with).unwrap_or_else(|e| panic!("{method} {target}: {e:?}"));
        assert_eq!((call.operation, call.action), (operation, action), "{method} {target}");
    };
    check("GET", "/", &[], "ListBuckets", "s3:ListAllMyBuckets");
    check("GET", "/?x-id=ListBuckets", &[], "ListBuckets", "s3:ListAllMyBuckets");
    check("GET", "/b", &[], "ListObjects", "s3:ListBucket");
    check("GET", "/b/", &[], "ListObjects", "s3:ListBucket");
    check("GET", "/b?list-type=2&prefix=a", &[], "ListObjectsV2", "s3:ListBucket");
    check("GET", "/b?metrics&id=1", &[], "GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration");
    check("GET", "/b?metrics", &[], "ListBucketMetricsConfigurations", "s3:GetMetricsConfiguration");
    check("GET", "/b?location=", &[], "GetBucketLocation", "s3:GetBucketLocation");
    check("HEAD", "/b/k?versionId=1", &[], "HeadObject", "s3:GetObjectVersion");
    check("GET", "/b/k?versionId=1&acl", &[], "GetObjectAcl", "s3:GetObjectVersionAcl");
    check("DELETE", "/b/k?versionId=null", &[], "DeleteObject", "s3:DeleteObjectVersion");
    check("DELETE", "/b/k?versionId=", &[], "DeleteObject", "s3:DeleteObject");
    check("PUT", "/b/k", &[("x-amz-copy-source", "/a/b")], "CopyObject", "s3:PutObject");
    check("PUT", "/b/k?X-Amz-Copy-Source=a/b", &[], "CopyObject", "s3:PutObject");
    check("PUT", "/b/k?partNumber=1&uploadId=u", &[], "UploadPart", "s3:PutObject");
    check("PUT", "/b/k?partNumber=1&uploadId=u", &[("x-amz-copy-source", "a/b")], "UploadPartCopy", "s3:PutObject");
    check("PUT", "/b/k?uploadId=u", &[], "UploadPart", "s3:PutObject");
    check("PUT", "/b/k?acl", &[("x-amz-copy-source", "a/b")], "PutObjectAcl", "s3:PutObjectAcl");
    check("GET", "/b/k?partNumber=2", &[], "GetObject", "s3:GetObject");
    check("POST", "/b", &[("content-type", "Multipart/Form-Data; boundary=x")], "PostObject", "s3:PutObject");
}

#[test]
fn what_no_operation_does_is_refused() {
    let check = |method: &str, target: &str, resource_type: &'static str| {
        assert_eq!(
            identified(method, target, &[]),
            Err(NoCall::MethodNotAllowed { resource_type }),
            "{method} {target}"
        );
    };
    check("PUT", "/", "SERVICE");
    check("POST", "/b", "BUCKET");
    check("POST", "/b?acl", "BUCKET");
    check("DELETE", "/b?acl", "BUCKET");
    check("DELETE", "/b?versioning", "BUCKET");
    check("HEAD", "/b?policy", "BUCKET");
    check("POST", "/b/k", "OBJECT");
    check("DELETE", "/b/k?retention", "OBJECT");
    check("PUT", "/b/k?restore", "OBJECT");
    check("PATCH", "/b/k", "OBJECT");
    check("OPTIONS", "/b/k", "OBJECT");
}

#[test]
fn names_are_decoded_strictly_and_not_normalised() {
    let check = |target: &str, bucket: &str, key: &str| {
        let call = identified("PUT", target, &[]).unwrap_or_else(|e| panic!("{target}: {e:?}"));
        assert_eq!((call.bucket.as_deref(), call.key.as_deref()), (Some(bucket), Some(key)), "{target}");
    };
    check("/b/a/../../c", "b", "a/../../c");
    check("/b/%2e%2e%2fetc", "b", "../etc");
    check("/b//a", "b", "/a");
    check("/b/a+b%20c", "b", "a+b c");
    check("/b/%C3%A9%00%0A", "b", "é\0\n");
    check("/b/a%2Fb", "b", "a/b");
    for target in ["b/k", "", "//k", "/b/%", "/b/%4", "/b/%zz", "/b/%ff", "/b/%C3", "/%ff/k", "/b/k?a=%ff", "/b/k?%"] {
        assert_eq!(identified("PUT", target, &[]), Err(NoCall::InvalidUri), "{target}");
    }
}

/// What is signed for an object must stay a call about that object.
#[test]
fn an_encoded_slash_does_not_move_the_bucket_s_end() {
    for path in ["/b%2Fk", "/b%2fk", "/b%2F", "/%2F", "/%2Fb/k", "/%2fb", "/b%2Fk/l", "/b%2Fk%2fl", "/b%2F%2F"] {
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
            for query in ["", "?acl", "?policy", "?delete", "?list-type=2", "?uploads"] {
                let target = format!("{path}{query}");
                assert_eq!(identified(method, &target, &[]), Err(NoCall::InvalidUri), "{method} {target}");
            }
        }
    }
    let call = identified("GET", "/b/k%2Fl%2f", &[]).expect("a key may have one");
    assert_eq!((call.bucket.as_deref(), call.key.as_deref()), (Some("b"), Some("k/l/")));
    let call = identified("GET", "/b%252Fk", &[]).expect("signed differently: only a name that no bucket has");
    assert_eq!((call.bucket.as_deref(), call.key), (Some("b%2Fk"), None));
}

fn parameters(method: &str, target: &str, with: &[(&str, &str)], body: Option<&str>) -> String {
    let call = identified(method, target, with).unwrap_or_else(|e| panic!("{method} {target}: {e:?}"));
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let written = request_parameters(&call, query, &headers(with), body.map(str::as_bytes));
    let text = String::from_utf8(written.as_bytes().to_vec()).expect("UTF-8");
    serde_json::from_str::<serde_json::Value>(&text).expect("one JSON value");
    text
}

#[test]
fn parameters_are_spelled_as_in_real_records() {
    let host = [("host", "b.s3.eu-west-1.amazonaws.com")];
    let check = |method: &str, target: &str, with: &[(&str, &str)], body: Option<&str>, expect: &str| {
        let all: Vec<_> = host.iter().chain(with).copied().collect();
        let expect = expect.replace("HOST", r#""Host":"b.s3.eu-west-1.amazonaws.com""#);
        assert_eq!(parameters(method, target, &all, body), expect);
    };
    check("GET", "/", &[], None, "{HOST}");
    check("GET", "/b?policyStatus", &[], None, r#"{"bucketName":"b",HOST,"policyStatus":""}"#);
    check(
        "GET",
        "/b?list-type=2&prefix=a%2Fb+c&delimiter=%2F&encoding-type=url&max-keys=7",
        &[],
        None,
        r#"{"bucketName":"b",HOST,"list-type":"2","prefix":"a/b c","delimiter":"/","encoding-type":"url","max-keys":"7"}"#,
    );
    check(
        "PUT",
        "/b/k?partNumber=2&uploadId=u",
        &[("content-type", "text/plain"), ("x-amz-meta-a", "b"), ("x-amz-content-sha256", "x")],
        Some("<Any/>"),
        r#"{"bucketName":"b",HOST,"key":"k","partNumber":"2","uploadId":"u"}"#,
    );
    check(
        "PUT",
        "/b/k",
        &[
            ("x-amz-acl", "bucket-owner-full-control"),
            ("x-amz-server-side-encryption", "AES256"),
            ("x-amz-server-side-encryption-customer-key", "secret"),
            ("x-amz-object-lock-mode", "COMPLIANCE"),
            ("x-amz-security-token", "secret"),
        ],
        None,
        r#"{"bucketName":"b",HOST,"key":"k","x-amz-acl":"bucket-owner-full-control","x-amz-server-side-encryption":"AES256"}"#,
    );
    check(
        "GET",
        "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F1&X-Amz-Date=20260102T030405Z&X-Amz-Expires=60\
         &X-Amz-SignedHeaders=host&X-Amz-Security-Token=secret&X-Amz-Signature=0f&response-content-type=a%2Fb",
        &[],
        None,
        "{\"bucketName\":\"b\",HOST,\"key\":\"k\",\"X-Amz-Algorithm\":\"AWS4-HMAC-SHA256\",\"X-Amz-Date\":\"20260102T030405Z\",\
         \"X-Amz-Expires\":\"60\",\"X-Amz-SignedHeaders\":\"host\",\"response-content-type\":\"a/b\"}",
    );
    check(
        "PUT",
        "/b/k?x-amz-acl=private&acl&acl=twice&unknown=1",
        &[],
        None,
        r#"{"bucketName":"b",HOST,"key":"k","acl":"","x-amz-acl":"private"}"#,
    );
}

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

#[test]
fn bodies_become_json_under_their_roots() {
    let check = |target: &str, body: &str, expect: &str| {
        let body = body.replace("NS", &format!("xmlns=\"{NAMESPACE}\""));
        let expect = expect.replace("NS", &format!("\"xmlns\":\"{NAMESPACE}\""));
        assert_eq!(parameters("PUT", target, &[], Some(&body)), expect, "{body}");
    };
    // The shapes of real PutBucketLifecycle, PutBucketTagging and PutBucketVersioning records.
    check(
        "/b?lifecycle",
        "<LifecycleConfiguration NS><Rule><Expiration><Days>1</Days></Expiration><ID>nuke</ID><Filter><Prefix>*</Prefix>\
         </Filter><Status>Enabled</Status></Rule></LifecycleConfiguration>",
        "{\"bucketName\":\"b\",\"lifecycle\":\"\",\"LifecycleConfiguration\":{NS,\"Rule\":{\"Expiration\":{\"Days\":1},\
         \"ID\":\"nuke\",\"Filter\":{\"Prefix\":\"*\"},\"Status\":\"Enabled\"}}}",
    );
    check(
        "/b?tagging",
        "<?xml version=\"1.0\"?>\n<Tagging NS>\n <TagSet><Tag><Key>a</Key><Value>true</Value></Tag>\
         <Tag><Key>007</Key><Value/></Tag></TagSet></Tagging>\n",
        "{\"bucketName\":\"b\",\"tagging\":\"\",\"Tagging\":{NS,\"TagSet\":{\"Tag\":[{\"Key\":\"a\",\"Value\":true},\
         {\"Key\":\"007\",\"Value\":\"\"}]}}}",
    );
    check(
        "/b?acl",
        "<AccessControlPolicy NS><AccessControlList><Grant><Grantee xmlns:xsi=\"http://x\" xsi:type=\"CanonicalUser\">\
         <ID>12ab</ID></Grantee><Permission>READ &amp; &#65;<![CDATA[<]]></Permission></Grant></AccessControlList></AccessControlPolicy>",
        "{\"bucketName\":\"b\",\"acl\":\"\",\"AccessControlPolicy\":{NS,\"AccessControlList\":{\"Grant\":{\"Grantee\":\
         {\"xmlns:xsi\":\"http://x\",\"xsi:type\":\"CanonicalUser\",\"ID\":\"12ab\"},\"Permission\":\"READ & A<\"}}}}",
    );
    check("/b", "<CreateBucketConfiguration/>", r#"{"bucketName":"b","CreateBucketConfiguration":""}"#);
    check(
        "/b",
        "<CreateBucketConfiguration><A>-1.50</A><B>1e5</B><C>01</C><D>-</D></CreateBucketConfiguration>",
        r#"{"bucketName":"b","CreateBucketConfiguration":{"A":-1.50,"B":"1e5","C":"01","D":"-"}}"#,
    );
    check(
        "/b?policy",
        "{ \"Version\": \"2012-10-17\",\n \"Statement\": [ { \"Sid\": \"a \\\" b\" } ] }",
        r#"{"bucketName":"b","policy":"","bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"a \" b"}]}}"#,
    );
}

#[test]
fn bodies_that_are_not_what_they_should_be_are_not_shown() {
    let check = |target: &str, body: &str| {
        let expect = parameters("PUT", target, &[], None);
        assert_eq!(parameters("PUT", target, &[], Some(body)), expect, "{}", &body[..body.len().min(80)]);
    };
    // Another root would be a member of the caller's choosing.
    check("/b?tagging", "<bucketName>other</bucketName>");
    check("/b?tagging", "<Tagging>");
    check("/b?tagging", "<Tagging></Other>");
    check("/b?tagging", "<Tagging/><Tagging/>");
    check("/b?tagging", "<!DOCTYPE a [<!ENTITY b \"c\">]><Tagging>&b;</Tagging>");
    check("/b?tagging", "<Tagging>&b;</Tagging>");
    check("/b?tagging", "text");
    check("/b?tagging", "");
    check("/b?tagging", &format!("{}{}", "<Tagging>".repeat(40), "</Tagging>".repeat(40)));
    check("/b?tagging", &format!("<Tagging>{}</Tagging>", "<a/>".repeat(60_000)));
    let names: String = (0..300).map(|i| format!("<a{i}/>")).collect();
    check("/b?tagging", &format!("<Tagging>{names}</Tagging>"));
    check("/b?policy", "[]");
    check("/b?policy", "{\"a\":}");
    check("/b?policy", &format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100)));
    check("/b?policy", "\"bucketName\"");
    // Recorded AWS leaves these out.
    check("/b?accelerate", "<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>");
    check("/b/k?tagging", "<Tagging><TagSet/></Tagging>");
    check("/b/k?retention", "<Retention><Mode>GOVERNANCE</Mode></Retention>");
}

#[test]
fn every_query_parameter_of_the_model_is_known() {
    let model = Models::builtin().by_signing_name("s3").expect("s3");
    let mut unknown = Vec::new();
    for operation in model.operations() {
        let Kind::Structure(members) = &model.shape(operation.input.expect("an input")).kind else { continue };
        for member in members.iter() {
            let location = member.binding.as_ref().and_then(|b| b.location);
            if location == Some(Location::Query) && !parameters::is_shown(member.wire_name()) {
                unknown.push(member.wire_name());
            }
        }
    }
    assert_eq!(unknown, Vec::<&str>::new());
}

proptest! {
    #[test]
    fn no_request_panics(
        method in prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "HEAD"]),
        path in r"/[ -~]{0,40}",
        query in r"([a-zA-Z-]{0,12}=?[ -~]{0,12}&){0,4}(acl|policy|tagging|uploadId|versionId=1)?",
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        if let Ok(call) = identify(&method, &path, &query, &HeaderMap::new()) {
            let written = request_parameters(&call, &query, &HeaderMap::new(), Some(&body));
            prop_assert!(serde_json::from_slice::<serde_json::Value>(written.as_bytes()).is_ok());
        }
    }

    /// Well-formed bodies with bytes changed, dropped and doubled.
    #[test]
    fn no_mutated_body_panics(at in 0_usize..150, with in any::<u8>(), how in 0..3) {
        let mut body = b"<Tagging xmlns=\"http://x\"><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>&amp;&#66;</Key>\
            <Value><![CDATA[x]]></Value></Tag></TagSet></Tagging>".to_vec();
        let at = at % body.len();
        match how {
            0 => body[at] = with,
            1 => { body.remove(at); }
            _ => body.truncate(at),
        }
        if let Some((root, json)) = body::project("PutBucketTagging", &body) {
            prop_assert_eq!(root, "Tagging");
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
        }
    }
}
