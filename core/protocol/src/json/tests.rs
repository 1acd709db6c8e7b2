//! Inputs as clients send them, answers as AWS wrote them, and bodies that mean harm.

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{Document, Models, OperationModel};

fn with<T>(operation: &str, f: impl FnOnce(&crate::ServiceModel, &OperationModel) -> T) -> T {
    let models = Models::builtin();
    let mut services = ["cloudtrail", "opentrail"].into_iter().filter_map(|name| models.by_signing_name(name));
    let service = services.find(|service| service.operation(operation).is_some()).expect("a known operation");
    f(&service, service.operation(operation).expect("a known operation"))
}

fn read(operation: &str, body: &str) -> Result<Document, String> {
    with(operation, |service, operation| decode(service, operation, body.as_bytes())).map_err(|e| e.message)
}

fn written(operation: &str, output: &Document) -> String {
    let bytes = with(operation, |service, operation| encode(service, operation, output));
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn second(at: i64) -> Document {
    Document::Time(Timestamp::from_second(at).expect("in range"))
}

#[test]
fn inputs_are_read_by_their_shapes() {
    let check = |operation: &str, body: &str, expect: Document| {
        assert_eq!(read(operation, body), Ok(expect), "{body}");
    };
    let empty = Document::structure;
    check("LookupEvents", "", empty());
    check("LookupEvents", " \n", empty());
    check("LookupEvents", "{}", empty());
    check("LookupEvents", "null", empty());
    check("WhoAmI", "{\"Any\":[1,{\"x\":null}]}", empty());
    let attribute = empty().with("AttributeKey", "EventName").with("AttributeValue", "x");
    check(
        "LookupEvents",
        r#"{"StartTime":1789321637.4925,"EndTime":"2026-09-13T17:47:17Z","MaxResults":5,"Unknown":{"a":[1]},
            "LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"x"}],"NextToken":null}"#,
        empty()
            .with("StartTime", Timestamp::from_millisecond(1_789_321_637_493).expect("in range"))
            .with("EndTime", second(1_789_321_637))
            .with("MaxResults", 5)
            .with("LookupAttributes", vec![attribute]),
    );
    check("DescribeTrails", r#"{"trailNameList":[],"includeShadowTrails":false}"#, {
        empty().with("trailNameList", Vec::<Document>::new()).with("includeShadowTrails", false)
    });
    // A fraction is cut off.
    check("LookupEvents", r#"{"MaxResults":5.9}"#, empty().with("MaxResults", 5));
    // A map keeps its entries' order.
    check("StartDashboardRefresh", r#"{"QueryParameterValues":{"b":"1","a":"2"}}"#, {
        let entries = vec![("b".to_owned(), "1".into()), ("a".to_owned(), "2".into())];
        empty().with("QueryParameterValues", Document::Map(entries))
    });
    check("GetTrail", "{\"Name\":\"\\u00e9\\ud83d\\ude00\"}", empty().with("Name", "é😀"));
}

#[test]
fn wrong_types_are_refused_in_words_that_aws_uses() {
    let check = |operation: &str, body: &str, expect: &str| {
        assert_eq!(read(operation, body), Err(expect.to_owned()), "{body}");
    };
    check("GetTrail", r#"{"Name":"a","Name":"b"}"#, "member Name is there twice");
    check("GetTrail", r#"{"Name":null,"Name":"b"}"#, "member Name is there twice");
    check("StartDashboardRefresh", r#"{"QueryParameterValues":{"b":"1","b":"1"}}"#, "a key of a map is there twice");
    check("GetTrail", r#"{"Name":1}"#, "NUMBER_VALUE can not be converted to a String");
    check("GetTrail", r#"{"Name":true}"#, "TRUE_VALUE can not be converted to a String");
    check("GetTrail", r#"{"Name":{}}"#, "Start of structure or map found where not expected.");
    check("GetTrail", r#"{"Name":[]}"#, "Start of list found where not expected");
    check("LookupEvents", r#"{"MaxResults":"5"}"#, "STRING_VALUE can not be converted to an Integer");
    check("LookupEvents", r#"{"MaxResults":4294967296}"#, "NUMBER_VALUE can not be converted to an Integer");
    check("LookupEvents", r#"{"MaxResults":1e300}"#, "NUMBER_VALUE can not be converted to an Integer");
    check("LookupEvents", r#"{"MaxResults":99999999999999999999}"#, "NUMBER_VALUE can not be converted to an Integer");
    check("LookupEvents", r#"{"StartTime":"soon"}"#, "STRING_VALUE can not be converted to a Timestamp");
    check("LookupEvents", r#"{"StartTime":1e18}"#, "NUMBER_VALUE can not be converted to a Timestamp");
    check("LookupEvents", r#"{"LookupAttributes":{}}"#, "Start of structure or map found where not expected.");
    check("LookupEvents", r#"{"LookupAttributes":["a"]}"#, "STRING_VALUE can not be converted to a Structure");
    check("DescribeTrails", r#"{"includeShadowTrails":"true"}"#, "STRING_VALUE can not be converted to a Boolean");
    check("GetTrail", "[]", "Start of list found where not expected");
    check("GetTrail", "\"a\"", "STRING_VALUE can not be converted to a Structure");
}

#[test]
fn what_is_no_json_is_refused() {
    let check = |body: &[u8], expect: &str| {
        let got = with("GetTrail", |service, operation| decode(service, operation, body)).map_err(|e| e.message);
        assert_eq!(got, Err(expect.to_owned()), "{}", String::from_utf8_lossy(&body[..body.len().min(60)]));
    };
    check(b"{", "the body ends before the JSON value does");
    check(br#"{"Name":"a"#, "the body ends before the JSON value does");
    check(br#"{"Name":"a"}}"#, "the body is not valid JSON");
    check(br#"{"Name":"a"} x"#, "the body is not valid JSON");
    check(b"{Name:1}", "the body is not valid JSON");
    check(b"{\"Name\":\"\xff\"}", "the body is not valid JSON");
    check(br#"{"Name":"\ud800"}"#, "the body is not valid JSON");
    check(b"\xef\xbb\xbf{}", "the body is not valid JSON");
    check(b"Action=GetTrail", "the body is not valid JSON");
    let deep = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    check(deep(65).as_bytes(), "the body is nested more than 64 levels deep");
    check("[".repeat(1_000_000).as_bytes(), "the body is nested more than 64 levels deep");
    assert!(read("GetTrail", &deep(64)).is_ok());
    assert!(read("GetTrail", &format!("{{\"Name\":\"{}\"}}", "[".repeat(1000))).is_ok());
    let many = format!("{{\"trailNameList\":[{}\"a\"]}}", "\"a\",".repeat(VALUES_MAX));
    assert_eq!(read("DescribeTrails", &many), Err("the body holds more than 100000 values".to_owned()));
}

#[test]
fn answers_are_written_as_recorded() {
    let check = |operation: &str, output: Document, expect: &str| assert_eq!(written(operation, &output), expect);
    let empty = Document::structure;
    check("StartLogging", empty(), "{}");
    check("StartLogging", Document::Null, "{}");
    let event = empty()
        .with("EventId", "e")
        .with("EventTime", Timestamp::from_millisecond(1_789_321_637_492).expect("in range"))
        .with("Resources", vec![empty().with("ResourceName", "a\"b\n")]);
    check(
        "LookupEvents",
        empty().with("Events", vec![event]).with("NextToken", Document::Null),
        r#"{"Events":[{"EventId":"e","EventTime":1789321637.492,"Resources":[{"ResourceName":"a\"b\n"}]}]}"#,
    );
    let key =
        empty().with("Value", Document::Blob(Bytes::from_static(b"\x00\xff"))).with("ValidityStartTime", second(5));
    check(
        "ListPublicKeys",
        empty().with("PublicKeyList", vec![key]),
        r#"{"PublicKeyList":[{"Value":"AP8=","ValidityStartTime":5}]}"#,
    );
    let values = [1.0, -0.0, 0.1, 1e300, f64::NAN, f64::NEG_INFINITY].map(Document::Float).to_vec();
    check(
        "ListInsightsMetricData",
        empty().with("Values", values),
        r#"{"Values":[1.0,0.0,0.1,1e300,"NaN","-Infinity"]}"#,
    );
    // Secrets go to the one who asked for them.
    let key = empty().with("AccessKeyId", "AKIA").with("SecretAccessKey", "s");
    check(
        "CreateAccessKey",
        empty().with("AccessKey", key),
        r#"{"AccessKey":{"AccessKeyId":"AKIA","SecretAccessKey":"s"}}"#,
    );
}

proptest! {
    #[test]
    fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = with("CreateTrail", |service, operation| decode(service, operation, &body));
    }

    /// A body of the right kind with one byte changed, dropped or the rest cut off.
    #[test]
    fn no_mutated_body_panics(at in 0_usize..400, byte in any::<u8>(), how in 0..3) {
        let mut body = br#"{"TrailName":"t","AdvancedEventSelectors":[{"Name":"n","FieldSelectors":[{"Field":"eventCategory",
            "Equals":["Data"]},{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::b/","\u00e9\n"]}]}],
            "EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":[]}]}"#.to_vec();
        let at = at % body.len();
        match how {
            0 => body[at] = byte,
            1 => { body.remove(at); }
            _ => body.truncate(at),
        }
        with("PutEventSelectors", |service, operation| {
            if let Ok(input) = decode(service, operation, &body) {
                let _ = crate::validate(service, operation, &input);
                if let Some(json) = crate::request_parameters(service, operation, &input) {
                    serde_json::from_slice::<serde_json::Value>(json.as_bytes()).expect("one JSON value");
                }
            }
        });
    }
}
