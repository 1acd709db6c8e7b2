//! How names are spelled in answers: form encoding for `encoding-type=url`, numeric references for control characters,
//! canonical ids, and dates.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use opentrail_event::AccountId;
use s3s::crypto::{Checksum as _, Sha256};

/// Encodes as S3 does for `encoding-type=url`: a form's way, with slashes kept (`spec/s3.md` 8).
pub(crate) fn form(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() + 8);
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => out.push(char::from(b)),
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(b >> 4)]));
                out.push(char::from(HEX[usize::from(b & 15)]));
            }
        }
    }
    out
}

/// Replaces what XML 1.0 does not allow (and a carriage return, which a parser would turn into a line feed) in a finished
/// document by numeric references, as S3 does. Markup holds no such bytes, so they are text.
pub(crate) fn without_controls(document: Bytes) -> Bytes {
    let is_control = |b: u8| b < 0x20 && b != b'\t' && b != b'\n';
    // U+FFFE and U+FFFF end in ef bf be and ef bf bf.
    let is_noncharacter = |at: usize| matches!(document.get(at..at + 3), Some([0xef, 0xbf, 0xbe | 0xbf]));
    if !document.iter().enumerate().any(|(i, &b)| is_control(b) || (b == 0xef && is_noncharacter(i))) {
        return document;
    }
    let mut out = Vec::with_capacity(document.len() + 64);
    let mut at = 0;
    while at < document.len() {
        let b = document[at];
        if is_control(b) {
            out.extend_from_slice(format!("&#x{b:x};").as_bytes());
        } else if b == 0xef && is_noncharacter(at) {
            let low = 0xff_c0_u32 + u32::from(document[at + 2]) - 0x80;
            out.extend_from_slice(format!("&#x{low:x};").as_bytes());
            at += 2;
        } else {
            out.push(b);
        }
        at += 1;
    }
    out.into()
}

/// Hexadecimal digits, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        let _ = write!(out, "{b:02x}");
    }
    out
}

/// The bytes of hexadecimal digits; `None` for anything else.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let bytes = text.as_bytes();
    bytes.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// As XML shows a time: whole seconds, with milliseconds of zero.
pub(crate) fn xml_time(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// As headers show a time.
pub(crate) fn http_time(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The canonical user id of an account: 64 hexadecimal digits, the same for ever.
pub(crate) fn canonical_id(account: AccountId) -> String {
    hex(&Sha256::checksum(format!("opentrail canonical user {account}").as_bytes()))
}

/// A time of whole seconds as the codec wants it.
pub(crate) fn timestamp(seconds: i64) -> s3s::dto::Timestamp {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_form_encoded_with_slashes_kept() {
        let check = |text: &str, expect: &str| assert_eq!(form(text), expect);
        check("a b/c=d%é", "a+b/c%3Dd%25%C3%A9");
        check("-_.*~+", "-_.*%7E%2B");
        check("\n\u{1}", "%0A%01");
    }

    #[test]
    fn controls_become_references() {
        let check = |text: &str, expect: &str| {
            assert_eq!(without_controls(Bytes::copy_from_slice(text.as_bytes())), expect.as_bytes());
        };
        check("<Key>a\tb\nc</Key>", "<Key>a\tb\nc</Key>");
        check("<Key>\0\r\u{1f}\u{7f}</Key>", "<Key>&#x0;&#xd;&#x1f;\u{7f}</Key>");
        check("\u{fffe}x\u{ffff}\u{fffd}", "&#xfffe;x&#xffff;\u{fffd}");
    }

    #[test]
    fn times_and_digits() {
        assert_eq!(xml_time(1_790_000_000), "2026-09-21T14:13:20.000Z");
        assert_eq!(http_time(1_790_000_000), "Mon, 21 Sep 2026 14:13:20 GMT");
        assert_eq!(from_hex("00fF"), Some(vec![0, 255]));
        assert_eq!((from_hex("0"), from_hex("0g"), from_hex("é")), (None, None, None));
    }

    #[test]
    fn canonical_ids_are_64_digits_and_differ() {
        let id = |n: &str| canonical_id(n.parse().expect("an account"));
        assert_eq!(id("000000000001").len(), 64);
        assert_ne!(id("000000000001"), id("000000000002"));
    }
}
