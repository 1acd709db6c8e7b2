//! Failures in the words and shapes of each protocol.

pub(crate) mod auth;
pub(crate) mod body;
mod cbor;
mod json;
mod query;
mod s3;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use opentrail_protocol::Protocol;

use crate::Fault;

/// How an answer is spelled, and what it carries.
#[derive(Debug, Clone)]
pub(crate) struct Tongue {
    pub protocol: Protocol,
    /// Of XML answers; empty for JSON ones.
    pub xml_namespace: String,
    pub request_id: String,
    /// `x-amz-id-2`: S3 only, empty for others.
    pub host_id: String,
}

/// A failure as it goes out. A body of an answer to HEAD is not sent, but its length is what records count.
pub(crate) struct Written {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Writes a failure.
pub(crate) fn write(fault: &Fault, tongue: &Tongue) -> Written {
    let mut headers = HeaderMap::new();
    for (name, value) in &fault.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(*name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    let (content_type, body) = match tongue.protocol {
        Protocol::AwsJson1_0 => ("application/x-amz-json-1.0", json::body(fault)),
        Protocol::AwsJson1_1 => ("application/x-amz-json-1.1", json::body(fault)),
        Protocol::RestJson => {
            if let Ok(code) = HeaderValue::from_str(&fault.code) {
                headers.insert("x-amzn-errortype", code);
            }
            ("application/json", json::message(fault))
        }
        Protocol::RpcV2Cbor => {
            headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
            ("application/cbor", cbor::body(fault))
        }
        Protocol::Query => ("text/xml", query::body(fault, tongue)),
        Protocol::Ec2Query => ("text/xml;charset=UTF-8", query::ec2_body(fault, tongue)),
        Protocol::RestXml => ("application/xml", s3::body(fault, tongue)),
    };
    let bodiless = matches!(fault.status, 204 | 304) || fault.status < 200;
    if !bodiless {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    Written { status: fault.status, headers, body: if bodiless { Bytes::new() } else { body } }
}

/// Appends text as XML character data. What XML cannot say at all stands there as U+FFFD.
pub(crate) fn push_xml_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// Appends `<name>text</name>`.
pub(crate) fn push_xml_element(out: &mut String, name: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    push_xml_text(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// The server itself failed; what happened is in its log, not in the answer.
pub(crate) fn internal(protocol: Protocol) -> Fault {
    match protocol {
        Protocol::RestXml => Fault::new("InternalError", 500, "We encountered an internal error. Please try again."),
        _ => Fault::new("InternalFailure", 500, "The request processing has failed because of an unknown error."),
    }
}

/// Not now; the caller may retry.
pub(crate) fn unavailable(protocol: Protocol, why: &str) -> Fault {
    match protocol {
        Protocol::RestXml => Fault::new("SlowDown", 503, "Please reduce your request rate."),
        Protocol::Query | Protocol::Ec2Query => Fault::new("ServiceUnavailable", 503, why),
        _ => Fault::new("ServiceUnavailableException", 503, why),
    }
}

/// A stranger who asks too often.
pub(crate) fn throttled(protocol: Protocol) -> Fault {
    match protocol {
        Protocol::RestXml => Fault::new("SlowDown", 503, "Please reduce your request rate."),
        Protocol::Query | Protocol::Ec2Query => Fault::new("Throttling", 503, "Rate exceeded"),
        _ => Fault::new("ThrottlingException", 503, "Rate exceeded"),
    }
}

/// HTTP that is not accepted, whatever it asks for.
pub(crate) fn bad_request(protocol: Protocol, status: u16, message: impl Into<String>) -> Fault {
    let code = match (protocol, status) {
        (Protocol::RestXml, 501) => "NotImplemented",
        (Protocol::RestXml, 431) => return Fault::new("RequestHeaderSectionTooLarge", 400, message),
        (Protocol::RestXml, _) => "InvalidRequest",
        (Protocol::Query | Protocol::Ec2Query, _) => "MalformedInput",
        _ => "SerializationException",
    };
    Fault::new(code, status, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tongue(protocol: Protocol) -> Tongue {
        Tongue { protocol, xml_namespace: "urn:x".into(), request_id: "RID".into(), host_id: "HID".into() }
    }

    #[test]
    fn each_protocol_has_its_shape() {
        let fault = Fault::new("NoSuchBucket", 404, "no <b>\u{1}").with("BucketName", "a&b").header("x-amz-z", "1");
        let check = |protocol, content_type: &str, body: &str| {
            let written = write(&fault, &tongue(protocol));
            assert_eq!(written.status, 404);
            assert_eq!(written.headers["content-type"], content_type);
            assert_eq!(written.headers["x-amz-z"], "1");
            assert_eq!(String::from_utf8_lossy(&written.body), body);
        };
        check(
            Protocol::AwsJson1_1,
            "application/x-amz-json-1.1",
            r#"{"__type":"NoSuchBucket","message":"no <b>\u0001"}"#,
        );
        check(
            Protocol::Query,
            "text/xml",
            "<ErrorResponse xmlns=\"urn:x\"><Error><Type>Sender</Type><Code>NoSuchBucket</Code>\
             <Message>no &lt;b&gt;\u{fffd}</Message></Error><RequestId>RID</RequestId></ErrorResponse>",
        );
        check(
            Protocol::RestXml,
            "application/xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code>\
             <Message>no &lt;b&gt;\u{fffd}</Message><BucketName>a&amp;b</BucketName><RequestId>RID</RequestId>\
             <HostId>HID</HostId></Error>",
        );
    }

    #[test]
    fn not_modified_has_no_body() {
        let written = write(&Fault::new("NotModified", 304, ""), &tongue(Protocol::RestXml));
        assert!(written.body.is_empty() && !written.headers.contains_key("content-type"));
    }
}
