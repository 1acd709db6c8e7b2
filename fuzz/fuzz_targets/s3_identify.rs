//! A request to S3: a line with method, path and query, then the body. What is a call can be rendered.
#![no_main]

use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use opentrail_protocol::s3;

fuzz_target!(|data: &[u8]| {
    let (line, body) =
        data.iter().position(|&b| b == b'\n').map_or((data, None), |at| (&data[..at], Some(&data[at + 1..])));
    let Ok(line) = std::str::from_utf8(line) else { return };
    let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost"));
    if let Ok(call) = s3::identify(&method, path, query, &headers) {
        let _ = s3::request_parameters(&call, query, &headers, body);
    }
});
