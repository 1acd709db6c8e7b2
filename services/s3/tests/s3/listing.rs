//! The two listings, also against a plain reference.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use proptest::prelude::*;

use crate::door::{House, Reply, detail, get, put};

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn with_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> House {
    let house = House::with_bucket();
    for key in keys {
        house.ok(&put(format!("/bkt/{}", encode(key))).body("x"));
    }
    house
}

/// Keys and prefixes of a page, decoded, each in its order.
fn names(page: &Reply) -> (Vec<String>, Vec<String>) {
    let decode = |text: &String| percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned();
    let prefixes: Vec<String> = page
        .all("CommonPrefixes")
        .iter()
        .map(|p| decode(&p.replace("<Prefix>", "").replace("</Prefix>", "")))
        .collect();
    (page.all("Key").iter().map(decode).collect(), prefixes)
}

#[test]
fn the_shape_of_version_1() {
    let house = with_keys(["a", "b/1", "b/2", "c"]);
    let all = house.ok(&get("/bkt"));
    assert_eq!((all.status, all.header("x-amz-bucket-region")), (200, Some("us-east-1")));
    assert!(all.text().starts_with(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Name>bkt</Name><Prefix></Prefix><Marker></Marker><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
    ), "{}", all.text());
    assert_eq!(all.all("Key"), ["a", "b/1", "b/2", "c"]);
    assert_eq!(all.all("ETag")[0], "\"9dd4e461268c8034f5c8564e155c67a6\"");
    assert_eq!(all.all("LastModified")[0], "2026-11-21T10:00:00.000Z");
    assert_eq!((all.all("Size")[0].as_str(), all.all("StorageClass")[0].as_str()), ("1", "STANDARD"));
    assert_eq!(
        (all.all("ChecksumAlgorithm")[0].as_str(), all.all("ChecksumType")[0].as_str()),
        ("CRC64NVME", "FULL_OBJECT")
    );
    assert_eq!(all.all("ID").len(), 4, "the owner is always there");
    assert_eq!(all.all("DisplayName").len(), 0);

    let page = house.ok(&get("/bkt?delimiter=/&max-keys=2"));
    assert_eq!(names(&page), (vec!["a".into()], vec!["b/".into()]));
    assert_eq!((page.one("IsTruncated").as_deref(), page.one("NextMarker").as_deref()), (Some("true"), Some("b/")));
    let page = house.ok(&get("/bkt?delimiter=/&max-keys=2&marker=b/"));
    assert_eq!(
        (names(&page), page.one("NextMarker"), page.one("Marker").as_deref()),
        ((vec!["c".into()], vec![]), None, Some("b/"))
    );
    let page = house.ok(&get("/bkt?max-keys=2"));
    assert_eq!(
        (page.one("IsTruncated").as_deref(), page.one("NextMarker")),
        (Some("true"), None),
        "only with a delimiter"
    );
    assert_eq!(names(&house.ok(&get("/bkt?delimiter=/&marker=b/1"))).0, ["c"], "inside a prefix skips it whole");
}

#[test]
fn the_shape_of_version_2() {
    let house = with_keys(["a", "b/1", "b/2", "c d", "é"]);
    let all = house.ok(&get("/bkt?list-type=2"));
    assert_eq!((all.all("Key").len(), all.one("KeyCount").as_deref(), all.all("Owner").len()), (5, Some("5"), 0));
    assert_eq!((all.one("Marker"), all.one("NextContinuationToken"), all.one("StartAfter")), (None, None, None));
    assert_eq!(house.ok(&get("/bkt?list-type=2&fetch-owner=true")).all("ID").len(), 5);

    let page = house.ok(&get("/bkt?list-type=2&delimiter=/&max-keys=2&start-after=0"));
    assert_eq!(names(&page), (vec!["a".into()], vec!["b/".into()]));
    assert_eq!((page.one("KeyCount").as_deref(), page.one("StartAfter").as_deref()), (Some("2"), Some("0")));
    let token = page.one("NextContinuationToken").unwrap();
    let next =
        house.ok(&get(format!("/bkt?list-type=2&delimiter=/&max-keys=2&start-after=0&continuation-token={token}")));
    assert_eq!(names(&next), (vec!["c d".into(), "é".into()], vec![]));
    assert_eq!((next.one("ContinuationToken"), next.one("StartAfter")), (Some(token.clone()), None));
    assert_eq!(next.one("IsTruncated").as_deref(), Some("false"));

    for bad in ["", "x", &token[1..]] {
        let fault = house.fault(&get(format!("/bkt?list-type=2&delimiter=/&continuation-token={bad}")));
        assert_eq!(fault.message, "The continuation token provided is incorrect");
        assert_eq!(detail(&fault, "ArgumentName"), Some("continuation-token"));
    }
    let other = get(format!("/bkt?list-type=2&prefix=b&delimiter=/&continuation-token={token}"));
    assert_eq!(house.code(&other).1, "InvalidArgument", "a token is bound to its listing");
    house.ok(&put("/other"));
    assert_eq!(
        house.code(&get(format!("/other?list-type=2&delimiter=/&continuation-token={token}"))).1,
        "InvalidArgument"
    );

    let encoded = house.ok(&get("/bkt?list-type=2&encoding-type=url&prefix=c%20&start-after=a%20b"));
    assert_eq!(encoded.all("Key"), ["c+d"]);
    assert_eq!((encoded.all("Prefix")[0].as_str(), encoded.one("EncodingType").as_deref()), ("c+", Some("url")));
    assert_eq!(encoded.one("StartAfter").as_deref(), Some("a+b"));
}

#[test]
fn parameters_are_checked() {
    let house = with_keys(["a", "b"]);
    let message = |query: &str| house.fault(&get(format!("/bkt?{query}"))).message;
    assert_eq!(message("max-keys=-1"), "Argument max-keys must be an integer between 0 and 2147483647");
    assert_eq!(message("max-keys=x"), "Provided max-keys not an integer or within integer range");
    assert_eq!(message("max-keys=2147483648"), "Provided max-keys not an integer or within integer range");
    assert_eq!(message("encoding-type=base64"), "Invalid Encoding Method specified in Request");
    let page = |query: &str| house.ok(&get(format!("/bkt?{query}")));
    assert_eq!(page("max-keys=5000").one("MaxKeys").as_deref(), Some("1000"));
    let none = page("max-keys=0");
    assert_eq!((none.all("Key").len(), none.one("IsTruncated").as_deref()), (0, Some("false")));
    assert_eq!(page("delimiter=&prefix=").one("Delimiter"), None);
    assert_eq!(page("prefix=a&prefix=b").all("Key"), ["a"], "the first counts");
    assert_eq!(page("list-type=2&fetch-owner=perhaps").all("ID").len(), 0);
}

/// A listing with a delimiter must not read what lies under its prefixes.
#[test]
fn prefixes_are_skipped_and_not_read() {
    let keys: Vec<String> = (0..10).flat_map(|dir| (0..500).map(move |i| format!("{dir}/{i:03}"))).collect();
    let house = with_keys(keys.iter().map(String::as_str));
    house.catalog.rows_listed.store(0, Ordering::Relaxed);
    let page = house.ok(&get("/bkt?list-type=2&delimiter=/"));
    assert_eq!(page.all("CommonPrefixes").len(), 10);
    let read = house.catalog.rows_listed.load(Ordering::Relaxed);
    assert!(read <= 11 * 32, "{read} rows were read for 10 prefixes over 5,000 keys");
}

/// What a page should hold: entries in order, from behind `after`.
fn reference(keys: &BTreeSet<String>, prefix: &str, delimiter: &str) -> Vec<(bool, String)> {
    let mut entries = Vec::new();
    for key in keys.iter().filter(|k| k.starts_with(prefix)) {
        let common = (!delimiter.is_empty())
            .then(|| {
                key[prefix.len()..].find(delimiter).map(|at| key[..prefix.len() + at + delimiter.len()].to_owned())
            })
            .flatten();
        let entry = common.map_or_else(|| (false, key.clone()), |p| (true, p));
        if entries.last() != Some(&entry) {
            entries.push(entry);
        }
    }
    entries
}

fn text() -> impl Strategy<Value = String> {
    let letters = prop::sample::select(vec!['a', 'b', '/', '/', '\u{0}', '\u{1}', ' ', 'é', '\u{ffff}', '\u{10ffff}']);
    prop::collection::vec(letters, 1..5).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_add_up_to_the_reference(
        keys in prop::collection::btree_set(text(), 0..60),
        prefix in prop_oneof![Just(String::new()), text()],
        delimiter in prop_oneof![Just(String::new()), Just("/".to_owned()), Just("//".to_owned()), text()],
        start in prop_oneof![Just(String::new()), text()],
        size in 1_usize..8,
    ) {
        let house = with_keys(keys.iter().map(String::as_str));
        let all = reference(&keys, &prefix, &delimiter);
        let fixed = format!("encoding-type=url&prefix={}&delimiter={}&max-keys={size}", encode(&prefix), encode(&delimiter));
        let entries_of = |page: &Reply| {
            let (keys, prefixes) = names(page);
            let mut entries: Vec<(bool, String)> = keys.into_iter().map(|k| (false, k)).chain(prefixes.into_iter().map(|p| (true, p))).collect();
            entries.sort_by(|a, b| a.1.cmp(&b.1));
            entries
        };

        // Version 2, by tokens.
        let mut seen = Vec::new();
        let mut token = String::new();
        loop {
            let page = house.ok(&get(format!("/bkt?list-type=2&{fixed}{token}")));
            let entries = entries_of(&page);
            prop_assert!(entries.len() <= size);
            seen.extend(entries);
            match page.one("NextContinuationToken") {
                Some(next) => token = format!("&continuation-token={next}"),
                None => break,
            }
        }
        prop_assert_eq!(&seen, &all);

        // Version 1, by markers.
        let mut seen = Vec::new();
        let mut marker = String::new();
        loop {
            let page = house.ok(&get(format!("/bkt?{fixed}&marker={}", encode(&marker))));
            let entries = entries_of(&page);
            seen.extend(entries.clone());
            if page.one("IsTruncated").as_deref() == Some("false") {
                break;
            }
            marker = entries.last().expect("a truncated page has an entry").1.clone();
        }
        prop_assert_eq!(&seen, &all);

        // From anywhere: what sorts behind, a prefix in which the start lies skipped whole.
        let page = house.ok(&get(format!("/bkt?list-type=2&{fixed}&start-after={}", encode(&start))));
        let skipped = reference(&BTreeSet::from([start.clone()]), &prefix, &delimiter).pop().filter(|e| e.0);
        let expect: Vec<_> = all
            .into_iter()
            .filter(|(_, name)| name > &start && skipped.as_ref().is_none_or(|(_, s)| name != s))
            .take(size)
            .collect();
        prop_assert_eq!(entries_of(&page), expect);
    }
}
