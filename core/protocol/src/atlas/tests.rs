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
