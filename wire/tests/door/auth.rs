//! Every way of failing to prove who one is, in each protocol; none of them leaves a record.

use http::Method;
use jiff::{SignedDuration, Timestamp};

use crate::house::{Ask, House};
use crate::toys::*;

/// A good request to each protocol's service.
fn asks() -> [(&'static str, Ask); 3] {
    [
        ("cloudtrail", Ask::json("LookupEvents", "{}")),
        ("sts", Ask::query("Action=GetCallerIdentity&Version=2011-06-15")),
        ("s3", Ask::new(Method::GET, "/logs/a")),
    ]
}

/// Sends what `change` makes of a good request, and compares status, code and a part of the message, in the order
/// JSON, Query, S3.
async fn check(
    house: &House,
    what: &str,
    change: impl Fn(Ask, &str, Timestamp) -> Ask,
    expect: [(u16, &str, &str); 3],
) {
    for ((service, ask), (status, code, message)) in asks().into_iter().zip(expect) {
        let reply = house.send(&change(ask, service, house.now())).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{what}, {service}: {}", reply.body);
        assert!(reply.message().contains(message), "{what}, {service}: {}", reply.body);
        let (id, id_chars) = if service == "s3" { ("x-amz-request-id", 16) } else { ("x-amzn-requestid", 36) };
        assert_eq!(reply.header(id).map(str::len), Some(id_chars), "{what}, {service}");
        if service == "s3" {
            assert_eq!(reply.header("x-amz-id-2").map(str::len), Some(76));
            let told = reply.status == 200 || reply.element("HostId").as_deref() == reply.header("x-amz-id-2");
            assert!(told, "{}", reply.body);
        }
    }
}

fn ago(at: Timestamp, seconds: i64) -> Timestamp {
    at - SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn good_signatures_are_proven() {
    let house = House::open().await;
    for (service, ask) in asks() {
        for region in ["us-east-1", "eu-west-1"] {
            let reply = house.send(&ask.clone().sign_as(KEY, SECRET, region, service, house.now())).await;
            assert_eq!(reply.status, 200, "{service}: {}", reply.body);
            assert_eq!(house.record().0.region.as_str(), region);
        }
    }
}

#[tokio::test]
async fn sessions_are_proven_by_their_token() {
    let house = House::open().await;
    let house = &house;
    for (service, ask) in asks() {
        let ask = ask.header("x-amz-security-token", TOKEN);
        let reply = house.send(&ask.sign_as(SESSION_KEY, SECRET, "us-east-1", service, house.now())).await;
        assert_eq!(reply.status, 200, "{service}: {}", reply.body);
        let identity = serde_json::to_value(house.record().0.user_identity).unwrap();
        assert_eq!(identity["type"], "AssumedRole");
        assert_eq!(identity["arn"], "arn:aws:sts::111122223333:assumed-role/ops/ana");
        assert_eq!(identity["sessionContext"]["sessionIssuer"]["arn"], "arn:aws:iam::111122223333:role/p/ops");
        assert_eq!(identity["sessionContext"]["attributes"]["creationDate"], "2023-11-14T22:13:20Z");
        assert_eq!(identity["sessionContext"]["attributes"]["mfaAuthenticated"], "false");
    }
    let invalid = "The security token included in the request is invalid.";
    let malformed = "The provided token is malformed or otherwise invalid.";
    for (key, token) in [(SESSION_KEY, "t"), (SESSION_KEY, ""), ("ASIAOTHEROTHEROTHER0", TOKEN), (KEY, TOKEN)] {
        check(
            house,
            &format!("{key} with {token}"),
            |ask, service, now| {
                ask.header("x-amz-security-token", token).sign_as(key, SECRET, "us-east-1", service, now)
            },
            [
                (400, "UnrecognizedClientException", invalid),
                (403, "InvalidClientTokenId", invalid),
                (400, "InvalidToken", malformed),
            ],
        )
        .await;
    }
    let expired = "The security token included in the request is expired";
    check(
        house,
        "an old session",
        |ask, service, now| {
            ask.header("x-amz-security-token", OLD_TOKEN).sign_as(SESSION_KEY, SECRET, "us-east-1", service, now)
        },
        [
            (400, "ExpiredTokenException", expired),
            (403, "ExpiredToken", expired),
            (400, "ExpiredToken", "The provided token has expired."),
        ],
    )
    .await;
    // Without its token a temporary key is nobody's; and the token is part of what is signed.
    check(
        house,
        "no token",
        |ask, service, now| ask.sign_as(SESSION_KEY, SECRET, "us-east-1", service, now),
        [
            (400, "UnrecognizedClientException", invalid),
            (403, "InvalidClientTokenId", invalid),
            (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
        ],
    )
    .await;
}

#[tokio::test]
async fn each_failure_has_its_words() {
    let house = House::open().await;
    let house = &house;
    let invalid = "The security token included in the request is invalid.";
    let mismatch = "The request signature we calculated does not match the signature you provided.";
    check(
        house,
        "no signature",
        |ask, _, _| ask,
        [
            (400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
            (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
            (403, "AccessDenied", "Access Denied"),
        ],
    )
    .await;
    for key in ["AKIANOBODY", INACTIVE_KEY, "../../etc", &"x".repeat(500)] {
        check(
            house,
            key,
            |ask, service, now| ask.sign_as(key, SECRET, "us-east-1", service, now),
            [
                (400, "UnrecognizedClientException", invalid),
                (403, "InvalidClientTokenId", invalid),
                (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
            ],
        )
        .await;
    }
    check(
        house,
        "wrong secret",
        |ask, service, now| ask.sign_as(KEY, "wrong", "us-east-1", service, now),
        [
            (400, "InvalidSignatureException", mismatch),
            (403, "SignatureDoesNotMatch", mismatch),
            (403, "SignatureDoesNotMatch", mismatch),
        ],
    )
    .await;
    check(
        house,
        "a token",
        |ask, service, now| ask.header("x-amz-security-token", "t").sign(service, now),
        [
            (400, "UnrecognizedClientException", invalid),
            (403, "InvalidClientTokenId", invalid),
            (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
        ],
    )
    .await;
    let skew = "The difference between the request time and the current time is too large.";
    check(
        house,
        "too old",
        |ask, service, now| ask.sign(service, ago(now, 901)),
        [
            (
                400,
                "InvalidSignatureException",
                "Signature expired: 20260102T024904Z is now earlier than 20260102T025905Z (20260102T030405Z - 5 min.)",
            ),
            (403, "SignatureDoesNotMatch", "Signature expired: "),
            (403, "RequestTimeTooSkewed", skew),
        ],
    )
    .await;
    check(house, "too new", |ask, service, now| ask.sign(service, ago(now, -901)), [
        (400, "InvalidSignatureException", "Signature not yet current: 20260102T031906Z is still later than 20260102T030905Z (20260102T030405Z + 5 min.)"),
        (403, "SignatureDoesNotMatch", "Signature not yet current: "),
        (403, "RequestTimeTooSkewed", skew),
    ])
    .await;
    check(
        house,
        "region",
        |ask, service, now| ask.sign_as(KEY, SECRET, "mars-1", service, now),
        [
            (400, "InvalidSignatureException", "Credential should be scoped to a valid region."),
            (403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region."),
            (400, "AuthorizationHeaderMalformed", "the region 'mars-1' is wrong; expecting 'us-east-1'"),
        ],
    )
    .await;
    check(
        house,
        "the keys' store is down",
        |ask, service, now| ask.sign_as(BROKEN_KEY, SECRET, "us-east-1", service, now),
        [
            (503, "ServiceUnavailableException", "try again"),
            (503, "ServiceUnavailable", "try again"),
            (503, "SlowDown", ""),
        ],
    )
    .await;
    assert_eq!(house.records(), 0);
    assert_eq!(house.diary.all(), Vec::<String>::new());
}

#[tokio::test]
async fn each_malformed_header_has_its_words() {
    let house = House::open().await;
    let house = &house;
    let edit = |from: &'static str, to: &'static str| {
        move |ask: Ask, service: &str, now: Timestamp| {
            let signed = ask.sign(service, now);
            let text = signed.headers["authorization"].to_str().unwrap().replacen(from, to, 1);
            signed.header("authorization", &text)
        }
    };
    let incomplete = |json: &'static str, s3_code: &'static str, s3: &'static str| {
        [(400, "IncompleteSignatureException", json), (400, "IncompleteSignature", json), (400, s3_code, s3)]
    };
    check(
        house,
        "no signature part",
        edit("Signature=", "X="),
        incomplete(
            "Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256 Credential=",
            "AuthorizationHeaderMalformed",
            "requires 'Signature'",
        ),
    )
    .await;
    check(
        house,
        "no equals sign",
        edit("Credential=", "Credential"),
        incomplete(
            "not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 ",
            "AuthorizationHeaderMalformed",
            "name and a value",
        ),
    )
    .await;
    check(
        house,
        "short credential",
        edit("us-east-1/", ""),
        incomplete(
            "exactly 5 slash-delimited elements",
            "AuthorizationHeaderMalformed",
            "the Credential is mal-formed",
        ),
    )
    .await;
    check(
        house,
        "SigV4A",
        edit("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        incomplete("Signature Version 4A", "InvalidRequest", "Please use AWS4-HMAC-SHA256."),
    )
    .await;
    check(
        house,
        "SigV2",
        |ask, _, _| ask.header("authorization", "AWS AKID:c2lnbmF0dXJl"),
        incomplete("Signature Version 2", "InvalidRequest", "Please use AWS4-HMAC-SHA256."),
    )
    .await;
    check(
        house,
        "both",
        |ask, service, now| ask.presign(service, now, 60).sign(service, now),
        incomplete("more than once", "InvalidArgument", "Only one auth mechanism allowed"),
    )
    .await;
    check(
        house,
        "no date",
        |ask, service, now| ask.sign(service, now).without("x-amz-date"),
        [
            (400, "IncompleteSignatureException", "requires existence of either a 'X-Amz-Date' or a 'Date' header."),
            (400, "IncompleteSignature", "requires existence of either"),
            (403, "AccessDenied", "requires a valid Date"),
        ],
    )
    .await;
    check(
        house,
        "bad date",
        |ask, service, now| ask.sign(service, now).header("x-amz-date", "yesterday"),
        [
            (400, "IncompleteSignatureException", "'yesterday'"),
            (400, "IncompleteSignature", "'yesterday'"),
            (403, "AccessDenied", "requires a valid Date"),
        ],
    )
    .await;
    check(
        house,
        "terminator",
        edit("aws4_request", "aws5_request"),
        [
            (400, "InvalidSignatureException", "valid terminator: 'aws4_request', not 'aws5_request'."),
            (403, "SignatureDoesNotMatch", "valid terminator"),
            (400, "AuthorizationHeaderMalformed", "incorrect terminal \"aws5_request\"".replace('"', "&quot;").leak()),
        ],
    )
    .await;
    check(
        house,
        "scope's date",
        edit("/20260102/", "/20260101/"),
        [
            (400, "InvalidSignatureException", "'20260101' != '20260102', from '20260102T030405Z'."),
            (403, "SignatureDoesNotMatch", "'20260101' != '20260102'"),
            (400, "AuthorizationHeaderMalformed", "Invalid credential date"),
        ],
    )
    .await;
    check(
        house,
        "host not signed",
        edit("SignedHeaders=content-type;host;", "SignedHeaders=content-type;"),
        [
            (400, "InvalidSignatureException", "'host' must be a 'SignedHeader'"),
            (403, "SignatureDoesNotMatch", "'host' must be a 'SignedHeader'"),
            (200, "", ""),
        ],
    )
    .await;
    check(
        house,
        "unsigned header",
        |ask, service, now| ask.sign(service, now).header("x-amz-acl", "public-read"),
        [
            (400, "InvalidSignatureException", "'x-amz-acl' must be a 'SignedHeader'"),
            (403, "SignatureDoesNotMatch", "'x-amz-acl' must be"),
            (403, "AccessDenied", "There were headers present in the request which were not signed"),
        ],
    )
    .await;
    check(
        house,
        "hash",
        |ask, service, now| ask.sign(service, now).header("x-amz-content-sha256", "ABC"),
        [
            (400, "InvalidSignatureException", "not 'ABC'"),
            (403, "SignatureDoesNotMatch", "not 'ABC'"),
            (400, "InvalidArgument", "x-amz-content-sha256 must be"),
        ],
    )
    .await;
}

#[tokio::test]
async fn s3_says_what_it_compared() {
    let house = House::open().await;
    let signed = Ask::new(Method::GET, "/logs/a").sign_as(KEY, "wrong", "us-east-1", "s3", house.now());
    let reply = house.send(&signed).await;
    assert_eq!(reply.element("AWSAccessKeyId").as_deref(), Some(KEY));
    let canonical = reply.element("CanonicalRequest").unwrap();
    assert!(canonical.starts_with("GET\n/logs/a\n\nhost:127.0.0.1\n"), "{canonical}");
    assert!(
        reply
            .element("StringToSign")
            .unwrap()
            .starts_with("AWS4-HMAC-SHA256\n20260102T030405Z\n20260102/us-east-1/s3/")
    );
    assert_eq!(reply.element("CanonicalRequestBytes").unwrap().split(' ').count(), canonical.len());
    assert!(!reply.body.contains(SECRET));
}

#[tokio::test]
async fn an_unknown_service_is_named() {
    let house = House::open().await;
    let reply = house.send(&Ask::json("X", "{}").sign("dynamodb", house.now())).await;
    assert_eq!(reply.code(), "InvalidSignatureException");
    assert!(reply.message().contains("'dynamodb'"), "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("application/x-amz-json-1.1"));
}

/// As botocore asks services that are not S3: without the header that tells the hash. The signature is no longer right.
pub(crate) fn without_hash(house: &House, ask: Ask, service: &str) -> Ask {
    let signed = ask.sign(service, house.now());
    let text = signed.headers["authorization"].to_str().unwrap().replace(";x-amz-content-sha256", "");
    signed.without("x-amz-content-sha256").header("authorization", &text)
}

#[tokio::test]
async fn s3_demands_the_hash_and_others_do_without() {
    let house = House::open().await;
    let strip = |ask, service| without_hash(&house, ask, service);
    let reply = house.send(&strip(Ask::new(Method::GET, "/logs/a"), "s3")).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidRequest"));
    assert!(reply.message().contains("x-amz-content-sha256"));
    // Here the body counts: a large one is not read to its end.
    let big = Ask::json("LookupEvents", &" ".repeat((1 << 20) + 1));
    let reply = house.send(&strip(big, "cloudtrail")).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "RequestEntityTooLargeException"));
    assert_eq!(house.records(), 0);
}

#[tokio::test]
async fn presigned_requests_live_as_long_as_they_say() {
    let house = House::open().await;
    let now = house.now();
    let get = || Ask::new(Method::GET, "/logs/a");
    let check = async |what: &str, ask: Ask, status: u16, code: &str, message: &str| {
        let reply = house.send(&ask).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{what}: {}", reply.body);
        assert!(reply.message().contains(message), "{what}: {}", reply.body);
        reply
    };
    let edit = |from: &str, to: &str| {
        let signed = get().presign("s3", now, 60);
        Ask { target: signed.target.replacen(from, to, 1), ..signed }
    };
    check("fresh", get().presign("s3", now, 60), 200, "", "").await;
    assert!(house.record().1.additional_event_data.is_some_and(|d| format!("{d:?}").contains("\"QueryString\"")));
    check("last second", get().presign("s3", ago(now, 60), 60), 200, "", "").await;
    check("a week old", get().presign("s3", ago(now, 604_800), 604_800), 200, "", "").await;
    let reply =
        check("expired", get().presign("s3", ago(now, 61), 60), 403, "AccessDenied", "Request has expired").await;
    assert_eq!(reply.element("X-Amz-Expires").as_deref(), Some("60"));
    assert_eq!(reply.element("Expires").as_deref(), Some("2026-01-02T03:04:04Z"));
    assert_eq!(reply.element("ServerTime").as_deref(), Some("2026-01-02T03:04:05Z"));
    check("not yet", get().presign("s3", ago(now, -901), 60), 403, "AccessDenied", "Request is not valid yet").await;
    let query = "AuthorizationQueryParametersError";
    check("too long", edit("Expires=60", "Expires=604801"), 400, query, "less than a week").await;
    check("negative", edit("Expires=60", "Expires=-1"), 400, query, "non-negative").await;
    check("no number", edit("Expires=60", "Expires=x"), 400, query, "should be a number").await;
    check("lengthened", edit("Expires=60", "Expires=61"), 403, "SignatureDoesNotMatch", "").await;
    check("missing part", edit("&X-Amz-Expires=60", ""), 400, query, "requires the X-Amz-Algorithm").await;
    check("region", edit("us-east-1", "mars-1"), 400, query, "the region 'mars-1' is wrong").await;
    check("header", get().presign("s3", now, 60).header("x-amz-acl", "x"), 403, "AccessDenied", "not signed").await;
    check(
        "SigV2",
        Ask::new(Method::GET, "/a?AWSAccessKeyId=x&Signature=y&Expires=1"),
        400,
        "InvalidRequest",
        "AWS4-HMAC-SHA256",
    )
    .await;
    let form = Ask::new(Method::POST, "/logs").header("content-type", "multipart/form-data; boundary=x").body(b"--x");
    check("POST policy", form, 501, "NotImplemented", "POST policy").await;
    let sts = Ask::new(Method::GET, "/?Action=GetCallerIdentity&Version=2011-06-15");
    check("sts", sts.clone().presign("sts", now, 60), 200, "", "").await;
    check("old sts", sts.presign("sts", ago(now, 61), 60), 403, "SignatureDoesNotMatch", "Signature expired").await;
}

#[tokio::test]
async fn a_flood_of_strangers_is_told_to_slow_down() {
    let house = House::open().await;
    let mut seen = std::collections::BTreeMap::<(u16, String), usize>::new();
    for _ in 0..250 {
        let reply = house.send(&Ask::json("LookupEvents", "{}")).await;
        *seen.entry((reply.status, reply.code())).or_default() += 1;
    }
    assert_eq!(seen[&(400, "MissingAuthenticationTokenException".into())], 200);
    assert_eq!(seen[&(503, "ThrottlingException".into())], 50);
    // Who proves who they are is not in it.
    let reply = house.send(&Ask::json("LookupEvents", "{}").sign("cloudtrail", house.now())).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let reply = house.send(&Ask::new(Method::GET, "/logs/a")).await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "SlowDown"));
    assert_eq!(house.records(), 1);
    // A presigned request is looked into, unless that costs more than it is worth.
    let presigned = |note: usize| {
        Ask::new(Method::GET, &format!("/logs/a?note={}", "x".repeat(note))).presign("s3", house.now(), 60)
    };
    assert_eq!(house.send(&presigned(10)).await.status, 200);
    assert_eq!(house.send(&presigned(5000)).await.code(), "SlowDown");
    assert_eq!(House::open().await.send(&presigned(5000)).await.status, 200);
}
