//! Copies (`spec/s3.md` 5).

use crate::door::{BOB, House, detail, get, head, post, put};
use crate::uploads::{begin, complete, put_part};

fn copy(target: &str, source: &str) -> crate::door::Ask {
    put(target).header("x-amz-copy-source", source)
}

#[test]
fn a_copy_has_the_bytes_and_what_was_said_of_them() {
    let house = House::with_bucket();
    house.ok(&put("/other"));
    for body in [b"small".to_vec(), vec![7; 20_000], vec![]] {
        let ask = put("/bkt/a%20b").body(body.clone()).header("content-type", "text/x").header("x-amz-meta-a", "1");
        house.ok(&ask.header("x-amz-tagging", "t=1").header("x-amz-checksum-algorithm", "CRC32"));
        let reply = house.ok(&copy("/other/c", "/bkt/a%20b"));
        let seen = house.ok(&get("/other/c"));
        assert_eq!((&seen.body[..], seen.header("etag").map(str::to_owned)), (&body[..], reply.one("ETag")));
        assert_eq!((seen.header("content-type"), seen.header("x-amz-meta-a")), (Some("text/x"), Some("1")));
        assert_eq!(seen.header("x-amz-tagging-count"), Some("1"));
        let replaced = copy("/other/d", "bkt/a%20b").header("x-amz-metadata-directive", "REPLACE");
        house.ok(&replaced.header("x-amz-meta-b", "2").header("x-amz-tagging-directive", "REPLACE"));
        let seen = house.ok(&head("/other/d"));
        assert_eq!((seen.header("x-amz-meta-a"), seen.header("x-amz-meta-b")), (None, Some("2")));
        assert_eq!(
            (seen.header("content-type"), seen.header("x-amz-tagging-count")),
            (Some("binary/octet-stream"), None)
        );
    }
    // Another checksum than the source's, over all of it.
    let reply = house.ok(&copy("/other/e", "bkt/a%20b").header("x-amz-checksum-algorithm", "SHA1"));
    assert_eq!(reply.one("ChecksumSHA1").as_deref(), Some("2jmj7l5rSw0yVb/vlWAYkK/YBwk="));
}

#[test]
fn what_cannot_be_copied() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body("x"));
    let check = |ask: crate::door::Ask, status: u16, code: &str| {
        assert_eq!(house.code(&ask), (status, code.to_owned()), "{}", ask.target);
    };
    check(copy("/bkt/k", "bkt/k"), 400, "InvalidRequest");
    check(copy("/bkt/k", "bkt/none"), 404, "NoSuchKey");
    check(copy("/bkt/k", "none/k"), 404, "NoSuchBucket");
    check(copy("/bkt/k", "bkt"), 400, "InvalidArgument");
    check(copy("/bkt/l", "bkt/k").header("x-amz-metadata-directive", "KEEP"), 400, "InvalidArgument");
    check(copy("/bkt/l", "bkt/k").header("if-match", "\"x\""), 404, "NoSuchKey");
    check(copy("/bkt/l", "bkt/k").header("x-amz-source-expected-bucket-owner", BOB), 403, "AccessDenied");
    let refused = house.fault(&copy("/bkt/l", "bkt/k").header("x-amz-copy-source-if-match", "\"x\""));
    assert_eq!((refused.status, detail(&refused, "Condition")), (412, Some("x-amz-copy-source-If-Match")));
    assert_eq!(house.code(&get("/bkt/l")).0, 404);
    // With a change it is a change.
    house.ok(&copy("/bkt/k", "bkt/k").header("x-amz-metadata-directive", "REPLACE").header("x-amz-meta-a", "1"));
    assert_eq!(house.ok(&get("/bkt/k")).header("x-amz-meta-a"), Some("1"));
    // Another account's objects are not there to be copied.
    house.ok(&put("/bobs").by(BOB));
    house.ok(&put("/bobs/k").by(BOB).body("secret"));
    check(copy("/bkt/l", "bobs/k"), 403, "AccessDenied");
}

#[test]
fn parts_can_be_copied() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/src").body("0123456789"));
    let id = begin(&house, "k");
    let target = |n: u32| format!("/bkt/k?partNumber={n}&uploadId={id}");
    let ranged = |text: &str| copy(&target(1), "bkt/src").header("x-amz-copy-source-range", text);
    let etag = house.ok(&ranged("bytes=2-5")).one("ETag").unwrap();
    assert_eq!(house.code(&ranged("bytes=5-")), (400, "InvalidArgument".into()));
    assert_eq!(house.code(&ranged("bytes=0-10")), (400, "InvalidArgument".into()));
    house.ok(&complete("k", &id, &[(1, etag.trim_matches('"'))]));
    assert_eq!(house.ok(&get("/bkt/k")).text(), "2345");
    // An object of several parts is copied into one piece, whose tag is the MD5 of its bytes.
    let id = begin(&house, "parts");
    let one = put_part(&house, "parts", &id, 1, vec![b'x'; 5 << 20]);
    let two = put_part(&house, "parts", &id, 2, "y");
    house.ok(&complete("parts", &id, &[(1, &one), (2, &two)]));
    let reply = house.ok(&copy("/bkt/piece", "bkt/parts"));
    assert!(!reply.one("ETag").unwrap().contains('-'));
    assert_eq!(house.ok(&get("/bkt/piece")).body, house.ok(&get("/bkt/parts")).body);
    // Onto the very object that is read.
    house.ok(&copy("/bkt/parts", "bkt/parts").header("x-amz-metadata-directive", "REPLACE"));
    assert_eq!(house.ok(&get("/bkt/parts")).body.len(), (5 << 20) + 1);
    assert_eq!(house.catalog.count("s3/part"), 1, "those of k");
}

#[test]
fn many_objects_are_deleted_at_once() {
    let house = House::with_bucket();
    for i in 0..30 {
        house.ok(&put(format!("/bkt/{i}")).body(vec![1; if i % 2 == 0 { 3 } else { 10_000 }]));
    }
    let ask = |document: &str| {
        use md5::Digest as _;
        let sum = md5::Md5::digest(document.as_bytes());
        let sum = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sum);
        post("/bkt?delete").body(document.to_owned()).header("content-md5", sum)
    };
    let objects: String = (0..29).map(|i| format!("<Object><Key>{i}</Key></Object>")).collect();
    let more = "<Object><Key>none</Key></Object><Object><Key>29</Key><VersionId>x</VersionId></Object>\
                <Object><Key>29</Key><ETag>\"x\"</ETag></Object>";
    let reply = house.ok(&ask(&format!("<Delete>{objects}{more}</Delete>")));
    assert_eq!(reply.all("Deleted").len(), 30);
    assert_eq!(reply.all("Code"), ["NoSuchVersion", "PreconditionFailed"]);
    assert_eq!(house.ok(&get("/bkt")).all("Key"), ["29"]);
    let quiet = house.ok(&ask("<Delete><Quiet>true</Quiet><Object><Key>29</Key></Object></Delete>"));
    assert!(quiet.all("Deleted").is_empty());
    assert!(house.ok(&get("/bkt")).all("Key").is_empty() && house.blobs.names().is_empty());
    let unprotected = post("/bkt?delete").body("<Delete><Object><Key>k</Key></Object></Delete>");
    assert_eq!(house.code(&unprotected), (400, "InvalidRequest".into()));
    assert_eq!(house.code(&ask("<Delete></Delete>")), (400, "MalformedXML".into()));
    assert_eq!(house.code(&ask("<Delete/>").header("x-amz-checksum-crc32", "AAAAAA==")), (400, "BadDigest".into()));
}
