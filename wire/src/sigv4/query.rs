//! A query, decoded once for all who look into it: the claim, the payload's kind and the canonical request.

use std::borrow::Cow;

use percent_encoding::{percent_decode_str, percent_encode};

use super::canonical::RESERVED;

/// The parameters of a query in their order. A plus is a space, as forms and S3 read it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    presigned: bool,
}

/// Names by which a query tries to be a signature.
const CLAIMING: [&[u8]; 3] = [b"X-Amz-Algorithm", b"X-Amz-Signature", b"X-Amz-Credential"];

impl Query {
    /// Reads what stands behind the question mark. Takes as long as it is long: the door refuses longer ones before.
    pub(crate) fn parse(raw: &str) -> Self {
        let pairs: Vec<(Vec<u8>, Vec<u8>)> = raw
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(name), decoded(value))
            })
            .collect();
        // A name spelled in escapes alone is nobody's but an attacker's.
        let presigned = raw.contains("X-Amz-") && pairs.iter().any(|(name, _)| CLAIMING.contains(&name.as_slice()));
        Self { pairs, presigned }
    }

    /// Whether the query tries to be a signature.
    pub(crate) fn is_presigned(&self) -> bool {
        self.presigned
    }

    /// Whether there is a parameter of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(n, _)| n == name.as_bytes())
    }

    /// The values of a parameter, each `None` where it is not UTF-8. Names are matched as they are.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = Option<&'a str>> {
        let named = self.pairs.iter().filter(move |(n, _)| n == name.as_bytes());
        named.map(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The value of a parameter that must stand there exactly once.
    pub(crate) fn value<'a>(&'a self, name: &str) -> Option<&'a str> {
        let mut named = self.pairs.iter().filter(|(n, _)| n == name.as_bytes());
        match (named.next(), named.next()) {
            (Some((_, value)), None) => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }

    /// The canonical query: every pair encoded again and sorted, `X-Amz-Signature` left out.
    pub(crate) fn canonical(&self) -> String {
        let kept = self.pairs.iter().filter(|(name, _)| name != b"X-Amz-Signature");
        let mut pairs: Vec<(String, String)> = kept.map(|(name, value)| (encoded(name), encoded(value))).collect();
        pairs.sort_unstable();
        let mut out = String::with_capacity(pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum());
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
}

/// One part of a query, encoded as [`Query::canonical`] does.
pub(crate) fn encode_query_part(text: &str) -> String {
    encoded(text.as_bytes())
}

fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

fn decoded(text: &str) -> Vec<u8> {
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    percent_decode_str(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queries_are_sorted_by_their_encoded_parts() {
        let check = |raw: &str, expect: &str| assert_eq!(Query::parse(raw).canonical(), expect, "{raw}");
        check("", "");
        check("b=2&a=2&a=1&&c", "a=1&a=2&b=2&c=");
        check("k=a+b&k=%2b", "k=%2B&k=a%20b");
        check("a=b=c&x=%zz", "a=b%3Dc&x=%25zz");
        check("X-Amz-Signature=1&X-Amz-Date=2", "X-Amz-Date=2");
        check("%41=1", "A=1");
        check("a=%FF", "a=%FF");
    }

    #[test]
    fn values_are_found_by_their_decoded_names() {
        let query = Query::parse("a=1&%61=2&b=%FF&c&X-Amz-Algorithm=x");
        assert_eq!(query.values("a").collect::<Vec<_>>(), [Some("1"), Some("2")]);
        assert_eq!(
            (query.value("a"), query.value("b"), query.value("c"), query.value("d")),
            (None, None, Some(""), None)
        );
        assert!(query.has("b") && !query.has("d") && query.is_presigned());
        assert!(!Query::parse("X-Amz-Date=1").is_presigned());
    }

    proptest! {
        #[test]
        fn what_is_canonical_is_so_already(raw in "[ -~]{0,40}") {
            let once = Query::parse(&raw).canonical();
            prop_assert_eq!(Query::parse(&once).canonical(), once.clone());
            // No byte of a query may end the line that it stands on.
            prop_assert!(!once.contains('\n'));
        }

        #[test]
        fn no_part_is_lost_in_encoding(text in any::<String>()) {
            let query = Query::parse(&format!("n={}", encode_query_part(&text)));
            prop_assert_eq!(query.value("n"), Some(text.as_str()));
        }
    }
}
