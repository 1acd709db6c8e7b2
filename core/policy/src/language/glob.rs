//! Patterns with `*`, `?` and variables, matched in linear time.
//!
//! A pattern is cut at its stars into segments. The first must begin the text and the last end it; each one between is
//! found as early as possible, which is enough, since a segment always matches the same number of characters. A segment
//! without `?` is searched by `memmem`, one with `?` by a bit-parallel scan: never by trying again from a star.

use memchr::memmem;

use super::Context;

/// What a pattern is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// `*`
    Any,
    /// `?`
    One,
    /// `${key}` or `${key, 'default'}`
    Variable {
        key: String,
        default: Option<String>,
    },
    /// `${` without its end, or with something else in it: nothing matches it.
    Broken,
}

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// `*` and `?` are wildcards.
    pub(super) wild: bool,
    /// `${…}` is a variable or an escaped character.
    pub(super) variables: bool,
}

/// A text as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// Reads `text`.
    pub(super) fn read(text: &str, how: Reading) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if how.variables && rest.starts_with("${") {
                let (piece, behind) = variable(rest);
                rest = behind;
                match piece {
                    Piece::Text(escaped) => plain.push_str(&escaped),
                    other => {
                        flush(&mut pieces, &mut plain);
                        pieces.push(other);
                    }
                }
                continue;
            }
            rest = &rest[c.len_utf8()..];
            match c {
                '*' | '?' if how.wild => {
                    flush(&mut pieces, &mut plain);
                    pieces.push(if c == '*' { Piece::Any } else { Piece::One });
                }
                _ => plain.push(c),
            }
        }
        flush(&mut pieces, &mut plain);
        Self { pieces }
    }

    /// Cut at the first `cuts` colons outside variables: what an ARN is made of. Missing parts are `*`.
    pub(super) fn arn_parts(self, cuts: usize) -> Vec<Self> {
        let mut parts = vec![Self { pieces: Vec::new() }];
        for piece in self.pieces {
            let Piece::Text(text) = piece else {
                push(&mut parts, piece);
                continue;
            };
            let mut rest = text.as_str();
            while let Some((before, behind)) = rest.split_once(':').filter(|_| parts.len() <= cuts) {
                push(&mut parts, Piece::Text(before.to_owned()));
                parts.push(Self { pieces: Vec::new() });
                rest = behind;
            }
            push(&mut parts, Piece::Text(rest.to_owned()));
        }
        while parts.len() <= cuts {
            parts.push(Self { pieces: vec![Piece::Any] });
        }
        parts
    }

    /// Whether every text is the same for all requests: no wildcard and no variable.
    pub(super) fn is_fixed(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// The text of a fixed one.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    fn has_variables(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. } | Piece::Broken))
    }

    /// Ready for use.
    pub(super) fn prepare(self) -> Prepared {
        match self.pieces.as_slice() {
            [Piece::Any] => Prepared::Anything,
            _ if self.has_variables() => Prepared::Late(Late::new(self.pieces)),
            _ => match self.fixed() {
                Some(text) => Prepared::Exact(text.into()),
                None => Prepared::Now(Glob::of(self.pieces)),
            },
        }
    }

    /// Ready for comparison without regard to case; it has no wildcards.
    pub(super) fn fold(self) -> Folded {
        Folded { pieces: self.pieces }
    }
}

impl Piece {
    fn key(&self) -> Option<&str> {
        match self {
            Self::Variable { key, .. } => Some(key),
            _ => None,
        }
    }

    /// The text that it stands for in this request; `None` for wildcards, and for variables without a value.
    fn text<'a>(&'a self, context: &'a Context) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Variable { key, default } => context.single(key).or(default.as_deref()),
            Self::Any | Self::One | Self::Broken => None,
        }
    }
}

fn push(parts: &mut [Template], piece: Piece) {
    if piece == Piece::Text(String::new()) {
        return;
    }
    if let Some(last) = parts.last_mut() {
        last.pieces.push(piece);
    }
}

fn flush(pieces: &mut Vec<Piece>, plain: &mut String) {
    if !plain.is_empty() {
        pieces.push(Piece::Text(std::mem::take(plain)));
    }
}

/// A variable at the beginning of `text`, and what stands behind it.
fn variable(text: &str) -> (Piece, &str) {
    let inner = &text[2..];
    // A default may hold a brace, so its quotes are looked for first.
    let end = match (inner.find('}'), inner.find(", '")) {
        (Some(brace), Some(quote)) if quote < brace => inner[quote + 3..].find("'}").map(|at| quote + 3 + at + 1),
        (brace, _) => brace,
    };
    let Some(end) = end else { return (Piece::Broken, "") };
    let (name, behind) = (&inner[..end], &inner[end + 1..]);
    let piece = match name {
        "*" | "?" | "$" => Piece::Text(name.to_owned()),
        _ => {
            let (key, default) = match name.split_once(", '") {
                Some((key, rest)) => (key, rest.strip_suffix('\'')),
                None => (name, None),
            };
            let is_key = key.contains(':') && key.chars().all(|c| !c.is_whitespace() && !"{}$'\",".contains(c));
            let whole = name.split_once(", '").is_none() == default.is_none();
            match is_key && whole {
                true => Piece::Variable { key: key.to_ascii_lowercase(), default: default.map(str::to_owned) },
                false => Piece::Broken,
            }
        }
    };
    (piece, behind)
}

/// A pattern that is ready for its texts. Matching costs no memory, but for stars around variables or around `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prepared {
    Anything,
    Exact(Box<str>),
    Now(Glob),
    Late(Late),
}

impl Prepared {
    /// Whether `text` matches; false where a variable has no value.
    pub(super) fn matches(&self, text: &str, context: &Context) -> bool {
        match self {
            Self::Anything => true,
            Self::Exact(own) => **own == *text,
            Self::Now(glob) => glob.matches(text),
            Self::Late(late) => late.matches(text, context),
        }
    }

    /// The keys of its variables, in lower case.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let segments = match self {
            Self::Late(late) => late.segments.as_slice(),
            Self::Anything | Self::Exact(_) | Self::Now(_) => &[],
        };
        segments.iter().flatten().filter_map(Piece::key)
    }
}

/// A pattern with variables, whose texts are put in as it is matched. Values are never read as patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Late {
    /// Cut at the stars: one more than there are of them.
    segments: Vec<Vec<Piece>>,
}

impl Late {
    fn new(pieces: Vec<Piece>) -> Self {
        let mut segments = vec![Vec::new()];
        for piece in pieces {
            match (piece, segments.last_mut()) {
                (Piece::Any, _) => segments.push(Vec::new()),
                (piece, Some(last)) => last.push(piece),
                (_, None) => {}
            }
        }
        Self { segments }
    }

    fn matches(&self, text: &str, context: &Context) -> bool {
        let has_value = |piece: &Piece| *piece == Piece::One || piece.text(context).is_some();
        if !self.segments.iter().flatten().all(has_value) {
            return false;
        }
        let Some((first, between)) = self.segments.split_first() else { return false };
        let Some(mut rest) = first.iter().try_fold(text, |rest, piece| without_first(piece, rest, context)) else {
            return false;
        };
        let Some((last, between)) = between.split_last() else { return rest.is_empty() };
        for segment in between {
            let end = match segment.as_slice() {
                [Piece::Text(own)] => memmem::find(rest.as_bytes(), own.as_bytes()).map(|at| at + own.len()),
                pieces => Segment::of(pieces, context).find(rest),
            };
            match end {
                Some(end) => rest = &rest[end..],
                None => return false,
            }
        }
        last.iter().rev().try_fold(rest, |rest, piece| without_last(piece, rest, context)).is_some()
    }
}

/// What is left of `text` behind the piece it begins with.
fn without_first<'t>(piece: &Piece, text: &'t str, context: &Context) -> Option<&'t str> {
    match piece {
        Piece::One => text.chars().next().map(|c| &text[c.len_utf8()..]),
        piece => text.strip_prefix(piece.text(context)?),
    }
}

fn without_last<'t>(piece: &Piece, text: &'t str, context: &Context) -> Option<&'t str> {
    match piece {
        Piece::One => text.chars().next_back().map(|c| &text[..text.len() - c.len_utf8()]),
        piece => text.strip_suffix(piece.text(context)?),
    }
}

/// A text, perhaps with variables, for comparison without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folded {
    pieces: Vec<Piece>,
}

impl Folded {
    /// Whether `text` is the same; false where a variable has no value.
    pub(super) fn matches(&self, text: &str, context: &Context) -> bool {
        let own = self.pieces.iter().filter_map(|piece| piece.text(context));
        own.clone().count() == self.pieces.len()
            && own.flat_map(str::chars).flat_map(char::to_lowercase).eq(text.chars().flat_map(char::to_lowercase))
    }

    /// The keys of its variables, in lower case.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(Piece::key)
    }
}

/// What stands between two stars.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
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
    fn of(pieces: Vec<Piece>) -> Self {
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
    fn of(pieces: &[Piece], context: &Context) -> Self {
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
    fn find(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(own) => memmem::find(text.as_bytes(), own.as_bytes()).map(|at| at + own.len()),
            Self::Holes(own) => find_holes(own, text),
        }
    }
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

/// A name cut into the six parts of an ARN.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a>(Option<[&'a str; 6]>);

impl<'a> Parts<'a> {
    /// A name that is no ARN has none.
    pub(super) fn of(name: &'a str) -> Self {
        let mut rest = name.splitn(6, ':');
        let mut parts = [""; 6];
        for part in &mut parts {
            match rest.next() {
                Some(text) => *part = text,
                None => return Self(None),
            }
        }
        Self(Some(parts))
    }
}

/// Six parts, compared one by one: what is between two of the first five colons never crosses them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArnPattern {
    /// `*` alone, or six parts.
    parts: Option<Vec<Prepared>>,
}

/// Where ARNs differ most is looked at first.
const ORDER: [usize; 6] = [2, 5, 4, 3, 1, 0];

impl ArnPattern {
    /// Reads a pattern.
    pub(super) fn new(text: &str, variables: bool) -> Self {
        if text == "*" {
            return Self { parts: None };
        }
        let parts = Template::read(text, Reading { wild: true, variables }).arn_parts(5);
        Self { parts: Some(parts.into_iter().map(Template::prepare).collect()) }
    }

    /// Whether `arn` matches; a name that is no ARN matches only `*`.
    pub(super) fn matches(&self, arn: &Parts<'_>, context: &Context) -> bool {
        let Some(patterns) = &self.parts else { return true };
        let Some(parts) = &arn.0 else { return false };
        ORDER.iter().all(|&i| patterns.get(i).is_some_and(|pattern| pattern.matches(parts[i], context)))
    }

    /// The keys of its variables, in lower case.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flatten().flat_map(Prepared::keys)
    }
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

    #[test]
    fn variables_stand_for_literal_text() {
        let context = Context::new().with("aws:username", "a*b").with("s3:prefix", "");
        let check = |pattern: &str, text: &str, expect: bool| {
            let read = Template::read(pattern, Reading { wild: true, variables: true }).prepare();
            assert_eq!(read.matches(text, &context), expect, "{pattern} {text}");
        };
        check("${aws:username}/*", "a*b/x", true);
        check("${AWS:UserName}/*", "a*b/x", true);
        check("${aws:username}/*", "axb/x", false);
        check("${aws:nothing}", "", false);
        check("${aws:nothing, 'x}y'}z", "x}yz", true);
        check("${aws:username, 'x'}", "a*b", true);
        check("${*}${?}${$}", "*?$", true);
        check("${*}", "x", false);
        check("home/${*}", "home/*", true);
        check("home/${*}", "home/x", false);
        check("x${aws:username", "x${aws:username", false);
        check("${aws:username,'x'}", "a*b", false);
        check("${}", "", false);
        check("${a}", "", false);
        check("${aws:a${aws:username}}", "", false);
        // Stars around variables, and `?` beside them.
        check("*${aws:username}*", "xa*by", true);
        check("*${aws:username}*", "xaby", false);
        check("*${aws:username}?*z", "xa*byz", true);
        check("${aws:username}?${aws:username}", "a*b-a*b", true);
        check("?${aws:username}", "éa*b", true);
        check("*${aws:nothing}*", "x", false);
        let literal = Template::read("${aws:username}", Reading { wild: true, variables: false }).prepare();
        assert!(literal.matches("${aws:username}", &context));
    }

    #[test]
    fn parts_of_arns_do_not_cross_colons() {
        let context = Context::new().with("aws:username", "ann:x");
        let check = |pattern: &str, arn: &str, expect: bool| {
            assert_eq!(ArnPattern::new(pattern, true).matches(&Parts::of(arn), &context), expect, "{pattern} {arn}");
        };
        check("*", "arn:aws:s3:::b", true);
        check("*", "anything", true);
        check("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", true);
        check("arn:aws:s3:::b/*", "arn:aws:s3:::b", false);
        check("arn:aws:s3:::B/*", "arn:aws:s3:::b/x", false);
        check("arn:aws:x:*:1:f/*", "arn:aws:x:r:9:s/a:1:f/d", false);
        check("arn:aws:x:*:1:f/*", "arn:aws:x:r:1:f/d:e", true);
        check("arn:*", "arn:aws:s3:::b/k", true);
        check("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/ann:x/k", true);
        check("arn:aws:s3:::b/${aws:PrincipalTag/t}/*", "arn:aws:s3:::b//k", false);
        check("arn:aws:s3:::b", "arn:aws:s3", false);
    }
}
