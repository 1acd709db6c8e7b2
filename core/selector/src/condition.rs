//! One field's operators, made ready: a question costs a binary search in each list, however long it is.

use std::cmp::Ordering;

use crate::FieldSelector;

/// What one field must be, and must not be.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Condition {
    pub(crate) wanted: Hits,
    unwanted: Hits,
}

/// Texts, beginnings and ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hits {
    /// Sorted.
    equals: Box<[Box<str>]>,
    /// Sorted, none the beginning of another: so only the last one that is not above a text can be its beginning.
    starts: Box<[Box<str>]>,
    /// Backwards, and otherwise as `starts`.
    ends: Box<[Box<[u8]>]>,
}

impl Condition {
    pub(crate) fn of(field: &FieldSelector) -> Self {
        Self {
            wanted: Hits::of(&field.equals, &field.starts_with, &field.ends_with),
            unwanted: Hits::of(&field.not_equals, &field.not_starts_with, &field.not_ends_with),
        }
    }

    /// Wants these texts alone.
    pub(crate) fn equals(texts: &[String]) -> Self {
        Self { wanted: Hits::of(texts, &[], &[]), unwanted: Hits::default() }
    }

    /// Wants what begins so.
    pub(crate) fn starts_with(texts: &[String]) -> Self {
        Self { wanted: Hits::of(&[], texts, &[]), unwanted: Hits::default() }
    }

    /// Must not be these.
    pub(crate) fn not_equals(texts: &[String]) -> Self {
        Self { wanted: Hits::default(), unwanted: Hits::of(texts, &[], &[]) }
    }

    /// What is absent is nothing that anybody wants, and nothing that anybody does not.
    pub(crate) fn passes(&self, text: Option<&str>) -> bool {
        match text {
            Some(text) => !self.unwanted.hit(text) && (self.wanted.is_empty() || self.wanted.hit(text)),
            None => self.wanted.is_empty(),
        }
    }

    /// Several values of one field: one must be wanted, none unwanted, and there must be one.
    pub(crate) fn passes_any<'a>(&self, texts: impl Iterator<Item = &'a str>) -> bool {
        let (mut there, mut wanted) = (false, self.wanted.is_empty());
        for text in texts {
            if self.unwanted.hit(text) {
                return false;
            }
            there = true;
            wanted = wanted || self.wanted.hit(text);
        }
        there && wanted
    }

    /// Whether texts that all begin so could pass.
    pub(crate) fn may_pass(&self, shared: &str) -> bool {
        !self.unwanted.hits_all(shared) && (self.wanted.is_empty() || self.wanted.may_hit(shared))
    }
}

impl Hits {
    fn of(equals: &[String], starts: &[String], ends: &[String]) -> Self {
        let mut sorted: Vec<Box<str>> = equals.iter().map(|text| text.as_str().into()).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut starts: Vec<Box<str>> = starts.iter().map(|text| text.as_str().into()).collect();
        starts.sort_unstable();
        // Sorted, what begins with another stands behind it with nothing between that does not.
        starts.dedup_by(|next, kept| next.starts_with(&**kept));
        let mut ends: Vec<Box<[u8]>> = ends.iter().map(|text| text.bytes().rev().collect()).collect();
        ends.sort_unstable();
        ends.dedup_by(|next, kept| next.starts_with(kept));
        Self { equals: sorted.into(), starts: starts.into(), ends: ends.into() }
    }

    fn is_empty(&self) -> bool {
        self.equals.is_empty() && self.starts.is_empty() && self.ends.is_empty()
    }

    fn hit(&self, text: &str) -> bool {
        self.is(text) || self.hits_all(text) || self.ends(text)
    }

    fn is(&self, text: &str) -> bool {
        self.equals.binary_search_by(|one| (**one).cmp(text)).is_ok()
    }

    /// Whether it and everything that goes on from it is hit for its beginning.
    fn hits_all(&self, text: &str) -> bool {
        last_not_above(&self.starts, |one| (**one).cmp(text)).is_some_and(|one| text.starts_with(&**one))
    }

    fn ends(&self, text: &str) -> bool {
        last_not_above(&self.ends, |one| one.iter().copied().cmp(text.bytes().rev()))
            .is_some_and(|one| text.len() >= one.len() && one.iter().copied().eq(text.bytes().rev().take(one.len())))
    }

    /// Whether anything that begins so could be hit.
    fn may_hit(&self, shared: &str) -> bool {
        let goes_on = |list: &[Box<str>]| {
            let at = list.partition_point(|one| &**one < shared);
            list.get(at).is_some_and(|one| one.starts_with(shared))
        };
        !self.ends.is_empty() || goes_on(&self.equals) || goes_on(&self.starts) || self.hits_all(shared)
    }
}

fn last_not_above<T>(sorted: &[T], compare: impl Fn(&T) -> Ordering) -> Option<&T> {
    let above = sorted.partition_point(|one| compare(one).is_le());
    sorted[..above].last()
}
