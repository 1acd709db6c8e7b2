//! Patterns with `*` and `?`, matched in linear time.
//!
//! A pattern is cut at its stars into segments. The first must begin the text and the last end it; each one between is
//! found as early as possible, which is enough, since a segment always matches the same number of characters. A segment
//! without `?` is searched by `memmem`, one with `?` by a bit-parallel scan: never by trying again from a star.

use memchr::memmem;

use super::Context;
use super::late::Late;
use super::template::{Piece, Reading, Template};

/// What stands between two stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Text(String),
    /// `None` is any one character.
    Holes(Vec<Option<char>>),
}

/// A pattern without variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    /// One more than there are stars.
    segments: Vec<Segment>,
}

impl Glob {
    /// Reads a pattern in which `*` and `?` are wildcards.
    pub(super) fn new(pattern: &str) -> Self {
        Self::of(Template::read(pattern, Reading { wild: true, variables: false }).pieces)
    }

    /// There are no variables in it.
    pub(super) fn of(pieces: Vec<Piece>) -> Self {
        let nothing = Context::new();
        let segments = Late::new(pieces).segments;
        Self { segments: segments.iter().map(|pieces| Segment::of(pieces, &nothing)).collect() }
    }

    /// What every match begins with.
    pub(super) fn beginning(&self) -> &str {
        match self.segments.first() {
            Some(Segment::Text(text)) => text,
            _ => "",
        }
    }

    /// The whole text, if there are no wildcards.
    pub(super) fn exact(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [Segment::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether the whole of `text` matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (Some((first, between)), true) = (self.segments.split_first(), !self.segments.is_empty()) else {
            return false;
        };
        let Some(at) = first.begins(text) else { return false };
        let Some((last, between)) = between.split_last() else { return at == text.len() };
        let mut rest = &text[at..];
        for segment in between {
            match segment.find(rest) {
                Some(end) => rest = &rest[end..],
                None => return false,
            }
        }
        last.ends(rest)
    }
}

impl Segment {
    /// Of pieces without stars, all of which have a value.
    pub(super) fn of(pieces: &[Piece], context: &Context) -> Self {
        let texts = pieces.iter().filter_map(|piece| piece.text(context));
        if !pieces.contains(&Piece::One) {
            return Self::Text(texts.collect());
        }
        let mut holes = Vec::new();
        for piece in pieces {
            match piece {
                Piece::One => holes.push(None),
                piece => holes.extend(piece.text(context).unwrap_or_default().chars().map(Some)),
            }
        }
        Self::Holes(holes)
    }

    /// Where it ends, if `text` begins with it.
    fn begins(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(own) => text.starts_with(own.as_str()).then_some(own.len()),
            Self::Holes(own) => {
                let mut chars = text.char_indices();
                for hole in own {
                    let (_, c) = chars.next()?;
                    if hole.is_some_and(|own| own != c) {
                        return None;
                    }
                }
                Some(chars.offset())
            }
        }
    }

    fn ends(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => text.ends_with(own.as_str()),
            Self::Holes(own) => {
                let mut chars = text.chars().rev();
                own.iter().rev().all(|hole| chars.next().is_some_and(|c| hole.is_none_or(|own| own == c)))
            }
        }
    }

    /// Where the first occurrence in `text` ends.
    pub(super) fn find(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(own) => find(text, own),
            Self::Holes(own) => find_holes(own, text),
        }
    }
}

/// A text so short is not worth what `memmem` prepares; trying it at every place is bounded by its square.
const SHORT_BYTES_MAX: usize = 64;

/// Where the first `own` in `text` ends.
pub(super) fn find(text: &str, own: &str) -> Option<usize> {
    let (text, own) = (text.as_bytes(), own.as_bytes());
    let at = match own.split_first() {
        Some((first, more)) if text.len() <= SHORT_BYTES_MAX => {
            let places = text.len().checked_sub(more.len())?;
            memchr::memchr_iter(*first, &text[..places]).find(|at| text[at + 1..].starts_with(more))
        }
        _ => memmem::find(text, own),
    };
    at.map(|at| at + own.len())
}

/// Shift-and: bit `i` of the state says that the first `i + 1` characters of the segment end here.
fn find_holes(own: &[Option<char>], text: &str) -> Option<usize> {
    let words = own.len().div_ceil(64);
    let mut any = vec![0_u64; words];
    let mut masks: std::collections::HashMap<char, Vec<u64>> = std::collections::HashMap::new();
    for (i, hole) in own.iter().enumerate() {
        match hole {
            None => any[i / 64] |= 1 << (i % 64),
            Some(c) => masks.entry(*c).or_insert_with(|| vec![0; words])[i / 64] |= 1 << (i % 64),
        }
    }
    let last = (words - 1, (own.len() - 1) % 64);
    let mut state = vec![0_u64; words];
    for (at, c) in text.char_indices() {
        let mask = masks.get(&c);
        let mut carry = 1;
        for i in 0..words {
            let next = state[i] >> 63;
            state[i] = ((state[i] << 1) | carry) & (any[i] | mask.map_or(0, |mask| mask[i]));
            carry = next;
        }
        if state[last.0] >> last.1 & 1 == 1 {
            return Some(at + c.len_utf8());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).matches(text)
    }

    #[test]
    fn stars_and_question_marks() {
        let check =
            |pattern: &str, text: &str, expect: bool| assert_eq!(glob(pattern, text), expect, "{pattern} {text}");
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("a*", "a", true);
        check("a*b", "ab", true);
        check("a*b", "a", false);
        check("ab*b", "ab", false);
        check("a?c", "abc", true);
        check("a?c", "aéc", true);
        check("a?c", "ac", false);
        check("*a?*?b", "xxa1b", false);
        check("*a?*?b", "xxa12b", true);
        check("*?", "é", true);
        check("b/*/t/*", "b/1/2/t/x", true);
        check("b/*/t/*", "b//t/x", true);
        check("b/*/t/*", "b/1/t/", true);
        check("b/*/t/*", "b/t/x", false);
        check("b/*/t/*", "b/1-t/x", false);
        check(&format!("*{}*", "?".repeat(200)), &"x".repeat(200), true);
        check(&format!("*{}*", "?".repeat(200)), &"x".repeat(199), false);
    }

    /// The recursion that everybody writes first.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|n| naive(rest, &text[n..])),
            Some(('?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((c, rest)) => text.first() == Some(c) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn as_the_naive_one_says(pattern in "[ab?*é]{0,9}", text in "[abé]{0,12}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(glob(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
        }
    }

    proptest! {
        /// Texts on both sides of where the search changes.
        #[test]
        fn long_texts_too(pattern in "[ab?*]{0,5}", text in "[ab]{58,72}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(glob(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
        }
    }

    /// The patterns on which matchers that go back to a star take for ever.
    #[test]
    fn hostile_patterns_take_no_time() {
        let text = "a".repeat(1_000);
        let check = |pattern: String| assert!(!glob(&pattern, &text));
        check(format!("{}b", "a*".repeat(900)));
        check(format!("{}b", "*a?".repeat(400)));
        check(format!("*{}b*", "a?".repeat(499)));
        check("*".repeat(20_000) + "b");
    }
}
