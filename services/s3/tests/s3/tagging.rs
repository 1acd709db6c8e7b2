//! Tags, ACLs, attributes and versions.

use crate::door::{House, delete, get, head, post, put};
use crate::uploads::{begin, complete, put_part};

fn document(tags: &[(&str, &str)]) -> String {
    let tags: String = tags.iter().map(|(k, v)| format!("<Tag><Key>{k}</Key><Value>{v}</Value></Tag>")).collect();
    format!("<Tagging><TagSet>{tags}</TagSet></Tagging>")
}

#[test]
fn tags_of_objects() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body(vec![1; 10_000]).header("x-amz-tagging", "a=1&b=2"));
    assert_eq!(house.ok(&get("/bkt/k?tagging")).all("Key"), ["a", "b"]);
    assert_eq!(house.ok(&head("/bkt/k")).header("x-amz-tagging-count"), Some("2"));
    let before = house.ok(&head("/bkt/k"));
    house.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(house.ok(&put("/bkt/k?tagging").body(document(&[("c", "3")]))).status, 200);
    assert_eq!(house.ok(&get("/bkt/k?tagging")).all("Value"), ["3"]);
    let after = house.ok(&head("/bkt/k"));
    for header in ["etag", "last-modified", "content-length"] {
        assert_eq!(after.header(header), before.header(header), "tags change no object");
    }
    assert_eq!(house.code(&put("/bkt/k?tagging").body(document(&[("aws:c", "3")]))), (400, "InvalidTag".into()));
    assert_eq!(house.ok(&delete("/bkt/k?tagging")).status, 204);
    assert!(house.ok(&get("/bkt/k?tagging")).all("Key").is_empty());
    assert_eq!(house.ok(&head("/bkt/k")).header("x-amz-tagging-count"), None);
    let missing = house.fault(&get("/bkt/none?tagging"));
    assert_eq!((missing.code.as_ref(), missing.details[0].1.as_str()), ("NoSuchKey", "bkt/none"));
    assert_eq!(house.code(&put("/bkt/none?tagging").body(document(&[]))), (404, "NoSuchKey".into()));
    // A new object has the tags that come with it.
    house.ok(&put("/bkt/k?tagging").body(document(&[("c", "3")])));
    house.ok(&put("/bkt/k").body("x"));
    assert!(house.ok(&get("/bkt/k?tagging")).all("Key").is_empty());
}

#[test]
fn tags_of_buckets() {
    let house = House::with_bucket();
    let none = house.fault(&get("/bkt?tagging"));
    assert_eq!((none.status, none.code.as_ref()), (404, "NoSuchTagSet"));
    assert_eq!(house.ok(&put("/bkt?tagging").body(document(&[("a", "1"), ("b", "")]))).status, 204);
    assert_eq!(house.ok(&get("/bkt?tagging")).all("Key"), ["a", "b"]);
    assert_eq!(house.ok(&delete("/bkt?tagging")).status, 204);
    assert_eq!(house.code(&get("/bkt?tagging")).0, 404);
    house.ok(&put("/bkt?tagging").body(document(&[("a", "1")])));
    house.ok(&delete("/bkt"));
    assert_eq!(house.catalog.count("s3/tags"), 0);
    let tags =
        "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>1</Value></Tag></Tags></CreateBucketConfiguration>";
    house.ok(&put("/bkt").body(tags));
    assert_eq!(house.ok(&get("/bkt?tagging")).all("Value"), ["1"]);
    house.ok(&put("/bkt"));
    assert_eq!(house.code(&put("/bkt").body(tags)), (409, "BucketAlreadyOwnedByYou".into()));
}

#[test]
fn everything_is_its_owners() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body("x"));
    let acl = house.ok(&get("/bkt?acl"));
    let id = acl.all("ID")[0].clone();
    assert_eq!(
        (id.len(), acl.all("ID"), acl.all("Permission")),
        (64, vec![id.clone(); 2], vec!["FULL_CONTROL".to_owned()])
    );
    assert_eq!(house.ok(&get("/bkt/k?acl")).body, acl.body);
    assert_eq!(house.code(&get("/bkt/none?acl")), (404, "NoSuchKey".into()));
    let owners = house.ok(&get("/bkt?ownershipControls"));
    assert_eq!(owners.one("ObjectOwnership").as_deref(), Some("BucketOwnerEnforced"));
    for target in ["/bkt?acl", "/bkt/k?acl"] {
        // What was read can be written, and changes nothing.
        house.ok(&put(target).body(acl.body.clone()));
        house.ok(&put(target).header("x-amz-acl", "bucket-owner-full-control"));
        let code = |ask: crate::door::Ask| house.code(&ask).1;
        for canned in ["private", "public-read", "authenticated-read"] {
            assert_eq!(code(put(target).header("x-amz-acl", canned)), "AccessControlListNotSupported");
        }
        assert_eq!(code(put(target).header("x-amz-grant-read", "id=1")), "AccessControlListNotSupported");
        assert_eq!(code(put(target).header("x-amz-acl", "everybody")), "InvalidArgument");
        let other = acl.text().replace(&id, &"0".repeat(64));
        assert_eq!(code(put(target).body(other)), "AccessControlListNotSupported");
        assert_eq!(code(put(target).body(acl.text().replace("FULL_CONTROL", "READ"))), "AccessControlListNotSupported");
        assert_eq!(code(put(target).body("<Other/>")), "MalformedACLError");
        assert_eq!(code(put(target)), "MissingSecurityHeader");
        let both = put(target).header("x-amz-acl", "bucket-owner-full-control").body(acl.body.clone());
        assert_eq!(code(both), "UnexpectedContent");
    }
    assert_eq!(house.code(&put("/bkt/none?acl").header("x-amz-acl", "bucket-owner-full-control")).1, "NoSuchKey");
}

#[test]
fn attributes_of_objects() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body("hello").header("x-amz-checksum-crc32", "NhCmhg=="));
    let ask = |target: &str, attributes: &str| get(target).header("x-amz-object-attributes", attributes);
    let all = "ETag,Checksum,ObjectParts,StorageClass,ObjectSize";
    let seen = house.ok(&ask("/bkt/k?attributes", all));
    assert_eq!(seen.one("ETag").as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(
        (seen.one("ChecksumCRC32").as_deref(), seen.one("ChecksumType").as_deref()),
        (Some("NhCmhg=="), Some("FULL_OBJECT"))
    );
    assert_eq!((seen.one("ObjectSize").as_deref(), seen.one("StorageClass").as_deref()), (Some("5"), Some("STANDARD")));
    assert_eq!(seen.one("PartsCount"), None);
    assert_eq!(seen.header("last-modified"), Some("Sat, 21 Nov 2026 10:00:00 GMT"));
    assert_eq!(house.ok(&ask("/bkt/k?attributes", "ObjectSize")).one("ETag"), None);
    assert_eq!(house.code(&ask("/bkt/k?attributes", "Size")).1, "InvalidArgument");
    assert_eq!(house.code(&get("/bkt/k?attributes")).1, "InvalidRequest");
    assert_eq!(house.code(&ask("/bkt/none?attributes", all)).1, "NoSuchKey");

    let id = house.ok(&post("/bkt/c?uploads").header("x-amz-checksum-algorithm", "CRC32")).one("UploadId").unwrap();
    let sized =
        put(format!("/bkt/c?partNumber=4&uploadId={id}")).body("hello").header("x-amz-checksum-crc32", "NhCmhg==");
    let etag = house.ok(&sized).header("etag").unwrap().to_owned();
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>4</PartNumber><ETag>{etag}</ETag>\
         <ChecksumCRC32>NhCmhg==</ChecksumCRC32></Part></CompleteMultipartUpload>"
    );
    house.ok(&post(format!("/bkt/c?uploadId={id}")).body(document));
    let seen = house.ok(&ask("/bkt/c?attributes", all));
    assert_eq!((seen.one("PartsCount").as_deref(), seen.one("PartNumber").as_deref()), (Some("1"), Some("1")));
    assert_eq!((seen.all("ChecksumType"), seen.all("Size")), (vec!["COMPOSITE".to_owned()], vec!["5".to_owned()]));
    assert!(seen.all("ChecksumCRC32").iter().all(|sum| !sum.contains('-')));
    let id = begin(&house, "f");
    let etag = put_part(&house, "f", &id, 1, "hello");
    house.ok(&complete("f", &id, &[(1, &etag)]));
    let seen = house.ok(&ask("/bkt/f?attributes", all));
    assert_eq!((seen.one("PartsCount").as_deref(), seen.one("PartNumber")), (Some("1"), None));
}

#[test]
fn the_only_version_is_null() {
    let house = House::with_bucket();
    let versioning = house.ok(&get("/bkt?versioning"));
    assert!(versioning.text().contains("<VersioningConfiguration") && versioning.one("Status").is_none());
    for key in ["a/1", "a/2", "b", "c"] {
        house.ok(&put(format!("/bkt/{key}")).body("x"));
    }
    let all = house.ok(&get("/bkt?versions"));
    assert_eq!(all.all("Key"), ["a/1", "a/2", "b", "c"]);
    assert_eq!((all.all("VersionId"), all.all("IsLatest")), (vec!["null".to_owned(); 4], vec!["true".to_owned(); 4]));
    let page = house.ok(&get("/bkt?versions&max-keys=2"));
    assert_eq!(
        (page.one("NextKeyMarker").as_deref(), page.one("NextVersionIdMarker").as_deref()),
        (Some("a/2"), Some("null"))
    );
    let next = house.ok(&get("/bkt?versions&max-keys=2&key-marker=a/2&version-id-marker=null"));
    assert_eq!(
        (next.all("Key"), next.one("IsTruncated")),
        (vec!["b".to_owned(), "c".to_owned()], Some("false".to_owned()))
    );
    let grouped = house.ok(&get("/bkt?versions&delimiter=/&max-keys=1"));
    assert_eq!((grouped.one("NextKeyMarker").as_deref(), grouped.one("NextVersionIdMarker")), (Some("a/"), None));
    assert_eq!(house.code(&get("/bkt?versions&version-id-marker=null")).1, "InvalidArgument");
    assert_eq!(house.code(&get("/bkt?versions&key-marker=a&version-id-marker=x")).1, "InvalidArgument");
    assert_eq!(house.ok(&get("/bkt/b?versionId=null")).text(), "x");
    house.ok(&delete("/bkt/b?versionId=null"));
    assert_eq!(house.code(&get("/bkt/b")).1, "NoSuchKey");
}
