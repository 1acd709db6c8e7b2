//! Conditional reads and ranges (`spec/s3.md` 4.1, 4.2): pure decisions about an object's row.

use std::ops::Range;

use jiff::fmt::rfc2822::DateTimeParser;
use opentrail_wire::Fault;

use crate::asked::Asked;
use crate::faults;
use crate::store::rows::ObjectRow;

/// What a read gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// 304: the caller has it already.
    NotModified,
    /// 200: all of it.
    Whole,
    /// 206: these bytes.
    Part { range: Range<u64> },
}

/// Decides what of the object the caller gets.
pub(crate) fn select(asked: &Asked, row: &ObjectRow, now_s: i64) -> Result<Selection, Fault> {
    if !is_wanted(asked, row, now_s)? {
        return Ok(Selection::NotModified);
    }
    let part_number = asked.parameter("partNumber");
    let range = asked.header("range");
    match (part_number, range) {
        (Some(_), Some(_)) => {
            Err(faults::invalid_request("Cannot specify both Range header and partNumber query parameter"))
        }
        (Some(number), None) => select_part(number, row),
        (None, Some(range)) if range_still_holds(asked, row) => select_range(range, row.bytes),
        (None, _) => Ok(Selection::Whole),
    }
}

/// Evaluates the preconditions. False for 304.
///
/// `If-Match` that holds beats `If-Unmodified-Since`; `If-None-Match` that is there beats `If-Modified-Since`. A date
/// that cannot be read is no condition.
fn is_wanted(asked: &Asked, row: &ObjectRow, now_s: i64) -> Result<bool, Fault> {
    if let Some(tags) = asked.header("if-match") {
        if !names_etag(tags, &row.etag) {
            return Err(faults::precondition_failed("If-Match"));
        }
    } else if seconds(asked.header("if-unmodified-since")).is_some_and(|since| row.modified_s > since) {
        return Err(faults::precondition_failed("If-Unmodified-Since"));
    }
    if let Some(tags) = asked.header("if-none-match") {
        return Ok(!names_etag(tags, &row.etag));
    }
    // A date in the future is no condition: nothing can have been modified since then, yet AWS answers 200.
    let since = seconds(asked.header("if-modified-since")).filter(|since| *since <= now_s);
    Ok(since.is_none_or(|since| row.modified_s > since))
}

/// Whether a list of entity tags, quoted or not, holds this one.
fn names_etag(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_matches('"') == etag)
}

/// Seconds since 1970 of an HTTP date.
fn seconds(date: Option<&str>) -> Option<i64> {
    DateTimeParser::new().parse_timestamp(date?).ok().map(|t| t.as_second())
}

/// Whether `If-Range` allows a part: without it, or when the object is still the one that it names.
fn range_still_holds(asked: &Asked, row: &ObjectRow) -> bool {
    match asked.header("if-range") {
        None => true,
        Some(validator) => names_etag(validator, &row.etag) || seconds(Some(validator)) == Some(row.modified_s),
    }
}

/// Only part 1 exists of an object that was put in one piece.
fn select_part(number: &str, row: &ObjectRow) -> Result<Selection, Fault> {
    match number.parse::<u32>() {
        Ok(1) if row.bytes > 0 => Ok(Selection::Part { range: 0..row.bytes }),
        Ok(1) => Ok(Selection::Whole),
        Ok(2..=10_000) => Err(faults::invalid_part_number(number)),
        _ => Err(faults::invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive",
            "partNumber",
            number,
        )),
    }
}

/// One range of bytes. What is no single well-formed range is ignored; what lies outside the object is not satisfiable.
fn select_range(header: &str, bytes: u64) -> Result<Selection, Fault> {
    let number = |text: &str| -> Option<u64> {
        // Longer than u64 is beyond every object.
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().unwrap_or(u64::MAX))
    };
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Ok(Selection::Whole);
    };
    let range = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => first..bytes,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(bytes),
        (None, Some(suffix)) if first.is_empty() => bytes.saturating_sub(suffix)..bytes,
        _ => return Ok(Selection::Whole),
    };
    if range.is_empty() { Err(faults::invalid_range(header, bytes)) } else { Ok(Selection::Part { range }) }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use opentrail_wire::RequestHead;

    use super::*;
    use crate::store::rows::{Body, ContentHeaders, StoredSum};

    fn decide(bytes: u64, query: &str, headers: &[(&str, &str)]) -> Result<Selection, Fault> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        let head =
            RequestHead { method: http::Method::GET, raw_path: "/b/k".into(), raw_query: query.into(), headers: map };
        let row = ObjectRow {
            bytes,
            etag: "abc".into(),
            modified_s: 1_790_000_000, // Mon, 21 Sep 2026 14:13:20 GMT
            body: Body::Empty,
            headers: ContentHeaders::default(),
            metadata: Default::default(),
            sum: StoredSum { algorithm: "CRC32".into(), value: String::new() },
        };
        select(&Asked::read(&head, false)?, &row, row.modified_s + 10)
    }

    #[test]
    fn ranges_of_ten_bytes() {
        let part = |range: &str, expect: Range<u64>| {
            assert_eq!(decide(10, "", &[("range", range)]), Ok(Selection::Part { range: expect }), "{range}");
        };
        part("bytes=0-4", 0..5);
        part("bytes=5-", 5..10);
        part("bytes=-3", 7..10);
        part("bytes=0-99", 0..10);
        part("bytes=-99", 0..10);
        part("bytes=9-9", 9..10);
        part("bytes=0-18446744073709551616", 0..10);
        for unsatisfiable in ["bytes=10-", "bytes=-0", "bytes=10-20", "bytes=99999999999999999999-"] {
            let fault = decide(10, "", &[("range", unsatisfiable)]).expect_err(unsatisfiable);
            assert_eq!((fault.code.as_ref(), fault.status), ("InvalidRange", 416));
            assert_eq!(fault.details[0].1, unsatisfiable);
            assert_eq!(fault.details[1], ("ActualObjectSize".into(), "10".to_owned()));
        }
        for ignored in
            ["bytes=1-0", "bytes=-1-", "bytes=0--1", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes 0-1"]
        {
            assert_eq!(decide(10, "", &[("range", ignored)]), Ok(Selection::Whole), "{ignored}");
        }
        assert_eq!(decide(0, "", &[("range", "bytes=0-")]).expect_err("empty").status, 416);
        assert_eq!(decide(0, "", &[("range", "bytes=-5")]).expect_err("empty").status, 416);
    }

    #[test]
    fn preconditions() {
        const BEFORE: &str = "Mon, 21 Sep 2026 14:13:19 GMT";
        const AT: &str = "Mon, 21 Sep 2026 14:13:20 GMT";
        let whole = |headers: &[(&str, &str)]| assert_eq!(decide(10, "", headers), Ok(Selection::Whole), "{headers:?}");
        let unmodified = |headers: &[(&str, &str)]| {
            assert_eq!(decide(10, "", headers), Ok(Selection::NotModified), "{headers:?}");
        };
        let failed = |headers: &[(&str, &str)], condition: &str| {
            let fault = decide(10, "", headers).expect_err(condition);
            assert_eq!((fault.status, fault.details[0].1.as_str()), (412, condition));
        };
        whole(&[("if-match", "\"abc\"")]);
        whole(&[("if-match", "abc")]);
        whole(&[("if-match", "*")]);
        whole(&[("if-match", "\"x\", \"abc\"")]);
        failed(&[("if-match", "\"abd\"")], "If-Match");
        failed(&[("if-unmodified-since", BEFORE)], "If-Unmodified-Since");
        whole(&[("if-unmodified-since", AT)]);
        whole(&[("if-match", "abc"), ("if-unmodified-since", BEFORE)]);
        unmodified(&[("if-none-match", "\"abc\"")]);
        unmodified(&[("if-none-match", "*")]);
        whole(&[("if-none-match", "\"abd\"")]);
        unmodified(&[("if-modified-since", AT)]);
        whole(&[("if-modified-since", BEFORE)]);
        unmodified(&[("if-none-match", "abc"), ("if-modified-since", BEFORE)]);
        whole(&[("if-modified-since", "Mon, 21 Sep 2026 14:13:31 GMT")]);
        whole(&[("if-modified-since", "yesterday")]);
        unmodified(&[("if-match", "abc"), ("if-none-match", "abc")]);
    }

    #[test]
    fn parts_and_if_range() {
        assert_eq!(decide(10, "partNumber=1", &[]), Ok(Selection::Part { range: 0..10 }));
        let code = |query: &str, headers: &[(&str, &str)]| decide(10, query, headers).expect_err(query).code;
        assert_eq!(code("partNumber=2", &[]), "InvalidPartNumber");
        assert_eq!(code("partNumber=0", &[]), "InvalidArgument");
        assert_eq!(code("partNumber=x", &[]), "InvalidArgument");
        assert_eq!(code("partNumber=1", &[("range", "bytes=0-1")]), "InvalidRequest");
        let ranged = |validator: &str| decide(10, "", &[("range", "bytes=0-1"), ("if-range", validator)]);
        assert_eq!(ranged("\"abc\""), Ok(Selection::Part { range: 0..2 }));
        assert_eq!(ranged("Mon, 21 Sep 2026 14:13:20 GMT"), Ok(Selection::Part { range: 0..2 }));
        assert_eq!(ranged("\"old\""), Ok(Selection::Whole));
    }
}
