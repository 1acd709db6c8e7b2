//! Against scripted servers: sockets that say exactly what they are told to.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderValue, Method};
use opentrail_delivery::{Upstream, UpstreamAnswer, UpstreamBody, UpstreamCall, UpstreamError, UpstreamPlace};
use opentrail_world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{Address, Remote, RemoteSettings};

fn settings() -> RemoteSettings {
    RemoteSettings {
        connect_timeout: Duration::from_secs(2),
        answer_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(300),
        connections_max: 2,
    }
}

fn remote(port: u16) -> Remote {
    let address = Address::parse(&format!("http://127.0.0.1:{port}")).expect("an address");
    Remote::new(address, None, settings(), World::real())
}

fn place() -> UpstreamPlace {
    UpstreamPlace { endpoint_prefix: "s3".into(), region: "us-east-1".into() }
}

fn call(method: Method, body: UpstreamBody) -> UpstreamCall {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("toys"));
    UpstreamCall { method, target: "/a%20b?c=%2F".into(), headers, body }
}

fn get() -> UpstreamCall {
    call(Method::GET, UpstreamBody::Whole(Bytes::new()))
}

async fn all(answer: UpstreamAnswer) -> Result<Vec<u8>, UpstreamError> {
    answer
        .body
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
}

/// Reads one request's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.expect("read") == 1 {
        text.push(byte[0]);
    }
    String::from_utf8(text).expect("UTF-8")
}

/// A server that answers one connection's requests with these texts in turn, then closes. What it was asked comes back.
async fn server(answers: &'static [&'static str]) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut asked = Vec::new();
        for answer in answers {
            asked.push(head(&mut stream).await);
            stream.write_all(answer.as_bytes()).await.expect("written");
        }
        asked
    });
    (port, task)
}

#[tokio::test]
async fn a_call_goes_out_as_it_is_and_its_connection_serves_again() {
    let (port, server) =
        server(&["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Y: z\r\n\r\nok", "HTTP/1.1 204 No\r\n\r\n"]).await;
    let remote = remote(port);
    let first = remote.send(place(), get()).await.expect("answered");
    assert_eq!((first.status, first.length, first.headers["x-y"].as_bytes()), (200, Some(2), b"z".as_slice()));
    assert_eq!(all(first).await.expect("whole"), b"ok");
    // The connection is given back by a task of its own.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let second = remote.send(place(), call(Method::POST, UpstreamBody::Whole("".into()))).await.expect("answered");
    assert_eq!(second.status, 204);
    let asked = server.await.expect("no panic");
    assert_eq!(asked.len(), 2);
    assert!(asked[0].starts_with("GET /a%20b?c=%2F HTTP/1.1\r\nhost: toys\r\n"), "{asked:?}");
    assert!(asked[1].contains("content-length: 0"), "{asked:?}");
}

#[tokio::test]
async fn an_answer_that_ends_early_is_broken() {
    for wire in [
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let (port, server) = server(Box::leak(Box::new([wire]))).await;
        let answer = remote(port).send(place(), get()).await.expect("a head");
        assert!(matches!(all(answer).await, Err(UpstreamError::Broken(_))), "{wire}");
        server.await.expect("no panic");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_broken_and_who_is_not_there_unreachable() {
    for wire in ["", "HTTP/1.1 200", "hello there\r\n\r\n", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"] {
        let (port, server) = server(Box::leak(Box::new([wire]))).await;
        let error = remote(port).send(place(), get()).await.err().expect("no answer");
        assert!(matches!(error, UpstreamError::Broken(_)) && error.may_have_run(), "{wire}: {error}");
        server.await.expect("no panic");
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("bound").local_addr().expect("an address").port();
    let error = remote(gone).send(place(), get()).await.err().expect("no answer");
    assert!(matches!(error, UpstreamError::Unreachable(_)) && !error.may_have_run(), "{error}");
}

#[tokio::test]
async fn silence_has_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let remote = Arc::new(remote(port));
    let waits = tokio::spawn({
        let remote = remote.clone();
        async move { remote.send(place(), get()).await.err() }
    });
    let (_silent, _) = listener.accept().await.expect("accepted");
    assert!(matches!(waits.await.expect("no panic"), Some(UpstreamError::Late { what: "answer", .. })));

    let reads = tokio::spawn(async move {
        let answer = remote.send(place(), get()).await.expect("a head");
        answer.body.collect::<Vec<_>>().await
    });
    let (mut stalls, _) = listener.accept().await.expect("accepted");
    head(&mut stalls).await;
    stalls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await.expect("written");
    let got = reads.await.expect("no panic");
    assert_eq!(got[0].as_deref(), Ok(b"half".as_slice()));
    assert!(matches!(got[1], Err(UpstreamError::Late { .. })) && got.len() == 2);
}

#[tokio::test]
async fn a_change_is_not_sent_twice_and_a_read_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            let counted = counted.clone();
            tokio::spawn(async move {
                head(&mut stream).await;
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
                // The next one is read, and the connection closed over it.
                head(&mut stream).await;
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            });
        }
    });
    let remote = remote(port);
    let sent = |call| async { remote.send(place(), call).await.map(|answer| answer.status) };
    let settle = || async {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(sent(get()).await, Ok(200));
    settle().await;
    let post = call(Method::POST, UpstreamBody::Whole("x=y".into()));
    assert!(matches!(sent(post).await, Err(UpstreamError::Broken(_))));
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 2);
    assert_eq!(sent(get()).await, Ok(200));
    settle().await;
    assert_eq!(sent(get()).await, Ok(200));
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 5);
}
