//! Patterns that may wait for a request's values.

use super::Context;
use super::glob::{Glob, Segment, find};
use super::template::Piece;

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
    pub(super) segments: Vec<Vec<Piece>>,
}

impl Late {
    pub(super) fn new(pieces: Vec<Piece>) -> Self {
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
                [Piece::Text(own)] => find(rest, own),
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
    pub(super) pieces: Vec<Piece>,
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

#[cfg(test)]
mod tests {
    use super::super::template::{Reading, Template};
    use super::*;

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
}
