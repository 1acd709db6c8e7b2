//! What a request asks for, once: decoded query parameters, and headers with those of a presigned URL among them.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentrail_wire::{Fault, RequestHead};
use percent_encoding::percent_decode;

use crate::faults;

/// The most query parameters that are read.
const PARAMETERS_MAX: usize = 256;
/// Query parameters that belong to the signature and say nothing about the call.
const SIGNATURE_PARAMETERS: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

/// The request as the operations read it.
#[derive(Debug)]
pub(crate) struct Asked {
    headers: HeaderMap,
    query: Vec<(String, String)>,
}

impl Asked {
    /// Decodes. In a presigned URL a parameter `x-amz-…` stands for the header of that name (`spec/s3.md` 12).
    ///
    /// Fails with `InvalidURI` where the query is not percent-encoded UTF-8 or has too many parameters.
    pub(crate) fn read(head: &RequestHead, presigned: bool) -> Result<Self, Fault> {
        let mut headers = head.headers.clone();
        let mut query = Vec::new();
        for pair in head.raw_query.split('&').filter(|p| !p.is_empty()) {
            if query.len() == PARAMETERS_MAX {
                return Err(faults::invalid_uri(&head.raw_path));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text| decode_form(text).ok_or_else(|| faults::invalid_uri(&head.raw_path));
            query.push((decode(name)?, decode(value)?));
        }
        for (name, value) in &query {
            let lower = name.to_ascii_lowercase();
            if !presigned || !lower.starts_with("x-amz-") || SIGNATURE_PARAMETERS.contains(&lower.as_str()) {
                continue;
            }
            let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(lower.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
            else {
                return Err(faults::invalid_uri(&head.raw_path));
            };
            headers.entry(name).or_insert(value);
        }
        Ok(Self { headers, query })
    }

    /// All headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether the header is there, with any value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// The header's text; `None` if it is absent, empty or not UTF-8.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        std::str::from_utf8(value.as_bytes()).ok().map(str::trim).filter(|v| !v.is_empty())
    }

    /// The first query parameter of that name, decoded; it may be empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Decodes a part of a query: percent escapes, and `+` as a space.
pub(crate) fn decode_form(text: &str) -> Option<String> {
    // A percent sign without two digits behind it is no encoding at all.
    let bytes = text.as_bytes();
    let escapes_are_whole = bytes
        .iter()
        .enumerate()
        .all(|(i, b)| *b != b'%' || bytes.get(i + 1..i + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)));
    if !escapes_are_whole {
        return None;
    }
    let spaced: Vec<u8> = bytes.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str, presigned: bool) -> Result<Asked, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-acl", HeaderValue::from_static("in-header"));
        let head = RequestHead { method: http::Method::GET, raw_path: "/b".into(), raw_query: query.into(), headers };
        Asked::read(&head, presigned)
    }

    #[test]
    fn parameters_are_decoded_and_headers_win() {
        let asked = asked("prefix=a%20b+c%2F&x-amz-acl=x&X-Amz-Checksum-Mode=ENABLED&X-Amz-Date=1&uploads", true)
            .expect("a good query");
        assert_eq!(asked.parameter("prefix"), Some("a b c/"));
        assert_eq!(asked.parameter("uploads"), Some(""));
        assert_eq!(asked.header("x-amz-acl"), Some("in-header"));
        assert_eq!(asked.header("x-amz-checksum-mode"), Some("ENABLED"));
        assert!(!asked.has("x-amz-date"));
    }

    #[test]
    fn parameters_are_no_headers_unless_presigned() {
        assert!(!asked("x-amz-checksum-mode=ENABLED", false).expect("a good query").has("x-amz-checksum-mode"));
    }

    #[test]
    fn what_cannot_be_decoded_is_no_uri() {
        for bad in ["prefix=%", "prefix=%z1", "prefix=%ff", "%c3=1", &"a&".repeat(300)] {
            assert_eq!(asked(bad, false).expect_err(bad).code, "InvalidURI");
        }
        assert!(asked("x-amz-meta-a=%0a", true).is_err(), "a line break is no header");
    }
}
