//! Times as people write them: `2h`, `30m`, `2026-11-21`, `2026-11-21T10:00:00Z`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

/// A span before `now`, a day (its first moment, UTC) or a moment.
pub(crate) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Some(span) = span(text) {
        return now.checked_sub(span).map_err(|_| format!("{text} is before all time"));
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Ok(time) = text.parse::<civil::DateTime>() {
        return time.to_zoned(TimeZone::UTC).map(|t| t.timestamp()).map_err(|error| error.to_string());
    }
    Err(format!("{text:?} is no time: write 30m, 2h, 7d, 2026-11-21 or 2026-11-21T10:00:00Z"))
}

/// `90s`, `30m`, `2h`, `7d`, `2w`.
pub(crate) fn span(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|n| (0..1_000_000_000).contains(n))?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    Some(SignedDuration::from_secs(number * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().expect("a time");
        let check = |text: &str, expect: &str| {
            assert_eq!(moment(text, now).map(|t| t.to_string()).as_deref(), Ok(expect), "{text}");
        };
        check("2h", "2026-11-21T08:00:00Z");
        check("90s", "2026-11-21T09:58:30Z");
        check("1d", "2026-11-20T10:00:00Z");
        check("2026-11-21", "2026-11-21T00:00:00Z");
        check("2026-11-21T01:02:03", "2026-11-21T01:02:03Z");
        check("2026-11-21T01:02:03+01:00", "2026-11-21T00:02:03Z");
        for bad in ["", "h", "2x", "-1h", "soon", "99999999999999h", "é"] {
            assert!(moment(bad, now).is_err(), "{bad}");
        }
    }
}
