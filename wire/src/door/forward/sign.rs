//! Calls to an upstream that knows other keys than the caller's: taken out of the caller's signature and signed anew.

use http::{HeaderMap, HeaderValue};
use opentrail_delivery::{UpstreamBody, UpstreamCall};
use opentrail_protocol::atlas::Scope;

use super::body::{self, Passed};
use super::onto::{target, without_hop_by_hop};
use super::sender::Body;
use super::who::is_s3;
use crate::door::body::number;
use crate::door::host;
use crate::door::life::Hall;
use crate::errors;
use crate::sigv4::Signer;
use crate::sigv4::key::sha256_hex;
use crate::sigv4::payload::Payload;
use crate::{Fault, RequestHead, Signing};

/// What says nothing to the upstream but whose signature it was, or which framing the body had.
const OF_THE_SENDER: [&str; 8] = [
    "authorization",
    "expect",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-trailer",
];

impl Hall {
    /// The same call, from us.
    #[expect(clippy::too_many_arguments, reason = "all of it goes into one signature")]
    pub(super) fn sign_anew(
        &self,
        signing: &Signing,
        scope: Scope<'_>,
        authority: &str,
        head: &RequestHead,
        payload: &Payload,
        body: Body,
        passed: &Passed,
    ) -> Result<UpstreamCall, Fault> {
        let protocol = opentrail_protocol::Protocol::RestXml;
        let internal = || errors::internal(protocol);
        let mut headers = without_hop_by_hop(&head.headers, &[]);
        let checksum = headers.get("x-amz-sdk-checksum-algorithm").cloned();
        for name in OF_THE_SENDER {
            headers.remove(name);
        }
        let framed = matches!(payload, Payload::Chunked { .. });
        if framed {
            unframe(&mut headers);
        } else if let Some(checksum) = checksum {
            headers.insert("x-amz-sdk-checksum-algorithm", checksum);
        }
        headers.insert(http::header::HOST, HeaderValue::from_str(authority).map_err(|_| internal())?);
        let mut raw_path = head.raw_path.clone();
        let named = head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if is_s3(scope.service)
            && let Some(bucket) = self.hosts.bucket(named)
        {
            raw_path = host::path_style(&bucket, &raw_path);
        }
        let raw_query = without_signature(&head.raw_query);
        let (line, body) = match body {
            Body::Whole(bytes) => (sha256_hex(&bytes), UpstreamBody::Whole(bytes)),
            Body::Passing { length, pieces, check } => {
                let line = match payload {
                    Payload::Hash(hash) => hash.clone(),
                    _ => "UNSIGNED-PAYLOAD".to_owned(),
                };
                let length = if framed { number(&head.headers, "x-amz-decoded-content-length") } else { length };
                (line, UpstreamBody::Stream { length, bytes: body::checked(pieces, check, passed.clone(), framed) })
            }
        };
        if framed {
            headers.remove(http::header::CONTENT_LENGTH);
        }
        // What may be changed on the way is sent beside the signature, not under it.
        let (mut signed, mut beside) = (HeaderMap::new(), HeaderMap::new());
        for (name, value) in &headers {
            let under = matches!(name.as_str(), "host" | "content-type" | "content-md5" | "x-amz-target")
                || name.as_str().starts_with("x-amz-");
            if under { &mut signed } else { &mut beside }.append(name, value.clone());
        }
        if let Some(token) = &signing.token {
            let token = HeaderValue::from_str(token.expose()).map_err(|_| internal())?;
            signed.insert("x-amz-security-token", token);
        }
        let signer = Signer {
            access_key_id: &signing.access_key_id,
            secret: &signing.secret,
            region: scope.region,
            service: scope.service,
            at: self.world.now(),
        };
        signer.sign_line(&head.method, &raw_path, &raw_query, &mut signed, &line).map_err(|_| internal())?;
        let names: Vec<_> = beside.keys().cloned().collect();
        for name in names {
            for value in beside.get_all(&name) {
                signed.append(name.clone(), value.clone());
            }
        }
        let target = target(&raw_path, &raw_query);
        Ok(UpstreamCall { method: head.method.clone(), target, headers: signed, body })
    }
}

/// The query without a presigned request's proof.
fn without_signature(raw_query: &str) -> String {
    let kept: Vec<&str> = raw_query.split('&').filter(|pair| !pair.starts_with("X-Amz-")).collect();
    kept.join("&")
}

/// Takes `aws-chunked` out of Content-Encoding.
fn unframe(headers: &mut HeaderMap) {
    let codings = headers.get(http::header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let rest: Vec<&str> = codings.split(',').map(str::trim).filter(|c| !c.is_empty() && *c != "aws-chunked").collect();
    let rest = rest.join(",");
    headers.remove(http::header::CONTENT_ENCODING);
    if let (false, Ok(value)) = (rest.is_empty(), HeaderValue::from_str(&rest)) {
        headers.insert(http::header::CONTENT_ENCODING, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_proof_is_taken_out_of_a_query() {
        assert_eq!(without_signature("X-Amz-Signature=1&list-type=2&X-Amz-Date=3&prefix=a"), "list-type=2&prefix=a");
        assert_eq!(without_signature(""), "");
    }

    #[test]
    fn framing_is_taken_out_of_the_encodings() {
        let check = |given: &'static str, expect: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("content-encoding", HeaderValue::from_static(given));
            unframe(&mut headers);
            assert_eq!(headers.get("content-encoding").and_then(|v| v.to_str().ok()), expect);
        };
        check("aws-chunked", None);
        check("aws-chunked, gzip", Some("gzip"));
    }
}
