//! `application/x-www-form-urlencoded`: pairs, decoded strictly.

use crate::Malformed;

/// A form or query string may have so many bytes.
pub const FORM_BYTES_MAX: usize = 1024 * 1024;
/// And so many pairs.
pub const PAIRS_MAX: usize = 10_000;

/// Splits a form body or a query string into decoded pairs, within limits.
pub fn parse_form(form: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    if form.len() > FORM_BYTES_MAX {
        return Err(Malformed::new(format!("the form is longer than {FORM_BYTES_MAX} bytes")));
    }
    let mut pairs = Vec::new();
    for pair in form.split(|&b| b == b'&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == PAIRS_MAX {
            return Err(Malformed::new(format!("the form has more than {PAIRS_MAX} parameters")));
        }
        let (name, value) = match pair.iter().position(|&b| b == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        };
        let decoded =
            |part| unescape(part, true).ok_or_else(|| Malformed::new("a parameter is not valid URL encoding"));
        pairs.push((decoded(name)?, decoded(value)?));
    }
    Ok(pairs)
}

/// Takes %XX back, and `+` where it stands for a space. `None` for a stray `%` and for bytes that are not UTF-8.
pub(crate) fn unescape(text: &[u8], plus_is_space: bool) -> Option<String> {
    let digit = |b: Option<&u8>| b.and_then(|&b| char::from(b).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    while let Some(&b) = text.get(i) {
        i += 1;
        out.push(match b {
            b'+' if plus_is_space => b' ',
            b'%' => {
                let byte = digit(text.get(i))? * 16 + digit(text.get(i + 1))?;
                i += 2;
                u8::try_from(byte).ok()?
            }
            b => b,
        });
    }
    String::from_utf8(out).ok()
}
