//! Conditions of reads, writes and copies, and ranges (`spec/s3.md` 4.1 to 4.3, 5): pure decisions about an object's row.

use std::ops::Range;

use jiff::fmt::rfc2822::DateTimeParser;
use opentrail_wire::Fault;

use crate::asked::Asked;
use crate::faults;
use crate::store::Place;
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
    /// 206: the part at this place among several.
    Numbered { range: Range<u64>, at: usize },
}

impl Selection {
    /// The bytes, and whether they are fewer than all.
    pub(crate) fn range(&self, bytes: u64) -> Range<u64> {
        match self {
            Self::NotModified => 0..0,
            Self::Whole => 0..bytes,
            Self::Part { range } | Self::Numbered { range, .. } => range.clone(),
        }
    }
}

/// Decides what of the object the caller gets. `places` are its parts, where it has several.
pub(crate) fn select(asked: &Asked, row: &ObjectRow, places: &[Place], now_s: i64) -> Result<Selection, Fault> {
    if !is_wanted(asked, row, now_s)? {
        return Ok(Selection::NotModified);
    }
    let part_number = asked.parameter("partNumber");
    let range = asked.header("range");
    match (part_number, range) {
        (Some(_), Some(_)) => {
            Err(faults::invalid_request("Cannot specify both Range header and partNumber query parameter"))
        }
        (Some(number), None) => select_part(number, row, places),
        (None, Some(range)) if range_still_holds(asked, row) => select_range(range, row.bytes),
        (None, _) => Ok(Selection::Whole),
    }
}

/// Evaluates the preconditions. False for 304.
///
/// `If-Match` that holds beats `If-Unmodified-Since`; `If-None-Match` that is there beats `If-Modified-Since`. A date
/// that cannot be read is no condition.
pub(crate) fn is_wanted(asked: &Asked, row: &ObjectRow, now_s: i64) -> Result<bool, Fault> {
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
fn select_part(number: &str, row: &ObjectRow, places: &[Place]) -> Result<Selection, Fault> {
    let asked = part_number(number)?;
    if places.is_empty() {
        return match asked {
            1 if row.bytes > 0 => Ok(Selection::Part { range: 0..row.bytes }),
            1 => Ok(Selection::Whole),
            _ => Err(faults::invalid_part_number(number, 1)),
        };
    }
    let mut start = 0;
    for (at, place) in places.iter().enumerate() {
        // By its place, as AWS counts them: numbers may have had gaps in the upload, and have none in the object.
        if at + 1 == asked as usize {
            return Ok(Selection::Numbered { range: start..start + place.bytes, at });
        }
        start += place.bytes;
    }
    Err(faults::invalid_part_number(number, places.len()))
}

/// The number of a part: 1 to 10,000.
pub(crate) fn part_number(text: &str) -> Result<u32, Fault> {
    text.parse().ok().filter(|n| (1..=faults::PART_NUMBER_MAX).contains(n)).ok_or_else(|| {
        faults::invalid_argument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", text)
    })
}

/// On what a write depends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum WriteCondition {
    #[default]
    None,
    /// `If-None-Match: *`: there is no such object.
    Absent,
    /// `If-Match`: the object is there with this entity tag.
    Matches(String),
    /// `If-Match: *`: the object is there.
    Present,
}

impl WriteCondition {
    /// Of a put, a copy or the completion of an upload.
    pub(crate) fn of_write(asked: &Asked) -> Result<Self, Fault> {
        match Self::of_headers(asked)? {
            Self::Present => Err(unaccepted("If-Match")),
            condition => Ok(condition),
        }
    }

    /// Of a deletion.
    pub(crate) fn of_deletion(asked: &Asked) -> Result<Self, Fault> {
        let condition = Self::of_headers(asked)?;
        if condition != Self::None && asked.parameter("versionId").is_some() {
            let more = "Conditional delete operations are not allowed when a version ID is included in the request parameters.";
            return Err(faults::header_not_implemented("If-Match", Some(more)));
        }
        if condition == Self::Absent { Err(unaccepted("If-None-Match")) } else { Ok(condition) }
    }

    /// The entity tag of one object of DeleteObjects.
    pub(crate) fn of_etag(etag: &str) -> Self {
        match etag.trim() {
            "*" => Self::Present,
            etag => Self::Matches(etag.trim_matches('"').to_owned()),
        }
    }

    fn of_headers(asked: &Asked) -> Result<Self, Fault> {
        match (asked.header("if-match"), asked.header("if-none-match")) {
            (None, None) => Ok(Self::None),
            (Some(_), Some(_)) => {
                let more = "Multiple conditional request headers present in the request";
                Err(faults::header_not_implemented("If-Match,If-None-Match", Some(more)))
            }
            (Some(etag), None) => Ok(Self::of_etag(etag)),
            (None, Some("*")) => Ok(Self::Absent),
            (None, Some(_)) => Err(unaccepted("If-None-Match")),
        }
    }

    /// Whether the write may go on over `old`.
    pub(crate) fn check(&self, key: &str, old: Option<&ObjectRow>) -> Result<(), Fault> {
        match (self, old) {
            (Self::None, _) | (Self::Absent, None) | (Self::Present, Some(_)) => Ok(()),
            (Self::Absent, Some(_)) => Err(faults::precondition_failed("If-None-Match")),
            (Self::Matches(etag), Some(row)) if *etag == row.etag => Ok(()),
            (Self::Matches(_), Some(_)) => Err(faults::precondition_failed("If-Match")),
            (Self::Matches(_) | Self::Present, None) => Err(faults::no_such_key(key)),
        }
    }
}

fn unaccepted(header: &'static str) -> Fault {
    let more = format!("We don't accept the provided value of {header} header for this API");
    faults::header_not_implemented(header, Some(&more))
}

/// The conditions on the source of a copy: each that fails is a 412.
pub(crate) fn check_source(asked: &Asked, row: &ObjectRow) -> Result<(), Fault> {
    if let Some(tags) = asked.header("x-amz-copy-source-if-match") {
        if !names_etag(tags, &row.etag) {
            return Err(faults::precondition_failed("x-amz-copy-source-If-Match"));
        }
    } else if seconds(asked.header("x-amz-copy-source-if-unmodified-since")).is_some_and(|since| row.modified_s > since)
    {
        return Err(faults::precondition_failed("x-amz-copy-source-If-Unmodified-Since"));
    }
    if let Some(tags) = asked.header("x-amz-copy-source-if-none-match") {
        if names_etag(tags, &row.etag) {
            return Err(faults::precondition_failed("x-amz-copy-source-If-None-Match"));
        }
    } else if seconds(asked.header("x-amz-copy-source-if-modified-since")).is_some_and(|since| row.modified_s <= since)
    {
        return Err(faults::precondition_failed("x-amz-copy-source-If-Modified-Since"));
    }
    Ok(())
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

    fn row(bytes: u64) -> ObjectRow {
        ObjectRow {
            bytes,
            etag: "abc".into(),
            modified_s: 1_790_000_000, // Mon, 21 Sep 2026 14:13:20 GMT
            body: Body::Empty,
            headers: ContentHeaders::default(),
            metadata: Default::default(),
            sum: StoredSum { algorithm: "CRC32".into(), value: String::new(), composite: false },
            tags: Vec::new(),
        }
    }

    fn asked(query: &str, headers: &[(&str, &str)]) -> Asked {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        let head =
            RequestHead { method: http::Method::GET, raw_path: "/b/k".into(), raw_query: query.into(), headers: map };
        Asked::read(&head, false).expect("a good request")
    }

    fn decide(bytes: u64, query: &str, headers: &[(&str, &str)]) -> Result<Selection, Fault> {
        let row = row(bytes);
        select(&asked(query, headers), &row, &[], row.modified_s + 10)
    }

    #[test]
    fn conditions_of_writes() {
        let old = row(1);
        let check = |headers: &[(&str, &str)], old: Option<&ObjectRow>, expect: Option<(u16, &str)>| {
            let seen = WriteCondition::of_write(&asked("", headers)).and_then(|c| c.check("k", old));
            assert_eq!(seen.as_ref().err().map(|f| (f.status, f.code.as_ref())), expect, "{headers:?} {old:?}");
        };
        check(&[], Some(&old), None);
        check(&[("if-none-match", "*")], None, None);
        check(&[("if-none-match", "*")], Some(&old), Some((412, "PreconditionFailed")));
        check(&[("if-none-match", "\"x\"")], None, Some((501, "NotImplemented")));
        check(&[("if-match", "\"abc\"")], Some(&old), None);
        check(&[("if-match", "abc")], Some(&old), None);
        check(&[("if-match", "\"abd\"")], Some(&old), Some((412, "PreconditionFailed")));
        check(&[("if-match", "\"abc\"")], None, Some((404, "NoSuchKey")));
        check(&[("if-match", "*")], Some(&old), Some((501, "NotImplemented")));
        check(&[("if-match", "a"), ("if-none-match", "*")], None, Some((501, "NotImplemented")));
        let deletion = |query: &str, headers: &[(&str, &str)], old: Option<&ObjectRow>| {
            let seen = WriteCondition::of_deletion(&asked(query, headers)).and_then(|c| c.check("k", old));
            seen.err().map(|f| f.status)
        };
        assert_eq!(deletion("", &[("if-match", "*")], Some(&old)), None);
        assert_eq!(deletion("", &[("if-match", "*")], None), Some(404));
        assert_eq!(deletion("", &[("if-match", "x")], Some(&old)), Some(412));
        assert_eq!(deletion("versionId=null", &[("if-match", "abc")], Some(&old)), Some(501));
        assert_eq!(deletion("", &[("if-none-match", "*")], None), Some(501));
    }

    #[test]
    fn conditions_of_sources() {
        let check = |name: &str, value: &str, holds: bool| {
            let header = format!("x-amz-copy-source-if-{name}");
            let seen = check_source(&asked("", &[(&header, value)]), &row(1));
            assert_eq!(seen.is_ok(), holds, "{header}: {value}");
        };
        check("match", "\"abc\"", true);
        check("match", "x", false);
        check("none-match", "x", true);
        check("none-match", "abc", false);
        check("unmodified-since", "Mon, 21 Sep 2026 14:13:19 GMT", false);
        check("modified-since", "Mon, 21 Sep 2026 14:13:19 GMT", true);
        check("modified-since", "Mon, 21 Sep 2026 14:13:20 GMT", false);
    }

    #[test]
    fn parts_are_selected_by_their_place() {
        let place = |number, bytes| Place {
            number,
            bytes,
            body: Body::Empty,
            sum: StoredSum { algorithm: "CRC32".into(), value: String::new(), composite: false },
        };
        let places = [place(3, 6), place(7, 4)];
        let pick = |query: &str| select(&asked(query, &[]), &row(10), &places, 0);
        assert_eq!(pick("partNumber=2"), Ok(Selection::Numbered { range: 6..10, at: 1 }));
        let fault = pick("partNumber=3").expect_err("two parts");
        assert_eq!(fault.details[1], ("ActualPartCount".into(), "2".to_owned()));
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
