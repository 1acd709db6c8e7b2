//! Texts of policies as they are read: plain text, wildcards, and variables (`spec/policy.md` 2.5).

use super::Context;
use super::glob::Glob;
use super::late::{Folded, Late, Prepared};

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
    pub(super) pieces: Vec<Piece>,
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
    pub(super) fn key(&self) -> Option<&str> {
        match self {
            Self::Variable { key, .. } => Some(key),
            _ => None,
        }
    }

    /// The text that it stands for in this request; `None` for wildcards, and for variables without a value.
    pub(super) fn text<'a>(&'a self, context: &'a Context) -> Option<&'a str> {
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
