//! One HTTP/1.1 connection, opened when needed and again when it went away.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::tls;
use super::{ClientError, Response};

/// Largest answer that is taken in.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Where the server is.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// `127.0.0.1:4566`, as the Host header says it.
    pub(super) authority: String,
    host: String,
    port: u16,
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http{}://{}", if self.tls.is_some() { "s" } else { "" }, self.authority)
    }
}

impl Endpoint {
    pub(super) fn parse(url: &str, ca_bundle: Option<&Path>) -> Result<Self, ClientError> {
        let wrong = || {
            let shown: String = url.chars().take(200).collect();
            ClientError::Address(format!(
                "{shown:?} is not an endpoint; write http://127.0.0.1:4566 or https://HOST:PORT"
            ))
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let (scheme, authority) = (uri.scheme_str().ok_or_else(wrong)?, uri.authority().ok_or_else(wrong)?);
        if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong());
        }
        let (tls, port) = match scheme {
            "http" => (None, 80),
            "https" => (Some(tls::trust(ca_bundle)?), 443),
            _ => return Err(wrong()),
        };
        Ok(Self {
            authority: authority.as_str().to_owned(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(port),
            tls,
        })
    }
}

#[derive(Default)]
pub(super) struct Connection(Option<SendRequest<Full<Bytes>>>);

impl Connection {
    pub(super) async fn send(
        &mut self,
        endpoint: &Endpoint,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, ClientError> {
        // A kept connection may have been closed meanwhile: then nothing of the request was read, and a new one is opened.
        let mut sender = match self.kept().await {
            Some(kept) => kept,
            None => open(endpoint).await?,
        };
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().map_err(|_| ClientError::Address("the path is not a URI".into()))?;
        *request.headers_mut() = headers;
        let broken = |why: String| ClientError::Broken { endpoint: endpoint.to_string(), why };
        let response = sender.send_request(request).await.map_err(|e| broken(e.to_string()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|e| broken(e.to_string()))?;
        self.0 = Some(sender);
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
    }

    async fn kept(&mut self) -> Option<SendRequest<Full<Bytes>>> {
        let mut kept = self.0.take()?;
        (!kept.is_closed() && kept.ready().await.is_ok()).then_some(kept)
    }
}

async fn open(endpoint: &Endpoint) -> Result<SendRequest<Full<Bytes>>, ClientError> {
    let unreachable = |why: String| ClientError::Unreachable { endpoint: endpoint.to_string(), why };
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await;
    let stream = stream.map_err(|e| unreachable(e.to_string()))?;
    stream.set_nodelay(true).map_err(|e| unreachable(e.to_string()))?;
    match &endpoint.tls {
        None => start(TokioIo::new(stream)).await,
        Some(config) => {
            let name = ServerName::try_from(endpoint.host.clone()).map_err(|e| unreachable(e.to_string()))?;
            let stream = tokio_rustls::TlsConnector::from(config.clone()).connect(name, stream).await;
            start(TokioIo::new(stream.map_err(|e| unreachable(e.to_string()))?)).await
        }
    }
    .map_err(|e| unreachable(e.to_string()))
}

async fn start<T>(io: T) -> Result<SendRequest<Full<Bytes>>, hyper::Error>
where
    T: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(io).await?;
    // Ends with the connection; its error shows at the next request.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_and_a_host() {
        let check = |url: &str, expect: Option<(&str, u16)>| {
            let endpoint = Endpoint::parse(url, None).ok();
            assert_eq!(endpoint.as_ref().map(|e| (e.host.as_str(), e.port)), expect, "{url}");
        };
        check("http://127.0.0.1:4566", Some(("127.0.0.1", 4566)));
        check("http://localhost/", Some(("localhost", 80)));
        check("http://[::1]:8080", Some(("::1", 8080)));
        for bad in ["", "127.0.0.1:4566", "ftp://x", "http://u:p@x", "http://x/y", "http://x?y", "http://"] {
            check(bad, None);
        }
    }
}
