//! The two spellings of time that signatures use.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// `20260102T030405Z`, and nothing else.
pub(crate) fn parse_basic(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let digits = |from: usize, to: usize| -> Option<i16> {
        bytes[from..to].iter().try_fold(0i16, |n, b| b.is_ascii_digit().then(|| n * 10 + i16::from(b - b'0')))
    };
    let small = |from: usize| digits(from, from + 2).and_then(|n| i8::try_from(n).ok());
    let at = DateTime::new(digits(0, 4)?, small(4)?, small(6)?, small(9)?, small(11)?, small(13)?, 0).ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The `Date` header, for requests without `X-Amz-Date`.
pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// `20260102T030405Z`
pub(crate) fn basic(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// `2026-01-02T03:04:05Z`
pub(crate) fn extended(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `Fri, 02 Jan 2026 03:04:05 GMT`
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_basic_form_is_a_signing_time() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(parse_basic(text).map(extended).as_deref(), expect, "{text}");
        };
        check("20150830T123600Z", Some("2015-08-30T12:36:00Z"));
        check("20150830T123600", None);
        check("20150830T126000Z", None);
        check("20150230T123600Z", None);
        check("2015-08-30T12:36:00Z", None);
        check("2015083éT12360Z", None);
        check("", None);
    }

    #[test]
    fn times_read_back() {
        let at = parse_basic("20260102T030405Z").expect("a time");
        assert_eq!(basic(at), "20260102T030405Z");
        assert_eq!(http_date(at), "Fri, 02 Jan 2026 03:04:05 GMT");
        assert_eq!(parse_http_date(&http_date(at)), Some(at));
    }
}
