//! Every way to tamper with what was delivered, and what is then said.

use proptest::prelude::*;

use super::bucket::{BUCKET, Bucket, REGIONS, signing_key};
use crate::verify::{LinkFault, Object, Weight, What};
use crate::{Document, gunzip, gzip};

const HERE: &str = REGIONS[0];

/// Tampers with a chain of ten, and compares what is found.
fn check(tamper: impl FnOnce(&mut Bucket), expect: &[&str]) {
    let mut bucket = Bucket::with_hours(10);
    tamper(&mut bucket);
    assert_eq!(bucket.found(), expect);
}

fn object<'b>(bucket: &'b mut Bucket, key: &str) -> &'b mut Object {
    bucket.objects.get_mut(key).expect("it is there")
}

fn rewrite(bucket: &mut Bucket, key: &str, change: impl FnOnce(String) -> String) {
    let object = object(bucket, key);
    let json = String::from_utf8(gunzip(&object.bytes, 1 << 20).expect("one member")).expect("text");
    object.bytes = gzip(change(json).as_bytes()).into();
}

#[test]
fn log_files() {
    let log = Bucket::log_key(HERE, 5, 1);
    check(|b| b.change_log(5, 1), &["changed log 5.1"]);
    check(|b| drop(b.objects.remove(&log)), &["missing log 5.1"]);
    check(
        |b| {
            let moved = b.objects.remove(&log).expect("it was there");
            b.objects.insert(log.replace("0000000500000001", "0000000500000009"), moved);
        },
        &["missing log 5.1", "unlisted log 5.9"],
    );
    let with = |bytes: &'static [u8]| {
        let log = log.clone();
        move |b: &mut Bucket| {
            let object = object(b, &log);
            object.bytes = [&object.bytes[..], bytes].concat().into();
        }
    };
    check(with(b"\0\0"), &["trailing-data log 5.1"]);
    check(with(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), &["second-gzip-member log 5.1"]);
    check(|b| object(b, &log).bytes.truncate(30), &["truncated log 5.1"]);
    check(|b| object(b, &log).bytes = b"{\"Records\":[]}".as_slice().into(), &["bad-gzip log 5.1"]);
    check(|b| object(b, &log).bytes = gzip(&vec![b' '; (1 << 30) + 1]).into(), &["too-large log 5.1"]);
}

#[test]
fn log_files_that_nobody_delivered() {
    let plant = |n: u32, i: u32| {
        move |b: &mut Bucket| {
            let object = object(b, &Bucket::log_key(HERE, 5, 0)).clone();
            b.objects.insert(Bucket::log_key(HERE, n, i), object);
        }
    };
    check(plant(5, 4), &["unlisted log 5.4"]);
    let folder = "trails/AWSLogs/111122223333/CloudTrail/eu-west-1/";
    // The first digest covers its hour in name only, and after the last one nothing is covered yet.
    check(plant(1, 0), &[&format!("uncovered {folder}")]);
    check(plant(11, 2), &[&format!("uncovered {folder}")]);
    check(
        |b| {
            drop(
                b.objects.insert(
                    format!("{folder}2026/01/01/notes.txt"),
                    Object { bytes: Default::default(), metadata: None },
                ),
            )
        },
        &[&format!("strange-name {folder}2026/01/01/notes.txt")],
    );
    // Without a time that the source vouches for, files of the last minutes may still be on their way into a digest.
    let late = |b: &mut Bucket| {
        b.forget_metadata();
        plant(10, 5)(b);
    };
    check(late, &["no-signature-in-copy digest 10", &format!("uncovered {folder}"), "no-signature-in-copy digest 10"]);
}

#[test]
fn digests() {
    let digest = Bucket::digest(HERE, 5);
    check(|b| b.remove_digest(5), &["missing digest 5", "uncovered trails/AWSLogs/111122223333/CloudTrail/eu-west-1/"]);
    check(
        |b| rewrite(b, &digest, |json| json.replace("hashValue\":\"", "hashValue\":\"0")),
        &[
            "bad-signature digest 5",
            "broken-link digest 5",
            "uncovered trails/AWSLogs/111122223333/CloudTrail/eu-west-1/",
        ],
    );
}

/// What is said about the fifth digest, if only it was tampered with.
fn of_fifth(tamper: impl FnOnce(&mut Bucket)) -> Vec<What> {
    let mut bucket = Bucket::with_hours(10);
    tamper(&mut bucket);
    let reports = bucket.verify();
    let key = Bucket::digest(HERE, 5);
    let found = reports.iter().flat_map(|r| &r.findings).filter(|f| f.what.weight() > Weight::Note);
    found
        .map(|finding| {
            assert_eq!(finding.key, key);
            finding.what.clone()
        })
        .collect()
}

#[test]
fn a_digest_stands_where_it_was_put_as_it_was_put() {
    let key = Bucket::digest(HERE, 5);
    let other = Bucket::digest(HERE, 4);
    let moved = |bucket: &str, key: &str| What::Moved { bucket: bucket.into(), key: key.into() };
    let copy = |b: &mut Bucket| {
        let object = object(b, &other).clone();
        b.objects.insert(key.clone(), object);
    };
    assert_eq!(of_fifth(copy), [moved(BUCKET, &other)]);
    let bucket = |b: &mut Bucket| {
        rewrite(b, &key, |json| json.replace("\"digestS3Bucket\":\"logs\"", "\"digestS3Bucket\":\"x\""))
    };
    assert_eq!(of_fifth(bucket), [moved("x", &key)]);
    let link = What::BrokenLink(LinkFault::Hash);
    let blank = |b: &mut Bucket| rewrite(b, &key, |json| format!(" {json}"));
    assert_eq!(of_fifth(blank), [What::BadSignature, link.clone()]);
    let gone = |b: &mut Bucket| object(b, &key).metadata = Some(Default::default());
    assert_eq!(of_fifth(gone), [What::Unsigned]);
    let other_algorithm = |b: &mut Bucket| {
        let metadata = object(b, &key).metadata.as_mut().expect("metadata");
        metadata.insert("signature-algorithm".into(), "none".into());
    };
    assert_eq!(of_fifth(other_algorithm), [What::Unsigned]);
    let other_signature = |b: &mut Bucket| {
        let of_other = object(b, &other).metadata.clone();
        object(b, &key).metadata = of_other;
    };
    assert_eq!(of_fifth(other_signature), [What::BadSignature, What::BrokenLink(LinkFault::Signature)]);
    let unknown = |b: &mut Bucket| {
        let own = signing_key().public().fingerprint();
        rewrite(b, &key, |json| json.replace(own, &own.replace(&own[..1], "0")));
    };
    assert!(matches!(&of_fifth(unknown)[..], [What::UnknownKey(_), What::BrokenLink(LinkFault::Hash)]));
    for (bytes, expect) in [(&b"{}"[..], "not-a-digest"), (b"\0", "not-a-digest")] {
        let found = of_fifth(|b| object(b, &key).bytes = gzip(bytes).into());
        assert_eq!(found.iter().map(What::code).collect::<Vec<_>>(), [expect]);
    }
    assert_eq!(
        of_fifth(|b| object(b, &key).bytes.truncate(9)).iter().map(What::code).collect::<Vec<_>>(),
        ["truncated"]
    );
}

/// `aws cloudtrail validate-logs` names the first of several deleted digests alone
/// (<https://github.com/aws/aws-cli/issues/7054>).
#[test]
fn every_deleted_digest_is_named() {
    let uncovered = "uncovered trails/AWSLogs/111122223333/CloudTrail/eu-west-1/";
    check(
        |b| (4..=7).for_each(|n| b.remove_digest(n)),
        &["missing digest 7", "missing-too digest 6", "missing-too digest 5", "missing-too digest 4", uncovered],
    );
    check(|b| b.remove_digest(2), &["missing digest 2", uncovered]);
    // Nobody knows how far it went back, unless asked about a time.
    check(|b| (1..=4).for_each(|n| b.remove_digest(n)), &["missing digest 4", uncovered]);
    check(
        |b| {
            (1..=4).for_each(|n| b.remove_digest(n));
            b.scope.from = Some(Bucket::end(1));
        },
        &["missing digest 4", "missing-too digest 3", "missing-too digest 2", uncovered],
    );
    // One that cannot be read tells nothing about the one before it.
    check(
        |b| {
            object(b, &Bucket::digest(HERE, 6)).bytes.truncate(12);
            b.remove_digest(5);
        },
        &["truncated digest 6", "missing-too digest 5", uncovered],
    );
}

#[test]
fn a_long_hole_is_counted() {
    let mut bucket = Bucket::empty();
    bucket.chain(HERE, 1, 3);
    bucket.chain(HERE, 15_000, 15_003);
    bucket.remove_digest(15_000);
    let report = &bucket.verify()[0];
    assert_eq!(report.chains[0].digests.invalid, 15_000 - 3);
    assert_eq!(report.findings.len() as u64 + report.findings_beyond(), report.found.iter().sum::<u64>());
    assert!(report.findings_beyond() > 0);
}

#[test]
fn chains_that_begin_anew_leave_a_gap() {
    let mut bucket = Bucket::empty();
    bucket.chain(HERE, 1, 4);
    bucket.chain(HERE, 10, 12);
    assert_eq!(bucket.found(), ["gap digest 10"]);
    let report = &bucket.verify()[0];
    assert_eq!((report.chains[0].gaps, report.chains[0].digests.valid), (1, 7));
    assert_eq!(report.findings[0].what, What::Gap { from: Bucket::end(4), until: Bucket::end(9) });
}

#[test]
fn a_digest_of_another_chain_is_a_stray() {
    let mut bucket = Bucket::with_hours(10);
    let mut other = Bucket::empty();
    other.chain(HERE, 5, 6);
    // Signed with the right key, at a moment that is none of the chain's.
    let key = Bucket::digest(HERE, 5).replace("T202923Z", "T204500Z");
    let planted = other.objects[&Bucket::digest(HERE, 5)].clone();
    bucket.objects.insert(key, planted);
    assert_eq!(bucket.found(), ["stray-digest digest 2026-01-01T20:45:00Z"]);
}

#[test]
fn what_the_key_holder_forged_still_breaks_the_chain() {
    let mut bucket = Bucket::with_hours(10);
    let mut other = Bucket::empty();
    other.chain(HERE, 5, 6);
    // Signed with the right key, and not what the sixth digest names.
    let key = Bucket::digest(HERE, 5);
    bucket.objects.insert(key.clone(), other.objects[&key].clone());
    let found: Vec<_> = bucket.found().into_iter().filter(|what| !what.starts_with("unc")).collect();
    assert_eq!(found, ["broken-link digest 5", "broken-link digest 5", "gap digest 5"]);
    let document =
        |b: &Bucket| Document::parse(&gunzip(&b.objects[&key].bytes, 1 << 20).expect("gzip")).expect("a digest");
    assert!(document(&bucket).is_first());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is flipped, either it shows, or the bytes inside are the same (as with the time in gzip's own head).
    #[test]
    fn no_flip_goes_unseen(file: prop::sample::Index, at: prop::sample::Index, bit in 0..8) {
        let mut bucket = Bucket::with_hours(3);
        let keys: Vec<_> = bucket.objects.keys().cloned().collect();
        let object = object(&mut bucket, file.get::<String>(&keys));
        let before = gunzip(&object.bytes, 1 << 20).expect("gzip");
        let mut bytes = object.bytes.to_vec();
        *at.get_mut(&mut bytes) ^= 1u8 << bit;
        let after = gunzip(&bytes, 1 << 20);
        object.bytes = bytes.into();
        let problems: u64 = bucket.verify().iter().map(|report| report.found[Weight::Problem as usize]).sum();
        prop_assert_eq!(problems == 0, after == Ok(before));
    }

    /// Names and bytes of strangers do no harm.
    #[test]
    fn nothing_makes_it_panic(keys in prop::collection::vec("(trails/)?AWSLogs/(o-x/)?111122223333/CloudTrail(-Digest)?/eu-west-1/[ -~]{0,90}", 0..9), bytes: Vec<u8>, hour in 1u32..4) {
        let mut bucket = Bucket::with_hours(3);
        for key in keys {
            bucket.objects.insert(key, Object { bytes: bytes.clone().into(), metadata: None });
        }
        bucket.objects.insert(Bucket::digest(HERE, hour), Object { bytes: gzip(&bytes).into(), metadata: Some(Default::default()) });
        let expect = format!("not-a-digest digest {hour}");
        prop_assert!(bucket.found().contains(&expect));
    }
}
