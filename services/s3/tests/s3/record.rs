//! What the record of a call is made of (`spec/s3.md` 16).

use opentrail_event::{Category, Owner, RecordResource};
use opentrail_wire::{Announced, BodyRule, Service};

use crate::door::{ALICE, Ask, BOB, House, delete, get, head, put, run};

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

/// Where the decider lets somebody into another's bucket (the operator), the record is as for one's own, and the owner gets a copy.
#[test]
fn a_change_of_anothers_bucket_is_copied_to_its_owner() {
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
    assert_eq!(run_as_bob(get("/bkt/k")).copy_for, None);
}

#[test]
fn only_object_bodies_stream() {
    let house = House::new();
    let rule = |ask: Ask| house.s3.body_rule(&ask.head());
    assert_eq!(rule(put("/bkt/k")), BodyRule::Stream { bytes_max: 5 << 30 });
    assert_eq!(rule(put("/bkt/k?partNumber=1&uploadId=x")), BodyRule::Stream { bytes_max: 5 << 30 });
    for ask in [put("/bkt"), put("/bkt/k?tagging"), get("/bkt/k"), put("/bkt/%ff"), put("/")] {
        assert_eq!(rule(ask), BodyRule::Whole { bytes_max: 1 << 20 });
    }
}

#[test]
fn the_service_says_who_it_is() {
    let house = House::new();
    assert_eq!((house.s3.signing_name(), house.s3.event_source()), ("s3", "s3.amazonaws.com"));
    assert_eq!((house.s3.api_version(), house.s3.protocol()), (None, opentrail_protocol::Protocol::RestXml));
}
