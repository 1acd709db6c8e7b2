//! Walks over JSON text once, checking all of it, without building anything.
//!
//! Why not a library's lazy values: what stands at a public door must bound its depth before it recurses, refuse
//! what follows the record, and know that every escape is one, or two readers of the same bytes disagree about them.

use std::borrow::Cow;

use crate::BadRecord;

/// How many arrays and objects may stand inside each other, the record itself included.
pub const DEPTH_MAX: usize = 100;

/// A JSON string between its quotes, known to be well formed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// What the string says; borrowed unless something in it is escaped. Half a surrogate pair reads as U+FFFD.
    #[inline]
    pub(crate) fn cow(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

/// What was expected where something else stands. Small, for it is the answer of every step: the place is known anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wrong(&'static str);

const TOO_DEEP: Wrong = Wrong("less depth");

/// A place in JSON text. Every method leaves it behind what it read.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    /// Stands before the first byte.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The first byte of the value that comes next.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// Reads an object; `member` must read the value of each key it is given.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Text<'a>) -> Result<(), BadRecord>,
    ) -> Result<(), BadRecord> {
        self.enter(b'{', "an object").map_err(|wrong| self.bad(wrong))?;
        if self.peek() == Some(b'}') {
            self.leave();
            return Ok(());
        }
        loop {
            let key = self.text_of("a key").map_err(|wrong| self.bad(wrong))?;
            self.colon().map_err(|wrong| self.bad(wrong))?;
            member(self, key)?;
            if self.ends(b'}', "a comma or the end of an object").map_err(|wrong| self.bad(wrong))? {
                return Ok(());
            }
        }
    }

    /// Reads an array; `item` must read each value.
    pub(crate) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), BadRecord>) -> Result<(), BadRecord> {
        self.enter(b'[', "an array").map_err(|wrong| self.bad(wrong))?;
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(());
        }
        loop {
            item(self)?;
            if self.ends(b']', "a comma or the end of an array").map_err(|wrong| self.bad(wrong))? {
                return Ok(());
            }
        }
    }

    /// Reads a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Text<'a>, BadRecord> {
        self.text_of("text").map_err(|wrong| self.bad(wrong))
    }

    /// Reads any value and gives back its text.
    pub(crate) fn value(&mut self) -> Result<&'a str, BadRecord> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(&self.text[start..self.at])
    }

    /// Reads any value, without a look at what it says: most of a record is passed over so.
    #[inline]
    pub(crate) fn skip(&mut self) -> Result<(), BadRecord> {
        self.pass().map_err(|wrong| self.bad(wrong))
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), BadRecord> {
        if self.peek().is_none() { Ok(()) } else { Err(self.bad(Wrong("the end"))) }
    }

    fn pass(&mut self) -> Result<(), Wrong> {
        match self.peek() {
            Some(b'"') => self.pass_string("text").map(|_| ()),
            Some(b'{') => self.pass_object(),
            Some(b'[') => self.pass_array(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(Wrong("a value")),
        }
    }

    fn pass_object(&mut self) -> Result<(), Wrong> {
        self.enter(b'{', "an object")?;
        if self.peek() == Some(b'}') {
            self.leave();
            return Ok(());
        }
        loop {
            self.peek();
            self.pass_string("a key")?;
            self.colon()?;
            self.pass()?;
            if self.ends(b'}', "a comma or the end of an object")? {
                return Ok(());
            }
        }
    }

    fn pass_array(&mut self) -> Result<(), Wrong> {
        self.enter(b'[', "an array")?;
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(());
        }
        loop {
            self.pass()?;
            if self.ends(b']', "a comma or the end of an array")? {
                return Ok(());
            }
        }
    }

    fn text_of(&mut self, wanted: &'static str) -> Result<Text<'a>, Wrong> {
        self.peek();
        let start = self.at + 1;
        let escaped = self.pass_string(wanted)?;
        Ok(Text { raw: &self.text[start..self.at - 1], escaped })
    }

    /// Reads the string that stands right here; whether anything in it is escaped.
    fn pass_string(&mut self, wanted: &'static str) -> Result<bool, Wrong> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return Err(Wrong(wanted));
        }
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain_run(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += match bytes.get(self.at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u') if bytes.get(self.at + 2..self.at + 6).is_some_and(is_hex) => 6,
                        _ => return Err(Wrong("an escape")),
                    };
                }
                _ => return Err(Wrong("the rest of a text")),
            }
        }
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Wrong> {
        if self.peek() != Some(b':') {
            return Err(Wrong("a colon"));
        }
        self.at += 1;
        Ok(())
    }

    /// Behind an element: whether the bracket follows, and not a comma.
    #[inline]
    fn ends(&mut self, bracket: u8, wanted: &'static str) -> Result<bool, Wrong> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(found) if found == bracket => {
                self.leave();
                Ok(true)
            }
            _ => Err(Wrong(wanted)),
        }
    }

    #[inline]
    fn enter(&mut self, bracket: u8, wanted: &'static str) -> Result<(), Wrong> {
        if self.peek() != Some(bracket) {
            return Err(Wrong(wanted));
        }
        if self.depth == DEPTH_MAX {
            return Err(TOO_DEEP);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    fn literal(&mut self, word: &str) -> Result<(), Wrong> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(Wrong("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Wrong> {
        if self.next_is(b"-") {
            self.at += 1;
        }
        if self.next_is(b"0") {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.next_is(b".") {
            self.at += 1;
            self.digits()?;
        }
        if self.next_is(b"eE") {
            self.at += 1;
            if self.next_is(b"+-") {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        let run = self.text.as_bytes()[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if run == 0 {
            return Err(Wrong("a digit"));
        }
        self.at += run;
        Ok(())
    }

    fn next_is(&self, any_of: &[u8]) -> bool {
        self.text.as_bytes().get(self.at).is_some_and(|b| any_of.contains(b))
    }

    #[cold]
    fn bad(&self, wrong: Wrong) -> BadRecord {
        match wrong {
            TOO_DEEP => BadRecord::TooDeep(DEPTH_MAX),
            Wrong(wanted) => BadRecord::NotJson(format!("expected {wanted} at byte {}", self.at)),
        }
    }
}

fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

/// How many bytes stand before the first quote, backslash or control character. Eight at a time.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // A byte below `n`, for n ≤ 128: the borrow can only mark bytes behind a true one, and the first is what counts.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGHS;
    let mut run = 0;
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let hit = below(word, 0x20) | below(quote, 1) | below(backslash, 1);
        if hit != 0 {
            return run + hit.trailing_zeros() as usize / 8;
        }
        run += 8;
        rest = behind;
    }
    run + rest.iter().take_while(|&&b| b >= 0x20 && b != b'"' && b != b'\\').count()
}

/// Resolves the escapes of a string that [`Scanner::string`] accepted.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let mut used = 1;
        match escape.as_bytes().first() {
            Some(b'b') => out.push('\u{8}'),
            Some(b'f') => out.push('\u{c}'),
            Some(b'n') => out.push('\n'),
            Some(b'r') => out.push('\r'),
            Some(b't') => out.push('\t'),
            Some(b'u') => {
                let unit = hex4(&escape[1..]);
                used = 5;
                let low = escape[5..].strip_prefix("\\u").map(hex4).filter(|low| (0xdc00..0xe000).contains(low));
                match (unit, low) {
                    (0xd800..0xdc00, Some(low)) => {
                        used = 11;
                        let scalar = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        out.push(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    _ => out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            Some(&plain) => out.push(char::from(plain)),
            None => used = 0,
        }
        rest = &escape[used..];
    }
    out.push_str(rest);
    out
}

/// Four hexadecimal digits.
fn hex4(digits: &str) -> u32 {
    digits.bytes().take(4).fold(0, |n, b| n << 4 | char::from(b).to_digit(16).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(text: &str) -> Result<(), BadRecord> {
        let mut scanner = Scanner::new(text);
        scanner.value()?;
        scanner.end()
    }

    #[test]
    fn strings_say_what_they_say() {
        let check = |json: &str, expect: &str| {
            assert_eq!(Scanner::new(json).string().expect("a string").cow(), expect, "{json}");
        };
        check(r#""plain é""#, "plain é");
        check(r#""a\"b\\c\/d\b\f\n\r\t""#, "a\"b\\c/d\u{8}\u{c}\n\r\t");
        check(r#""\u00e9\ud83d\ude00x""#, "é😀x");
        check(r#""\ud83d""#, "\u{fffd}");
        check(r#""\ud83d\u0041""#, "\u{fffd}A");
        check(r#""\udc00\ud83d\ud83d\ude00""#, "\u{fffd}\u{fffd}😀");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in [
            "",
            " ",
            "{",
            "}",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "01",
            "-",
            "1.",
            "1e",
            "+1",
            "tru",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12\",",
            "\"\u{1}\"",
            "1 2",
            "{} x",
            "[1 2]",
            "'a'",
            "\u{feff}1",
            "NaN",
        ] {
            assert!(scan(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn depth_is_bounded_before_it_recurses() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert_eq!(scan(&nested(DEPTH_MAX)), Ok(()));
        assert_eq!(scan(&nested(DEPTH_MAX + 1)), Err(BadRecord::TooDeep(DEPTH_MAX)));
        assert_eq!(scan(&"[".repeat(1 << 18)), Err(BadRecord::TooDeep(DEPTH_MAX)));
        assert_eq!(scan(&"{\"a\":".repeat(1 << 16)), Err(BadRecord::TooDeep(DEPTH_MAX)));
    }

    proptest! {
        /// Another parser agrees about what is JSON.
        #[test]
        fn accepts_what_another_parser_accepts(text in r#"[\[\]{},:"\\ u0-9a-f\.eE+\-tnrlsé\n]{0,24}"#) {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(scan(&text).is_ok(), theirs, "{:?}", text);
        }

        #[test]
        fn reads_back_any_text(text in any::<String>()) {
            let json = serde_json::to_string(&text).expect("a string");
            prop_assert_eq!(&*Scanner::new(&json).string().expect("a string").cow(), text.as_str());
        }
    }
}
