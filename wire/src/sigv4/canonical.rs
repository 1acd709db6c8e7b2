//! The canonical request: one spelling of a request that client and server both hash.

use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::Dialect;

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a path, whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A request as its signature sees it: everything as the client sent it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub method: &'a str,
    pub raw_path: &'a str,
    /// Without the question mark.
    pub raw_query: &'a str,
    pub headers: &'a HeaderMap,
}

/// The canonical request. `signed_headers` are lower-case and sorted. The query's `X-Amz-Signature` is left out.
pub(crate) fn request(seen: &Seen<'_>, dialect: Dialect, signed_headers: &[String], payload: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(seen.method.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(path(seen.raw_path, dialect).as_bytes());
    out.push(b'\n');
    out.extend_from_slice(query(seen.raw_query).as_bytes());
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

/// The canonical query: every pair decoded, encoded again and sorted. A plus is a space, as forms and S3 read it.
fn query(raw: &str) -> String {
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (recoded(name), recoded(value))
        })
        .filter(|(name, _)| name != "X-Amz-Signature")
        .collect();
    pairs.sort_unstable();
    let mut out = String::with_capacity(raw.len() + 16);
    for (name, value) in &pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
    out
}

fn recoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let decoded: Cow<'_, [u8]> = percent_decode_str(&spaced).into();
    percent_encode(&decoded, RESERVED).to_string()
}

/// One part of a query, encoded as [`query`] would.
pub(crate) fn encode_query_part(text: &str) -> String {
    percent_encode(text.as_bytes(), RESERVED).to_string()
}

/// Decodes one part of a query; `None` where the bytes are not UTF-8.
pub(crate) fn decode_query_part(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
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
    fn queries_are_sorted_by_their_encoded_parts() {
        let check = |raw: &str, expect: &str| assert_eq!(query(raw), expect, "{raw}");
        check("", "");
        check("b=2&a=2&a=1&&c", "a=1&a=2&b=2&c=");
        check("k=a+b&k=%2b", "k=%20b&k=a%20b".replace("%20b&k=a", "%2B&k=a").as_str());
        check("a=b=c&x=%zz", "a=b%3Dc&x=%25zz");
        check("X-Amz-Signature=1&X-Amz-Date=2", "X-Amz-Date=2");
        check("%41=1", "A=1");
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
            let once = query(&raw);
            prop_assert_eq!(query(&once), once);
            // No byte of a query may end the line that it stands on.
            prop_assert!(!query(&raw).contains('\n') && !path(&raw, Dialect::Other).contains('\n'));
        }

        #[test]
        fn no_query_part_is_lost_in_encoding(text in any::<String>()) {
            prop_assert_eq!(decode_query_part(&encode_query_part(&text)), Some(text));
        }
    }
}
