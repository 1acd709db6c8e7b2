//! The canonical request: one spelling of a request that client and server both hash.

use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::Dialect;
use super::query::Query;

/// Everything but RFC 3986's unreserved characters.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a path, whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A request as its signature sees it: everything as the client sent it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub method: &'a str,
    pub raw_path: &'a str,
    pub query: &'a Query,
    pub headers: &'a HeaderMap,
}

/// The canonical request. `signed_headers` are lower-case and sorted. The query's `X-Amz-Signature` is left out.
pub(crate) fn request(seen: &Seen<'_>, dialect: Dialect, signed_headers: &[String], payload: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(seen.method.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(path(seen.raw_path, dialect).as_bytes());
    out.push(b'\n');
    out.extend_from_slice(seen.query.canonical().as_bytes());
    out.push(b'\n');
    for name in signed_headers {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        for (i, value) in seen.headers.get_all(name.as_str()).iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            push_folded(&mut out, value.as_bytes());
        }
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.join(";").as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload.as_bytes());
    out
}

/// The canonical path. S3's is decoded and encoded once, so that it says what the service will read, however the client
/// spelled it; all others' is normalised and what was sent is encoded again.
fn path(raw: &str, dialect: Dialect) -> String {
    let raw = if raw.is_empty() { "/" } else { raw };
    match dialect {
        Dialect::S3 => {
            let decoded: Cow<'_, [u8]> = percent_decode_str(raw).into();
            percent_encode(&decoded, RESERVED_IN_PATH).to_string()
        }
        Dialect::Other => percent_encode(without_dot_segments(raw).as_bytes(), RESERVED_IN_PATH).to_string(),
    }
}

/// RFC 3986, 5.2.4, and repeated slashes become one.
fn without_dot_segments(raw: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let tail = if raw.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{tail}", kept.join("/"))
}

/// A header's value without white space around it, and with one space for each run of white space in it.
fn push_folded(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty());
    for (i, word) in words.enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// What is signed: algorithm, time, scope and the hash of the canonical request.
pub(crate) fn string_to_sign(date: &str, scope: &str, canonical_request: &[u8]) -> String {
    let hash = super::key::sha256_hex(canonical_request);
    format!("{}\n{date}\n{scope}\n{hash}", super::ALGORITHM)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s3_paths_are_encoded_once_and_never_normalised() {
        let check = |raw: &str, expect: &str| assert_eq!(path(raw, Dialect::S3), expect, "{raw}");
        check("", "/");
        check("/b/a//b/../c/.", "/b/a//b/../c/.");
        check("/b/a%20b+c", "/b/a%20b%2Bc");
        check("/b/%7Ex%2fy", "/b/~x/y");
        check("/b/%zz%", "/b/%25zz%25");
        check("/b/%FF%00", "/b/%FF%00");
    }

    #[test]
    fn other_paths_are_normalised_and_encoded_again() {
        let check = |raw: &str, expect: &str| assert_eq!(path(raw, Dialect::Other), expect, "{raw}");
        check("", "/");
        check("/./a//b/../c/", "/a/c/");
        check("/../..", "/");
        check("//", "/");
        check("/a%20b", "/a%2520b");
    }

    #[test]
    fn header_values_are_folded() {
        let check = |value: &str, expect: &str| {
            let mut out = Vec::new();
            push_folded(&mut out, value.as_bytes());
            assert_eq!(String::from_utf8(out).expect("UTF-8"), expect);
        };
        check("  \"a   b\t c\"  ", "\"a b c\"");
        check("   ", "");
    }

    proptest! {
        #[test]
        fn canonical_parts_are_canonical_already(raw in "[ -~]{0,40}") {
            let once = path(&raw, Dialect::S3);
            prop_assert_eq!(path(&once, Dialect::S3), once.clone());
            prop_assert!(!path(&raw, Dialect::Other).contains('\n'));
        }
    }
}
