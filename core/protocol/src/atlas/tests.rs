//! Requests as clients send them, and what is made of them.

mod answers;
mod every;
mod records;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::*;
use crate::Protocol;

/// A request for a test: only what differs from a signed POST to `/` need be given.
pub(super) struct Sent<'a> {
    pub(super) method: Method,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) service: &'a str,
    pub(super) body: &'a [u8],
}

impl Default for Sent<'_> {
    fn default() -> Self {
        Self {
            method: Method::POST,
            host: "localhost:4566",
            path: "/",
            query: "",
            headers: &[],
            service: "",
            body: b"",
        }
    }
}

impl Sent<'_> {
    pub(super) fn with<T>(&self, then: impl FnOnce(&Head<'_>) -> T) -> T {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"));
        }
        then(&Head {
            method: &self.method,
            host: self.host,
            own_hosts: &["localhost".to_owned()],
            path: self.path,
            query: self.query,
            headers: &headers,
            scope: Some(Scope { service: self.service, region: "eu-west-1" }).filter(|s| !s.service.is_empty()),
        })
    }

    pub(super) fn recognised(&self, atlas: &Atlas) -> Recognised {
        self.with(|head| atlas.recognise(head, self.body))
    }

    pub(super) fn parameters(&self, atlas: &Atlas) -> Option<String> {
        self.with(|head| {
            let what = atlas.recognise(head, self.body);
            let request = what.read_request(head, Some(self.body));
            let written = what.request_parameters(&request)?;
            Some(String::from_utf8(written.as_bytes().to_vec()).expect("UTF-8"))
        })
    }
}

#[test]
fn a_form_that_was_not_read_is_answered_as_a_form() {
    let atlas = Atlas::builtin();
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let check = |service: &'static str, headers: &[(&'static str, &str)], expect: Protocol| {
        let sent = Sent { service, headers, ..Sent::default() };
        assert_eq!(sent.recognised(&atlas).protocol, expect, "{service}");
    };
    check("sns", &form, Protocol::Query);
    check("ec2", &form, Protocol::Ec2Query);
    check("ec2", &[], Protocol::Ec2Query);
    check("lambda", &form, Protocol::RestJson);
}

#[test]
fn each_protocol_is_recognised() {
    let atlas = Atlas::builtin();
    let check = |sent: Sent<'_>, source: &str, event: &str, parameters: &str| {
        let what = sent.recognised(&atlas);
        assert_eq!((what.event_source.as_str(), what.event_name.as_str()), (source, event), "{what:?}");
        assert_eq!(sent.parameters(&atlas).as_deref(), Some(parameters));
    };
    check(
        Sent {
            service: "dynamodb",
            headers: &[("x-amz-target", "DynamoDB_20120810.DeleteTable")],
            body: br#"{"TableName":"t"}"#,
            ..Sent::default()
        },
        "dynamodb.amazonaws.com",
        "DeleteTable",
        r#"{"tableName":"t"}"#,
    );
    check(
        Sent { service: "iam", body: b"Action=CreateUser&Version=2010-05-08&UserName=u", ..Sent::default() },
        "iam.amazonaws.com",
        "CreateUser",
        r#"{"userName":"u"}"#,
    );
    check(
        Sent { service: "eks", path: "/clusters/c%20d", method: Method::DELETE, ..Sent::default() },
        "eks.amazonaws.com",
        "DeleteCluster",
        r#"{"name":"c d"}"#,
    );
    check(
        Sent {
            service: "route53",
            path: "/2013-04-01/hostedzone",
            body: b"<CreateHostedZoneRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Name>n.</Name><CallerReference>r</CallerReference></CreateHostedZoneRequest>",
            ..Sent::default()
        },
        "route53.amazonaws.com",
        "CreateHostedZone",
        r#"{"name":"n.","callerReference":"r"}"#,
    );
    check(
        Sent {
            service: "monitoring",
            path: "/service/GraniteServiceVersion20100801/operation/DeleteAlarms",
            headers: &[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")],
            body: b"\xa1\x6aAlarmNames\x81\x61a",
            ..Sent::default()
        },
        "monitoring.amazonaws.com",
        "DeleteAlarms",
        r#"{"alarmNames":["a"]}"#,
    );
}

#[test]
fn data_events_are_told_from_management_events() {
    let atlas = Atlas::builtin();
    let check = |sent: Sent<'_>, category: &str, kind: Option<&str>| {
        let what = sent.recognised(&atlas);
        assert_eq!((what.category.as_str(), what.resource_type), (category, kind), "{}", what.event_name);
    };
    check(
        Sent { service: "dynamodb", headers: &[("x-amz-target", "DynamoDB_20120810.PutItem")], ..Sent::default() },
        "Data",
        Some("AWS::DynamoDB::Table"),
    );
    check(
        Sent { service: "dynamodb", headers: &[("x-amz-target", "DynamoDB_20120810.CreateTable")], ..Sent::default() },
        "Management",
        None,
    );
    check(
        Sent { service: "s3", method: Method::PUT, path: "/b/k", ..Sent::default() },
        "Data",
        Some("AWS::S3::Object"),
    );
    check(Sent { service: "s3", method: Method::PUT, path: "/b", ..Sent::default() }, "Management", None);
}

#[test]
fn a_name_counts_only_where_the_service_speaks_so() {
    let atlas = Atlas::builtin();
    let check = |sent: Sent<'_>, event: &str, contradicts: bool| {
        let what = sent.recognised(&atlas);
        assert_eq!((what.event_name.as_str(), what.contradiction.is_some()), (event, contradicts), "{what:?}");
    };
    let target = [("x-amz-target", "Any.ListThings")];
    let cbor = [("smithy-protocol", "rpc-v2-cbor")];
    let delete =
        || Sent { service: "s3", method: Method::DELETE, path: "/b/service/X/operation/ListThings", ..Sent::default() };
    check(Sent { headers: &target, ..delete() }, "DeleteObject", false);
    check(Sent { headers: &cbor, ..delete() }, "DeleteObject", false);
    let function = Sent {
        service: "lambda",
        method: Method::DELETE,
        path: "/2015-03-31/functions/f",
        headers: &target,
        ..Sent::default()
    };
    check(function, "DeleteFunction20150331", false);
    let form = |query, headers, body: &'static str| Sent {
        service: "iam",
        query,
        headers,
        body: body.as_bytes(),
        ..Sent::default()
    };
    const DELETE: &str = "Action=DeleteUser&Version=2010-05-08";
    const LIST: &str = "Action=ListUsers&Version=2010-05-08";
    check(form("", &[], DELETE), "DeleteUser", false);
    check(form(DELETE, &[], ""), "DeleteUser", false);
    check(form("", &[("content-type", "text/plain")], DELETE), "DeleteUser", false);
    check(form("", &[], "%41ction=DeleteUser&V%65rsion=2010-05-08"), "DeleteUser", false);
    check(form("", &[], "Action=DeleteUser&UserName=Action&x=Version"), "DeleteUser", false);
    check(form("", &target, DELETE), "DeleteUser", true);
    check(form(LIST, &[], DELETE), "ListUsers", true);
    check(form(LIST, &[], "%41ction=DeleteUser"), "ListUsers", true);
    check(form("", &[], "Action=ListUsers&Action=DeleteUser"), "ListUsers", true);
    check(form("Version=1", &[], DELETE), "DeleteUser", true);
    check(form("Action=ListUsers&Action=ListUsers", &[], ""), "ListUsers", true);
    check(Sent { method: Method::GET, ..form(LIST, &[], "Action=DeleteUser") }, "ListUsers", true);
    let table = |headers, query| Sent { service: "dynamodb", headers, query, ..Sent::default() };
    check(table(&[("x-amz-target", "DynamoDB_20120810.DeleteTable")], "Action=ListTables"), "DeleteTable", false);
    let twice = [("x-amz-target", "DynamoDB_20120810.ListTables"), ("x-amz-target", "DynamoDB_20120810.DeleteTable")];
    check(table(&twice, ""), "ListTables", true);
    check(table(&[("x-amz-target", "DynamoDB_20120810.A, DynamoDB_20120810.DeleteTable")], ""), "DeleteTable", true);
    let queue = |query, headers| Sent { service: "sqs", query, headers, ..Sent::default() };
    let target = [("x-amz-target", "AmazonSQS.ListQueues"), ("content-type", "application/x-amz-json-1.0")];
    check(queue("", &target), "ListQueues", false);
    check(queue("Action=DeleteQueue", &target), "ListQueues", true);
    let odd = [("content-type", "text/plain")];
    check(Sent { body: b"Action=DeleteQueue", ..queue("Action=ListQueues", &odd) }, "ListQueues", true);
    let mail = |path, body: &'static str| Sent { service: "ses", path, body: body.as_bytes(), ..Sent::default() };
    check(mail("/", "Action=DeleteIdentity&Version=2010-12-01"), "DeleteIdentity", false);
    check(mail("/v2/email/identities", "Action=ListIdentities&Version=2010-12-01"), "ListIdentities", true);
}

#[test]
fn a_service_is_found_by_another_of_its_names() {
    let atlas = Atlas::builtin();
    let check = |name: &str, expect: Option<&str>| assert_eq!(atlas.signing_name_of(name), expect, "{name}");
    check("cloudwatch", Some("monitoring"));
    check("monitoring", None);
    check("api.ecr", Some("ecr"));
    check("teleport", None);
}

#[test]
fn what_no_model_has_may_do_anything() {
    let atlas = Atlas::builtin();
    let check = |sent: Sent<'_>, event: &str| {
        let what = sent.recognised(&atlas);
        assert_eq!((what.event_name.as_str(), what.is_known(), what.read_only), (event, false, false), "{what:?}");
    };
    check(Sent { service: "iam", body: b"Action=GetEverything", ..Sent::default() }, "GetEverything");
    check(Sent { service: "iam", method: Method::GET, ..Sent::default() }, "GET");
    let unknown = Sent { service: "iam", method: Method::GET, ..Sent::default() }.recognised(&atlas);
    assert_eq!(unknown.event_source, "iam.amazonaws.com", "the name is shared with others");
    let headers: &[(&'static str, &str)] = &[("x-amz-target", "DynamoDB_20120810.ListTables")];
    check(Sent { service: "teleport", headers, ..Sent::default() }, "ListTables");
    // Whoever does not say whom it is for is believed the rest.
    assert!(Sent { service: "", headers, ..Sent::default() }.recognised(&atlas).is_known());
}

#[test]
fn a_bucket_in_the_host_is_told_with_whose_host_it_is() {
    let atlas = Atlas::builtin();
    let check = |host: &str, bucket: Option<(&str, bool)>, event: &str| {
        let sent = Sent { service: "s3", method: Method::DELETE, host, path: "/real", ..Sent::default() };
        let what = sent.recognised(&atlas);
        let found = what.bucket_in_host.as_ref().map(|found| (found.bucket.as_str(), found.ours));
        assert_eq!((found, what.event_name.as_str()), (bucket, event), "{host}");
    };
    check("localhost:4566", None, "DeleteBucket");
    check("s3.localhost", None, "DeleteBucket");
    check("s3.eu-west-1.localhost", None, "DeleteBucket");
    check("fake.localhost:4566", Some(("fake", true)), "DeleteObject");
    check("Fake.LOCALHOST.", Some(("fake", true)), "DeleteObject");
    check("fa.ke.s3.localhost", Some(("fa.ke", true)), "DeleteObject");
    check("fake.s3-eu-west-1.localhost", Some(("fake", true)), "DeleteObject");
    check("fake.s3.us-east-1.amazonaws.com", Some(("fake", false)), "DeleteObject");
}

#[test]
fn a_table_is_unpacked_when_it_is_first_needed_and_no_other() {
    let atlas = Atlas::builtin();
    let unpacked = || -> Vec<&str> {
        atlas.entries.iter().filter(|entry| entry.is_unpacked()).map(|entry| entry.id.as_str()).collect()
    };
    assert_eq!(unpacked(), [""; 0]);
    let sent =
        Sent { service: "dynamodb", headers: &[("x-amz-target", "DynamoDB_20120810.ListTables")], ..Sent::default() };
    assert_eq!(sent.recognised(&atlas).event_name, "ListTables");
    assert_eq!(unpacked(), ["dynamodb"]);
    // Nobody's call unpacks nothing.
    let sent = Sent { service: "nobodys", ..Sent::default() };
    sent.recognised(&atlas);
    assert_eq!(unpacked(), ["dynamodb"]);
}
