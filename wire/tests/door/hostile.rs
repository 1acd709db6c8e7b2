//! Requests that mean harm: each gets a clear answer or a closed door, and the door stays open for others.

use std::time::Duration;

use http::Method;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::house::{Ask, House, Reply, settings};

async fn still_open(house: &House) {
    let reply = house.send(&Ask::json("LookupEvents", "{}").sign("cloudtrail", house.now())).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn heads_that_two_parsers_could_read_in_two_ways_are_refused() {
    let house = House::open().await;
    let check = async |head: &str, status: u16, code: &str, why: &str| {
        // Behind it lies what a smuggler would have served.
        let smuggled = Ask::new(Method::GET, "/logs/smuggled").sign("s3", house.now()).bytes();
        let reply = house.raw(&[head.as_bytes(), &smuggled].concat()).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{head:?}: {}", reply.body);
        assert!(reply.message().contains(why), "{head:?}: {}", reply.body);
        assert_eq!(reply.header("connection"), Some("close"));
        assert!(!house.diary.all().iter().any(|line| line.contains("smuggled")), "{head:?}");
    };
    let with = |lines: &str| format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
    check(&with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400, "InvalidRequest", "both").await;
    check(&with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400, "InvalidRequest", "both").await;
    check(&with("Content-Length: 5\r\nContent-Length: 5\r\n"), 400, "InvalidRequest", "more than one").await;
    check(&with("Transfer-Encoding: identity\r\n"), 501, "NotImplemented", "chunked").await;
    check(&with("X: a\r\n\tb\r\n"), 400, "InvalidRequest", "folded").await;
    check(&with("X-Amz-Target: a\r\n b\r\n"), 400, "SerializationException", "folded").await;
    check("GET / HTTP/1.0\r\n\r\n", 400, "InvalidRequest", "no Host").await;
    check("GET / HTTP/1.1\nHost: h\n\n", 400, "InvalidRequest", "line feed").await;
    check("GET http://elsewhere/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, "InvalidRequest", "another host").await;
    check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "InvalidRequest", "HTTP/1.1").await;
    check("\u{16}\u{3}\u{1}hello\r\n\r\n", 400, "InvalidRequest", "request line").await;
    check(&with(&format!("X: {}\r\n", "a".repeat(17_000))), 400, "RequestHeaderSectionTooLarge", "").await;
    let target = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(9_000));
    check(&target, 414, "InvalidRequest", "too long").await;
    still_open(&house).await;
    assert_eq!(house.records(), 1);
}

#[tokio::test]
async fn s3_takes_eight_kilobytes_of_headers() {
    let house = House::open().await;
    let ask =
        |n: usize| Ask::new(Method::GET, "/logs/a").header("x-amz-meta-a", &"a".repeat(n)).sign("s3", house.now());
    assert_eq!(house.send(&ask(7_000)).await.status, 200);
    let reply = house.send(&ask(8_200)).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "RequestHeaderSectionTooLarge"));
    let json =
        Ask::json("LookupEvents", "{}").header("x-amz-meta-a", &"a".repeat(9_000)).sign("cloudtrail", house.now());
    assert_eq!(house.send(&json).await.status, 200);
}

#[tokio::test]
async fn deep_and_strange_bodies_are_refused() {
    let house = House::open().await;
    for body in
        ["[".repeat(100_000), "{\"a\":".repeat(50_000), "{\"LookupAttributes\":7}".into(), "\u{0}".into(), "nul".into()]
    {
        let reply = house.send(&Ask::json("LookupEvents", &body).sign("cloudtrail", house.now())).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "SerializationException"), "{:.40}", body);
    }
    for form in ["%zz=1".to_owned(), "a=%ff&Action=x".into(), "&a".repeat(20_000)] {
        let reply = house.send(&Ask::query(&form).sign("sts", house.now())).await;
        assert_eq!(reply.status, 400, "{:.40}", form);
    }
    still_open(&house).await;
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let house =
        House::with(opentrail_wire::DoorSettings { head_timeout: Duration::from_millis(200), ..settings() }).await;
    let mut stream = house.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    let mut out = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut out)).await;
    assert!(closed.is_ok(), "the connection is still open");
    still_open(&house).await;
}

#[tokio::test]
async fn more_connections_than_allowed_wait() {
    let house = House::with(opentrail_wire::DoorSettings { connections_max: 2, ..settings() }).await;
    let (one, two) = (house.connect().await, house.connect().await);
    let ask = Ask::json("LookupEvents", "{}").sign("cloudtrail", house.now());
    let waiting = tokio::time::timeout(Duration::from_millis(200), house.send(&ask)).await;
    assert!(waiting.is_err(), "a third connection was served: {waiting:?}");
    drop((one, two));
    still_open(&house).await;
}

#[tokio::test]
async fn queries_of_too_many_parameters_are_refused() {
    let house = House::open().await;
    let check = async |pairs: usize, status: u16| {
        let ask = Ask::new(Method::GET, &format!("/logs/a?{}", vec!["a=1"; pairs].join("&")));
        let reply = house.send(&ask.sign("s3", house.now())).await;
        assert_eq!(reply.status, status, "{}", reply.body);
    };
    check(256, 200).await;
    check(257, 400).await;
    check(1000, 400).await;
}

#[tokio::test]
async fn one_address_does_not_get_all_connections() {
    let house = House::with(opentrail_wire::DoorSettings { connections_max: 256, ..settings() }).await;
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(house.connect().await);
    }
    let mut refused = house.connect().await;
    let closed = tokio::time::timeout(Duration::from_secs(5), refused.read(&mut [0])).await;
    assert!(!matches!(closed.expect("closed at once"), Ok(1..)));
    let mut other = house.connect_from([127, 0, 0, 2]).await;
    let ask = Ask::json("LookupEvents", "{}").sign("cloudtrail", house.now());
    other.write_all(&ask.bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut other).await.status, 200);
    drop(held);
    for _ in 0..500 {
        let mut again = house.connect().await;
        let _ = again.write_all(&ask.bytes()).await;
        let mut out = Vec::new();
        let _ = again.read_to_end(&mut out).await;
        if out.starts_with(b"HTTP/1.1 200") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what was given back is not given out again");
}

#[tokio::test]
async fn a_refused_upload_is_still_told_why() {
    let house = House::open().await;
    // More than the socket's buffers hold, from a client that reads only when it has written everything.
    let ask = Ask::new(Method::PUT, "/logs/a").body(&vec![b'x'; 4 << 20]);
    let mut stream = house.connect().await;
    let _ = stream.write_all(&ask.bytes()).await;
    let reply = Reply::read(&mut stream).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "AccessDenied"));
}

/// Whoever knows a key's id can make the door read bodies for their hash; not more of them than it has memory for.
#[tokio::test]
async fn large_bodies_of_unproven_senders_are_few() {
    let house = House::open().await;
    let large = || {
        let ask = Ask::json("LookupEvents", &" ".repeat(100_000));
        crate::auth::without_hash(&house, ask, "cloudtrail").bytes()
    };
    let mut halves = Vec::new();
    let raw_from = async |ip: [u8; 4]| {
        let mut stream = house.connect_from(ip).await;
        let _ = stream.write_all(&large()).await;
        Reply::read(&mut stream).await
    };
    let refused_from = async |ip: [u8; 4]| {
        let mut refused = raw_from(ip).await;
        // The last of the halves may not have been seen yet.
        for _ in 0..100 {
            if refused.status == 503 {
                break;
            }
            refused = raw_from(ip).await;
        }
        assert_eq!((refused.status, refused.code().as_str()), (503, "ServiceUnavailableException"));
    };
    for address in 1..=8 {
        // One address has a few of the places, and the next one still finds some.
        let ip = [127, 0, 0, address];
        assert_eq!(raw_from(ip).await.code(), "InvalidSignatureException");
        for _ in 0..4 {
            let mut stream = house.connect_from(ip).await;
            let bytes = large();
            stream.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
            halves.push(stream);
        }
        refused_from(ip).await;
    }
    refused_from([127, 0, 0, 9]).await;
    still_open(&house).await;
    let small = crate::auth::without_hash(&house, Ask::json("LookupEvents", "{}"), "cloudtrail");
    assert_eq!(house.send(&small).await.code(), "InvalidSignatureException");
    drop(halves);
}

/// Good requests with a few bytes changed, cut out or doubled: none brings the door down, and none is served unless it is
/// still what was signed.
#[tokio::test]
async fn damaged_requests_do_no_harm() {
    const ROUNDS: usize = 400;
    let house =
        House::with(opentrail_wire::DoorSettings { head_timeout: Duration::from_millis(100), ..settings() }).await;
    let good = [
        Ask::json("StartLogging", "{\"Name\":\"abc\"}").sign("cloudtrail", house.now()).bytes(),
        Ask::new(Method::PUT, "/logs/a?x=1").body(b"hello").sign("s3", house.now()).bytes(),
        Ask::query("Action=GetCallerIdentity&Version=2011-06-15").sign("sts", house.now()).bytes(),
    ];
    let mut runner = TestRunner::deterministic();
    let damage = (0..good.len(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..4));
    for _ in 0..ROUNDS {
        let (which, changes) = damage.new_tree(&mut runner).unwrap().current();
        let mut bytes = good[which].clone();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        let mut stream = house.connect().await;
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut out = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut out)).await;
        assert!(read.is_ok(), "no end to the answer of {:?}", String::from_utf8_lossy(&bytes));
    }
    for (call, _) in house.capture.calls.lock().unwrap().iter() {
        let parameters = format!("{:?}", call.request_parameters);
        let right = match call.event_name.as_str() {
            "StartLogging" => parameters.contains("\"name\":\"abc\""),
            "PutObject" => parameters.contains("\"/logs/a\""),
            name => name == "GetCallerIdentity",
        };
        assert!(right, "{} ran with {parameters}", call.event_name);
    }
    still_open(&house).await;
}
