//! How the protocols and CloudTrail write points in time.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use crate::Document;

/// From epoch seconds with a fraction, to the millisecond.
pub(crate) fn from_epoch(seconds: f64) -> Option<Document> {
    // Within this, milliseconds fit an i64 and a float still tells them apart by far more than jiff's range needs.
    const SECONDS_MAX: f64 = 1e12;
    let in_range = seconds.is_finite() && seconds.abs() < SECONDS_MAX;
    from_epoch_ms(in_range.then(|| (seconds * 1000.0).round() as i64))
}

/// From epoch milliseconds, where they fit a calendar of four-digit years.
pub(crate) fn from_epoch_ms(milliseconds: Option<i64>) -> Option<Document> {
    Timestamp::from_millisecond(milliseconds?).ok().map(Document::Time)
}

/// From ISO 8601 with an offset, a bare ISO 8601 (taken as UTC), the form of mail headers, or epoch seconds as a text.
pub(crate) fn from_text(text: &str) -> Option<Document> {
    /// Longer texts are none of these.
    const BYTES_MAX: usize = 64;
    if text.is_empty() || text.len() > BYTES_MAX {
        return None;
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Document::Time(at));
    }
    if let Ok(at) = text.parse::<jiff::civil::DateTime>() {
        return at.to_zoned(TimeZone::UTC).ok().map(|zoned| Document::Time(zoned.timestamp()));
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return from_epoch(seconds);
    }
    rfc2822::parse(text).ok().map(|zoned| Document::Time(zoned.timestamp()))
}

/// `1789321637.492`: no more digits than milliseconds have.
pub(crate) fn to_epoch(at: Timestamp) -> String {
    let milliseconds = at.as_millisecond();
    let sign = if milliseconds < 0 { "-" } else { "" };
    let (whole, rest) = (milliseconds.unsigned_abs() / 1000, milliseconds.unsigned_abs() % 1000);
    match rest {
        0 => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest:03}").trim_end_matches('0').to_owned(),
    }
}

/// `2026-09-13T17:12:18Z`; a fraction is dropped.
pub(crate) fn to_iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `Sun, 13 Sep 2026 17:12:18 GMT`
pub(crate) fn to_rfc822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_keep_milliseconds_and_no_more() {
        let check = |seconds: f64, epoch: &str, iso: &str| {
            let Some(Document::Time(at)) = from_epoch(seconds) else { panic!("{seconds} is a time") };
            assert_eq!((to_epoch(at).as_str(), to_iso(at).as_str()), (epoch, iso));
        };
        check(1_789_321_637.492, "1789321637.492", "2026-09-13T17:47:17Z");
        check(1_789_321_637.0, "1789321637", "2026-09-13T17:47:17Z");
        check(1_789_321_637.5, "1789321637.5", "2026-09-13T17:47:17Z");
        check(0.0, "0", "1970-01-01T00:00:00Z");
        check(-1.25, "-1.25", "1969-12-31T23:59:58Z");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for seconds in [f64::NAN, f64::INFINITY, 1e300, -1e13, 9e11] {
            assert_eq!(from_epoch(seconds), None, "{seconds}");
        }
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", &"9".repeat(65)] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_read_in_all_their_forms() {
        let check = |text: &str| {
            let Some(Document::Time(at)) = from_text(text) else { panic!("{text} is a time") };
            assert_eq!(at.as_second(), 1_789_319_538, "{text}");
        };
        check("2026-09-13T17:12:18Z");
        check("2026-09-13T17:12:18");
        check("2026-09-13T19:12:18+02:00");
        check("1789319538");
        check("Sun, 13 Sep 2026 17:12:18 GMT");
    }
}
