//! `/health`, `/metrics`, virtual hosts, and TLS.

use std::sync::Arc;

use http::Method;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::house::{Ask, House, Reply, settings};
use crate::toys::*;

#[tokio::test]
async fn strangers_learn_ready_or_not_and_nothing_else() {
    let house = House::open().await;
    let health = || Ask::new(Method::GET, "/health");
    let reply = house.send(&health()).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "ready\n"));
    *house.pages.0.lock().unwrap() = false;
    let reply = house.send(&health()).await;
    assert_eq!((reply.status, reply.body.as_str()), (503, "not ready\n"));
    for ask in [
        Ask::new(Method::POST, "/health"),
        Ask::new(Method::GET, "/health?x"),
        Ask::new(Method::GET, "/health/"),
        Ask::new(Method::GET, "/metrics"),
    ] {
        assert_eq!(house.send(&ask).await.code(), "AccessDenied", "{}", ask.target);
    }
    assert_eq!(house.records(), 0);
}

#[tokio::test]
async fn the_operator_sees_more() {
    let house = House::open().await;
    let ask = async |key: &str, path: &str| {
        let ask = Ask::new(Method::GET, path).sign_as(key, SECRET, "us-east-1", "opentrail", house.now());
        house.send(&ask).await
    };
    assert_eq!(ask(OPERATOR_KEY, "/health").await.body, "{\"lag\":0}");
    assert_eq!(ask(KEY, "/health").await.body, "ready\n");
    assert_eq!(ask(OPERATOR_KEY, "/metrics").await.body, "toys_total 1\n");
    let reply = ask(KEY, "/metrics").await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "AccessDeniedException"));
    assert_eq!(ask(INACTIVE_KEY, "/health").await.code(), "UnrecognizedClientException");
    assert_eq!(ask(OPERATOR_KEY, "/else").await.status, 404);
}

#[tokio::test]
async fn a_bucket_may_be_called_health() {
    let house = House::open().await;
    for path in ["/health", "/metrics"] {
        let reply = house
            .send(&Ask::new(Method::GET, path).sign_as(OPERATOR_KEY, SECRET, "us-east-1", "s3", house.now()))
            .await;
        assert_eq!((reply.status, reply.body), (200, format!("GET {path}? 0")));
    }
}

#[tokio::test]
async fn a_bucket_may_stand_in_front_of_the_host() {
    let house = House::open().await;
    let check = async |host: &str, path: &str, expect: &str| {
        let reply = house.send(&Ask::new(Method::GET, path).header("host", host).sign("s3", house.now())).await;
        assert_eq!(reply.body, expect, "{host}{path}");
    };
    check("logs.s3.us-east-1.localhost:4566", "/a/b", "GET /logs/a/b? 0").await;
    check("logs.s3.localhost", "/?list-type=2", "GET /logs?list-type=2 0").await;
    check("logs.localhost", "/health", "GET /logs/health? 0").await;
    check("localhost:4566", "/logs/a", "GET /logs/a? 0").await;
    check("127.0.0.1:4566", "/logs/a", "GET /logs/a? 0").await;
    // Another service's host is not looked at.
    let json = Ask::json("LookupEvents", "{}").header("host", "cloudtrail.localhost");
    assert_eq!(house.send(&json.sign("cloudtrail", house.now())).await.status, 200);
}

#[tokio::test]
async fn tls_is_spoken_and_recorded() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let house = House::with(opentrail_wire::DoorSettings { tls: Some((certificate.clone(), key)), ..settings() }).await;
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(certificate).unwrap();
    for found in rustls_pemfile::certs(&mut pem.as_slice()) {
        roots.add(found.unwrap()).unwrap();
    }
    let check = async |version: &'static rustls::SupportedProtocolVersion, name: &str, suite: &str| {
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let host = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(host, house.connect().await).await.unwrap();
        let ask = Ask::new(Method::GET, "/logs/a").header("host", "localhost:1").sign("s3", house.now());
        stream.write_all(&ask.bytes()).await.unwrap();
        assert_eq!(Reply::read(&mut stream).await.status, 200);
        let (call, outcome) = house.record();
        let tls = call.tls.unwrap();
        assert_eq!((tls.tls_version.as_str(), tls.cipher_suite.as_str()), (name, suite));
        assert_eq!((tls.client_provided_host_header.as_str(), tls.key_exchange), ("localhost:1", None));
        let data = format!("{:?}", outcome.additional_event_data.unwrap());
        assert!(data.contains(&format!("\"CipherSuite\":\"{suite}\"")), "{data}");
    };
    check(&rustls::version::TLS13, "TLSv1.3", "TLS_AES_256_GCM_SHA384").await;
    check(&rustls::version::TLS12, "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384").await;
    // Plain text at a TLS door gets nothing, and the door stays open.
    let mut stream = house.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert!(!Reply::read(&mut stream).await.body.contains("Error"));
    check(&rustls::version::TLS13, "TLSv1.3", "TLS_AES_256_GCM_SHA384").await;
}

#[tokio::test]
async fn a_door_without_its_certificate_does_not_open() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let (missing, no_key) = (folder.join("tls/none.pem"), folder.join("tls/cert.pem"));
    assert!(opens((missing, no_key.clone())).await.is_err_and(|e| e.contains("none.pem")));
    assert!(opens((no_key.clone(), no_key)).await.is_err_and(|e| e.contains("no private key")));
}

async fn opens(tls: (std::path::PathBuf, std::path::PathBuf)) -> Result<(), String> {
    opentrail_wire::DoorSettings { tls: Some(tls), ..settings() }.bind().await.map(|_| ()).map_err(|e| e.to_string())
}
