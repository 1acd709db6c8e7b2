//! Requests as botocore signs them are accepted as they are, and not when anything of them is changed.

use base64::Engine;
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::house::{Ask, House, NOW};
use crate::toys::{KEY, SECRET};

fn asks() -> Vec<(String, Ask)> {
    let file: Value = serde_json::from_str(include_str!("../fixtures/botocore.json")).unwrap();
    assert_eq!((file["now"].as_str(), file["aws_access_key_id"].as_str()), (Some(NOW), Some(KEY)));
    assert_eq!(file["aws_secret_access_key"].as_str(), Some(SECRET));
    let ask = |case: &Value| {
        let text = |name: &str| case[name].as_str().unwrap();
        let mut ask = Ask::new(text("method").parse::<Method>().unwrap(), text("target"));
        ask.headers.clear();
        for pair in case["headers"].as_array().unwrap() {
            let (name, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
            // The client below speaks without waiting.
            if !name.eq_ignore_ascii_case("expect") {
                ask.headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
            }
        }
        ask.body = base64::engine::general_purpose::STANDARD.decode(text("body")).unwrap();
        (text("name").to_owned(), ask)
    };
    file["cases"].as_array().unwrap().iter().map(ask).collect()
}

#[tokio::test]
async fn what_botocore_signs_is_proven() {
    let house = House::open().await;
    for (name, ask) in asks() {
        let reply = house.send(&ask).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.body);
        match name.as_str() {
            "s3 virtual host" => assert!(reply.body.starts_with("GET /logs/a/b%20c?"), "{}", reply.body),
            "s3 trailer" => {
                assert!(reply.body.ends_with(" 13"), "{}", reply.body);
                assert_eq!(reply.header("x-toy-trailer"), Some("WzGbuw=="));
            }
            "query" | "query presigned" | "query presigned GET" => {
                assert_eq!(reply.element("Account").as_deref(), Some("111122223333"))
            }
            _ => {}
        }
        let (call, _) = house.record();
        assert_eq!(call.user_identity.access_key_id.as_deref(), Some(KEY), "{name}");
    }
}

#[tokio::test]
async fn what_botocore_signed_cannot_be_changed() {
    let house = House::open().await;
    for (name, ask) in asks() {
        let mut changed = Vec::new();
        let target =
            if ask.target.contains('?') { format!("{}&x=1", ask.target) } else { format!("{}?x=1", ask.target) };
        changed.push(Ask { target, ..ask.clone() });
        changed.push(Ask { target: ask.target.replacen('/', "/x", 1), ..ask.clone() });
        changed.push(Ask { method: Method::PATCH, ..ask.clone() });
        changed.push(ask.clone().header("host", "elsewhere"));
        changed.push(ask.clone().header("x-amz-meta-added", "1"));
        if !ask.body.is_empty() && name != "s3 trailer" {
            let mut body = ask.body.clone();
            body[0] ^= 1;
            changed.push(Ask { body, ..ask.clone() });
        }
        for (i, ask) in changed.iter().enumerate() {
            let reply = house.send(ask).await;
            assert!(matches!(reply.status, 400 | 403), "{name}, change {i}: {} {}", reply.status, reply.body);
        }
    }
}
