//! A request to be signed: lines with path, query and a header value, then the body. Whatever they hold, the same request signs the
//! same way twice, in both ways of canonicalising a path.
#![no_main]

use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use opentrail_policy::Secret;
use opentrail_wire::sigv4::{BodyToSign, Signer};

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(4, |&b| b == b'\n');
    let mut text = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (path, query, value) = (text(), text(), text());
    let body = data.rsplit(|&b| b == b'\n').next().unwrap_or_default();
    let Ok(value) = HeaderValue::from_str(&value) else { return };
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into());
    for service in ["s3", "cloudtrail"] {
        let sign = || {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("example.org"));
            headers.insert("x-amz-meta-fuzz", value.clone());
            let signer = Signer {
                access_key_id: "AKIDEXAMPLE",
                secret: &secret,
                region: "us-east-1",
                service,
                at: Timestamp::UNIX_EPOCH,
            };
            signer.sign(&Method::POST, &path, &query, &mut headers, BodyToSign::Whole(body)).map(|()| headers)
        };
        assert_eq!(sign(), sign());
    }
});
