//! Bodies that are whole, streamed, framed, cut off or changed on the way.

use http::{HeaderValue, Method};
use opentrail_policy::Secret;
use opentrail_wire::sigv4::Signer;

use crate::house::{Ask, House, Reply};
use crate::toys::*;

fn put(path: &str, body: &[u8]) -> Ask {
    Ask::new(Method::PUT, path).body(body)
}

#[tokio::test]
async fn a_body_with_the_wrong_hash_is_an_error_and_its_call_is_on_record() {
    let house = House::open().await;
    let signed = put("/logs/a", b"hello").sign("s3", house.now());
    let reply = house.send(&Ask { body: b"jello".to_vec(), ..signed.clone() }).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "XAmzContentSHA256Mismatch"));
    assert_eq!(
        reply.element("ClientComputedContentSHA256").as_deref(),
        Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
    );
    assert_eq!(
        house.diary.all(),
        [
            "begin PutObject (intent)",
            "run PutObject /logs/a",
            "body failed: XAmzContentSHA256Mismatch",
            "finish PutObject: XAmzContentSHA256Mismatch"
        ]
    );
    // Read as a whole, it never runs.
    let whole = put("/logs/whole", b"hello").sign("s3", house.now());
    let reply = house.send(&Ask { body: b"jello".to_vec(), ..whole }).await;
    assert_eq!(reply.code(), "XAmzContentSHA256Mismatch");
    assert_eq!(house.diary.all()[4..], ["begin PutObject (no intent)", "finish PutObject: XAmzContentSHA256Mismatch"]);
    let json = Ask::json("LookupEvents", "{}").sign("cloudtrail", house.now());
    let reply = house.send(&Ask { body: b"[]".to_vec(), ..json }).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidSignatureException"));
    assert_eq!(house.records(), 3);
}

#[tokio::test]
async fn a_proven_call_with_an_unusable_body_is_on_record_as_far_as_it_is_known() {
    let house = House::open().await;
    let check = async |ask: Ask, body: Vec<u8>, service: &str, code: &str, records: usize| {
        // The hash stands in a header, so the signature is right whatever body comes.
        let hash = by_hand::hash(&ask.body);
        let ask = ask.header("x-amz-content-sha256", &hash).sign(service, house.now());
        let reply = house.send(&Ask { body, ..ask }).await;
        assert_eq!(reply.code(), code, "{}", reply.body);
        assert_eq!(house.records(), records);
    };
    let json = || Ask::json("StartLogging", "{\"Name\":\"abc\"}");
    check(json(), b"{\"Name\":\"abd\"}".to_vec(), "cloudtrail", "InvalidSignatureException", 1).await;
    let (call, outcome) = house.record();
    assert_eq!((call.event_name.as_str(), call.request_parameters), ("StartLogging", None));
    assert_eq!(outcome.error_code.as_deref(), Some("InvalidSignatureException"));
    check(json(), vec![b' '; (1 << 20) + 1], "cloudtrail", "RequestEntityTooLargeException", 2).await;
    check(put("/logs/whole", b""), vec![0; 1001], "s3", "EntityTooLarge", 3).await;
    check(put("/logs/a", b""), vec![0; 200_001], "s3", "EntityTooLarge", 4).await;
    // The name of the operation was in the body.
    let form = Ask::query("Action=GetCallerIdentity&Version=2011-06-15");
    check(form, b"Action=GetSessionToken&Version=2011-06-15".to_vec(), "sts", "SignatureDoesNotMatch", 4).await;
    assert!(house.diary.all().iter().all(|line| !line.starts_with("run")));
}

#[tokio::test]
async fn bodies_are_bounded() {
    let house = House::open().await;
    let check = async |ask: Ask, code: &str| {
        let reply = house.send(&ask).await;
        assert_eq!(reply.code(), code, "{}", reply.body);
        reply
    };
    let reply = check(put("/logs/a", &vec![0; 200_001]).sign("s3", house.now()), "EntityTooLarge").await;
    assert_eq!(reply.element("ProposedSize").as_deref(), Some("200001"));
    assert_eq!(reply.element("MaxSizeAllowed").as_deref(), Some("200000"));
    check(put("/logs/whole", &vec![0; 1001]).sign("s3", house.now()), "EntityTooLarge").await;
    // One that does not say how long it is.
    let endless = put("/logs/a", &vec![0; 300_000]).sign("s3", house.now()).header("transfer-encoding", "chunked");
    check(endless, "EntityTooLarge").await;
    let json = Ask::json("LookupEvents", &" ".repeat((1 << 20) + 1)).sign("cloudtrail", house.now());
    let reply = house.send(&json).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "RequestEntityTooLargeException"));
}

#[tokio::test]
async fn unsigned_payloads_are_s3s_alone() {
    let house = House::open().await;
    let unsigned = |ask: Ask, service: &str| {
        // Signed over the words themselves: nothing is said about the body.
        let secret = Secret::new(SECRET.into());
        let signer = Signer { access_key_id: KEY, secret: &secret, region: "us-east-1", service, at: house.now() };
        let mut ask = ask;
        let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
        signer.sign(&ask.method, path, query, &mut ask.headers, opentrail_wire::sigv4::BodyToSign::Unsigned).unwrap();
        ask
    };
    let reply = house.send(&unsigned(put("/logs/a", b"hello"), "s3")).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "PUT /logs/a? 5"));
    let reply = house.send(&unsigned(Ask::json("LookupEvents", "{}"), "cloudtrail")).await;
    assert_eq!(reply.code(), "InvalidSignatureException");
}

/// A body in aws-chunked framing whose pieces are not signed, with a trailing checksum.
fn trailing(house: &House, path: &str, framed: &[u8], decoded: usize) -> Ask {
    let mut ask = put(path, framed)
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .header("x-amz-decoded-content-length", &decoded.to_string())
        .header("content-encoding", "aws-chunked");
    ask.headers.insert("x-amz-date", HeaderValue::from_static("20260102T030405Z"));
    ask.headers.insert("x-amz-content-sha256", HeaderValue::from_static("STREAMING-UNSIGNED-PAYLOAD-TRAILER"));
    by_hand::sign(&mut ask, house.now());
    ask
}

/// A second, independent signer, for what the library's own does not offer.
mod by_hand {
    use aws_lc_rs::{digest, hmac};
    use http::HeaderValue;
    use jiff::Timestamp;

    use crate::house::Ask;
    use crate::toys::{KEY, SECRET};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    const SCOPE: &str = "us-east-1/s3/aws4_request";

    pub(super) fn hash(bytes: &[u8]) -> String {
        hex(digest::digest(&digest::SHA256, bytes).as_ref())
    }

    fn seal(day: &str, text: &str) -> String {
        let mut key = format!("AWS4{SECRET}").into_bytes();
        for part in [day, "us-east-1", "s3", "aws4_request", text] {
            key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
        }
        hex(&key)
    }

    /// Adds the Authorization header, and gives the signature back.
    pub(crate) fn sign(ask: &mut Ask, at: Timestamp) -> String {
        let date = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = &date[..8];
        let mut names: Vec<&str> = ask.headers.keys().map(|n| n.as_str()).collect();
        names.sort_unstable();
        let headers: String =
            names.iter().map(|n| format!("{n}:{}\n", ask.headers[*n].to_str().unwrap().trim())).collect();
        let signed = names.join(";");
        let payload = ask.headers["x-amz-content-sha256"].to_str().unwrap();
        let canonical = format!("{}\n{}\n\n{headers}\n{signed}\n{payload}", ask.method, ask.target);
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{day}/{SCOPE}\n{}", hash(canonical.as_bytes()));
        let signature = seal(day, &text);
        let value =
            format!("AWS4-HMAC-SHA256 Credential={KEY}/{day}/{SCOPE}, SignedHeaders={signed}, Signature={signature}");
        ask.headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
        signature
    }

    /// `body` in pieces of 8 KiB and a trailing header, each signed with the one before.
    pub(crate) fn frame(seed: &str, at: Timestamp, body: &[u8], trailer: &str) -> Vec<u8> {
        let date = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = &date[..8];
        let mut previous = seed.to_owned();
        let mut out = Vec::new();
        for piece in body.chunks(8192).chain([&[][..]]) {
            let (nothing, data) = (hash(b""), hash(piece));
            let text = format!("AWS4-HMAC-SHA256-PAYLOAD\n{date}\n{day}/{SCOPE}\n{previous}\n{nothing}\n{data}");
            previous = seal(day, &text);
            out.extend_from_slice(format!("{:x};chunk-signature={previous}\r\n", piece.len()).as_bytes());
            out.extend_from_slice(piece);
            out.extend_from_slice(if piece.is_empty() { b"" } else { b"\r\n" });
        }
        let data = hash(format!("{trailer}\n").as_bytes());
        let text = format!("AWS4-HMAC-SHA256-TRAILER\n{date}\n{day}/{SCOPE}\n{previous}\n{data}");
        let signature = seal(day, &text);
        out.extend_from_slice(format!("{trailer}\r\nx-amz-trailer-signature:{signature}\r\n\r\n").as_bytes());
        out
    }
}

#[tokio::test]
async fn signed_pieces_are_proven_one_by_one() {
    let house = House::open().await;
    let mut ask = put("/logs/a", b"")
        .header("x-amz-date", "20260102T030405Z")
        .header("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .header("x-amz-decoded-content-length", "20000");
    let seed = by_hand::sign(&mut ask, house.now());
    let framed = by_hand::frame(&seed, house.now(), &vec![b'x'; 20_000], "x-amz-checksum-crc32:AAAAAA==");
    let send = async |body: Vec<u8>| house.send(&Ask { body, ..ask.clone() }).await;
    let reply = send(framed.clone()).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "PUT /logs/a? 20000"));
    assert_eq!(reply.header("x-toy-trailer"), Some("AAAAAA=="));
    let find = |needle: &[u8]| framed.windows(needle.len()).position(|w| w == needle).unwrap();
    let trailer = find(b"AAAAAA==");
    for at in [200, 9_000, 18_000, trailer, framed.len() - 10] {
        let mut changed = framed.clone();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let reply = send(changed).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "SignatureDoesNotMatch"), "at {at}: {}", reply.body);
        assert_eq!(house.record().1.error_code.as_deref(), Some("SignatureDoesNotMatch"));
    }
    // Two pieces in each other's place.
    let (first, second) = (
        find(b"2000;"),
        find(b"2000;") + framed[find(b"2000;") + 1..].windows(5).position(|w| w == b"2000;").unwrap() + 1,
    );
    let length = second - first;
    let mut swapped = framed.clone();
    swapped[first..first + length].copy_from_slice(&framed[second..second + length]);
    swapped[second..second + length].copy_from_slice(&framed[first..first + length]);
    assert_eq!(send(swapped).await.code(), "SignatureDoesNotMatch");
}

#[tokio::test]
async fn framing_is_taken_off_and_checked() {
    let house = House::open().await;
    let good = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    let reply = house.send(&trailing(&house, "/logs/a", good, 5)).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "PUT /logs/a? 5"));
    assert_eq!(reply.header("x-toy-trailer"), Some("NhCmhg=="));
    // Bytes on the wire, framing and all.
    let data = format!("{:?}", house.record().1.additional_event_data.unwrap());
    assert!(data.contains(&format!("\"bytesTransferredIn\":{}", good.len())), "{data}");
    // A service that wants it whole finds the trailer among the headers.
    let reply = house.send(&trailing(&house, "/logs/whole", good, 5)).await;
    assert_eq!((reply.body.as_str(), reply.header("x-toy-trailer")), ("PUT /logs/whole? 5", Some("NhCmhg==")));
    let check = async |framed: &[u8], decoded: usize, status: u16, code: &str| {
        let reply = house.send(&trailing(&house, "/logs/a", framed, decoded)).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}", reply.body);
    };
    check(good, 6, 400, "IncompleteBody").await;
    check(good, 4, 400, "IncompleteBody").await;
    check(b"hello", 5, 400, "IncompleteBody").await;
    check(b"hello\r\n", 5, 400, "InvalidRequest").await;
    check(b"5\r\nhello\r\n0\r\n\r\n", 5, 400, "MalformedTrailerError").await;
    check(b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 5, 403, "InvalidChunkSizeError").await;
    check(good, 300_000, 400, "EntityTooLarge").await;
    let mut again =
        trailing(&house, "/logs/a", good, 5).without("x-amz-decoded-content-length").without("authorization");
    by_hand::sign(&mut again, house.now());
    let reply = house.send(&again).await;
    assert_eq!((reply.status, reply.code().as_str()), (411, "MissingContentLength"));
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_recorded_as_such() {
    let house = House::open().await;
    let mut bytes = put("/logs/a", b"hello world").sign("s3", house.now()).bytes();
    bytes.truncate(bytes.len() - 6);
    let mut stream = house.connect().await;
    tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await.unwrap();
    drop(stream);
    for _ in 0..200 {
        if house.records() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(house.diary.all().last().map(String::as_str), Some("finish PutObject: IncompleteBody"));
}

#[tokio::test]
async fn a_silent_client_is_not_waited_for() {
    let house = House::open().await;
    let bytes = put("/logs/a", b"hello world").sign("s3", house.now()).bytes();
    let mut stream = house.connect().await;
    tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes[..bytes.len() - 6]).await.unwrap();
    while house.diary.all().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // The clock is the house's own: nobody waits for half a minute here.
    let mut reply = Box::pin(Reply::read(&mut stream));
    let reply = loop {
        tokio::select! {
            reply = &mut reply => break reply,
            () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {
                house.clock.advance(std::time::Duration::from_secs(31));
            }
        }
    };
    assert_eq!((reply.status, reply.code().as_str()), (400, "RequestTimeout"));
}

#[tokio::test]
async fn answers_may_stream_and_head_has_no_body() {
    let house = House::open().await;
    let reply = house.send(&Ask::new(Method::GET, "/logs/stream").sign("s3", house.now())).await;
    assert_eq!((reply.status, reply.body.len(), reply.header("content-length")), (200, 10_000, Some("10000")));
    let data = format!("{:?}", house.record().1.additional_event_data.unwrap());
    assert!(data.contains("\"bytesTransferredOut\":10000"), "{data}");
    let reply = house.send(&Ask::new(Method::HEAD, "/logs/stream").sign("s3", house.now())).await;
    assert_eq!((reply.status, reply.body.as_str(), reply.header("content-length")), (200, "", Some("10000")));
    let reply = house.send(&Ask::new(Method::HEAD, "/logs/fails").sign("s3", house.now())).await;
    assert_eq!((reply.status, reply.body.as_str()), (404, ""));
    assert_eq!(house.record().1.error_code.as_deref(), Some("NoSuchBucket"));
    assert_eq!(reply.header("x-amz-request-id").map(str::len), Some(16));
}
