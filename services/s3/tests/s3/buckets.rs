//! Calls about buckets: each success and each error.

use std::sync::Arc;

use crate::door::{ALICE, BOB, House, delete, detail, get, head, put, run};

fn constraint(region: &str) -> String {
    format!(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{region}\
         </LocationConstraint></CreateBucketConfiguration>"
    )
}

#[test]
fn a_bucket_from_birth_to_death() {
    let house = House::new();
    let made = house.ok(&put("/bkt"));
    assert_eq!((made.status, made.header("location")), (200, Some("/bkt")));
    assert_eq!(made.header("x-amz-bucket-arn"), Some("arn:aws:s3:::bkt"));
    assert_eq!(made.response_elements, None);

    let seen = house.ok(&head("/bkt"));
    assert_eq!((seen.status, seen.body.len()), (200, 0));
    assert_eq!(seen.header("x-amz-bucket-region"), Some("us-east-1"));
    assert_eq!(seen.header("x-amz-bucket-arn"), Some("arn:aws:s3:::bkt"));
    assert_eq!(seen.header("x-amz-access-point-alias"), Some("false"));
    assert_eq!(seen.header("content-type"), Some("application/xml"));

    let gone = house.ok(&delete("/bkt"));
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    let fault = house.fault(&head("/bkt"));
    assert_eq!((fault.code.as_ref(), fault.status), ("NoSuchBucket", 404));
    assert_eq!(fault.message, "The specified bucket does not exist");
    assert_eq!(detail(&fault, "BucketName"), Some("bkt"));
    assert_eq!(house.catalog.count("s3/owned") + house.catalog.count("s3/live") + house.catalog.count("s3/bucket"), 0);
}

#[test]
fn locations() {
    let house = House::new();
    let make = |name: &str, region: &'static str, body: &str| {
        house.ok(&put(format!("/{name}")).at(region).body(body.to_owned()))
    };
    let location = |name: &str, region: &'static str| {
        let reply = house.ok(&get(format!("/{name}?location")).at(region));
        assert_eq!(reply.header("content-type"), Some("application/xml"));
        reply.text().split("2006-03-01/\">").nth(1).unwrap_or("").replace("</LocationConstraint>", "")
    };
    make("here", "us-east-1", "");
    assert_eq!(location("here", "us-east-1"), "");
    let made = make("ireland", "us-east-1", &constraint("eu-west-1"));
    assert_eq!(made.header("location"), Some("http://ireland.s3.amazonaws.com/"));
    assert_eq!(location("ireland", "eu-west-1"), "eu-west-1");
    make("old-ireland", "eu-west-1", &constraint("EU"));
    assert_eq!(location("old-ireland", "eu-west-1"), "EU");
    make("frankfurt", "eu-central-1", &constraint("eu-central-1"));
    assert_eq!(location("frankfurt", "eu-central-1"), "eu-central-1");

    let refuse = |region: &'static str, body: &str| house.fault(&put("/new").at(region).body(body.to_owned()));
    for bad in ["us-east-1", "mars-1", "ap-south-1", ""] {
        let fault = refuse("us-east-1", &constraint(bad));
        assert_eq!(fault.code, "InvalidLocationConstraint", "{bad}");
        assert_eq!(fault.message, "The specified location-constraint is not valid");
        assert_eq!(detail(&fault, "LocationConstraint"), Some(bad));
    }
    let fault = refuse("eu-west-1", "");
    assert_eq!(fault.code, "IllegalLocationConstraintException");
    assert!(fault.message.starts_with("The unspecified location constraint is incompatible"), "{}", fault.message);
    let fault = refuse("eu-west-1", &constraint("eu-central-1"));
    assert!(fault.message.starts_with("The eu-central-1 location constraint is incompatible"), "{}", fault.message);
    assert_eq!(refuse("us-east-1", "<CreateBucketConfiguration>").code, "MalformedXML");
    assert_eq!(refuse("us-east-1", "{}").code, "MalformedXML");
    let summed = put("/new").body(constraint("eu-west-1")).header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==");
    assert_eq!(house.code(&summed), (400, "BadDigest".into()));
}

#[test]
fn names_are_global_and_owned() {
    let house = House::with_bucket();
    assert_eq!(house.ok(&put("/bkt")).status, 200, "in us-east-1 making it again succeeds");
    let fault = house.fault(&put("/bkt").by(BOB));
    assert_eq!((fault.status, fault.code.as_ref()), (409, "BucketAlreadyExists"));
    assert_eq!(detail(&fault, "BucketName"), Some("bkt"));
    house.ok(&put("/eu-bkt").at("eu-west-1").body(constraint("eu-west-1")));
    let again = house.fault(&put("/eu-bkt").at("eu-west-1").body(constraint("eu-west-1")));
    assert_eq!((again.status, again.code.as_ref()), (409, "BucketAlreadyOwnedByYou"));
    assert_eq!(house.code(&put("/eu-bkt")).1, "BucketAlreadyOwnedByYou");
    assert_eq!(house.code(&put("/bkt").body(constraint("eu-west-1"))).1, "BucketAlreadyOwnedByYou");
    assert_eq!(house.code(&put("/Bad_Name")), (400, "InvalidBucketName".into()));
    assert_eq!(house.code(&get("/Bad_Name")), (400, "InvalidBucketName".into()));
}

#[test]
fn another_accounts_bucket_is_its_owners() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body("x"));
    for ask in [
        get("/bkt"),
        head("/bkt"),
        get("/bkt/k"),
        put("/bkt/k"),
        delete("/bkt/k"),
        delete("/bkt"),
        get("/bkt?location"),
    ] {
        let announced = run(house.announce(&ask.clone().by(BOB))).ok().unwrap();
        assert_eq!(announced.owner, Some(ALICE.parse().unwrap()), "{}", ask.target);
        assert_eq!(house.code(&ask.by(BOB)), (403, "AccessDenied".into()));
    }
    assert!(run(house.announce(&get("/bkt"))).ok().unwrap().owner.is_none());
    assert_eq!(house.ok(&get("/").by(BOB)).all("Name"), Vec::<String>::new());
}

#[test]
fn a_bucket_is_spoken_to_in_its_region() {
    let house = House::new();
    house.ok(&put("/bkt").at("eu-west-1").body(constraint("eu-west-1")));
    for ask in [get("/bkt"), head("/bkt"), put("/bkt/k").body("x")] {
        let fault = house.fault(&ask);
        assert_eq!((fault.status, fault.code.as_ref()), (400, "AuthorizationHeaderMalformed"));
        assert_eq!(
            fault.message,
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"
        );
        assert_eq!(detail(&fault, "Region"), Some("eu-west-1"));
        assert_eq!(fault.headers, [("x-amz-bucket-region", "eu-west-1".to_owned())]);
    }
    let mut presigned = get("/bkt/k");
    presigned.presigned = true;
    assert_eq!(house.code(&presigned).1, "AuthorizationQueryParametersError");
}

#[test]
fn only_an_empty_bucket_is_deleted() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body("x"));
    let fault = house.fault(&delete("/bkt"));
    assert_eq!((fault.status, fault.code.as_ref()), (409, "BucketNotEmpty"));
    assert_eq!(fault.message, "The bucket you tried to delete is not empty");
    house.ok(&delete("/bkt/k"));
    house.ok(&delete("/bkt"));
    assert_eq!(house.code(&delete("/bkt")), (404, "NoSuchBucket".into()));
}

#[test]
fn the_expected_owner_is_held_to() {
    let house = House::with_bucket();
    house.ok(&put("/bkt/k").body("x"));
    for ask in [get("/bkt"), head("/bkt"), get("/bkt/k"), put("/bkt/k"), delete("/bkt/k"), get("/bkt?location")] {
        let with = |value: &str| ask.clone().header("x-amz-expected-bucket-owner", value);
        assert_eq!(house.code(&with(BOB)), (403, "AccessDenied".into()));
        let fault = house.fault(&with("alice"));
        assert_eq!(fault.code, "InvalidBucketOwnerAWSAccountID");
        assert_eq!(fault.message, "The value of the expected bucket owner parameter must be an AWS Account ID [alice]");
        house.ok(&with(ALICE));
        house.ok(&put("/bkt/k").body("x"));
    }
}

#[test]
fn buckets_are_listed_by_name() {
    let house = House::new();
    for (name, region) in [("ccc", "us-east-1"), ("aaa", "us-east-1"), ("aab", "eu-west-1"), ("bbb", "eu-west-1")] {
        let body = if region == "us-east-1" { String::new() } else { constraint(region) };
        house.ok(&put(format!("/{name}")).at(region).body(body));
    }
    house.ok(&put("/bobs").by(BOB));
    let list = |query: &str| house.ok(&get(format!("/{query}")));
    let all = list("");
    assert_eq!(all.all("Name"), ["aaa", "aab", "bbb", "ccc"]);
    assert_eq!(all.all("BucketRegion"), Vec::<String>::new(), "only where a filter was asked for");
    assert_eq!(all.all("BucketArn")[0], "arn:aws:s3:::aaa");
    assert_eq!(all.all("CreationDate")[0], "2026-11-21T10:00:00.000Z");
    assert_eq!(all.one("ID").unwrap().len(), 64);
    assert!(all.text().starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListAllMyBucketsResult xmlns="));
    assert_eq!(all.header("content-type"), Some("application/xml"));

    assert_eq!(list("?prefix=aa").all("Name"), ["aaa", "aab"]);
    assert_eq!(list("?prefix=aa").one("Prefix").as_deref(), Some("aa"));
    let europe = list("?bucket-region=eu-west-1");
    assert_eq!(
        (europe.all("Name"), europe.all("BucketRegion")),
        (vec!["aab".into(), "bbb".into()], vec!["eu-west-1".to_owned(); 2])
    );
    let first = list("?max-buckets=3");
    assert_eq!(first.all("Name"), ["aaa", "aab", "bbb"]);
    let token = first.one("ContinuationToken").unwrap();
    let second = list(&format!("?max-buckets=3&continuation-token={token}"));
    assert_eq!((second.all("Name"), second.one("ContinuationToken")), (vec!["ccc".into()], None));

    for bad in ["0", "10001", "x", "-1", ""] {
        let fault = house.fault(&get(format!("/?max-buckets={bad}")));
        assert_eq!(fault.message, "Argument max-buckets must be an integer between 1 and 10000.");
        assert_eq!(detail(&fault, "ArgumentName"), Some("max-buckets"));
    }
    let fault = house.fault(&get("/?bucket-region=eu-east-1"));
    assert_eq!(fault.message, "Argument value eu-east-1 is not a valid AWS Region");
    assert_eq!(house.code(&get(format!("/?prefix=a&continuation-token={token}"))).1, "InvalidArgument");
    assert_eq!(house.code(&get(format!("/?continuation-token={token}")).by(BOB)).1, "InvalidArgument");
}

#[test]
fn an_account_has_ten_thousand_buckets_at_most() {
    let house = House::new();
    run(async {
        for i in 0..10_000 {
            house.call(&put(format!("/bucket-{i:05}"))).await.unwrap();
        }
    });
    assert_eq!(house.code(&put("/one-more")), (400, "TooManyBuckets".into()));
    house.ok(&put("/bobs").by(BOB));
    house.ok(&put("/bucket-00000"));
    house.ok(&delete("/bucket-00000"));
    house.ok(&put("/one-more"));
    assert_eq!(house.ok(&get("/")).all("Name").len(), 10_000);
}

/// The race that a check on the bucket's name would lose: versions start over when a record is made again.
#[test]
fn a_put_never_lands_in_a_later_bucket_of_the_same_name() {
    let house = House::with_bucket();
    let ask = put("/bkt/k").body("x");
    run(async {
        let mut announced = house.announce(&ask).await.ok().unwrap();
        house.call(&delete("/bkt")).await.unwrap();
        house.call(&put("/bkt")).await.unwrap();
        let body = opentrail_wire::RequestBody::Whole(ask.body.clone());
        let s3: Arc<opentrail_s3::S3Service> = house.s3.clone();
        let result = opentrail_wire::Service::run(&*s3, &ask.cx(), &ask.head(), &mut announced, body).await;
        assert_eq!(result.err().unwrap().code, "NoSuchBucket");
    });
    assert_eq!(house.catalog.count("s3/object"), 0);
    assert_eq!(house.catalog.count("s3/body"), 0);
}
