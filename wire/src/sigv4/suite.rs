//! The published SigV4 test suite (key `AKIDEXAMPLE`): its requests, and the signatures that it says they have.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentrail_policy::Secret;

use super::Dialect;
use super::canonical::{self, Seen};
use super::key::{SigningKey, sha256_hex};
use super::query::Query;

fn check(name: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &str, expect: &str) {
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter().chain(&[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")])
    {
        map.append(HeaderName::try_from(*name).expect("a name"), HeaderValue::from_str(value).expect("a value"));
    }
    let mut signed: Vec<String> = map.keys().map(|n| n.as_str().to_owned()).collect();
    signed.sort();
    let (raw_path, raw_query) = target.split_once('?').unwrap_or((target, ""));
    let query = Query::parse(raw_query);
    let seen = Seen { method, raw_path, query: &query, headers: &map };
    let canonical = canonical::request(&seen, Dialect::Other, &signed, &sha256_hex(body.as_bytes()));
    let to_sign = canonical::string_to_sign("20150830T123600Z", "20150830/us-east-1/service/aws4_request", &canonical);
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into());
    let key = SigningKey::derive(&secret, "20150830", "us-east-1", "service");
    assert_eq!(key.sign(to_sign.as_bytes()), expect, "{name}:\n{}", String::from_utf8_lossy(&canonical));
}

#[test]
fn the_suites_requests_have_the_suites_signatures() {
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    for path in ["/", "//", "/./", "/example/..", "/example1/example2/../.."] {
        check("normalised", "GET", path, &[], "", vanilla);
    }
    let two = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
    check("query order", "GET", "/?Param2=value2&Param1=value1", &[], "", two);
    check("utf-8", "GET", "/\u{1234}", &[], "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
    check(
        "unreserved",
        "GET",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        &[],
        "",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    );
    check(
        "space in path",
        "GET",
        "/example space/",
        &[],
        "",
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    );
    check(
        "values trimmed and folded",
        "GET",
        "/",
        &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
        "",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    );
    check("post", "POST", "/", &[], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    check(
        "form",
        "POST",
        "/",
        &[("content-type", "application/x-www-form-urlencoded")],
        "Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    );
}
