//! A request to any public service: it is recognised, read and written down, whatever it is.
#![no_main]

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use opentrail_protocol::Atlas;
use opentrail_protocol::atlas::{Head, Scope};

static ATLAS: LazyLock<Atlas> = LazyLock::new(Atlas::builtin);
/// One of each protocol, and those with ways of their own.
const SERVICES: [&str; 10] =
    ["apigateway", "dynamodb", "ec2", "lambda", "monitoring", "nosuch", "rds", "route53", "s3", "sts"];

// The first byte chooses the service, the second the method; then come a target, a path and a query, each to the end of its
// line, and the body.
fuzz_target!(|data: &[u8]| {
    let Some((&[service, method], rest)) = data.split_first_chunk::<2>() else { return };
    let mut lines = rest.splitn(4, |&byte| byte == b'\n');
    let mut line = || std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let (target, path, query) = (line(), line(), line());
    let body = lines.next().unwrap_or_default();
    let mut headers = HeaderMap::new();
    if let (false, Ok(target)) = (target.is_empty(), HeaderValue::from_str(target)) {
        headers.insert("x-amz-target", target);
    }
    if method & 128 != 0 {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
    let head = Head {
        method: &methods[usize::from(method) % methods.len()],
        host: "localhost",
        own_hosts: &[],
        path,
        query,
        headers: &headers,
        scope: Some(Scope { service: SERVICES[usize::from(service) % SERVICES.len()], region: "eu-west-1" }),
    };
    let what = ATLAS.recognise(&head, body);
    let request = what.read_request(&head, Some(body));
    let _ = what.request_parameters(&request);
    let answer = what.read_answer(200, &headers, Some(body));
    let _ = what.response_elements(&answer);
    let _ = what.failure(400, &headers, Some(body));
});
