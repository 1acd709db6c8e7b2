//! Calls about objects: each success and each error.

use http::{HeaderMap, HeaderValue};
use opentrail_wire::Fault;

use crate::door::{House, delete, detail, get, head, put};

/// Larger than what lives in the catalog.
fn large() -> Vec<u8> {
    (0..100_000_u32).map(|i| (i % 251) as u8).collect()
}

#[test]
fn an_object_from_birth_to_death() {
    let house = House::with_bucket();
    let made = house.ok(&put("/bkt/a/b.txt").body("hello").header("content-type", "text/plain"));
    assert_eq!(made.status, 200);
    assert_eq!(made.header("etag"), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(made.header("x-amz-server-side-encryption"), None, "nothing is encrypted, and nothing says so");
    assert_eq!(made.header("x-amz-checksum-crc64nvme"), Some("M3eFcAZSQlc="));
    assert_eq!(made.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(made.response_elements, None);
    assert_eq!(made.additional.as_deref(), Some("{\"objectSize\":5}"));

    let seen = house.ok(&get("/bkt/a/b.txt"));
    assert_eq!((seen.status, seen.text()), (200, "hello"));
    for (name, value) in [
        ("etag", "\"5d41402abc4b2a76b9719d911017c592\""),
        ("accept-ranges", "bytes"),
        ("last-modified", "Sat, 21 Nov 2026 10:00:00 GMT"),
        ("content-type", "text/plain"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    for absent in ["x-amz-checksum-crc64nvme", "x-amz-storage-class", "x-amz-version-id", "content-range"] {
        assert_eq!(seen.header(absent), None, "{absent}");
    }
    assert_eq!(seen.response_elements, None);

    let head_reply = house.ok(&head("/bkt/a/b.txt"));
    assert_eq!((head_reply.status, head_reply.body.len(), head_reply.header("content-length")), (200, 0, Some("5")));

    let gone = house.ok(&delete("/bkt/a/b.txt"));
    assert_eq!((gone.status, gone.headers.len()), (204, 0));
    assert_eq!(house.ok(&delete("/bkt/a/b.txt")).status, 204, "deleting nothing is no error");
    let fault = house.fault(&get("/bkt/a/b.txt"));
    assert_eq!((fault.status, fault.code.as_ref()), (404, "NoSuchKey"));
    assert_eq!((fault.message.as_str(), detail(&fault, "Key")), ("The specified key does not exist.", Some("a/b.txt")));
    assert_eq!(fault.headers, [("x-amz-bucket-region", "us-east-1".to_owned())]);
    assert_eq!(house.code(&head("/bkt/a/b.txt")), (404, "NoSuchKey".into()));
    assert_eq!(house.catalog.count("s3/object") + house.catalog.count("s3/body"), 0);
}

#[test]
fn bodies_of_every_size_come_back() {
    let house = House::with_bucket();
    for bytes in [0, 1, 4095, 4096, 4097, 8192, 100_000] {
        let body: Vec<u8> = large().into_iter().take(bytes).collect();
        house.ok(&put("/bkt/k").body(body.clone()));
        assert_eq!(house.ok(&get("/bkt/k")).body, body, "{bytes}");
        assert_eq!(house.blobs.names().len(), usize::from(bytes > 4096), "replaced blobs are swept: {bytes}");
        assert_eq!(house.catalog.count("s3/body"), usize::from(bytes > 0));
    }
    house.ok(&delete("/bkt/k"));
    assert!(house.blobs.names().is_empty());
    assert_eq!(house.catalog.count("s3/body"), 0);
    // Notes about blobs that are gone go with the next commit.
    house.ok(&put("/bkt/k"));
    assert_eq!(house.catalog.count("s3/garbage"), 0);
}

#[test]
fn what_was_given_with_an_object_comes_back() {
    let house = House::with_bucket();
    let ask = put("/bkt/k")
        .body("x")
        .header("cache-control", "max-age=5")
        .header("content-disposition", "attachment; filename=\"é.txt\"")
        .header("content-encoding", "gzip,aws-chunked")
        .header("content-language", "de")
        .header("expires", "some day")
        .header("x-amz-meta-Purpose", "Test")
        .header("x-amz-meta-empty", "")
        .header("x-amz-meta-twice", "a")
        .header("x-amz-meta-twice", "b")
        .header("x-amz-meta-name", "Zoë");
    house.ok(&ask);
    for seen in [house.ok(&get("/bkt/k")), house.ok(&head("/bkt/k"))] {
        assert_eq!(seen.header("cache-control"), Some("max-age=5"));
        assert_eq!(seen.headers["content-disposition"].as_bytes(), "attachment; filename=\"é.txt\"".as_bytes());
        assert_eq!(seen.header("content-encoding"), Some("gzip"));
        assert_eq!(seen.header("content-language"), Some("de"));
        assert_eq!(seen.header("expires"), Some("some day"));
        assert_eq!(seen.header("content-type"), Some("binary/octet-stream"));
        assert_eq!(seen.header("x-amz-meta-purpose"), Some("Test"));
        assert_eq!(seen.header("x-amz-meta-empty"), Some(""));
        assert_eq!(seen.header("x-amz-meta-twice"), Some("a,b"));
        assert_eq!(seen.header("x-amz-meta-name"), Some("=?UTF-8?B?Wm/Dqw==?="));
    }
    let query = "response-content-type=text/csv&response-cache-control=no-store&response-expires=never\
                 &response-content-disposition=inline&response-content-encoding=br&response-content-language=fr";
    for seen in [house.ok(&get(format!("/bkt/k?{query}"))), house.ok(&head(format!("/bkt/k?{query}")))] {
        assert_eq!(seen.header("content-type"), Some("text/csv"));
        assert_eq!(seen.header("cache-control"), Some("no-store"));
        assert_eq!(seen.header("expires"), Some("never"));
        assert_eq!(seen.header("content-disposition"), Some("inline"));
        assert_eq!(seen.header("content-encoding"), Some("br"));
        assert_eq!(seen.header("content-language"), Some("fr"));
    }
    assert_eq!(house.code(&get("/bkt/k?response-content-type=a%0ab")).1, "InvalidArgument");
}

#[test]
fn ranges_of_small_and_large_objects() {
    let house = House::with_bucket();
    for body in [b"0123456789".to_vec(), large()] {
        house.ok(&put("/bkt/k").body(body.clone()));
        let size = body.len();
        let seen = house.ok(&get("/bkt/k").header("range", "bytes=2-5").header("x-amz-checksum-mode", "ENABLED"));
        assert_eq!((seen.status, &seen.body[..]), (206, &body[2..6]));
        assert_eq!(seen.header("content-range"), Some(format!("bytes 2-5/{size}").as_str()));
        assert_eq!(seen.header("x-amz-checksum-crc64nvme"), None, "only over the whole");
        let seen = house.ok(&get("/bkt/k").header("range", "bytes=-3"));
        assert_eq!((seen.status, &seen.body[..]), (206, &body[size - 3..]));
        let seen = house.ok(&get("/bkt/k").header("range", "bytes=0-").header("x-amz-checksum-mode", "ENABLED"));
        assert_eq!((seen.status, &seen.body[..]), (206, &body[..]));
        assert!(seen.header("x-amz-checksum-crc64nvme").is_some());
        let seen = house.ok(&get("/bkt/k").header("range", "bytes=5-1"));
        assert_eq!((seen.status, &seen.body[..]), (200, &body[..]));
        let seen = house.ok(&head("/bkt/k").header("range", "bytes=2-5"));
        assert_eq!((seen.status, seen.header("content-length")), (206, Some("4")));
        let fault = house.fault(&get("/bkt/k").header("range", format!("bytes={size}-")));
        assert_eq!((fault.status, fault.code.as_ref()), (416, "InvalidRange"));
        assert_eq!(detail(&fault, "ActualObjectSize"), Some(size.to_string().as_str()));
        assert_eq!(house.ok(&get("/bkt/k?partNumber=1")).status, 206);
        assert_eq!(house.code(&get("/bkt/k?partNumber=2")), (416, "InvalidPartNumber".into()));
    }
}

#[test]
fn conditional_reads() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body("hello").header("content-type", "text/plain"));
    for method in [get::<&str>, head::<&str>] {
        let ask = || method("/bkt/k");
        let same = house.ok(&ask().header("if-none-match", "\"5d41402abc4b2a76b9719d911017c592\""));
        assert_eq!((same.status, same.body.len(), same.header("content-length")), (304, 0, None));
        assert_eq!(same.header("etag"), Some("\"5d41402abc4b2a76b9719d911017c592\""));
        assert_eq!(same.header("last-modified"), Some("Sat, 21 Nov 2026 10:00:00 GMT"));
        let fault = house.fault(&ask().header("if-match", "\"x\""));
        assert_eq!((fault.status, fault.code.as_ref()), (412, "PreconditionFailed"));
        assert_eq!(fault.message, "At least one of the pre-conditions you specified did not hold");
        assert_eq!(detail(&fault, "Condition"), Some("If-Match"));
        assert_eq!(house.ok(&ask().header("if-match", "5d41402abc4b2a76b9719d911017c592")).status, 200);
    }
    assert_eq!(house.code(&get("/bkt/none").header("if-match", "*")), (404, "NoSuchKey".into()));
}

#[test]
fn checksums_are_kept_and_shown_on_request() {
    let house = House::with_bucket();
    let shown = |name: &str| {
        let seen = house.ok(&get("/bkt/k").header("x-amz-checksum-mode", "ENABLED"));
        assert_eq!(seen.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
        seen.header(name).map(str::to_owned)
    };
    house.ok(&put("/bkt/k")
        .body("hello")
        .header("x-amz-checksum-crc32", "NhCmhg==")
        .header("x-amz-sdk-checksum-algorithm", "CRC32"));
    assert_eq!(shown("x-amz-checksum-crc32").as_deref(), Some("NhCmhg=="));
    assert_eq!(house.ok(&get("/bkt")).one("ChecksumAlgorithm").as_deref(), Some("CRC32"));

    // As the SDKs do it over TLS: the checksum follows the body.
    let mut trailing = put("/bkt/k")
        .body("hello")
        .header("x-amz-trailer", "x-amz-checksum-crc32c")
        .header("content-encoding", "aws-chunked");
    trailing.trailers =
        Some(HeaderMap::from_iter([("x-amz-checksum-crc32c".parse().unwrap(), HeaderValue::from_static("mnG7TA=="))]));
    let made = house.ok(&trailing);
    assert_eq!(made.header("x-amz-checksum-crc32c"), Some("mnG7TA=="));
    assert_eq!(shown("x-amz-checksum-crc32c").as_deref(), Some("mnG7TA=="));
    assert_eq!(house.ok(&head("/bkt/k")).header("content-encoding"), None);

    // A presigned URL carries headers in its query.
    let mut presigned = get("/bkt/k?x-amz-checksum-mode=ENABLED&X-Amz-Signature=0&X-Amz-Expires=9");
    presigned.presigned = true;
    assert_eq!(house.ok(&presigned).header("x-amz-checksum-crc32c"), Some("mnG7TA=="));
}

#[test]
fn a_body_that_is_not_as_declared_leaves_everything_as_it_was() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body("before"));
    let check = |ask: crate::door::Ask, code: &str| {
        for body in [b"small".to_vec(), large()] {
            assert_eq!(house.fault(&ask.clone().body(body)).code, code);
            assert_eq!(house.ok(&get("/bkt/k")).text(), "before");
            assert!(house.blobs.names().is_empty());
            assert_eq!(house.catalog.count("s3/body"), 1);
        }
    };
    check(put("/bkt/k").header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="), "BadDigest");
    check(put("/bkt/k").header("content-md5", "nonsense"), "InvalidDigest");
    check(put("/bkt/k").header("x-amz-checksum-sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="), "BadDigest");
    check(put("/bkt/k").header("x-amz-trailer", "x-amz-checksum-sha1"), "MalformedTrailerError");
    check(put("/bkt/k").header("x-amz-checksum-sha1", "AAAA"), "InvalidRequest");
    let mut cut = put("/bkt/k");
    cut.body_fault = Some(Fault::client("XAmzContentSHA256Mismatch", "the door's own words"));
    check(cut, "XAmzContentSHA256Mismatch");
    check(put("/bkt/k").header("x-amz-server-side-encryption", "aws:kms"), "NotImplemented");
    check(put("/bkt/k").header("if-none-match", "*"), "PreconditionFailed");
    check(put("/bkt/k").header("if-none-match", "\"x\""), "NotImplemented");
    check(put("/bkt/k").header("if-match", "\"x\""), "PreconditionFailed");
    check(put("/bkt/none").header("if-match", "\"x\""), "NoSuchKey");
    check(put("/bkt/k").header("x-amz-tagging", "a=1&a=2"), "InvalidArgument");
    check(put("/bkt/none").header("x-amz-acl", "public-read"), "AccessControlListNotSupported");
}

/// A reader holds what it opened, whatever happens to the key meanwhile.
#[test]
fn a_reader_keeps_the_object_it_opened() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body(large()));
    crate::door::run(async {
        let ask = get("/bkt/k");
        let mut announced = house.announce(&ask).await.ok().unwrap();
        let body = opentrail_wire::RequestBody::Whole(Default::default());
        let answer =
            opentrail_wire::Service::run(&*house.s3, &ask.cx(), &ask.head(), &mut announced, body).await.unwrap();
        house.call(&put("/bkt/k").body("new")).await.unwrap();
        let opentrail_wire::AnswerBody::Stream { mut bytes, length } = answer.body else { panic!("a stream") };
        let mut all = Vec::new();
        while let Some(piece) = futures::StreamExt::next(&mut bytes).await {
            all.extend_from_slice(&piece.unwrap());
        }
        assert_eq!((all.len() as u64, all), (length, large()));
    });
    assert_eq!(house.ok(&get("/bkt/k")).text(), "new");
}

/// Two processes over the same engines, writers of both mixed: every put succeeds, every read is of one whole object, and in the
/// end nothing is stored but what the last put left.
#[test]
fn many_writers_of_one_key_all_succeed() {
    let one = House::with_bucket();
    let two = one.restart(2);
    crate::door::run(async {
        let writes = (0..120_usize).map(|i| {
            let house = if i % 3 == 0 { &one } else { &two };
            async move {
                let body = vec![i as u8; if i % 2 == 0 { 10 } else { 10_000 }];
                house.call(&put("/bkt/k").body(body)).await.unwrap();
                match house.call(&get("/bkt/k")).await {
                    Ok(reply) => assert!(reply.body.iter().all(|b| *b == reply.body[0]), "a mixture"),
                    Err(fault) => assert_eq!(fault.code, "NoSuchKey"),
                }
                if i % 7 == 0 {
                    house.call(&delete("/bkt/k")).await.unwrap();
                }
            }
        });
        futures::future::join_all(writes).await;
    });
    one.ok(&put("/bkt/k").body("last"));
    assert_eq!(two.ok(&get("/bkt/k")).text(), "last");
    assert!(one.blobs.names().is_empty(), "{:?}", one.blobs.names());
    assert_eq!(one.catalog.count("s3/body"), 1);
}

/// Versions start over after a deletion: between reading a row and replacing it, another process deletes the object and puts
/// another one, whose row has the same version. Its body must not be forgotten.
#[test]
fn an_object_that_was_made_again_is_not_taken_for_the_old_one() {
    for (first, second) in [(10_000, 10_001), (10, 11), (10_000, 10), (10, 10_000)] {
        let one = House::with_bucket();
        one.ok(&put("/bkt/k").body(vec![1; first]));
        let two = one.restart(2);
        *one.catalog.interruption.lock().unwrap() = Some(Box::pin(async move {
            two.call(&delete("/bkt/k")).await.unwrap();
            two.call(&put("/bkt/k").body(vec![2; second])).await.unwrap();
        }));
        one.ok(&put("/bkt/k").body("last"));
        assert_eq!(one.ok(&get("/bkt/k")).text(), "last");
        assert_eq!((one.catalog.count("s3/body"), one.blobs.names().len()), (1, 0));
    }
}

#[test]
fn an_object_is_as_old_as_its_last_put() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body("x"));
    house.clock.advance(std::time::Duration::from_secs(61));
    let since = "Sat, 21 Nov 2026 10:00:00 GMT";
    assert_eq!(house.ok(&get("/bkt/k").header("if-modified-since", since)).status, 304);
    house.ok(&put("/bkt/k").body("x"));
    let seen = house.ok(&get("/bkt/k").header("if-modified-since", since));
    assert_eq!((seen.status, seen.header("last-modified")), (200, Some("Sat, 21 Nov 2026 10:01:01 GMT")));
    let fault = house.fault(&get("/bkt/k").header("if-unmodified-since", since));
    assert_eq!((fault.status, detail(&fault, "Condition")), (412, Some("If-Unmodified-Since")));
}

#[test]
fn operations_that_are_not_built_say_so() {
    let house = House::with_bucket();
    for (ask, operation) in [
        (put("/bkt?versioning"), "PutBucketVersioning"),
        (get("/bkt?lifecycle"), "GetBucketLifecycleConfiguration"),
        (put("/bkt?encryption"), "PutBucketEncryption"),
        (put("/bkt/k?retention"), "PutObjectRetention"),
        (get("/bkt/k?torrent"), "GetObjectTorrent"),
        (crate::door::Ask::new(http::Method::POST, "/bkt/k?restore"), "RestoreObject"),
    ] {
        let fault = house.fault(&ask);
        assert_eq!((fault.status, fault.code.as_ref()), (501, "NotImplemented"), "{operation}");
        assert!(fault.message.contains(operation), "{} names {operation}", fault.message);
    }
}

/// Of what is not honoured the message itself says the name: most clients show nothing else.
#[test]
fn headers_that_are_not_honoured_are_named() {
    let house = House::with_bucket();
    let named = |ask: crate::door::Ask, header: &str| {
        let fault = house.fault(&ask.header(header, "x"));
        assert_eq!((fault.status, detail(&fault, "Header")), (501, Some(header)));
        assert!(fault.message.contains(header), "{}", fault.message);
    };
    named(put("/bkt/k"), "x-amz-object-lock-mode");
    named(put("/bkt/k"), "x-amz-server-side-encryption-customer-key");
    named(put("/bkt/k").header("x-amz-copy-source", "bkt/x"), "x-amz-website-redirect-location");
    named(crate::door::post("/bkt/k?uploads"), "x-amz-server-side-encryption-aws-kms-key-id");
    named(put("/bkt/k?partNumber=1&uploadId=x"), "x-amz-server-side-encryption-customer-algorithm");
    named(delete("/bkt/k"), "x-amz-mfa");
}

/// Conditions are evaluated with the commit: of many writers that all want to be the first, one is.
#[test]
fn only_one_writer_is_the_first() {
    let house = House::with_bucket();
    let results = crate::door::run(async {
        let asks: Vec<_> = (0..20).map(|i| put("/bkt/k").header("if-none-match", "*").body(format!("{i}"))).collect();
        futures::future::join_all(asks.iter().map(|ask| house.call(ask))).await
    });
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    assert!(results.iter().all(|r| r.as_ref().err().is_none_or(|f| f.status == 412)));
    let etag = house.ok(&get("/bkt/k")).header("etag").unwrap().to_owned();
    house.ok(&put("/bkt/k").header("if-match", &etag).body("second"));
    assert_eq!(house.code(&put("/bkt/k").header("if-match", &etag).body("third")), (412, "PreconditionFailed".into()));
    assert_eq!(house.code(&delete("/bkt/k").header("if-match", &etag)), (412, "PreconditionFailed".into()));
    assert_eq!(house.ok(&get("/bkt/k")).text(), "second");
    house.ok(&delete("/bkt/k").header("if-match", "*"));
    assert_eq!(house.code(&delete("/bkt/k").header("if-match", "*")), (404, "NoSuchKey".into()));
}
