//! JSON as policies are written in it: a tree whose values know where they stand, with no member twice.
//!
//! A reader of its own, because a policy that two readers understand differently is a hole: the usual ones take the last
//! of two members of one name in silence, and cannot say where something stands.

use super::PolicyError;

/// Deeper nesting is refused. A policy needs five levels.
const DEPTH_MAX: usize = 16;

/// A value, and the places of its first byte and of what stands behind it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Json {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    /// In the order of writing.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// What it is, for errors.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }
}

/// Reads a whole document, which must be an object with nothing behind it.
pub(super) fn read(bytes: &[u8]) -> Result<Json, PolicyError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(bad(error.valid_up_to(), "bytes that are not UTF-8")),
    };
    if bytes.first() != Some(&b'{') {
        return Err(bad(0, "the first byte is not '{'"));
    }
    let mut reader = Reader { text, at: 0 };
    let json = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(bad(reader.at, "something stands behind the policy"));
    }
    Ok(json)
}

fn bad(at: usize, what: impl std::fmt::Display) -> PolicyError {
    PolicyError::new("Policies must be valid JSON and the first byte must be '{'", format!("byte {at}: {what}"))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), PolicyError> {
        self.space();
        if self.peek() != Some(byte) {
            return Err(bad(self.at, format_args!("'{}' is missing", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Json, PolicyError> {
        self.space();
        let at = self.at;
        if depth == DEPTH_MAX {
            return Err(bad(at, format_args!("nested more than {DEPTH_MAX} deep")));
        }
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => {
                let words = [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
                let rest = &self.text[at..];
                let found = words.into_iter().find(|(word, _)| rest.starts_with(word));
                let (word, value) = found.ok_or_else(|| bad(at, "a value is missing"))?;
                self.at += word.len();
                value
            }
        };
        Ok(Json { at, end: self.at, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value, PolicyError> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(bad(at, "the name of a member is missing"));
            }
            let name = self.string()?;
            if !names.insert(name.clone()) {
                return Err(bad(at, format_args!("the member \"{name}\" is there twice")));
            }
            self.expect(b':')?;
            members.push((name, self.value(depth + 1)?));
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => break self.expect(b'}')?,
            }
        }
        Ok(Value::Object(members))
    }

    fn array(&mut self, depth: usize) -> Result<Value, PolicyError> {
        let mut items = Vec::new();
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => break self.expect(b']')?,
            }
        }
        Ok(Value::Array(items))
    }

    fn number(&mut self) -> Result<Value, PolicyError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
            None => (unsigned, "0"),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !(digits(whole) && digits(fraction) && digits(exponent)) || (whole.len() > 1 && whole.starts_with('0')) {
            return Err(bad(start, "not a number"));
        }
        Ok(Value::Number(text.to_owned()))
    }

    fn string(&mut self) -> Result<String, PolicyError> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ');
            let Some(plain) = plain else { return Err(bad(self.at, "a string does not end")) };
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(bad(self.at, "a control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, PolicyError> {
        let at = self.at;
        self.at += 1;
        let escaped = self.peek();
        self.at += 1;
        Ok(match escaped {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let high = self.hex4(at)?;
                let low = if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    Some(self.hex4(at)?)
                } else {
                    None
                };
                let code = match low {
                    Some(low) if (0xdc00..0xe000).contains(&low) => 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00),
                    Some(_) => high,
                    None => high,
                };
                char::from_u32(code).ok_or_else(|| bad(at, "half of a surrogate pair"))?
            }
            _ => return Err(bad(at, "an unknown escape in a string")),
        })
    }

    fn hex4(&mut self, at: usize) -> Result<u32, PolicyError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| bad(at, "an unknown escape in a string"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let seen = read(text.as_bytes()).map(|_| String::new()).unwrap_or_else(|error| error.detail);
        assert_eq!(seen, expect, "{text}");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        check(" {}", "byte 0: the first byte is not '{'");
        check("", "byte 0: the first byte is not '{'");
        check("{} x", "byte 3: something stands behind the policy");
        check("{\"a\":1,\"b\":2,\"a\":3}", "byte 13: the member \"a\" is there twice");
        check("{\"a\":1,\"\\u0061\":3}", "byte 7: the member \"a\" is there twice");
        check("{\"a\":}", "byte 5: a value is missing");
        check("{\"a\" 1}", "byte 5: ':' is missing");
        check("{\"a\":1", "byte 6: '}' is missing");
        check("{\"a\":[1,]}", "byte 8: a value is missing");
        check("{\"a\":[1}", "byte 7: ']' is missing");
        check("{\"a\":01}", "byte 5: not a number");
        check("{\"a\":1.}", "byte 5: not a number");
        check("{\"a\":\"\\ud800\"}", "byte 6: half of a surrogate pair");
        check("{\"a\":\"\\x\"}", "byte 6: an unknown escape in a string");
        check("{\"a\":\"\\u12\"}", "byte 6: an unknown escape in a string");
        check("{\"a\":\"\n\"}", "byte 6: a control character in a string");
        check("{\"a\":\"b", "byte 6: a string does not end");
        check(&"{\"a\":".repeat(20), "byte 80: nested more than 16 deep");
        for good in ["{}", "{ \"a\" : [ 1 , -2.5e+3 , true , false , null , {} , [] ] }\n"] {
            check(good, "");
        }
    }

    #[test]
    fn strings_are_unescaped() {
        let read = read(br#"{"a":"x\u00e9\ud83d\ude00\n\"\\\/"}"#).expect("good");
        let Value::Object(members) = read.value else { panic!("an object") };
        assert_eq!(members[0].1.value, Value::Text("xé😀\n\"\\/".into()));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_what_is_read_is_json(text in r#"\{[ -~é]{0,40}"#) {
            let ours = read(text.as_bytes()).is_ok();
            let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            // serde_json takes members that come twice.
            proptest::prop_assert!(!ours || theirs, "{}", text);
        }
    }
}
