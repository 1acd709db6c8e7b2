//! Signed calls over kept-open connections: a client that costs little, so that the server is what is measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::{HeaderMap, HeaderValue, Method};
use opentrail_policy::Secret;
use opentrail_wire::sigv4::{BodyToSign, Signer};

/// Whom a client signs as.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: Secret,
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) service: &'a str,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    /// Without the question mark, in the order that signatures want.
    pub(crate) query: &'a str,
    pub(crate) content_type: Option<&'static str>,
    /// `x-amz-target`
    pub(crate) target: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) request_id: String,
    /// Of the body.
    pub(crate) length: u64,
    /// Empty where it was not kept.
    pub(crate) body: Vec<u8>,
}

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
    keys: Keys,
}

impl Client {
    /// Connects to `http://HOST:PORT`.
    pub(crate) fn connect(endpoint: &str, keys: &Keys) -> Result<Self> {
        let host = endpoint.strip_prefix("http://").context("an http:// address")?.to_owned();
        let stream = TcpStream::connect(&host).context("connect")?;
        stream.set_nodelay(true).context("set no delay")?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).context("set the time-out")?;
        Ok(Self { stream: BufReader::new(stream), host, keys: keys.clone() })
    }

    /// Signs, sends, and reads the whole answer.
    pub(crate) fn call(&mut self, request: &Request<'_>) -> Result<Response> {
        let mut out = self.head(request, BodyToSign::Whole(request.body), request.body.len() as u64)?;
        out.extend_from_slice(request.body);
        self.stream.get_mut().write_all(&out).context("send")?;
        let mut response = self.read_head()?;
        response.body = vec![0; usize::try_from(response.length)?];
        self.stream.read_exact(&mut response.body).context("read the body")?;
        Ok(response)
    }

    /// The same with `pieces` times `piece` as the body, whose hash is `hash`; or with a body that is not signed.
    pub(crate) fn put(
        &mut self,
        request: &Request<'_>,
        piece: &[u8],
        pieces: u64,
        hash: Option<&str>,
    ) -> Result<Response> {
        let signed = hash.map_or(BodyToSign::Unsigned, BodyToSign::Hashed);
        let head = self.head(request, signed, piece.len() as u64 * pieces)?;
        let stream = self.stream.get_mut();
        stream.write_all(&head).context("send")?;
        for _ in 0..pieces {
            stream.write_all(piece).context("send a piece")?;
        }
        let response = self.read_head()?;
        anyhow::ensure!(response.length == 0, "an answer to a put that is not empty");
        Ok(response)
    }

    /// Calls, and forgets the answer's body as it comes. Its length stands in the response.
    pub(crate) fn get(&mut self, request: &Request<'_>, scratch: &mut [u8]) -> Result<Response> {
        let head = self.head(request, BodyToSign::Whole(b""), 0)?;
        self.stream.get_mut().write_all(&head).context("send")?;
        let response = self.read_head()?;
        let mut left = response.length;
        while left > 0 {
            let most = scratch.len().min(usize::try_from(left)?);
            let n = self.stream.read(&mut scratch[..most]).context("read a piece")?;
            anyhow::ensure!(n > 0, "the answer ends {left} bytes early");
            left -= n as u64;
        }
        Ok(response)
    }

    /// A signed request's head.
    fn head(&self, request: &Request<'_>, body: BodyToSign<'_>, length: u64) -> Result<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(&self.host)?);
        for (name, value) in [("content-type", request.content_type), ("x-amz-target", request.target)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_str(value)?);
            }
        }
        let signer = Signer {
            access_key_id: &self.keys.id,
            secret: &self.keys.secret,
            region: "us-east-1",
            service: request.service,
            at: jiff::Timestamp::now(),
        };
        signer.sign(&request.method, request.path, request.query, &mut headers, body)?;
        let mark = if request.query.is_empty() { "" } else { "?" };
        let mut out = format!("{} {}{mark}{} HTTP/1.1\r\n", request.method, request.path, request.query).into_bytes();
        for (name, value) in &headers {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("content-length: {length}\r\n\r\n").as_bytes());
        Ok(out)
    }

    fn read_head(&mut self) -> Result<Response> {
        let mut line = String::new();
        self.stream.read_line(&mut line).context("read the status line")?;
        let status = line.split_whitespace().nth(1).context("a status line")?.parse().context("a status")?;
        let (mut length, mut request_id) = (0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).context("read a header")?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().context("a length")?,
                "x-amzn-requestid" | "x-amz-request-id" => request_id = value.trim().to_owned(),
                "transfer-encoding" => bail!("the answer is chunked, which this client does not read"),
                _ => {}
            }
        }
        Ok(Response { status, request_id, length, body: Vec::new() })
    }
}

/// `sts:GetCallerIdentity`: the smallest signed read.
pub(crate) const WHO: Request<'static> = Request {
    service: "sts",
    method: Method::POST,
    path: "/",
    query: "",
    content_type: Some("application/x-www-form-urlencoded"),
    target: None,
    body: b"Action=GetCallerIdentity&Version=2011-06-15",
};

/// Makes a bucket: a signed change.
pub(crate) fn create_bucket(path: &str) -> Request<'_> {
    s3(Method::PUT, path, "", b"")
}

/// A call to S3. `query` without the question mark, in the order that signatures want.
pub(crate) fn s3<'a>(method: Method, path: &'a str, query: &'a str, body: &'a [u8]) -> Request<'a> {
    Request { service: "s3", method, path, query, content_type: None, target: None, body }
}

/// A CloudTrail operation, by its target.
pub(crate) fn cloudtrail<'a>(target: &'a str, body: &'a [u8]) -> Request<'a> {
    json("cloudtrail", target, body)
}

/// A DynamoDB operation: a service that somebody else answers for.
pub(crate) fn dynamodb<'a>(target: &'a str, body: &'a [u8]) -> Request<'a> {
    Request { content_type: Some("application/x-amz-json-1.0"), ..json("dynamodb", target, body) }
}

fn json<'a>(service: &'a str, target: &'a str, body: &'a [u8]) -> Request<'a> {
    let content_type = Some("application/x-amz-json-1.1");
    Request { service, method: Method::POST, path: "/", query: "", content_type, target: Some(target), body }
}

/// `LookupEvents`.
pub(crate) fn lookup_events(body: &[u8]) -> Request<'_> {
    cloudtrail("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", body)
}
