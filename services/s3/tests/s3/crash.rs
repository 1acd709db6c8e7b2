//! Every write of a put or a deletion fails, landed and not landed; then an auditor looks at all that is stored, and after a
//! restart and a sweep there is nothing that nobody needs.

use crate::door::{House, delete, get, put, run};
use crate::engines::Fail;

const OLD: usize = 10_000;
const NEW: usize = 20_000;

/// After a sweep: as many blobs and marks as the objects need, and every object is whole.
fn audit(house: &House, story: &str) {
    let keys = house.ok(&get("/bkt")).all("Key");
    let mut large = 0;
    for key in &keys {
        let body = house.ok(&get(format!("/bkt/{key}"))).body;
        assert!([3, OLD, NEW].contains(&body.len()), "{story}: {key} has {} bytes", body.len());
        assert!(body.iter().all(|b| *b == body[0]), "{story}: {key} is a mixture");
        large += usize::from(body.len() > 4096);
    }
    assert_eq!(house.blobs.names().len(), large, "{story}: blobs {:?}", house.blobs.names());
    assert_eq!(house.catalog.count("s3/body"), keys.len(), "{story}: bodies");
    assert_eq!(house.catalog.count("s3/garbage"), 0, "{story}: notes");
}

fn put_of(bytes: usize) -> crate::door::Ask {
    put("/bkt/k").body(vec![bytes as u8; bytes])
}

#[test]
fn a_put_that_fails_is_there_whole_or_not_at_all() {
    for (old, new) in [(None, NEW), (Some(OLD), NEW), (Some(OLD), 3), (Some(3), NEW)] {
        for how in [Fail::Landed, Fail::NotLanded] {
            for in_blobs in [true, false] {
                for writes_away in 0..4 {
                    let story = format!("{old:?} → {new}, write {writes_away} of blobs={in_blobs} {how:?}");
                    let house = House::with_bucket();
                    if let Some(old) = old {
                        house.ok(&put_of(old));
                    }
                    let plan = if in_blobs { &house.blobs.plan } else { &house.catalog.plan };
                    plan.fail(writes_away, how);
                    let result = run(house.call(&put_of(new)));
                    let seen = run(house.call(&get("/bkt/k"))).map(|r| r.body.len());
                    match (&result, &seen) {
                        (Ok(_), Ok(bytes)) => assert_eq!(*bytes, new, "{story}: acknowledged"),
                        (Err(fault), Ok(bytes)) => {
                            assert_eq!((fault.status, fault.code.as_ref()), (500, "InternalError"), "{story}");
                            assert!(*bytes == new || Some(*bytes) == old, "{story}: {bytes}");
                        }
                        (Err(_), Err(missing)) => {
                            assert_eq!((old, missing.code.as_ref()), (None, "NoSuchKey"), "{story}");
                        }
                        (Ok(_), Err(missing)) => panic!("{story}: acknowledged and {missing}"),
                    }
                    // The plan may not have been used up.
                    let house = House::over(house.catalog.clone(), house.blobs.clone(), 2);
                    let _ = run(house.s3.sweep());
                    run(house.s3.sweep()).unwrap();
                    assert_eq!(run(house.call(&get("/bkt/k"))).map(|r| r.body.len()), seen, "{story}: after the sweep");
                    audit(&house, &story);
                }
            }
        }
    }
}

#[test]
fn a_deletion_that_fails_happened_or_not() {
    for how in [Fail::Landed, Fail::NotLanded] {
        for in_blobs in [true, false] {
            let house = House::with_bucket();
            house.ok(&put_of(OLD));
            let plan = if in_blobs { &house.blobs.plan } else { &house.catalog.plan };
            plan.fail(0, how);
            let result = run(house.call(&delete("/bkt/k")));
            let is_there = run(house.call(&get("/bkt/k"))).is_ok();
            assert!(result.is_err() || !is_there, "an acknowledged deletion happened");
            let house = house.restart(2);
            run(house.s3.sweep()).unwrap();
            audit(&house, &format!("deletion, blobs={in_blobs} {how:?}"));
        }
    }
}

#[test]
fn a_bucket_that_fails_to_be_made_or_deleted_is_whole() {
    for how in [Fail::Landed, Fail::NotLanded] {
        let house = House::new();
        // The very first write of a house is its bucket's.
        house.catalog.plan.fail(0, how);
        assert_eq!(house.code(&put("/bkt")), (500, "InternalError".into()));
        let rows = |house: &House| ["s3/bucket", "s3/live", "s3/owned"].map(|f| house.catalog.count(f));
        let expect = usize::from(how == Fail::Landed);
        assert_eq!(rows(&house), [expect; 3]);
        house.ok(&put("/bkt"));
        house.catalog.plan.fail(0, how);
        assert_eq!(house.code(&delete("/bkt")), (500, "InternalError".into()));
        assert_eq!(rows(&house), [1 - expect; 3]);
    }
}

/// A crash that no error shows: the process is gone between two steps.
#[test]
fn what_a_crash_left_is_swept_by_the_next_run() {
    let house = House::with_bucket();
    house.ok(&put_of(OLD));
    house.ok(&put("/bkt/other").body(vec![1; NEW]));
    // Staged, not committed: the commit never comes.
    house.catalog.plan.fail(0, Fail::NotLanded);
    house.fault(&put_of(NEW));
    // Committed, the replaced blob not removed.
    house.blobs.plan.fail(1, Fail::NotLanded);
    house.ok(&put_of(NEW));
    assert_eq!(house.blobs.names().len(), 4);

    let next = house.restart(2);
    assert_eq!(run(next.s3.sweep()).unwrap(), 2);
    audit(&next, "after a crash");
    assert_eq!(run(next.s3.sweep()).unwrap(), 0, "nothing is left");

    // A later run does not look at swept runs again, and finds what this one left of them.
    next.blobs.plan.fail(0, Fail::NotLanded);
    next.ok(&delete("/bkt/other"));
    let third = next.restart(3);
    assert_eq!(run(third.s3.sweep()).unwrap(), 1);
    audit(&third, "the third run");
}

#[test]
fn a_sweep_beside_calls_takes_nothing_that_is_used() {
    let house = House::with_bucket();
    for i in 0..20 {
        house.ok(&put(format!("/bkt/{i}")).body(vec![7; OLD]));
    }
    let next = house.restart(2);
    run(async {
        let writes = (0..20).map(|i| {
            let ask = put(format!("/bkt/{i}")).body(vec![8; NEW]);
            let next = &next;
            async move { next.call(&ask).await.unwrap() }
        });
        let (_, swept) = futures::future::join(futures::future::join_all(writes), next.s3.sweep()).await;
        swept.unwrap();
    });
    assert_eq!(next.ok(&get("/bkt")).all("Key").len(), 20);
    let third = next.restart(3);
    run(third.s3.sweep()).unwrap();
    audit(&third, "beside calls");
}

/// Damage is said, not served: a body that is gone is an error and not an empty object.
#[test]
fn a_lost_body_is_an_error() {
    let house = House::with_bucket();
    house.ok(&put_of(3));
    house.catalog.lose("s3/body");
    assert_eq!(house.code(&get("/bkt/k")), (500, "InternalError".into()));
}
