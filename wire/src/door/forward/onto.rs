//! A call as it goes onto the wire again: as its sender made it, without what is about one connection.

use http::{HeaderMap, HeaderName};
use opentrail_delivery::{UpstreamBody, UpstreamCall};

use super::body::{self, Passed};
use super::sender::Body;
use crate::RequestHead;

/// Headers that are about one connection.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The call as its sender made it, signature and all.
pub(super) fn as_it_came(head: &RequestHead, signed: &[String], body: Body, passed: &Passed) -> UpstreamCall {
    let mut headers = without_hop_by_hop(&head.headers, signed);
    // Its waiting for us is over once we read on; whether it waited is part of the signature only where somebody made it so.
    if !signed.iter().any(|name| name == "expect") {
        headers.remove(http::header::EXPECT);
    }
    UpstreamCall {
        method: head.method.clone(),
        target: target(&head.raw_path, &head.raw_query),
        headers,
        body: outgoing(body, passed),
    }
}

pub(super) fn target(raw_path: &str, raw_query: &str) -> String {
    let path = if raw_path.is_empty() { "/" } else { raw_path };
    if raw_query.is_empty() { path.to_owned() } else { format!("{path}?{raw_query}") }
}

fn outgoing(body: Body, passed: &Passed) -> UpstreamBody {
    match body {
        Body::Whole(bytes) => UpstreamBody::Whole(bytes),
        Body::Passing { length, pieces, check } => {
            UpstreamBody::Stream { length, bytes: body::checked(pieces, check, passed.clone(), false) }
        }
    }
}

/// Headers as they go on: those about the connection are left out, and those that Connection names, unless they are signed.
pub(super) fn without_hop_by_hop(headers: &HeaderMap, signed: &[String]) -> HeaderMap {
    let mut out = headers.clone();
    let named = headers.get_all(http::header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> =
        named.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect();
    for name in named.iter().filter(|name| !signed.contains(name) && *name != "host") {
        if let Ok(name) = HeaderName::try_from(name.as_str()) {
            out.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        out.remove(name);
    }
    out
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_about_the_connection_stays_behind() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "h"),
            ("connection", "close, X-Odd, x-amz-date, host"),
            ("x-odd", "1"),
            ("x-amz-date", "2"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("x-kept", "3"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let out = without_hop_by_hop(&headers, &["host".into(), "x-amz-date".into()]);
        let mut names: Vec<&str> = out.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["host", "x-amz-date", "x-kept"]);
    }
}
