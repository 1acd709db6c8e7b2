//! A client of a running server: finds it and signs as the aws CLI does.

mod connection;
mod credentials;
mod s3;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use opentrail_policy::Secret;
use opentrail_wire::sigv4::{BodyToSign, Signer};
use opentrail_world::World;

use connection::{Connection, Endpoint};
pub use credentials::{Choice, Chosen, CredentialsError, Keys, choose, profile_of};
pub use s3::{List, Listing};
pub use tls::{TrustError, trust};

/// How often a call is tried that the server was too busy for.
const ATTEMPTS_MAX: u32 = 6;
/// Pause before the second try; it doubles from there.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(3);

/// What to send.
#[derive(Debug, Clone)]
pub struct Request {
    /// In the signature's scope.
    pub service: &'static str,
    pub method: Method,
    /// Percent-encoded.
    pub path: String,
    /// Without the question mark.
    pub query: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Request {
    /// An awsJson1.1 call.
    pub fn json(service: &'static str, target: String, body: &serde_json::Value) -> Self {
        Self {
            service,
            method: Method::POST,
            path: "/".into(),
            query: String::new(),
            headers: vec![("content-type", "application/x-amz-json-1.1".into()), ("x-amz-target", target)],
            body: body.to_string().into(),
        }
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why a call has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(
        "no server answers at {endpoint}: {why}. Start one with `opentrail serve`, or name another with --endpoint-url"
    )]
    Unreachable { endpoint: String, why: String },
    #[error("{endpoint} broke the connection off: {why}")]
    Broken { endpoint: String, why: String },
    #[error("the server refused: {code}: {message}")]
    Refused { status: u16, code: String, message: String },
    #[error("the answer of {endpoint} is not what an OpenTrail server sends (status {status})")]
    Strange { endpoint: String, status: u16 },
    #[error("{0}")]
    Address(String),
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl ClientError {
    /// The server's own code for it.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// One connection to a server, kept open between calls.
pub struct Client {
    endpoint: Endpoint,
    keys: Keys,
    region: String,
    world: World,
    connection: Connection,
    agent: String,
}

impl Client {
    /// A client of what was [chosen](choose). Connects at the first call.
    pub fn new(chosen: &Chosen, world: World) -> Result<Self, ClientError> {
        let endpoint = Endpoint::parse(&chosen.endpoint, chosen.ca_bundle.as_deref())?;
        Ok(Self {
            connection: Connection::default(),
            endpoint,
            keys: chosen.keys.clone(),
            region: chosen.region.clone(),
            world,
            agent: format!("opentrail/{}", env!("CARGO_PKG_VERSION")),
        })
    }

    /// The same server by a connection of its own.
    pub fn another(&self) -> Self {
        Self {
            endpoint: self.endpoint.clone(),
            keys: self.keys.clone(),
            region: self.region.clone(),
            world: self.world.clone(),
            connection: Connection::default(),
            agent: self.agent.clone(),
        }
    }

    /// Signs as somebody else from now on.
    pub fn act_as(&mut self, keys: Keys) {
        self.keys = keys;
    }

    /// Shows this program to the server.
    pub fn set_agent(&mut self, agent: String) {
        self.agent = agent;
    }

    /// The region in the scope of signatures.
    pub fn set_region(&mut self, region: String) {
        self.region = region;
    }

    /// Calls an operation of our own service.
    pub async fn call(&mut self, operation: &str, input: &serde_json::Value) -> Result<serde_json::Value, ClientError> {
        self.call_of("opentrail", &format!("OpenTrail_20261101.{operation}"), input).await
    }

    /// Calls an operation of a service that speaks awsJson1.1.
    pub async fn call_of(
        &mut self,
        service: &'static str,
        target: &str,
        input: &serde_json::Value,
    ) -> Result<serde_json::Value, ClientError> {
        let request = Request::json(service, target.to_owned(), input);
        let response = self.send(&request).await?;
        let strange = || ClientError::Strange { endpoint: self.endpoint.to_string(), status: response.status };
        let body: serde_json::Value = serde_json::from_slice(&response.body).map_err(|_| strange())?;
        if response.status == 200 {
            return Ok(body);
        }
        let code = body.get("__type").and_then(|c| c.as_str()).ok_or_else(strange)?.to_owned();
        let message =
            body.get("message").or(body.get("Message")).and_then(|m| m.as_str()).unwrap_or_default().to_owned();
        Err(ClientError::Refused { status: response.status, code, message })
    }

    /// Sends one request, again while the server says that it is too busy. Any other answer is handed back as it is.
    pub async fn send(&mut self, request: &Request) -> Result<Response, ClientError> {
        let mut pause = PAUSE_FIRST;
        for _ in 1..ATTEMPTS_MAX {
            let response = self.send_once(request).await?;
            if response.status != 503 {
                return Ok(response);
            }
            let jitter = Duration::from_millis(self.world.below(50));
            self.world.sleep(pause + jitter).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        self.send_once(request).await
    }

    /// Sends one request, once.
    pub async fn send_once(&mut self, request: &Request) -> Result<Response, ClientError> {
        let mut headers = HeaderMap::new();
        let wrong = |what: &str| ClientError::Address(format!("{what} cannot stand in a request"));
        headers.insert(http::header::HOST, header(&self.endpoint.authority).ok_or_else(|| wrong("the endpoint"))?);
        headers.insert(http::header::USER_AGENT, header(&self.agent).ok_or_else(|| wrong("the user agent"))?);
        for (name, value) in &request.headers {
            headers.insert(HeaderName::from_static(name), header(value).ok_or_else(|| wrong(name))?);
        }
        if let Some(token) = &self.keys.session_token {
            headers.insert("x-amz-security-token", header(token).ok_or_else(|| wrong("the session token"))?);
        }
        let signer = Signer {
            access_key_id: &self.keys.access_key_id,
            secret: &self.keys.secret,
            region: &self.region,
            service: request.service,
            at: self.world.now(),
        };
        let signed =
            signer.sign(&request.method, &request.path, &request.query, &mut headers, BodyToSign::Whole(&request.body));
        signed.map_err(|error| ClientError::Address(error.to_string()))?;
        let target = match request.query.as_str() {
            "" => request.path.clone(),
            query => format!("{}?{query}", request.path),
        };
        self.connection.send(&self.endpoint, request.method.clone(), &target, headers, request.body.clone()).await
    }

    /// Where it sends to.
    pub fn endpoint(&self) -> String {
        self.endpoint.to_string()
    }
}

fn header(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

impl Keys {
    /// Keys without a session.
    pub fn new(access_key_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { access_key_id: access_key_id.into(), secret: Secret::new(secret.into()), session_token: None }
    }
}
