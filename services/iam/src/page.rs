//! Pages of listings (`spec/iam.md` 4): MaxItems and Marker in, IsTruncated and Marker out.
//!
//! What may have thousands of rows is read from the catalog page by page ([`Page::scan`]); what hangs on one entity is few, is at
//! hand, and is cut ([`Page::cut`]).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use opentrail_catalog::{Key, Stored, decode};
use opentrail_policy::DirectoryError;
use opentrail_policy::rows::last_part;
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use crate::faults::{unavailable, validation};
use crate::verb::Draft;

/// Entries of a page where the caller does not say.
const ITEMS: usize = 100;
/// Rows read for one page, however few of them are wanted. No less than MaxItems can be, and one more.
const ROWS_MAX: usize = 2_000;
/// Rows read at a time once it is known that only some are wanted.
const ROWS_AT_ONCE: usize = 100;

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

    /// Entries that it has room for.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The part of this page that a listing's segment has, of several that stand one behind the other and whose marks ascend:
    /// `None` where the page begins behind it. It has room for `limit` entries.
    pub(crate) fn segment(&self, mark: char, limit: usize) -> Option<Self> {
        let mut after = self.after.as_deref().unwrap_or_default().chars();
        let after = match after.next() {
            Some(at) if at > mark => return None,
            Some(at) if at == mark => Some(after.as_str().to_owned()),
            _ => None,
        };
        Some(Self { operation: self.operation, after, limit })
    }

    /// Of a listing whose entries are made one by one and known by their place: the places of this page.
    pub(crate) fn places(&self, total: usize) -> std::ops::Range<usize> {
        let last = self.after.as_deref().and_then(|place| place.parse::<usize>().ok());
        let start = last.map_or(0, |last| last.saturating_add(1)).min(total);
        start..start.saturating_add(self.limit).min(total)
    }

    /// What follows a page of such a listing that ends before `end`.
    pub(crate) fn rest_of_places(&self, end: usize, total: usize) -> Rest {
        let last = end.checked_sub(1).filter(|_| end < total);
        self.rest(last.map(|last| last.to_string()))
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
            return (all, self.rest(None));
        }
        all.truncate(self.limit);
        let last = all.last().map(&key).or_else(|| self.after.clone()).unwrap_or_default();
        (all, self.rest(Some(last)))
    }

    /// The page of a table of records. What is not `wanted` is passed over; a page that passes over many is short, or empty, and
    /// still not the last, as AWS reserves to itself too.
    pub(crate) async fn scan<T: Stored>(
        &self,
        d: &Draft<'_>,
        table: &Key,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<(Vec<T>, Rest), Fault> {
        let read = |_: String, value: Bytes| {
            let row: T = decode(&value).map_err(|error| unavailable(error.into()))?;
            Ok(Some(row).filter(|row| wanted(row)))
        };
        self.scan_rows(d, table, read).await
    }

    /// The page of a table that says all it has to say by the last parts of its keys.
    pub(crate) async fn scan_names(&self, d: &Draft<'_>, table: &Key) -> Result<(Vec<String>, Rest), Fault> {
        self.scan_rows(d, table, |name, _| Ok(Some(name))).await
    }

    async fn scan_rows<T>(
        &self,
        d: &Draft<'_>,
        table: &Key,
        mut read: impl FnMut(String, Bytes) -> Result<Option<T>, Fault>,
    ) -> Result<(Vec<T>, Rest), Fault> {
        let mut found = Vec::new();
        let mut last = self.after.clone();
        let mut looked_at = 0;
        while looked_at < ROWS_MAX {
            // One more than there is room for tells whether this page is the last.
            let least = if looked_at == 0 { 0 } else { ROWS_AT_ONCE };
            let count = (self.limit + 1 - found.len()).max(least).min(ROWS_MAX - looked_at);
            let after = last.as_ref().map(|last| table.part(last));
            let rows = d.rows(table, after, count).await.map_err(unavailable)?;
            let is_end = rows.len() < count;
            for (key, value) in rows {
                let name = last_part(&key)
                    .ok_or_else(|| unavailable(DirectoryError::Unavailable(format!("damaged key {key:?}"))))?;
                if let Some(item) = read(name.clone(), value)? {
                    if found.len() == self.limit {
                        // Without room for any, the next page begins at the first.
                        return Ok((found, self.rest(Some(last.unwrap_or_default()))));
                    }
                    found.push(item);
                }
                last = Some(name);
                looked_at += 1;
            }
            if is_end {
                return Ok((found, self.rest(None)));
            }
        }
        Ok((found, self.rest(last)))
    }

    /// There is no more.
    pub(crate) fn end(&self) -> Rest {
        self.rest(None)
    }

    fn rest(&self, place: Option<String>) -> Rest {
        Rest { operation: self.operation, place }
    }
}

/// Where the next page begins, if there is one.
pub(crate) struct Rest {
    operation: &'static str,
    place: Option<String>,
}

impl Rest {
    /// Whether this is not all.
    pub(crate) fn is_more(&self) -> bool {
        self.place.is_some()
    }

    /// As the place of a whole listing, of one of whose segments it is.
    pub(crate) fn of_segment(self, mark: char) -> Self {
        Self { place: self.place.map(|place| format!("{mark}{place}")), ..self }
    }

    /// Adds `IsTruncated` and `Marker`.
    pub(crate) fn onto(self, document: Document) -> Document {
        let marker = self.place.map(|place| URL_SAFE_NO_PAD.encode(format!("{}\n{place}", self.operation)));
        document.with("IsTruncated", marker.is_some()).with("Marker", marker)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::executor::block_on;
    use opentrail_catalog::memory::MemoryCatalog;
    use opentrail_policy::rows::{self, GroupRow};
    use opentrail_policy::{Directory, Seal, SealError};
    use opentrail_world::World;

    use super::*;

    #[test]
    fn places_are_counted_and_not_listed() {
        let input = Document::structure().with("MaxItems", 2_i64);
        let page = Page::read("Simulate", &input).expect("read");
        assert_eq!(page.places(usize::MAX), 0..2);
        let marker = page.rest_of_places(1, 9).onto(Document::structure());
        assert_eq!(marker.bool("IsTruncated"), Some(true), "a page may end early");
        let next = input.with("Marker", marker.text("Marker").expect("a marker"));
        let page = Page::read("Simulate", &next).expect("read");
        assert_eq!((page.places(9), page.places(2), page.places(0)), (1..3, 1..2, 0..0));
        assert_eq!(page.rest_of_places(2, 2).onto(Document::structure()).bool("IsTruncated"), Some(false));
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

    struct Open;

    impl Seal for Open {
        fn seal(&self, _: &str, plain: &[u8]) -> Vec<u8> {
            plain.to_vec()
        }

        fn open(&self, _: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
            Ok(sealed.to_vec())
        }
    }

    /// A catalog with `count` groups, every tenth of them under `/rare/`.
    fn groups(count: usize) -> (MemoryCatalog, Arc<Directory>) {
        let (world, _) = World::simulated(1, jiff::Timestamp::UNIX_EPOCH);
        let catalog = MemoryCatalog::default();
        let opened = Directory::open(Arc::new(catalog.clone()), Arc::new(Open), world);
        let directory = block_on(opened).expect("opened");
        let account = account();
        let mut draft = directory.draft::<()>(account);
        for n in 0..count {
            let name = format!("Group-{n:05}");
            let path = if n % 10 == 9 { "/rare/" } else { "/" };
            let (unique_id, grants) = (format!("AGPA{n}"), rows::Grants::default());
            let row = GroupRow { name: name.clone(), path: path.into(), unique_id, created_s: 0, grants };
            draft.put(rows::group_key(account, &name), &row);
        }
        block_on(draft.commit()).expect("committed");
        (catalog, directory)
    }

    fn account() -> opentrail_event::AccountId {
        "111122223333".parse().expect("an account")
    }

    /// Every page of a listing, by how many names it has, and all names.
    fn pages(directory: &Directory, items: i64, prefix: &str) -> (Vec<usize>, Vec<String>) {
        let (mut sizes, mut names, mut marker) = (Vec::new(), Vec::new(), None);
        loop {
            let input = Document::structure().with("MaxItems", items).with("Marker", marker.take());
            let page = Page::read("ListGroups", &input).expect("read");
            let draft = directory.draft::<Fault>(account());
            let wanted = |row: &GroupRow| row.path.starts_with(prefix);
            let (rows, rest) = block_on(page.scan(&draft, &rows::groups(account()), wanted)).expect("scanned");
            sizes.push(rows.len());
            names.extend(rows.into_iter().map(|row| row.name));
            match rest.onto(Document::structure()).text("Marker") {
                Some(next) => marker = Some(next.to_owned()),
                None => return (sizes, names),
            }
        }
    }

    #[test]
    fn a_table_is_read_no_further_than_its_page_goes() {
        let (_, directory) = groups(250);
        let (sizes, names) = pages(&directory, 100, "/");
        assert_eq!((sizes, names.len()), (vec![100, 100, 50], 250));
        assert!(names.is_sorted());
        assert_eq!(pages(&directory, 125, "/").0, [125, 125], "nothing behind the last full page");
        let (sizes, names) = pages(&directory, 10, "/rare/");
        assert_eq!((sizes, names.len()), (vec![10, 10, 5], 25));
        assert_eq!(pages(&directory, 1000, "/none/"), (vec![0], Vec::new()));
    }

    #[test]
    fn a_page_of_which_little_is_wanted_is_short_and_not_the_last() {
        let (_, directory) = groups(5_000);
        let (sizes, names) = pages(&directory, 1_000, "/rare/");
        assert_eq!((sizes, names.len()), (vec![200, 200, 100], 500));
        assert_eq!(pages(&directory, 1_000, "/none/").0, [0, 0, 0]);
    }

    #[test]
    fn a_segment_without_room_is_where_the_next_page_begins() {
        let (_, directory) = groups(3);
        let draft = directory.draft::<Fault>(account());
        let scan = |page: Page| {
            let part = page.segment('1', page.limit).expect("a segment");
            let scanned = block_on(part.scan(&draft, &rows::groups(account()), |_: &GroupRow| true));
            let (rows, rest) = scanned.expect("scanned");
            (rows.len(), rest.of_segment('1'))
        };
        let (none, rest) = scan(Page { operation: "x", after: None, limit: 0 });
        assert_eq!((none, rest.place.as_deref()), (0, Some("1")));
        let (all, rest) = scan(Page { operation: "x", after: rest.place, limit: 5 });
        assert_eq!((all, rest.is_more()), (3, false));
    }

    #[test]
    fn a_page_costs_what_it_shows() {
        let (catalog, directory) = groups(5_000);
        let draft = directory.draft::<Fault>(account());
        let page = Page::read("ListGroups", &Document::structure().with("MaxItems", 100_i64)).expect("read");
        // One read brings the page and the row behind it.
        catalog.fail_reads_after(1);
        let scanned = block_on(page.scan(&draft, &rows::groups(account()), |_: &GroupRow| true));
        assert_eq!(scanned.expect("one read").0.len(), 100);
    }

    #[test]
    fn segments_stand_one_behind_the_other() {
        let at = |place: Option<&str>| Page { operation: "x", after: place.map(str::to_owned), limit: 3 };
        let after = |place, mark| at(place).segment(mark, 2).map(|page| (page.after, page.limit));
        assert_eq!(after(None, '0'), Some((None, 2)));
        assert_eq!(after(Some("0b"), '0'), Some((Some("b".into()), 2)));
        assert_eq!(after(Some("0b"), '1'), Some((None, 2)));
        assert_eq!(after(Some("1b"), '0'), None);
        assert_eq!(at(None).rest(Some("b".into())).of_segment('1').place.as_deref(), Some("1b"));
        assert!(!at(None).rest(None).of_segment('1').is_more());
        // A segment without room shows nothing, and says that there is more.
        let (none, rest) = at(None).segment('1', 0).expect("a segment").cut(vec!["a".to_owned()], String::clone);
        assert!(none.is_empty() && rest.is_more());
    }
}
