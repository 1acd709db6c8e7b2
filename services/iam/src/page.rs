//! Pages of listings (`spec/iam.md` 4): MaxItems and Marker in, IsTruncated and Marker out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use crate::faults::validation;

/// Entries of a page where the caller does not say.
const ITEMS: usize = 100;

/// Where a listing goes on, and how far.
pub(crate) struct Page {
    operation: &'static str,
    after: Option<String>,
    limit: usize,
}

impl Page {
    /// Reads the parameters of `operation`'s listing; a marker of another operation is none.
    pub(crate) fn read(operation: &'static str, input: &Document) -> Result<Self, Fault> {
        let limit = input.int("MaxItems").and_then(|n| usize::try_from(n).ok()).unwrap_or(ITEMS).max(1);
        let after = match input.text("Marker") {
            None => None,
            Some(marker) => {
                let bytes = URL_SAFE_NO_PAD.decode(marker).ok();
                let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
                let place = text.as_deref().and_then(|text| text.strip_prefix(operation)?.strip_prefix('\n'));
                Some(place.ok_or_else(|| validation("Invalid Marker."))?.to_owned())
            }
        };
        Ok(Self { operation, after, limit })
    }

    /// Of a listing whose entries are made one by one and known by their place: the places of this page.
    pub(crate) fn places(&self, total: usize) -> std::ops::Range<usize> {
        let last = self.after.as_deref().and_then(|place| place.parse::<usize>().ok());
        let start = last.map_or(0, |last| last.saturating_add(1)).min(total);
        start..start.saturating_add(self.limit).min(total)
    }

    /// What follows a page of such a listing that ends before `end`.
    pub(crate) fn rest(&self, end: usize, total: usize) -> Rest {
        let last = end.checked_sub(1).filter(|_| end < total);
        Rest(last.map(|last| self.marker(&last.to_string())))
    }

    fn marker(&self, last: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{last}", self.operation))
    }

    /// Cuts the whole listing to this page. `key` tells its entries apart; an entry that the marker names and that is gone is
    /// looked for by the order of keys.
    pub(crate) fn cut<T>(&self, mut all: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, Rest) {
        if let Some(after) = &self.after {
            let place = all.iter().position(|item| key(item) == *after).map(|place| place + 1);
            let place = place.or_else(|| all.iter().position(|item| key(item) > *after)).unwrap_or(all.len());
            all.drain(..place);
        }
        if all.len() <= self.limit {
            return (all, Rest(None));
        }
        all.truncate(self.limit);
        let last = all.last().map(&key).unwrap_or_default();
        (all, Rest(Some(self.marker(&last))))
    }
}

/// The marker of the next page, where there is one.
pub(crate) struct Rest(Option<String>);

impl Rest {
    /// Adds `IsTruncated` and `Marker`.
    pub(crate) fn onto(self, document: Document) -> Document {
        document.with("IsTruncated", self.0.is_some()).with("Marker", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_not_listed() {
        let input = Document::structure().with("MaxItems", 2_i64);
        let page = Page::read("Simulate", &input).expect("read");
        assert_eq!(page.places(usize::MAX), 0..2);
        let marker = page.rest(1, 9).onto(Document::structure());
        assert_eq!(marker.bool("IsTruncated"), Some(true), "a page may end early");
        let next = input.with("Marker", marker.text("Marker").expect("a marker"));
        let page = Page::read("Simulate", &next).expect("read");
        assert_eq!((page.places(9), page.places(2), page.places(0)), (1..3, 1..2, 0..0));
        assert_eq!(page.rest(2, 2).onto(Document::structure()).bool("IsTruncated"), Some(false));
    }

    #[test]
    fn pages_follow_one_another_even_past_what_is_gone() {
        let all = || ["a", "b", "c", "d"].map(String::from).to_vec();
        let input = Document::structure().with("MaxItems", 2_i64);
        let (page, rest) = Page::read("ListUsers", &input).expect("read").cut(all(), String::clone);
        assert_eq!(page, ["a", "b"]);
        let answer = rest.onto(Document::structure());
        assert_eq!(answer.bool("IsTruncated"), Some(true));
        let marker = answer.text("Marker").expect("a marker");
        let input = input.with("Marker", marker);
        let without_b = vec!["a".to_owned(), "c".into(), "d".into()];
        let (page, rest) = Page::read("ListUsers", &input).expect("read").cut(without_b, String::clone);
        assert_eq!(page, ["c", "d"]);
        assert_eq!(rest.onto(Document::structure()), Document::structure().with("IsTruncated", false));
        assert!(Page::read("ListRoles", &input).is_err());
        for bad in ["", "!", "QQ"] {
            assert!(Page::read("ListUsers", &Document::structure().with("Marker", bad)).is_err(), "{bad}");
        }
    }
}
