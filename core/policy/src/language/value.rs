//! The values of condition keys that are more than text: numbers, times, addresses.

use std::cmp::Ordering;
use std::net::IpAddr;

const NANOS_PER_S: i128 = 1_000_000_000;

/// A decimal number of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal<'a> {
    negative: bool,
    /// Without zeros in front.
    whole: &'a str,
    /// Without zeros behind.
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !(digits(whole) && digits(fraction)) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !is_zero, whole, fraction })
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) = [self, other].map(|it| (it.whole.len(), it.whole, it.fraction)).into();
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => own.cmp(&others),
            (true, true) => others.cmp(&own),
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A moment, in nanoseconds since 1970: seconds since then, or ISO 8601 as W3C profiles it, UTC where no zone is named.
pub(super) fn instant(text: &str) -> Option<i128> {
    let is_year = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    if !is_year && let Ok(seconds) = text.parse::<i64>() {
        return Some(i128::from(seconds) * NANOS_PER_S);
    }
    if !text.is_ascii() {
        return None;
    }
    let (date, time) = match text.find(['T', 't']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut fields = date.split('-');
    let year = number(fields.next()?, 4..=4)?;
    let month = fields.next().map_or(Some(1), |month| number(month, 2..=2))?;
    let day = fields.next().map_or(Some(1), |day| number(day, 2..=2))?;
    if fields.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let midnight = i128::from(days_since_1970(year, month, day)) * 86_400 * NANOS_PER_S;
    time.map_or(Some(0), time_of_day).map(|nanos| midnight + nanos)
}

/// What AWS was seen to take as a date although it names no moment: a date or two digits, and a `T` with nothing behind it.
pub(super) fn is_odd_date(text: &str) -> bool {
    let date = text.strip_suffix(['T', 't']).unwrap_or(text);
    let is_short = date.len() == 2 && date.bytes().all(|b| b.is_ascii_digit());
    is_short || (date.contains('-') || date.len() == 4) && instant(date).is_some()
}

/// `H[H][:mm[:ss[.fraction]]]`, then `Z` or `±HH[:mm]` or nothing.
fn time_of_day(text: &str) -> Option<i128> {
    let zone_at = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone_at);
    let mut fields = clock.split(':');
    let hour = number(fields.next()?, 1..=2).filter(|h| *h < 24)?;
    let minute = fields.next().map_or(Some(0), |m| number(m, 2..=2).filter(|m| *m < 60))?;
    let (second, nanos) = match fields.next() {
        None => (0, 0),
        Some(text) => {
            let (second, fraction) = text.split_once('.').unwrap_or((text, "0"));
            let fraction_digits = u32::try_from(fraction.len()).ok()?;
            let nanos = number(fraction, 1..=9)? * 10_i64.pow(9 - fraction_digits);
            (number(second, 2..=2).filter(|s| *s < 60)?, nanos)
        }
    };
    if fields.next().is_some() {
        return None;
    }
    let offset_s = match zone.split_at_checked(1) {
        None | Some(("Z" | "z", "")) => 0,
        Some((sign @ ("+" | "-"), zone)) => {
            let (hours, minutes) = zone.split_once(':').unwrap_or((zone, "00"));
            let hours = number(hours, 2..=2).filter(|h| *h < 24)?;
            let minutes = number(minutes, 2..=2).filter(|m| *m < 60)?;
            (hours * 3_600 + minutes * 60) * if sign == "+" { 1 } else { -1 }
        }
        Some(_) => return None,
    };
    Some(i128::from(hour * 3_600 + minute * 60 + second - offset_s) * NANOS_PER_S + i128::from(nanos))
}

fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let fits = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn days_in(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the civil calendar, the year taken to begin in March so that a leap day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A range of addresses; a bare address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    /// As bits, from the highest.
    bits: u128,
    pub(super) prefix: u32,
    pub(super) is_v4: bool,
}

impl Cidr {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (bits, is_v4) = bits(address);
        let longest = if is_v4 { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(text) => u32::try_from(number(text, 1..=3)?).ok().filter(|prefix| *prefix <= longest)?,
        };
        Some(Self { bits, prefix, is_v4 })
    }

    /// Whether the address lies in it. One of IPv4 written as IPv6 counts as what it is.
    pub(super) fn contains(&self, address: &str) -> bool {
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        let (bits, is_v4) = bits(address.to_canonical());
        let differing = self.bits ^ bits;
        is_v4 == self.is_v4 && (self.prefix == 0 || differing >> (128 - self.prefix) == 0)
    }
}

fn bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
        IpAddr::V6(v6) => (v6.to_bits(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers() {
        let check = |a: &str, b: &str, expect: Ordering| {
            assert_eq!(Decimal::read(a).expect(a).cmp(&Decimal::read(b).expect(b)), expect, "{a} {b}");
        };
        check("10", "9", Ordering::Greater);
        check("010", "10.0", Ordering::Equal);
        check("-10", "9", Ordering::Less);
        check("-10", "-9", Ordering::Less);
        check("1.05", "1.5", Ordering::Less);
        check("-0", "0", Ordering::Equal);
        check("9007199254740993", "9007199254740992", Ordering::Greater);
        for bad in ["", "x", "1e3", "1.", ".5", "--1", " 1"] {
            assert_eq!(Decimal::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn moments_in_every_spelling() {
        let check = |text: &str, seconds: i128| assert_eq!(instant(text), Some(seconds * NANOS_PER_S), "{text}");
        check("0", 0);
        check("-292275054", -292_275_054);
        check("1561987215", 1_561_987_215);
        check("2019-07-01T13:20:15Z", 1_561_987_215);
        check("2019-07-01t15:20:15+02:00", 1_561_987_215);
        check("2019-07-01T15:20:15+02", 1_561_987_215);
        check("1970", 0);
        check("1970-02", 31 * 86_400);
        check("2000-02-29", 951_782_400);
        check("1969-12-31T23:59Z", -60);
        check("1970-01-01T1", 3_600);
        assert_eq!(instant("1970-01-01T00:00:00.593194+00:00"), Some(593_194_000));
        let bad = ["", "yesterday", "234-13", "2019-02-29", "2019-13-01", "1970-01-01T24:00", "1970-01-01T00:00+1"];
        for bad in
            bad.into_iter().chain(["1970-01-01T00:00:00.1234567890Z", "9223372036854775808", "1970-01-01T00:00Zx", "é"])
        {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_in_ranges() {
        let check = |range: &str, address: &str, expect: bool| {
            assert_eq!(Cidr::read(range).expect(range).contains(address), expect, "{range} {address}");
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.1.2.3/8", "10.9.9.9", true);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3", "10.1.2.4", false);
        check("0.0.0.0/0", "1.2.3.4", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "1.2.3.4", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("10.0.0.0/8", "nonsense", false);
        for bad in ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "x/8", "10.0.0.0/-1"] {
            assert_eq!(Cidr::read(bad), None, "{bad}");
        }
    }
}
