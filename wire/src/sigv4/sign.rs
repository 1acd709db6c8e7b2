//! Signing, for our own command line and for tests: the counterpart of `verify`.

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use opentrail_policy::Secret;

use super::canonical::{self, Seen};
use super::key::{SigningKey, sha256_hex};
use super::query::{Query, encode_query_part};
use super::verify::Chain;
use super::{ALGORITHM, Dialect, TERMINATOR, claim, time};

/// The longest validity of a presigned request, in seconds.
pub const PRESIGN_MAX_S: u32 = claim::EXPIRES_MAX_S as u32;

/// The body of a request to be signed.
#[derive(Debug, Clone, Copy)]
pub enum BodyToSign<'a> {
    /// These bytes.
    Whole(&'a [u8]),
    /// The bytes that have this SHA-256, in hexadecimal.
    Hashed(&'a str),
    /// S3 only: nothing is promised about the body.
    Unsigned,
}

/// A request that cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsignableRequest {
    #[error("a request needs one host header to be signed")]
    NoHost,
    #[error("a presigned request is valid for at most {PRESIGN_MAX_S} seconds, not {0}")]
    ExpiresTooLong(u32),
}

/// Signs requests as one caller to one service in one region.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    pub access_key_id: &'a str,
    pub secret: &'a Secret,
    pub region: &'a str,
    /// In the scope: `cloudtrail`, `s3`.
    pub service: &'a str,
    pub at: Timestamp,
}

impl Signer<'_> {
    /// Signs in the header form: adds `x-amz-date`, `x-amz-content-sha256` and `authorization` to `headers`, and signs
    /// every header that is there. `raw_path` and `raw_query` are as they will be sent, percent-encoded.
    pub fn sign(
        &self,
        method: &http::Method,
        raw_path: &str,
        raw_query: &str,
        headers: &mut HeaderMap,
        body: BodyToSign<'_>,
    ) -> Result<(), UnsignableRequest> {
        let line = match body {
            BodyToSign::Whole(bytes) => sha256_hex(bytes),
            BodyToSign::Hashed(hash) => hash.to_owned(),
            BodyToSign::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
        };
        self.sign_line(method, raw_path, raw_query, headers, &line).map(drop)
    }

    /// Signs with `line` as `x-amz-content-sha256`. The chain goes on with the pieces of an aws-chunked body.
    pub(crate) fn sign_line(
        &self,
        method: &http::Method,
        raw_path: &str,
        raw_query: &str,
        headers: &mut HeaderMap,
        line: &str,
    ) -> Result<Chain, UnsignableRequest> {
        if headers.get_all(HOST).iter().count() != 1 {
            return Err(UnsignableRequest::NoHost);
        }
        let ascii = |text: &str| HeaderValue::from_str(text).expect("digits and ASCII words are a header value");
        let date = time::basic(self.at);
        headers.remove(AUTHORIZATION);
        headers.insert("x-amz-date", ascii(&date));
        headers.insert("x-amz-content-sha256", ascii(line));
        let mut signed: Vec<String> = headers.keys().map(|name| name.as_str().to_owned()).collect();
        signed.sort_unstable();
        let query = Query::parse(raw_query);
        let seen = Seen { method: method.as_str(), raw_path, query: &query, headers };
        let canonical = canonical::request(&seen, self.dialect(), &signed, line);
        let chain = self.seal(&date, &canonical);
        let value = format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={}",
            self.access_key_id,
            chain.scope,
            signed.join(";"),
            chain.seed
        );
        // A key id with control characters is nobody's; sent without them it is refused as such.
        let value = HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static(ALGORITHM));
        headers.insert(AUTHORIZATION, value);
        Ok(chain)
    }

    /// The query of a presigned request, `raw_query` included. Signs the host and nothing else; other services than S3
    /// sign an empty body with it.
    pub fn presign(
        &self,
        method: &http::Method,
        host: &str,
        raw_path: &str,
        raw_query: &str,
        expires_s: u32,
    ) -> Result<String, UnsignableRequest> {
        if expires_s > PRESIGN_MAX_S {
            return Err(UnsignableRequest::ExpiresTooLong(expires_s));
        }
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| UnsignableRequest::NoHost)?);
        let date = time::basic(self.at);
        let credential = encode_query_part(&format!("{}/{}", self.access_key_id, self.scope(&date)));
        let mut query = raw_query.to_owned();
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&format!(
            "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={date}&X-Amz-Expires={expires_s}\
             &X-Amz-SignedHeaders=host"
        ));
        let line = if self.dialect() == Dialect::S3 { "UNSIGNED-PAYLOAD" } else { super::EMPTY_SHA256 };
        let parsed = Query::parse(&query);
        let seen = Seen { method: method.as_str(), raw_path, query: &parsed, headers: &headers };
        let canonical = canonical::request(&seen, self.dialect(), &["host".to_owned()], line);
        let chain = self.seal(&date, &canonical);
        query.push_str("&X-Amz-Signature=");
        query.push_str(&chain.seed);
        Ok(query)
    }

    fn dialect(&self) -> Dialect {
        if self.service == "s3" { Dialect::S3 } else { Dialect::Other }
    }

    fn scope(&self, date: &str) -> String {
        format!("{}/{}/{}/{TERMINATOR}", &date[..8], self.region, self.service)
    }

    fn seal(&self, date: &str, canonical_request: &[u8]) -> Chain {
        let scope = self.scope(date);
        let key = SigningKey::derive(self.secret, &date[..8], self.region, self.service);
        let seed = key.sign(canonical::string_to_sign(date, &scope, canonical_request).as_bytes());
        Chain { key, date: date.to_owned(), scope, seed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_and_its_hash_are_signed_alike() {
        let secret = Secret::new("s".into());
        let signer = Signer {
            access_key_id: "AKIA",
            secret: &secret,
            region: "us-east-1",
            service: "s3",
            at: Timestamp::UNIX_EPOCH,
        };
        let signed = |body: BodyToSign<'_>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("h"));
            signer.sign(&http::Method::PUT, "/b/k", "", &mut headers, body).expect("it has a host");
            headers
        };
        assert_eq!(signed(BodyToSign::Whole(b"ab")), signed(BodyToSign::Hashed(&sha256_hex(b"ab"))));
        assert_ne!(signed(BodyToSign::Whole(b"ab")), signed(BodyToSign::Unsigned));
    }
}
