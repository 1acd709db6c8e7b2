//! Every write of every call about uploads fails, landed and not landed; after a restart and two sweeps an auditor looks at all
//! rows and blobs: nothing that is named is missing, and nothing is there that nobody names.

use std::collections::BTreeSet;

use crate::door::{Ask, House, delete, get, put, run};
use crate::engines::Fail;
use crate::uploads::{begin, complete, part, put_part};

const LARGE: usize = 10_000;

/// The texts behind `"name":"` in a record.
fn named(json: &str, name: &str) -> Vec<String> {
    let beginning = format!("\"{name}\":\"");
    let pieces = json.split(&beginning).skip(1);
    pieces.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

fn audit(house: &House, story: &str) {
    let (mut blobs, mut bodies, mut owners) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let objects = house.catalog.records("s3/object");
    for (_, json) in objects.iter().chain(&house.catalog.records("s3/part")) {
        blobs.extend(named(json, "blob"));
        for kind in ["blob", "row", "parts"] {
            bodies.extend(named(json, kind));
        }
    }
    for (_, json) in &objects {
        owners.extend(named(json, "parts"));
    }
    for (key, _) in house.catalog.records("s3/upload") {
        owners.insert(String::from_utf8(key.last().unwrap().clone()).unwrap());
    }
    for (key, _) in house.catalog.records("s3/part") {
        assert!(owners.contains(std::str::from_utf8(&key[0]).unwrap()), "{story}: parts of nothing");
    }
    let there: BTreeSet<String> = house.blobs.names().iter().map(|b| b.as_str().to_owned()).collect();
    assert_eq!(there, blobs, "{story}: blobs");
    let marks = house.catalog.records("s3/body");
    let marks: BTreeSet<String> =
        marks.iter().map(|(key, _)| String::from_utf8(key.last().unwrap().clone()).unwrap()).collect();
    assert_eq!(marks, bodies, "{story}: marks");
    assert_eq!(house.catalog.count("s3/garbage"), 0, "{story}: notes");
}

/// What a caller can see.
fn seen(house: &House) -> (Option<usize>, Vec<String>) {
    let object = run(house.call(&get("/bkt/k"))).ok().map(|reply| reply.body.len());
    let uploads = run(house.call(&get("/bkt?uploads"))).map(|reply| reply.all("UploadId")).unwrap_or_default();
    (object, uploads)
}

/// A house with an upload of two parts under way, over an object that was uploaded in parts too.
fn house() -> (House, String, [String; 2]) {
    let house = House::with_bucket();
    let id = begin(&house, "k");
    let etag = put_part(&house, "k", &id, 1, vec![1; LARGE]);
    house.ok(&complete("k", &id, &[(1, &etag)]));
    let id = begin(&house, "k");
    let etags = [put_part(&house, "k", &id, 1, vec![2; LARGE + 1]), put_part(&house, "k", &id, 2, vec![3; LARGE + 2])];
    (house, id, etags)
}

#[test]
fn calls_about_uploads_happen_or_do_not() {
    type Call = fn(&str, &[String; 2]) -> Ask;
    let calls: [(&str, Call); 8] = [
        ("begin", |_, _| crate::door::post("/bkt/k?uploads")),
        ("a new part", |id, _| part("k", id, 3, vec![4; LARGE])),
        ("a part again", |id, _| part("k", id, 1, vec![4; LARGE])),
        ("a small part again", |id, _| part("k", id, 1, "x")),
        ("complete, one part unnamed", |id, etags| complete("k", id, &[(2, &etags[1])])),
        ("abort", |id, _| delete(format!("/bkt/k?uploadId={id}"))),
        ("overwrite", |_, _| put("/bkt/k").body(vec![5; LARGE])),
        ("delete", |_, _| delete("/bkt/k")),
    ];
    for (name, call) in calls {
        for how in [Fail::Landed, Fail::NotLanded] {
            for in_blobs in [true, false] {
                for writes_away in 0..4 {
                    let story = format!("{name}, write {writes_away} of blobs={in_blobs} {how:?}");
                    let (house, id, etags) = house();
                    let before = seen(&house);
                    let plan = if in_blobs { &house.blobs.plan } else { &house.catalog.plan };
                    plan.fail(writes_away, how);
                    let result = run(house.call(&call(&id, &etags)));
                    if let Err(fault) = &result {
                        assert_eq!(fault.status, 500, "{story}: {fault}");
                    }
                    let after = seen(&house);
                    if result.is_ok() {
                        match name {
                            "begin" => assert_eq!(after.1.len(), 2, "{story}"),
                            "complete, one part unnamed" => assert_eq!(after, (Some(LARGE + 2), vec![]), "{story}"),
                            "abort" => assert_eq!(after, (before.0, vec![]), "{story}"),
                            "overwrite" | "delete" => assert_ne!(after.0, before.0.map(|n| n + 1), "{story}"),
                            _ => assert_eq!(after, before, "{story}"),
                        }
                    }
                    let next = house.restart_swept(2);
                    assert_eq!(seen(&next), after, "{story}: after the sweep");
                    audit(&next, &story);
                    // What is still going on can be brought to its end.
                    for left in seen(&next).1 {
                        next.ok(&delete(format!("/bkt/k?uploadId={left}")));
                    }
                    audit(&next.restart_swept(3), &story);
                }
            }
        }
    }
}

/// Whoever is told nothing asks again, and the answer is that of the first time.
#[test]
fn a_completion_that_is_unknown_can_be_asked_again() {
    for how in [Fail::Landed, Fail::NotLanded] {
        let (house, id, etags) = house();
        house.catalog.plan.fail(0, how);
        let ask = complete("k", &id, &[(2, &etags[1])]);
        assert_eq!(house.code(&ask).0, 500);
        let reply = house.ok(&ask);
        assert_eq!(reply.one("ETag"), Some(house.ok(&get("/bkt/k")).header("etag").unwrap().to_owned()));
        assert_eq!(seen(&house), (Some(LARGE + 2), vec![]));
        audit(&house.restart_swept(2), &format!("{how:?}"));
    }
}

#[test]
fn a_bucket_takes_its_uploads_along() {
    for how in [Fail::Landed, Fail::NotLanded] {
        for in_blobs in [true, false] {
            for writes_away in 0..5 {
                let story = format!("write {writes_away} of blobs={in_blobs} {how:?}");
                let (house, ..) = house();
                house.ok(&delete("/bkt/k"));
                let plan = if in_blobs { &house.blobs.plan } else { &house.catalog.plan };
                plan.fail(writes_away, how);
                let result = run(house.call(&delete("/bkt")));
                let is_there = run(house.call(&get("/bkt"))).is_ok();
                assert!(result.is_err() || !is_there, "{story}: acknowledged and there");
                let next = house.restart_swept(2);
                assert_eq!(run(next.call(&get("/bkt"))).is_ok(), is_there, "{story}");
                audit(&next, &story);
                assert_eq!(next.catalog.count("s3/upload"), usize::from(is_there), "{story}: uploads");
            }
        }
    }
}
