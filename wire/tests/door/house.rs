//! A door over toys, and a client that sends exactly the bytes it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use opentrail_event::Region;
use opentrail_journal::{Call, Outcome};
use opentrail_policy::Secret;
use opentrail_protocol::Models;
use opentrail_wire::sigv4::{BodyToSign, Signer};
use opentrail_wire::{Door, DoorSettings, Passage, RpcService, Running, Service};
use opentrail_world::{SimClock, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::bearer::ToyBearer;
use crate::toys::*;

pub(crate) const NOW: &str = "2026-01-02T03:04:05Z";

pub(crate) struct House {
    pub address: SocketAddr,
    pub clock: Arc<SimClock>,
    pub world: World,
    pub diary: Diary,
    pub capture: Arc<ToyCapture>,
    pub pages: Arc<ToyPages>,
    pub go_on: Arc<Notify>,
    pub running: Running,
}

pub(crate) fn settings() -> DoorSettings {
    DoorSettings {
        listen: ([127, 0, 0, 1], 0).into(),
        tls: None,
        regions: ["us-east-1", "eu-west-1"].iter().map(|r| r.parse::<Region>().unwrap()).collect(),
        host_names: vec!["localhost".into()],
        connections_max: 64,
        trusted_proxies: Vec::new(),
        head_timeout: Duration::from_secs(5),
        body_idle_timeout: Duration::from_secs(30),
        drain_timeout: Duration::from_secs(5),
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(settings()).await
    }

    /// A door that is not open yet.
    pub(crate) fn door(settings: DoorSettings) -> Door {
        let (world, _) = World::simulated(7, NOW.parse().unwrap());
        let capture = ToyCapture {
            diary: Diary::default(),
            refuse_begin: Mutex::new(false),
            refuse_finish: Mutex::new(false),
            calls: Mutex::default(),
        };
        Door {
            settings,
            world,
            identities: Arc::new(ToyIdentities),
            decide: Arc::new(ToyDecide),
            capture: Arc::new(capture),
            services: Vec::new(),
            pages: Arc::new(ToyPages(Mutex::new(true))),
            passage: None,
        }
    }

    pub(crate) async fn with(settings: DoorSettings) -> Self {
        Self::made(settings, Diary::default(), |_| None).await
    }

    /// A house that passes calls on.
    pub(crate) async fn passing(settings: DoorSettings, diary: Diary, passage: impl FnOnce(&World) -> Passage) -> Self {
        Self::made(settings, diary, |world| Some(passage(world))).await
    }

    async fn made(settings: DoorSettings, diary: Diary, passage: impl FnOnce(&World) -> Option<Passage>) -> Self {
        let (world, clock) = World::simulated(7, NOW.parse().unwrap());
        let go_on = Arc::new(Notify::new());
        let capture = Arc::new(ToyCapture {
            diary: diary.clone(),
            refuse_begin: Mutex::new(false),
            refuse_finish: Mutex::new(false),
            calls: Mutex::default(),
        });
        let pages = Arc::new(ToyPages(Mutex::new(true)));
        let models = Models::builtin();
        let operation =
            |facts| -> Box<dyn opentrail_wire::Operation> { Box::new(ToyOperation { facts, diary: diary.clone() }) };
        let cloudtrail = RpcService::new(
            models.by_signing_name("cloudtrail").unwrap(),
            vec![operation(&LOOKUP), operation(&DESCRIBE), operation(&START), operation(&STOP)],
        );
        let sts = RpcService::new(
            models.by_signing_name("sts").unwrap(),
            vec![operation(&IDENTITY), operation(&ASSUME), Box::new(ToyBearer(diary.clone()))],
        );
        let iam = RpcService::new(models.by_signing_name("iam").unwrap(), Vec::new()).into_global();
        let s3 = ToyS3 { diary: diary.clone(), go_on: go_on.clone() };
        let services: Vec<Arc<dyn Service>> = vec![Arc::new(cloudtrail), Arc::new(sts), Arc::new(iam), Arc::new(s3)];
        let door = Door {
            world: world.clone(),
            capture: capture.clone(),
            services,
            pages: pages.clone(),
            passage: passage(&world),
            ..Self::door(settings)
        };
        let bound = door.settings.bind().await.unwrap();
        let running = door.open(bound);
        Self { address: running.address, clock, world, diary, capture, pages, go_on, running }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.world.now()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// From another address of this machine than the usual one.
    pub(crate) async fn connect_from(&self, ip: [u8; 4]) -> TcpStream {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((ip, 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Sends raw bytes and reads until the other side closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect().await;
        // The other side may refuse, and close, before it has read everything.
        let _ = stream.write_all(bytes).await;
        Reply::read(&mut stream).await
    }

    pub(crate) async fn send(&self, ask: &Ask) -> Reply {
        self.raw(&ask.bytes()).await
    }

    /// The newest record.
    pub(crate) fn record(&self) -> (Call, Outcome) {
        self.capture.calls.lock().unwrap().last().cloned().expect("something was recorded")
    }

    pub(crate) fn records(&self) -> usize {
        self.capture.calls.lock().unwrap().len()
    }
}

/// A request to be.
#[derive(Clone)]
pub(crate) struct Ask {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(method: Method, target: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("127.0.0.1"));
        Self { method, target: target.into(), headers, body: Vec::new() }
    }

    pub(crate) fn json(operation: &str, body: &str) -> Self {
        Self::new(Method::POST, "/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", &format!("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.{operation}"))
            .body(body.as_bytes())
    }

    pub(crate) fn query(form: &str) -> Self {
        Self::new(Method::POST, "/")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(form.as_bytes())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub(crate) fn split(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }

    pub(crate) fn sign(self, service: &str, at: Timestamp) -> Self {
        self.sign_as(KEY, SECRET, "us-east-1", service, at)
    }

    pub(crate) fn sign_as(mut self, key: &str, secret: &str, region: &str, service: &str, at: Timestamp) -> Self {
        let secret = Secret::new(secret.into());
        let signer = Signer { access_key_id: key, secret: &secret, region, service, at };
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let body = BodyToSign::Whole(&self.body);
        signer.sign(&self.method, path, query, &mut self.headers, body).unwrap();
        self
    }

    pub(crate) fn presign(mut self, service: &str, at: Timestamp, expires_s: u32) -> Self {
        let secret = Secret::new(SECRET.into());
        let signer = Signer { access_key_id: KEY, secret: &secret, region: "us-east-1", service, at };
        let (path, query) = self.split();
        let signed = signer.presign(&self.method, "127.0.0.1", path, query, expires_s).unwrap();
        self.target = format!("{path}?{signed}");
        self
    }

    /// As HTTP, asking for the connection to be closed behind it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        if self.headers.contains_key("transfer-encoding") {
            out.extend_from_slice(format!("\r\n{:x}\r\n", self.body.len()).as_bytes());
            out.extend_from_slice(&self.body);
            out.extend_from_slice(b"\r\n0\r\n\r\n");
            return out;
        }
        if !self.headers.contains_key("content-length") && !self.body.is_empty() {
            out.extend_from_slice(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub(crate) async fn read<S: AsyncReadExt + Unpin>(stream: &mut S) -> Self {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
        assert!(read.is_ok(), "no end of the answer; so far: {}", String::from_utf8_lossy(&bytes));
        Self::parse(&bytes)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).unwrap_or(0);
        let headers = lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
        Self { status, headers, body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The code of an error, in whatever protocol.
    pub(crate) fn code(&self) -> String {
        if let Some(code) = self.element("Code") {
            return code;
        }
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        json["__type"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn message(&self) -> String {
        if let Some(message) = self.element("Message") {
            return message;
        }
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        json["message"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn element(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    }
}
