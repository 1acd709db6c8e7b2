//! The port to whatever answers in our place: a call goes out as it came in, its answer streams back.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http::{HeaderMap, Method};

/// A body in pieces; nothing comes behind an error.
pub type UpstreamPieces = BoxStream<'static, Result<Bytes, UpstreamError>>;

/// Which of an upstream's hosts: what its address leaves open is filled in from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamPlace {
    /// As endpoints name the service: `ec2`, `monitoring`.
    pub endpoint_prefix: String,
    pub region: String,
}

/// What goes out.
pub struct UpstreamCall {
    pub method: Method,
    /// Path and query, as they stand in the request line.
    pub target: String,
    /// `Host` included, what concerns one connection alone left out.
    pub headers: HeaderMap,
    pub body: UpstreamBody,
}

/// The body that goes out. A stream's error breaks the connection off, so that nobody takes what was sent for the whole.
pub enum UpstreamBody {
    Whole(Bytes),
    Stream {
        /// Where it is known; else the body is sent in chunks.
        length: Option<u64>,
        bytes: BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>,
    },
}

/// What came back: the head, and the body as it comes.
pub struct UpstreamAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Bytes that will come, where the upstream said so.
    pub length: Option<u64>,
    pub body: UpstreamPieces,
}

/// Why there is no answer, or no more of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No connection came about: nothing of the call went out.
    #[error("the upstream cannot be reached: {0}")]
    Unreachable(Arc<str>),
    /// It took or gave nothing for too long.
    #[error("the upstream did not {what} within {seconds} s")]
    Late { what: &'static str, seconds: u64 },
    /// The connection ended before the answer did, or what came is no answer.
    #[error("the upstream's answer broke off: {0}")]
    Broken(Arc<str>),
}

impl UpstreamError {
    /// Whether the call may have reached the upstream, so that nobody here knows what became of it.
    pub fn may_have_run(&self) -> bool {
        !matches!(self, Self::Unreachable(_))
    }
}

/// The port.
///
/// # Contract
/// `send` returns when the head of the answer is there; the body is taken from the connection only as fast as its stream is
/// read. A stream that ends without an error was whole, as far as the upstream said how long it would be. Nothing is sent
/// twice, save what did not leave and reads that a closing connection swallowed. Dropping the future or the stream gives the
/// connection up.
pub trait Upstream: Send + Sync {
    /// What stands in the `Host` header of a call that is addressed to the upstream itself.
    fn authority(&self, place: &UpstreamPlace) -> String;
    /// Sends a call.
    fn send(&self, place: UpstreamPlace, call: UpstreamCall) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>>;
}
