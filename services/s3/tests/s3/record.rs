//! What the record of a call is made of (`spec/s3.md` 16).

use opentrail_event::{Category, Owner, RecordResource};
use opentrail_wire::{Announced, BodyRule, Service};

use crate::door::{ALICE, Ask, BOB, House, delete, get, head, post, put, run};

fn shown(resources: &[RecordResource]) -> Vec<String> {
    let owner = |owner: &Owner| match owner {
        Owner::Account(account) => format!("{account} "),
        Owner::Hidden => "hidden ".to_owned(),
        Owner::Absent => String::new(),
    };
    resources
        .iter()
        .map(|r| format!("{}{} {}{}", owner(&r.owner), r.kind, r.arn, if r.prefix { "*" } else { "" }))
        .collect()
}

fn announced(house: &House, ask: &Ask) -> Announced {
    match run(house.announce(ask)) {
        Ok(announced) => announced,
        Err(rejected) => *rejected.known.expect("the call is known"),
    }
}

#[test]
fn calls_are_announced_as_records_name_them() {
    let house = House::with_bucket();
    let check = |ask: Ask, name: &str, action: &str, arn: &str, category: Category, read_only: bool| {
        let seen = announced(&house, &ask);
        assert_eq!(
            (seen.event_name.as_str(), seen.action.as_str(), seen.class.category, seen.class.read_only),
            (name, action, category, read_only),
            "{}",
            seen.operation
        );
        assert_eq!(seen.arns[0].as_str(), arn, "{name}");
        assert!(!seen.open && !seen.class.mints_credentials);
    };
    let (management, data) = (Category::Management, Category::Data);
    check(get("/"), "ListBuckets", "s3:ListAllMyBuckets", "arn:aws:s3:::*", management, true);
    check(put("/new"), "CreateBucket", "s3:CreateBucket", "arn:aws:s3:::new", management, false);
    check(delete("/bkt"), "DeleteBucket", "s3:DeleteBucket", "arn:aws:s3:::bkt", management, false);
    check(get("/bkt?location"), "GetBucketLocation", "s3:GetBucketLocation", "arn:aws:s3:::bkt", management, true);
    check(head("/bkt"), "HeadBucket", "s3:ListBucket", "arn:aws:s3:::bkt", data, true);
    check(get("/bkt"), "ListObjects", "s3:ListBucket", "arn:aws:s3:::bkt", data, true);
    check(get("/bkt?list-type=2"), "ListObjects", "s3:ListBucket", "arn:aws:s3:::bkt", data, true);
    check(put("/bkt/a/b"), "PutObject", "s3:PutObject", "arn:aws:s3:::bkt/a/b", data, false);
    check(get("/bkt/a/b"), "GetObject", "s3:GetObject", "arn:aws:s3:::bkt/a/b", data, true);
    check(head("/bkt/a/b"), "HeadObject", "s3:GetObject", "arn:aws:s3:::bkt/a/b", data, true);
    check(delete("/bkt/a/b"), "DeleteObject", "s3:DeleteObject", "arn:aws:s3:::bkt/a/b", data, false);
}

#[test]
fn resources_stand_in_their_order() {
    let house = House::with_bucket();
    let check =
        |ask: Ask, expect: &[&str]| assert_eq!(shown(&announced(&house, &ask).resources), expect, "{}", ask.target);
    let bucket = "111111111111 AWS::S3::Bucket arn:aws:s3:::bkt";
    check(get("/"), &[]);
    check(get("/none"), &[]);
    check(put("/new"), &["111111111111 AWS::S3::Bucket arn:aws:s3:::new"]);
    check(delete("/bkt"), &[bucket]);
    check(put("/bkt/k"), &[bucket, "AWS::S3::Object arn:aws:s3:::bkt/k"]);
    check(head("/bkt"), &[bucket, "AWS::S3::Object arn:aws:s3:::bkt/*"]);
    check(get("/bkt?list-type=2&prefix=data%2F"), &[bucket, "AWS::S3::Object arn:aws:s3:::bkt/data/*"]);
    check(get("/bkt"), &[bucket, "AWS::S3::Object arn:aws:s3:::bkt/*"]);
    let hidden = "hidden AWS::S3::Bucket arn:aws:s3:::bkt";
    check(get("/bkt/k").by(BOB), &[hidden, "AWS::S3::Object arn:aws:s3:::bkt/k"]);
    check(get("/bkt?versioning").by(BOB), &[hidden]);
}

#[test]
fn refusals_before_the_run_are_known() {
    let house = House::with_bucket();
    let rejected = run(house.announce(&get("/none/k"))).err().unwrap();
    assert_eq!(rejected.fault.code, "NoSuchBucket");
    let known = rejected.known.unwrap();
    assert_eq!((known.event_name.as_str(), known.resources.len(), known.owner), ("GetObject", 0, None));
    let parameters = String::from_utf8(known.request_parameters.unwrap().as_bytes().to_vec()).unwrap();
    assert!(parameters.contains("\"bucketName\":\"none\"") && parameters.contains("\"key\":\"k\""), "{parameters}");
    let rejected = run(house.announce(&get("/bkt/%ff"))).err().unwrap();
    assert!(rejected.known.is_none(), "what is no call is only counted");
    let rejected = run(house.announce(&head("/bkt").at("eu-west-1"))).err().unwrap();
    assert_eq!(shown(&rejected.known.unwrap().resources)[0], "111111111111 AWS::S3::Bucket arn:aws:s3:::bkt");
}

/// Where the decider lets somebody into another's bucket, the record is as for one's own, and the owner gets a copy.
#[test]
fn a_call_about_anothers_bucket_is_copied_to_its_owner() {
    let house = House::with_bucket();
    let run_as_bob = |ask: Ask| {
        run(async {
            let ask = ask.by(BOB);
            let mut announced = house.announce(&ask).await.ok().unwrap();
            assert_eq!(announced.owner, Some(ALICE.parse().unwrap()));
            let body = opentrail_wire::RequestBody::Whole(ask.body.clone());
            house.s3.run(&ask.cx(), &ask.head(), &mut announced, body).await.unwrap()
        })
    };
    let answer = run_as_bob(put("/bkt/k").body("x"));
    assert_eq!(answer.copy_for, Some(ALICE.parse().unwrap()));
    assert_eq!(shown(&answer.resources.unwrap())[0], "111111111111 AWS::S3::Bucket arn:aws:s3:::bkt");
    assert_eq!(run_as_bob(get("/bkt/k")).copy_for, Some(ALICE.parse().unwrap()));
}

/// The record of a CreateBucket never says that another account's bucket is the caller's.
#[test]
fn a_made_bucket_is_its_makers_and_a_taken_one_is_not() {
    let house = House::with_bucket();
    let begin = |ask: &Ask| {
        let announced = run(house.announce(ask)).ok().expect("whether it can be made is found out in the run");
        assert_eq!(announced.owner, None, "the decider is asked about the caller's own right to make buckets");
        announced
    };
    let end = |ask: &Ask, mut announced: Announced| {
        let body = opentrail_wire::RequestBody::Whole(ask.body.clone());
        run(house.s3.run(&ask.cx(), &ask.head(), &mut announced, body))
    };
    let check = |ask: Ask, at_first: &str, at_last: Result<&str, &str>| {
        let announced = begin(&ask);
        assert_eq!(shown(&announced.resources), [at_first], "{}", ask.target);
        match end(&ask, announced) {
            Ok(answer) => {
                assert_eq!(Ok(shown(&answer.resources.unwrap())[0].as_str()), at_last, "{}", ask.target);
                assert_eq!(answer.copy_for, None);
            }
            Err(fault) => assert_eq!(Err(fault.code.as_ref()), at_last, "{}", ask.target),
        }
    };
    let (alices, bobs) = ("111111111111 AWS::S3::Bucket arn:aws:s3:::", "222222222222 AWS::S3::Bucket arn:aws:s3:::");
    let hidden = "hidden AWS::S3::Bucket arn:aws:s3:::bkt";
    check(put("/new"), &format!("{alices}new"), Ok(&format!("{alices}new")));
    check(put("/bkt"), &format!("{alices}bkt"), Ok(&format!("{alices}bkt")));
    check(put("/bobs").by(BOB), &format!("{bobs}bobs"), Ok(&format!("{bobs}bobs")));
    check(put("/bkt").by(BOB), hidden, Err("BucketAlreadyExists"));
    check(put("/bkt").by(BOB).at("eu-west-1"), hidden, Err("IllegalLocationConstraintException"));

    // The name gets free between announcement and run.
    let ask = put("/bkt").by(BOB);
    let announced = begin(&ask);
    assert_eq!(shown(&announced.resources), [hidden]);
    house.ok(&delete("/bkt"));
    let answer = end(&ask, announced).expect("it is free");
    assert_eq!(shown(&answer.resources.unwrap()), [format!("{bobs}bkt")]);
}

#[test]
fn only_object_bodies_stream() {
    let house = House::new();
    let rule = |ask: Ask| house.s3.body_rule(&ask.head());
    assert_eq!(rule(put("/bkt/k")), BodyRule::Stream { bytes_max: 5 << 30 });
    assert_eq!(rule(put("/bkt/k?partNumber=1&uploadId=x")), BodyRule::Stream { bytes_max: 5 << 30 });
    for ask in [post("/bkt?delete"), post("/bkt/k?uploadId=x")] {
        assert_eq!(rule(ask), BodyRule::Whole { bytes_max: 4 << 20 });
    }
    for ask in [
        put("/bkt"),
        put("/bkt/k?tagging"),
        put("/bkt/k").header("x-amz-copy-source", "x"),
        get("/bkt/k"),
        put("/bkt/%ff"),
        put("/"),
    ] {
        assert_eq!(rule(ask), BodyRule::Whole { bytes_max: 1 << 20 });
    }
}

#[test]
fn the_service_says_who_it_is() {
    let house = House::new();
    assert_eq!((house.s3.signing_name(), house.s3.event_source()), ("s3", "s3.amazonaws.com"));
    assert_eq!((house.s3.api_version(), house.s3.protocol()), (None, opentrail_protocol::Protocol::RestXml));
}

/// A bucket that somebody else made between announcement and run is not recorded as the caller's.
#[test]
fn a_lost_race_for_a_name_hides_its_owner() {
    let house = House::new();
    let ask = put("/bkt").by(BOB);
    let mut announced = run(house.announce(&ask)).ok().unwrap();
    assert_eq!(shown(&announced.resources), [format!("{BOB} AWS::S3::Bucket arn:aws:s3:::bkt")]);
    house.ok(&put("/bkt"));
    let body = opentrail_wire::RequestBody::Whole(Default::default());
    let result = run(house.s3.run(&ask.cx(), &ask.head(), &mut announced, body));
    assert_eq!(result.err().expect("taken").code, "BucketAlreadyExists");
    assert_eq!(shown(&announced.resources), ["hidden AWS::S3::Bucket arn:aws:s3:::bkt"]);
}
