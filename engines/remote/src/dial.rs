//! Opening a connection.

use std::sync::Arc;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use crate::address::Host;
use crate::exchange::Outgoing;

/// Of what hyper reads ahead on one connection: an answer's head must fit.
const READ_BUFFER_BYTES_MAX: usize = 256 * 1024;

/// Lines of an answer's head: an object of S3 may have 2 KiB of metadata, a line for every few bytes.
const HEADERS_MAX: usize = 400;

/// Opens connections.
pub(crate) struct Dialer {
    pub(crate) trust: Option<Arc<rustls::ClientConfig>>,
}

impl Dialer {
    pub(crate) async fn dial(&self, host: &Host) -> Result<SendRequest<Outgoing>, String> {
        metrics::counter!("opentrail_upstream_connections_total").increment(1);
        let stream = TcpStream::connect((host.name.as_str(), host.port)).await.map_err(|e| e.to_string())?;
        // Without it small requests wait for acknowledgements.
        let _ = stream.set_nodelay(true);
        if !host.tls {
            return start(TokioIo::new(stream)).await;
        }
        let trust = self.trust.clone().ok_or("there are no certificates to trust")?;
        let name = ServerName::try_from(host.name.clone()).map_err(|e| e.to_string())?;
        let stream = tokio_rustls::TlsConnector::from(trust).connect(name, stream).await.map_err(|e| e.to_string())?;
        start(TokioIo::new(stream)).await
    }
}

async fn start<T>(io: T) -> Result<SendRequest<Outgoing>, String>
where
    T: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let mut http = http1::Builder::new();
    http.max_buf_size(READ_BUFFER_BYTES_MAX).max_headers(HEADERS_MAX);
    let (sender, connection) = http.handshake(io).await.map_err(|e| e.to_string())?;
    // Ends with the connection; its error shows at the call that is under way.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
