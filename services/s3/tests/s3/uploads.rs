//! Multipart uploads (`spec/s3.md` 7), as a caller sees them.

use crate::door::{Ask, House, delete, detail, get, head, post, put, run};

const MIB: usize = 1 << 20;
/// The smallest part but the last.
const PART: usize = 5 * MIB;

pub(crate) fn begin(house: &House, key: &str) -> String {
    house.ok(&post(format!("/bkt/{key}?uploads"))).one("UploadId").unwrap()
}

pub(crate) fn part(key: &str, id: &str, number: u32, body: impl Into<bytes::Bytes>) -> Ask {
    put(format!("/bkt/{key}?partNumber={number}&uploadId={id}")).body(body)
}

/// Puts a part; its entity tag without quotes.
pub(crate) fn put_part(house: &House, key: &str, id: &str, number: u32, body: impl Into<bytes::Bytes>) -> String {
    let reply = house.ok(&part(key, id, number, body));
    reply.header("etag").unwrap().trim_matches('"').to_owned()
}

pub(crate) fn complete(key: &str, id: &str, parts: &[(u32, &str)]) -> Ask {
    let parts: String = parts
        .iter()
        .map(|(n, etag)| format!("<Part><PartNumber>{n}</PartNumber><ETag>\"{etag}\"</ETag></Part>"))
        .collect();
    let document = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    post(format!("/bkt/{key}?uploadId={id}")).body(document)
}

#[test]
fn parts_become_an_object() {
    let house = House::with_bucket();
    let ask = post("/bkt/big?uploads").header("content-type", "text/x").header("x-amz-meta-a", "b");
    let id = house.ok(&ask.header("x-amz-tagging", "t=1")).one("UploadId").unwrap();
    // Out of order, and one of them twice: the last counts.
    let two = put_part(&house, "big", &id, 7, "the end");
    put_part(&house, "big", &id, 3, vec![1; 100]);
    let one = put_part(&house, "big", &id, 3, vec![2; PART]);
    assert_eq!(house.code(&get("/bkt/big")), (404, "NoSuchKey".into()), "not before it is completed");
    let begun = "Sat, 21 Nov 2026 10:00:00 GMT";
    house.clock.advance(std::time::Duration::from_secs(90));
    let reply = house.ok(&complete("big", &id, &[(3, &one), (7, &two)]));
    assert_eq!(reply.one("Key").as_deref(), Some("big"));
    // MD5 over both MD5s, computed apart from this program.
    let etag = reply.one("ETag").unwrap();
    assert!(etag.ends_with("-2\""), "{etag}");
    assert_eq!(reply.one("ChecksumType").as_deref(), Some("FULL_OBJECT"));
    let sum = reply.one("ChecksumCRC64NVME").expect("what S3 keeps if nothing is asked for");
    assert_eq!(reply.additional.as_deref(), Some(&*format!("{{\"objectSize\":{}}}", PART + 7)));

    let seen = house.ok(&get("/bkt/big").header("x-amz-checksum-mode", "ENABLED"));
    assert_eq!(seen.body.len(), PART + 7);
    assert!(seen.body[..PART].iter().all(|b| *b == 2) && &seen.body[PART..] == b"the end");
    assert_eq!(seen.header("etag"), Some(etag.as_str()));
    assert_eq!((seen.header("content-type"), seen.header("x-amz-meta-a")), (Some("text/x"), Some("b")));
    assert_eq!(seen.header("x-amz-tagging-count"), Some("1"));
    assert_eq!(seen.header("last-modified"), Some(begun));
    assert_eq!(seen.header("x-amz-checksum-crc64nvme"), Some(sum.as_str()));
    // The same bytes in one piece have the same CRC.
    house.ok(&put("/bkt/whole").body(seen.body.clone()));
    let whole = house.ok(&head("/bkt/whole").header("x-amz-checksum-mode", "ENABLED"));
    assert_eq!(whole.header("x-amz-checksum-crc64nvme"), Some(sum.as_str()));

    // Ranges across the border, and parts by their place.
    let range = |text: &str| house.ok(&get("/bkt/big").header("range", text));
    assert_eq!(&range(&format!("bytes={}-{}", PART - 2, PART + 1)).body[..], b"\x02\x02th");
    assert_eq!(range("bytes=-3").text(), "end");
    assert_eq!(range(&format!("bytes={PART}-")).text(), "the end");
    let second = house.ok(&get("/bkt/big?partNumber=2"));
    assert_eq!((second.status, second.text()), (206, "the end"));
    assert_eq!(second.header("x-amz-mp-parts-count"), Some("2"));
    assert_eq!(second.header("content-range"), Some(&*format!("bytes {PART}-{}/{}", PART + 6, PART + 7)));
    assert_eq!(house.ok(&head("/bkt/big?partNumber=1")).header("content-length"), Some(&*PART.to_string()));
    assert_eq!(house.code(&get("/bkt/big?partNumber=3")), (416, "InvalidPartNumber".into()));

    // The upload is no more; completing it once more says the same.
    assert_eq!(house.code(&part("big", &id, 1, "x")), (404, "NoSuchUpload".into()));
    assert_eq!(house.code(&delete(format!("/bkt/big?uploadId={id}"))), (404, "NoSuchUpload".into()));
    let again = house.ok(&complete("big", &id, &[(3, &one), (7, &two)]));
    assert_eq!(again.one("ETag"), Some(etag));
    assert_eq!(house.code(&complete("big", &id, &[(3, &one)])), (404, "NoSuchUpload".into()));

    house.ok(&delete("/bkt/big"));
    house.ok(&delete("/bkt/whole"));
    assert!(house.blobs.names().is_empty());
    assert_eq!((house.catalog.count("s3/part"), house.catalog.count("s3/body")), (0, 0));
}

#[test]
fn a_completion_is_held_to_its_parts() {
    let house = House::with_bucket();
    let id = begin(&house, "k");
    let one = put_part(&house, "k", &id, 1, "small");
    let two = put_part(&house, "k", &id, 2, "last");
    let fault = |parts: &[(u32, &str)]| house.fault(&complete("k", &id, parts));
    let small = fault(&[(1, &one), (2, &two)]);
    assert_eq!((small.code.as_ref(), detail(&small, "PartNumber")), ("EntityTooSmall", Some("1")));
    assert_eq!(detail(&small, "MinSizeAllowed"), Some("5242880"));
    let wrong = fault(&[(1, &two)]);
    assert_eq!((wrong.code.as_ref(), detail(&wrong, "PartNumber")), ("InvalidPart", Some("1")));
    assert!(wrong.message.contains("found.  The part"));
    assert_eq!(fault(&[(9, &one)]).code, "InvalidPart");
    assert_eq!(fault(&[(2, &two), (1, &one)]).code, "InvalidPartOrder");
    assert_eq!(fault(&[(1, &one), (1, &one)]).code, "InvalidPartOrder");
    assert_eq!(fault(&[]).message, "You must specify at least one part");
    assert_eq!(house.code(&post(format!("/bkt/k?uploadId={id}"))), (400, "MalformedXML".into()));
    let sized = complete("k", &id, &[(2, &two)]).header("x-amz-mp-object-size", "5");
    assert_eq!(
        house.fault(&sized).message,
        "The provided 'x-amz-mp-object-size' header value 5 does not match what was computed: 4"
    );
    for (target, code) in [
        ("/bkt/k?partNumber=0&uploadId=x", "InvalidArgument"),
        ("/bkt/k?partNumber=10001&uploadId=x", "InvalidArgument"),
        ("/bkt/k?partNumber=1", "InvalidArgument"),
        ("/bkt/k?uploadId=x", "InvalidArgument"),
        ("/bkt/k?partNumber=1&uploadId=x", "NoSuchUpload"),
    ] {
        assert_eq!(house.code(&put(target).body("x")).1, code, "{target}");
    }
    // Of another key or bucket it is no upload.
    assert_eq!(house.code(&part("other", &id, 1, "x")).1, "NoSuchUpload");
    assert_eq!(house.code(&complete("other", &id, &[(1, &one)])).1, "NoSuchUpload");
    // One part is enough, however small; those that are not named go.
    house.ok(&complete("k", &id, &[(2, &two)]));
    assert_eq!(house.ok(&get("/bkt/k")).text(), "last");
    assert_eq!((house.catalog.count("s3/part"), house.catalog.count("s3/body")), (1, 2));
}

#[test]
fn checksums_of_parts_are_those_that_were_asked_for() {
    let house = House::with_bucket();
    let begin = |headers: &[(&str, &str)]| {
        let ask = headers.iter().fold(post("/bkt/k?uploads"), |ask, (n, v)| ask.header(n, v));
        run(house.call(&ask)).map(|reply| reply.one("UploadId").unwrap())
    };
    let sha = ("x-amz-checksum-algorithm", "SHA256");
    let id = begin(&[sha]).unwrap();
    let none = house.fault(&part("k", &id, 1, "hello"));
    assert_eq!(
        none.message,
        "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: null"
    );
    let other = house.fault(&part("k", &id, 1, "hello").header("x-amz-checksum-crc32", "NhCmhg=="));
    assert!(other.message.ends_with("actual checksum Type: crc32"));
    let hello = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let reply = house.ok(&part("k", &id, 1, "hello").header("x-amz-checksum-sha256", hello));
    assert_eq!(reply.header("x-amz-checksum-sha256"), Some(hello));
    let etag = reply.header("etag").unwrap().trim_matches('"').to_owned();
    let missing = house.fault(&complete("k", &id, &[(1, &etag)]));
    assert!(missing.message.contains("It was missing for part 1"), "{}", missing.message);
    let document = |sum: &str| {
        format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag><ChecksumSHA256>{sum}\
             </ChecksumSHA256></Part></CompleteMultipartUpload>"
        )
    };
    let ask = |sum: &str| post(format!("/bkt/k?uploadId={id}")).body(document(sum));
    assert_eq!(house.fault(&ask("AAAA")).code, "InvalidPart");
    assert_eq!(house.fault(&ask(hello).header("x-amz-checksum-type", "FULL_OBJECT")).code, "InvalidRequest");
    let done = house.ok(&ask(hello));
    let composite = done.one("ChecksumSHA256").unwrap();
    assert!(composite.ends_with("=-1") && done.one("ChecksumType").as_deref() == Some("COMPOSITE"));
    let seen = house.ok(&head("/bkt/k").header("x-amz-checksum-mode", "ENABLED"));
    assert_eq!(seen.header("x-amz-checksum-sha256"), Some(composite.as_str()));
    assert_eq!(seen.header("x-amz-checksum-type"), Some("COMPOSITE"));
    let of_part = house.ok(&get("/bkt/k?partNumber=1").header("x-amz-checksum-mode", "ENABLED"));
    assert_eq!(of_part.header("x-amz-checksum-sha256"), Some(hello));

    // A CRC over all of it, which the caller may declare beforehand.
    let full = ("x-amz-checksum-type", "FULL_OBJECT");
    let id = begin(&[("x-amz-checksum-algorithm", "CRC32"), full]).unwrap();
    let reply = house.ok(&part("k", &id, 1, "hello").header("x-amz-checksum-crc32", "NhCmhg=="));
    let etag = reply.header("etag").unwrap().trim_matches('"').to_owned();
    let wrong = house.fault(&complete("k", &id, &[(1, &etag)]).header("x-amz-checksum-crc32", "AAAAAA=="));
    assert_eq!(wrong.message, "The crc32 you specified did not match the calculated checksum.");
    let done = house.ok(&complete("k", &id, &[(1, &etag)]).header("x-amz-checksum-crc32", "NhCmhg=="));
    assert_eq!(done.one("ChecksumCRC32").as_deref(), Some("NhCmhg=="));

    let message = |headers: &[(&str, &str)]| begin(headers).unwrap_err().message;
    assert!(message(&[full]).contains("can only be used with the x-amz-checksum-algorithm header"));
    assert!(message(&[sha, full]).contains("FULL_OBJECT checksum type cannot be used with the sha256"));
    assert!(message(&[("x-amz-checksum-algorithm", "MD4")]).contains("unsupported"));
    let nvme = ("x-amz-checksum-algorithm", "CRC64NVME");
    assert!(message(&[nvme, ("x-amz-checksum-type", "COMPOSITE")]).contains("crc64nvme"));
    // Nothing was asked for, so nothing can be claimed.
    let id = begin(&[]).unwrap();
    let etag = put_part(&house, "k", &id, 1, "hello");
    let claimed = house.fault(&complete("k", &id, &[(1, &etag)]).header("x-amz-checksum-type", "COMPOSITE"));
    assert!(claimed.message.contains("null checksum mode"));
}

#[test]
fn parts_and_uploads_are_listed() {
    let house = House::with_bucket();
    let id = begin(&house, "k");
    for number in [1, 2, 5, 9] {
        put_part(&house, "k", &id, number, format!("part {number}"));
    }
    let page = house.ok(&get(format!("/bkt/k?uploadId={id}&max-parts=2&part-number-marker=1")));
    assert_eq!(page.all("PartNumber"), ["2", "5"]);
    assert_eq!(page.all("Size"), ["6", "6"]);
    assert_eq!(
        (page.one("IsTruncated").as_deref(), page.one("NextPartNumberMarker").as_deref()),
        (Some("true"), Some("5"))
    );
    let last = house.ok(&get(format!("/bkt/k?uploadId={id}&part-number-marker=5")));
    assert_eq!((last.all("PartNumber"), last.one("IsTruncated")), (vec!["9".to_owned()], Some("false".to_owned())));
    assert_eq!(house.code(&get("/bkt/k?uploadId=none")).1, "NoSuchUpload");
    assert_eq!(house.code(&get(format!("/bkt/k?uploadId={id}&max-parts=-1"))).1, "InvalidArgument");

    for key in ["a/1", "a/2", "b", "b", "z z"] {
        house.clock.advance(std::time::Duration::from_millis(5));
        begin(&house, &key.replace(' ', "%20"));
    }
    let all = house.ok(&get("/bkt?uploads"));
    assert_eq!(all.all("Key"), ["a/1", "a/2", "b", "b", "k", "z z"]);
    let ids = all.all("UploadId");
    assert!(ids[2] < ids[3], "by the time they were begun");
    assert_eq!(all.one("NextKeyMarker").as_deref(), Some("z z"), "also at the end");
    let grouped = house.ok(&get("/bkt?uploads&delimiter=/&encoding-type=url"));
    assert_eq!(
        (grouped.all("Key"), grouped.all("Prefix").contains(&"a/".to_owned())),
        (vec!["b".into(), "b".into(), "k".into(), "z+z".into()], true)
    );
    // Page by page.
    let (mut seen, mut query) = (Vec::new(), String::new());
    loop {
        let page = house.ok(&get(format!("/bkt?uploads&max-uploads=1{query}")));
        seen.extend(page.all("Key"));
        if page.one("IsTruncated").as_deref() == Some("false") {
            break;
        }
        let (key, id) = (page.one("NextKeyMarker").unwrap(), page.one("NextUploadIdMarker").unwrap());
        query = format!("&key-marker={}&upload-id-marker={id}", key.replace(' ', "%20"));
    }
    assert_eq!(seen, ["a/1", "a/2", "b", "b", "k", "z z"]);
    assert_eq!(
        house.ok(&get("/bkt?uploads&key-marker=b")).all("Key"),
        ["k", "z z"],
        "a key alone skips all of its uploads"
    );
    assert_eq!(house.code(&get("/bkt?uploads&key-marker=b&upload-id-marker=x")).1, "InvalidArgument");
}

#[test]
fn conditions_of_a_completion() {
    let house = House::with_bucket();
    let ready = |key: &str| {
        let id = begin(&house, key);
        let etag = put_part(&house, key, &id, 1, "new");
        (id, etag)
    };
    let finish = |key: &str, (id, etag): &(String, String), header: (&str, &str)| {
        run(house.call(&complete(key, id, &[(1, etag)]).header(header.0, header.1))).map_err(|f| (f.status, f.code))
    };
    let absent = ("if-none-match", "*");
    let upload = ready("a");
    assert!(finish("a", &upload, absent).is_ok());
    let upload = ready("a");
    assert_eq!(finish("a", &upload, absent).unwrap_err().0, 412, "it was there before");
    let upload = ready("b");
    house.ok(&put("/bkt/b").body("meanwhile"));
    assert_eq!(finish("b", &upload, absent).unwrap_err(), (409, "ConditionalRequestConflict".into()));
    let etag = house.ok(&head("/bkt/b")).header("etag").unwrap().to_owned();
    assert_eq!(finish("b", &upload, ("if-match", &etag)).unwrap_err().0, 409, "even if it fits now");
    let upload = ready("b");
    assert!(finish("b", &upload, ("if-match", &etag)).is_ok());
    let upload = ready("c");
    assert_eq!(finish("c", &upload, ("if-match", "\"x\"")).unwrap_err(), (404, "NoSuchKey".into()));
    assert!(finish("c", &upload, absent).is_ok(), "what failed changed nothing");
}

#[test]
fn an_upload_goes_with_its_parts() {
    let house = House::with_bucket();
    let id = begin(&house, "k");
    put_part(&house, "k", &id, 1, vec![1; 10_000]);
    put_part(&house, "k", &id, 2, "small");
    assert_eq!(house.blobs.names().len(), 1);
    assert_eq!(house.ok(&delete(format!("/bkt/k?uploadId={id}"))).status, 204);
    assert!(house.blobs.names().is_empty());
    assert_eq!((house.catalog.count("s3/part"), house.catalog.count("s3/body")), (0, 0));
    assert_eq!(house.code(&delete(format!("/bkt/k?uploadId={id}"))).1, "NoSuchUpload");
    // An upload does not hold its bucket.
    let id = begin(&house, "k");
    put_part(&house, "k", &id, 1, vec![1; 10_000]);
    assert_eq!(house.ok(&delete("/bkt")).status, 204);
    assert!(house.blobs.names().is_empty());
    assert_eq!((house.catalog.count("s3/upload"), house.catalog.count("s3/part")), (0, 0));
    house.ok(&put("/bkt"));
    assert_eq!(house.code(&part("k", &id, 2, "x")).1, "NoSuchUpload", "of the bucket that was");
}

/// Completion and parts race: whoever is first, the object is made of what its caller named.
#[test]
fn a_part_that_comes_while_its_upload_is_completed() {
    for moment in 0..2 {
        let house = House::with_bucket();
        let id = begin(&house, "k");
        let etag = put_part(&house, "k", &id, 1, "first");
        let late = part("k", &id, [1, 2][moment], vec![9; 10_000]);
        let s3 = house.s3.clone();
        let interrupt = async move { crate::door::call(&s3, &late).await.map(|_| ()).unwrap() };
        *house.catalog.interruption.lock().unwrap() = Some(Box::pin(interrupt));
        let result = run(house.call(&complete("k", &id, &[(1, &etag)])));
        if moment == 0 {
            assert_eq!(result.unwrap_err().code, "InvalidPart", "the part is another now");
        } else {
            result.unwrap();
            assert_eq!(house.ok(&get("/bkt/k")).text(), "first");
            assert!(house.blobs.names().is_empty(), "the part that nobody named is gone");
        }
    }
}

/// A reader of many parts gets all of them, whatever happens to the key meanwhile; then they go.
#[test]
fn a_reader_keeps_the_parts_it_opened() {
    let house = House::with_bucket();
    let id = begin(&house, "k");
    let one = put_part(&house, "k", &id, 1, vec![1; PART]);
    let two = put_part(&house, "k", &id, 2, vec![2; 10_000]);
    house.ok(&complete("k", &id, &[(1, &one), (2, &two)]));
    run(async {
        let ask = get("/bkt/k");
        let mut announced = house.announce(&ask).await.ok().unwrap();
        let body = opentrail_wire::RequestBody::Whole(Default::default());
        let answer =
            opentrail_wire::Service::run(&*house.s3, &ask.cx(), &ask.head(), &mut announced, body).await.unwrap();
        house.call(&delete("/bkt/k")).await.unwrap();
        assert_eq!(house.blobs.names().len(), 2, "they wait for their reader");
        assert_eq!(house.s3.sweep().await.unwrap(), 0);
        let opentrail_wire::AnswerBody::Stream { mut bytes, length } = answer.body else { panic!("a stream") };
        let mut seen = 0;
        while let Some(piece) = futures::StreamExt::next(&mut bytes).await {
            seen += piece.unwrap().len();
        }
        assert_eq!((seen, length), (PART + 10_000, (PART + 10_000) as u64));
        drop(bytes);
    });
    assert_eq!(house.code(&get("/bkt/k")).1, "NoSuchKey");
    // Whatever is removed next takes them along.
    house.ok(&put("/bkt/l").body(vec![3; 10_000]));
    house.ok(&delete("/bkt/l"));
    assert!(house.blobs.names().is_empty());
}
