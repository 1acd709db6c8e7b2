//! The door's part, for tests: announce, decide, run.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use opentrail_event::{AccountId, Region};
use opentrail_policy::{Principal, PrincipalKind};
use opentrail_s3::{S3Service, S3Settings};
use opentrail_wire::{
    Announced, AnswerBody, BodyFault, BodyRule, Cx, Fault, RequestBody, RequestHead, Service, Trailers,
};
use opentrail_world::{SimClock, World};

use crate::engines::{MemoryBlobs, MemoryCatalog};

pub(crate) const ALICE: &str = "111111111111";
pub(crate) const BOB: &str = "222222222222";

/// A house with one service.
pub(crate) struct House {
    pub(crate) catalog: Arc<MemoryCatalog>,
    pub(crate) blobs: Arc<MemoryBlobs>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) s3: Arc<S3Service>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) response_elements: Option<String>,
    pub(crate) additional: Option<String>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The texts of all elements of that name, unescaped as far as tests need.
    pub(crate) fn all(&self, element: &str) -> Vec<String> {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let pieces = self.text().split(&open).skip(1);
        pieces.map(|rest| rest.split(&close).next().unwrap().replace("&quot;", "\"")).collect()
    }

    pub(crate) fn one(&self, element: &str) -> Option<String> {
        let all = self.all(element);
        assert!(all.len() < 2, "{element} is there {} times", all.len());
        all.into_iter().next()
    }
}

/// One request.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) account: &'static str,
    pub(crate) region: &'static str,
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) body_fault: Option<Fault>,
    pub(crate) presigned: bool,
}

impl Ask {
    pub(crate) fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            account: ALICE,
            region: "us-east-1",
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            trailers: None,
            body_fault: None,
            presigned: false,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn by(mut self, account: &'static str) -> Self {
        self.account = account;
        self
    }

    pub(crate) fn at(mut self, region: &'static str) -> Self {
        self.region = region;
        self
    }

    pub(crate) fn head(&self) -> RequestHead {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost:4566"));
        headers.insert("authorization", HeaderValue::from_static("AWS4-HMAC-SHA256 Credential=x"));
        headers.insert("x-amz-content-sha256", HeaderValue::from_static("UNSIGNED-PAYLOAD"));
        for (name, value) in &self.headers {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        RequestHead { method: self.method.clone(), raw_path: path.into(), raw_query: query.into(), headers }
    }

    pub(crate) fn cx(&self) -> Cx {
        let account: AccountId = self.account.parse().unwrap();
        Cx {
            principal: Arc::new(Principal {
                kind: PrincipalKind::Root,
                account,
                access_key_id: "AKIAEXAMPLEEXAMPLE00".into(),
                session: None,
            }),
            region: self.region.parse().unwrap(),
            request_id: "0123456789ABCDEF".into(),
            received_at: "2026-11-21T10:00:00Z".parse().unwrap(),
            source_ip: [127, 0, 0, 1].into(),
            user_agent: None,
            tls: None,
            presigned: self.presigned,
        }
    }
}

pub(crate) fn put<T: Into<String>>(target: T) -> Ask {
    Ask::new(Method::PUT, target)
}

pub(crate) fn get<T: Into<String>>(target: T) -> Ask {
    Ask::new(Method::GET, target)
}

pub(crate) fn head<T: Into<String>>(target: T) -> Ask {
    Ask::new(Method::HEAD, target)
}

pub(crate) fn post<T: Into<String>>(target: T) -> Ask {
    Ask::new(Method::POST, target)
}

pub(crate) fn delete<T: Into<String>>(target: T) -> Ask {
    Ask::new(Method::DELETE, target)
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

impl House {
    pub(crate) fn new() -> Self {
        Self::over(Arc::default(), Arc::default(), 1)
    }

    /// A service started over engines that are there already.
    pub(crate) fn over(catalog: Arc<MemoryCatalog>, blobs: Arc<MemoryBlobs>, seed: u64) -> Self {
        Self::guarded(catalog, blobs, seed, crate::guards::toys())
    }

    /// With the guards that are given.
    pub(crate) fn guarded(
        catalog: Arc<MemoryCatalog>,
        blobs: Arc<MemoryBlobs>,
        seed: u64,
        guards: opentrail_s3::S3Guards,
    ) -> Self {
        let (world, clock) = World::simulated(seed, "2026-11-21T10:00:00Z".parse().unwrap());
        let regions: Vec<Region> =
            ["us-east-1", "eu-west-1", "eu-central-1"].iter().map(|r| r.parse().unwrap()).collect();
        let s3 = S3Service::new(catalog.clone(), blobs.clone(), world, guards, S3Settings { regions });
        Self { catalog, blobs, clock, s3 }
    }

    /// With a bucket `bkt` in us-east-1.
    pub(crate) fn with_bucket() -> Self {
        let house = Self::new();
        house.ok(&put("/bkt"));
        house
    }

    /// Ends this run and starts the next, seed being the chance of the new one.
    pub(crate) fn restart(&self, seed: u64) -> Self {
        Self::over(self.catalog.clone(), self.blobs.clone(), seed)
    }

    /// The next run, after its sweep. A failure that is still to come may hit a sweep, which the next one makes good.
    pub(crate) fn restart_swept(&self, seed: u64) -> Self {
        let next = self.restart(seed);
        let _ = run(next.s3.sweep());
        next.catalog.plan.forget();
        next.blobs.plan.forget();
        run(next.s3.sweep()).unwrap();
        next
    }

    pub(crate) async fn announce(&self, ask: &Ask) -> Result<Announced, opentrail_wire::Rejected> {
        announce(&self.s3, ask).await
    }

    pub(crate) async fn call(&self, ask: &Ask) -> Result<Reply, Fault> {
        call(&self.s3, ask).await
    }

    pub(crate) fn ok(&self, ask: &Ask) -> Reply {
        match run(self.call(ask)) {
            Ok(reply) => reply,
            Err(fault) => panic!("{} {} failed: {fault}", ask.method, ask.target),
        }
    }

    pub(crate) fn fault(&self, ask: &Ask) -> Fault {
        match run(self.call(ask)) {
            Ok(reply) => panic!("{} {} succeeded: {reply:?}", ask.method, ask.target),
            Err(fault) => fault,
        }
    }

    /// Status and code of a call that must fail.
    pub(crate) fn code(&self, ask: &Ask) -> (u16, String) {
        let fault = self.fault(ask);
        (fault.status, fault.code.into_owned())
    }
}

async fn announce(s3: &S3Service, ask: &Ask) -> Result<Announced, opentrail_wire::Rejected> {
    let head = ask.head();
    let body = match s3.body_rule(&head) {
        BodyRule::Whole { .. } => Some(&ask.body),
        BodyRule::Stream { .. } => None,
    };
    s3.announce(&ask.cx(), &head, body).await
}

/// As the door does it: announce, deny what is another account's, run.
pub(crate) async fn call(s3: &S3Service, ask: &Ask) -> Result<Reply, Fault> {
    let head = ask.head();
    let rule = s3.body_rule(&head);
    let mut announced = announce(s3, ask).await.map_err(|rejected| rejected.fault)?;
    if announced.owner.is_some() && !announced.open {
        return Err(Fault::new("AccessDenied", 403, "Access Denied"));
    }
    let body = match rule {
        BodyRule::Whole { .. } => RequestBody::Whole(ask.body.clone()),
        BodyRule::Stream { .. } => {
            let mut pieces: Vec<_> = ask.body.chunks(700).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
            pieces.extend(ask.body_fault.clone().map(|fault| Err(BodyFault(fault))));
            RequestBody::Stream {
                length: Some(ask.body.len() as u64),
                bytes: futures::stream::iter(pieces).boxed(),
                trailers: Trailers(Arc::new(Mutex::new(ask.trailers.clone()))),
            }
        }
    };
    let answer = s3.run(&ask.cx(), &head, &mut announced, body).await?;
    let body = match answer.body {
        AnswerBody::Whole(bytes) => bytes,
        AnswerBody::Stream { length, mut bytes } => {
            let mut all = BytesMut::new();
            while let Some(piece) = bytes.next().await {
                all.extend_from_slice(&piece.unwrap());
            }
            assert_eq!(all.len() as u64, length, "a stream is as long as it says");
            all.freeze()
        }
    };
    let text = |json: Option<opentrail_event::RawJson>| json.map(|j| String::from_utf8_lossy(j.as_bytes()).into());
    Ok(Reply {
        status: answer.status,
        headers: answer.headers,
        body,
        response_elements: text(answer.response_elements),
        additional: text(answer.additional_event_data),
    })
}

/// A detail of a fault.
pub(crate) fn detail<'a>(fault: &'a Fault, name: &str) -> Option<&'a str> {
    fault.details.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}
