//! REST: whether a path and query are those of an operation's URI, and how well they fit.

use std::borrow::Cow;

use crate::query::{parse_form, unescape};

/// A path may have so many segments that differ from one another in a fit's rank; what follows counts as one.
const RANKED_MAX: usize = 30;
/// A path with more segments is nobody's.
const SEGMENTS_MAX: usize = 64;

/// A request's path and query, taken apart once.
pub(super) struct Target<'a> {
    /// Still escaped.
    segments: Vec<&'a str>,
    slash: bool,
    /// Decoded.
    query: Vec<(String, String)>,
}

/// How closely a request fits: compared among the operations that it fits at all, the greater is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Two bits a segment, from the left: literal, label, greedy.
    segments: u64,
    queries: usize,
    slash: bool,
}

/// The values of labels and parameters: name in the URI, decoded value.
pub(crate) type Labels<'a> = Vec<(&'a str, String)>;

impl<'a> Target<'a> {
    /// `None` for what is no path with a query.
    pub(super) fn new(path: &'a str, query: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let slash = path.ends_with('/');
        let mut segments: Vec<&str> = path.split('/').collect();
        if segments.last().is_some_and(|last| last.is_empty()) {
            segments.pop();
        }
        if segments.len() > SEGMENTS_MAX {
            return None;
        }
        Some(Self { segments, slash, query: parse_form(query.as_bytes()).ok()? })
    }

    /// Whether this is a request to `uri` (`/functions/{Name}/x?List=ALL`), and how closely.
    pub(super) fn fit(&self, uri: &str) -> Option<Rank> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let mut queries = 0;
        for wanted in query.split('&').filter(|wanted| !wanted.is_empty()) {
            let (name, value) = wanted.split_once('=').map_or((wanted, None), |(name, value)| (name, Some(value)));
            let has = |(n, v): &(String, String)| n == name && value.is_none_or(|value| v == value);
            if !self.query.iter().any(has) {
                return None;
            }
            queries += 1;
        }
        let pattern = path.strip_prefix('/')?;
        let slash = pattern.ends_with('/');
        let mut ranks = 0;
        let mut ranked = 0;
        walk(pattern, &self.segments, |_, kind, _| {
            if ranked < RANKED_MAX {
                ranks |= kind << (2 * (RANKED_MAX - ranked));
                ranked += 1;
            }
        })?;
        Some(Rank { segments: ranks, queries, slash: slash == self.slash })
    }

    /// The values of the path's labels.
    pub(super) fn labels<'u>(&self, uri: &'u str) -> Labels<'u> {
        let path = uri.split_once('?').map_or(uri, |(path, _)| path);
        let mut labels = Vec::new();
        let taken = walk(path.strip_prefix('/').unwrap_or(path), &self.segments, |name, _, value| {
            if !name.is_empty() {
                labels.push((name, unescape(value.as_bytes(), false).unwrap_or_else(|| value.clone().into_owned())));
            }
        });
        if taken.is_some() { labels } else { Vec::new() }
    }

    /// The decoded parameters.
    pub(super) fn query(&self) -> &[(String, String)] {
        &self.query
    }
}

const LITERAL: u64 = 3;
const LABEL: u64 = 2;
const GREEDY: u64 = 1;

/// Goes through a pattern's segments beside a path's; `None` where they part. A greedy label takes what the segments behind
/// it leave.
fn walk<'u, 'p>(pattern: &'u str, path: &[&'p str], mut seen: impl FnMut(&'u str, u64, Cow<'p, str>)) -> Option<()> {
    let mut at = 0;
    let mut rest = pattern.split('/').filter(|part| !part.is_empty());
    while let Some(part) = rest.next() {
        let Some(label) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            let sent = path.get(at)?;
            // A literal is compared as sent first: escaping a letter is allowed, and seldom done.
            if *sent != part && unescape(sent.as_bytes(), false).as_deref() != Some(part) {
                return None;
            }
            seen("", LITERAL, Cow::Borrowed(sent));
            at += 1;
            continue;
        };
        if let Some(label) = label.strip_suffix('+') {
            let behind = rest.clone().count();
            let end = path.len().checked_sub(behind).filter(|end| *end > at)?;
            seen(label, GREEDY, Cow::Owned(path[at..end].join("/")));
            at = end;
        } else {
            let sent = path.get(at)?;
            if sent.is_empty() {
                return None;
            }
            seen(label, LABEL, Cow::Borrowed(sent));
            at += 1;
        }
    }
    (at == path.len()).then_some(())
}
