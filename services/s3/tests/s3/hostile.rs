//! Keys and requests that mean harm, or might.

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use crate::door::{Ask, House, delete, detail, get, head, put, run};

fn target(key: &str) -> String {
    format!("/bkt/{}", utf8_percent_encode(key, NON_ALPHANUMERIC))
}

#[test]
fn hostile_keys_are_only_keys() {
    let keys = [
        "../../etc/passwd",
        "..",
        ".",
        "/",
        "//",
        "/leading",
        "trailing/",
        "a//b",
        "\0",
        "\n\r\t",
        "\u{1b}[31m",
        "a?b#c&d=e",
        "%2e%2e%2f",
        "100%",
        "+ +",
        "<Key>&\"'",
        "\u{fffe}",
        "\u{202e}gnp.exe",
        "é",
        "e\u{301}",
        "🦀",
        "~",
        "*",
        "\\..\\",
        "CON",
        "a:b",
    ];
    let house = House::with_bucket();
    for key in keys {
        for body in [key.as_bytes().to_vec(), key.as_bytes().repeat(5_000)] {
            house.ok(&put(target(key)).body(body.clone()));
            assert_eq!(house.ok(&get(target(key))).body, body, "{key:?}");
            assert_eq!(house.ok(&head(target(key))).status, 200);
        }
    }
    for blob in house.blobs.names() {
        let name = blob.as_str();
        assert!(name.starts_with("s3/") && name.bytes().all(|b| b.is_ascii_hexdigit() || b"s/".contains(&b)), "{name}");
    }
    let listed = house.ok(&get("/bkt?list-type=2&encoding-type=url"));
    assert_eq!(listed.all("Key").len(), keys.len());
    let plain = house.ok(&get("/bkt?list-type=2"));
    let is_clean = |b: &u8| *b >= 0x20 || matches!(b, b'\n' | b'\t');
    assert!(plain.body.iter().all(is_clean), "no control character stands in the document");
    assert!(plain.text().contains("<Key>&#x0;</Key>"), "{}", plain.text());
    assert!(plain.text().contains("<Key>&#x1b;[31m</Key>"));
    assert!(plain.text().contains("&lt;Key&gt;&amp;&quot;"));
    for key in keys {
        house.ok(&delete(target(key)));
    }
    assert!(house.blobs.names().is_empty());
    house.ok(&delete("/bkt"));
}

/// As it stands in the path, and as the record has it: as JSON, and in the ARN.
const ODD_BUCKETS: &[(&str, &str, &str)] = &[
    ("victim%3Fdelete", "victim?delete", "victim?delete"),
    ("victim%3fpolicy", "victim?policy", "victim?policy"),
    ("victim%3Facl=&x", "victim?acl=&x", "victim?acl=&x"),
    ("victim%23delete", "victim#delete", "victim#delete"),
    ("victim%26a", "victim&a", "victim&a"),
    ("victim%253Fdelete", "victim%3Fdelete", "victim%3Fdelete"),
    ("victim%252Fkey", "victim%2Fkey", "victim%2Fkey"),
    ("victim%25", "victim%", "victim%"),
    ("victim%5Ckey", "victim\\\\key", "victim\\key"),
    ("..", "..", ".."),
    ("%2e%2e", "..", ".."),
    ("%2E", ".", "."),
    ("victim..", "victim..", "victim.."),
    ("victim%00", "victim\\u0000", "victim\0"),
    ("%00victim", "\\u0000victim", "\0victim"),
    ("victim%20", "victim ", "victim "),
    ("%20victim", " victim", " victim"),
    ("vic%20tim", "vic tim", "vic tim"),
    ("victim+", "victim+", "victim+"),
    ("victim%0A", "victim\\n", "victim\n"),
    ("Victim", "Victim", "Victim"),
    ("%56ICTIM", "VICTIM", "VICTIM"),
    ("victim:80", "victim:80", "victim:80"),
    ("user@victim", "user@victim", "user@victim"),
    ("victi%C3%AD", "victií", "victií"),
];

/// The decider is asked about the name that was asked for, the record shows it, and no bucket or object of another name is touched.
#[test]
fn odd_bucket_names_are_only_names() {
    let house = House::new();
    house.ok(&put("/victim"));
    house.ok(&put("/victim/key").body("kept"));
    house.ok(&delete("/victim/key"));
    let rows = || ["s3/bucket", "s3/owned", "s3/live"].map(|kind| house.catalog.count(kind));
    let before = rows();
    assert_eq!(before, [1, 1, 1]);
    let untouched = |ask: &Ask| {
        assert_eq!(rows(), before, "{} {}", ask.method, ask.target);
        assert!(house.blobs.names().is_empty(), "{} {}", ask.method, ask.target);
        assert_eq!(house.ok(&get("/")).all("Name"), ["victim"], "{} {}", ask.method, ask.target);
    };
    for &(raw, json, name) in ODD_BUCKETS {
        for (ask, event_name) in [
            (put(format!("/{raw}")), "CreateBucket"),
            (put(format!("/{raw}/")), "CreateBucket"),
            (delete(format!("/{raw}")), "DeleteBucket"),
            (head(format!("/{raw}")), "HeadBucket"),
            (get(format!("/{raw}")), "ListObjects"),
            (get(format!("/{raw}?location")), "GetBucketLocation"),
            (put(format!("/{raw}/key")).body("x"), "PutObject"),
            (delete(format!("/{raw}/key")), "DeleteObject"),
        ] {
            let rejected = run(house.announce(&ask)).err().expect("no bucket can be called so");
            assert_eq!(
                (rejected.fault.status, rejected.fault.code.as_ref()),
                (400, "InvalidBucketName"),
                "{} {}",
                ask.method,
                ask.target
            );
            assert_eq!(detail(&rejected.fault, "BucketName"), Some(name));
            let known = rejected.known.expect("it is recorded");
            assert_eq!(known.event_name, event_name, "{}", ask.target);
            let arn = if matches!(event_name, "PutObject" | "DeleteObject") {
                format!("arn:aws:s3:::{name}/key")
            } else {
                format!("arn:aws:s3:::{name}")
            };
            assert_eq!(known.arns.iter().map(|a| a.as_str()).collect::<Vec<_>>(), [arn]);
            assert!(known.resources.is_empty() && known.owner.is_none(), "{}", ask.target);
            let parameters = String::from_utf8(known.request_parameters.unwrap().as_bytes().to_vec()).unwrap();
            assert!(parameters.contains(&format!("\"bucketName\":\"{json}\"")), "{}: {parameters}", ask.target);
            assert_eq!(house.code(&ask).1, "InvalidBucketName");
            untouched(&ask);
        }
    }
    for raw in ["victim%2Fkey", "victim%2fkey", "victim%2F", "%2Fvictim", "%2F", "victim%2F..%2Fother"] {
        for target in [format!("/{raw}"), format!("/{raw}/key"), format!("/{raw}?acl")] {
            for ask in [put(&target).body("x"), delete(&target), head(&target), get(&target)] {
                let rejected = run(house.announce(&ask)).err().expect("it is no path");
                assert_eq!((rejected.fault.status, rejected.fault.code.as_ref()), (400, "InvalidURI"), "{target}");
                assert!(rejected.known.is_none(), "it names nothing");
                untouched(&ask);
            }
        }
    }
}

#[test]
fn keys_have_their_length() {
    let house = House::with_bucket();
    let longest = "é".repeat(512);
    house.ok(&put(target(&longest)).body("x"));
    assert_eq!(house.ok(&get(target(&longest))).text(), "x");
    let longer = format!("{longest}a");
    for ask in [put(target(&longer)), get(target(&longer)), head(target(&longer)), delete(target(&longer))] {
        let fault = house.fault(&ask);
        assert_eq!(
            (fault.status, fault.code.as_ref(), fault.message.as_str()),
            (400, "KeyTooLongError", "Your key is too long")
        );
        assert_eq!((detail(&fault, "Size"), detail(&fault, "MaxSizeAllowed")), (Some("1025"), Some("1024")));
    }
}

#[test]
fn what_is_no_uri_is_refused() {
    let house = House::with_bucket();
    for bad in ["/bkt/%ff", "/bkt/%c3%28", "/bkt/a%zz", "/bkt/%"] {
        assert_eq!(house.code(&get(bad)), (400, "InvalidURI".into()), "{bad}");
    }
    assert_eq!(house.code(&get("/bkt?prefix=%ff")), (400, "InvalidURI".into()));
    let post = |target: &str| Ask::new(Method::POST, target);
    assert_eq!(house.code(&post("/bkt/k")), (405, "MethodNotAllowed".into()));
    assert_eq!(house.code(&Ask::new(Method::PATCH, "/bkt/k")), (405, "MethodNotAllowed".into()));
}

/// The signature's leftovers and odd headers do not reach the codec.
#[test]
fn odd_headers_do_no_harm() {
    let house = House::with_bucket();
    let odd = put("/bkt/k")
        .body("x")
        .header("range", b"bytes=\xff")
        .header("x-amz-date", "yesterday")
        .header("x-amz-decoded-content-length", "x")
        .header("content-type", "multipart/form-data; boundary=x")
        .header("transfer-encoding", "chunked")
        .header("expires", "x")
        .header("if-modified-since", "x")
        .header("x-amz-meta-ok", "=?UTF-8?B?Wm/Dqw==?=");
    house.ok(&odd);
    let seen = house.ok(&get("/bkt/k").header("range", b"\xff\xfe").header("x-amz-checksum-mode", "maybe"));
    assert_eq!((seen.status, seen.text()), (200, "x"));
    assert_eq!(seen.header("x-amz-meta-ok"), Some("=?UTF-8?B?Wm/Dqw==?="));
    assert_eq!(house.code(&put("/bkt/k").header("x-amz-meta-a", b"\xff")).1, "InvalidRequest");
    assert_eq!(house.code(&put("/bkt/k").header("content-type", b"\xff")).1, "InvalidArgument");
    let query = "X-Amz-Signature=0&X-Amz-Algorithm=x&Signature=1&AWSAccessKeyId=2&Expires=3";
    assert_eq!(house.ok(&get(format!("/bkt/k?{query}"))).text(), "x");
}

#[test]
fn a_deep_or_large_document_is_malformed() {
    let house = House::new();
    for body in [
        "<a>".repeat(300_000),
        format!("<CreateBucketConfiguration>{}", "<Tags>".repeat(100_000)),
        "\u{0}".repeat(1000),
    ] {
        assert_eq!(house.code(&put("/bkt").body(body)).1, "MalformedXML");
    }
    let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><CreateBucketConfiguration><LocationConstraint>&b;</LocationConstraint></CreateBucketConfiguration>";
    assert_eq!(house.code(&put("/bkt").body(bomb)).1, "MalformedXML");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes: an answer or a fault of the caller's, and the object that was there is still there.
    #[test]
    fn no_request_panics_or_is_ours_to_blame(
        method in prop::sample::select(vec![Method::GET, Method::PUT, Method::HEAD, Method::DELETE, Method::POST, Method::OPTIONS]),
        path in "/(bkt|other|B|)(/[a-z%/.\u{1}-\u{ff}]{0,12})?",
        query in "([a-z-]{1,12}=[a-z0-9%+]{0,6}&?){0,3}|list-type=2(&(max-keys|prefix|delimiter|continuation-token|start-after|encoding-type)=[a-z0-9%/-]{0,4}){0,3}|(versionId|partNumber|uploadId|location|acl)(=[0-9a-z]{0,3})?",
        headers in prop::collection::vec((prop::sample::select(vec![
            "range", "if-match", "if-none-match", "if-modified-since", "content-md5", "x-amz-checksum-crc32", "x-amz-trailer",
            "x-amz-meta-a", "x-amz-acl", "x-amz-storage-class", "x-amz-copy-source", "x-amz-expected-bucket-owner", "content-type",
        ]), "[ -~]{0,20}"), 0..4),
        body in prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 0..50)],
    ) {
        let house = House::with_bucket();
        house.ok(&put("/bkt/kept").body("kept"));
        let mut ask = Ask::new(method, format!("{path}?{query}")).body(Bytes::from(body));
        for (name, value) in headers {
            ask = ask.header(name, value.trim());
        }
        if let Err(fault) = run(house.call(&ask)) {
            prop_assert!((400..500).contains(&fault.status) || fault.status == 501, "{fault:?}");
        }
        prop_assert_eq!(&house.ok(&get("/bkt/kept")).body[..], b"kept");
    }
}
