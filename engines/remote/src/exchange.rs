//! One call on one connection: sent, waited for, and its answer taken piece by piece.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use opentrail_delivery::{UpstreamAnswer, UpstreamBody, UpstreamCall, UpstreamError, UpstreamPieces};
use opentrail_world::World;

use crate::RemoteSettings;
use crate::address::Host;
use crate::dial::Dialer;
use crate::pool::{Line, Pool};

type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// When the upstream last took something of a request, in milliseconds on the monotonic clock.
#[derive(Clone, Default)]
struct Progress(Arc<AtomicU64>);

/// A request's body on its way out.
pub(crate) struct Outgoing {
    pieces: Pieces,
    /// Bytes to come, where that is known.
    left: Option<u64>,
    progress: Progress,
    world: World,
}

enum Pieces {
    Whole(Option<Bytes>),
    Stream(stream::BoxStream<'static, Result<Bytes, BodyError>>),
}

impl Outgoing {
    fn new(body: UpstreamBody, progress: Progress, world: World) -> Self {
        let (pieces, left) = match body {
            UpstreamBody::Whole(bytes) => {
                let left = bytes.len() as u64;
                (Pieces::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())), Some(left))
            }
            UpstreamBody::Stream { length, bytes } => (Pieces::Stream(bytes), length),
        };
        Self { pieces, left, progress, world }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let piece = match &mut this.pieces {
            Pieces::Whole(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Pieces::Stream(pieces) => Pin::new(pieces).poll_next(cx),
        };
        // Being asked means that what was given before has been taken.
        this.progress.0.store(millis(this.world.monotonic()), Ordering::Relaxed);
        if let (Poll::Ready(Some(Ok(bytes))), Some(left)) = (&piece, &mut this.left) {
            *left = left.saturating_sub(bytes.len() as u64);
        }
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.pieces, Pieces::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn broken(why: &dyn std::error::Error) -> UpstreamError {
    // hyper says what, its source says why.
    let text = why.source().map_or_else(|| why.to_string(), |source| format!("{why}: {source}"));
    UpstreamError::Broken(text.into())
}

/// Sends a call and waits for the head of its answer.
pub(crate) async fn send(
    dialer: &Dialer,
    pool: &Arc<Pool>,
    host: &Host,
    settings: &RemoteSettings,
    world: &World,
    call: UpstreamCall,
) -> Result<UpstreamAnswer, UpstreamError> {
    let progress = Progress::default();
    let is_read = matches!(call.method, Method::GET | Method::HEAD) && is_empty(&call.body);
    let uri: http::Uri = call.target.parse().map_err(|_| UpstreamError::Unreachable("the target is no URI".into()))?;
    let make = |method: Method, headers: http::HeaderMap, body: UpstreamBody| {
        let mut request = Request::new(Outgoing::new(body, progress.clone(), world.clone()));
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        request
    };
    let (method, mut headers) = (call.method.clone(), call.headers);
    // What has an empty body says so, or stores ask how long it is (411). The HTTP library leaves it out.
    let is_bodiless = matches!(method, Method::GET | Method::HEAD | Method::DELETE | Method::OPTIONS);
    if !is_bodiless && is_empty(&call.body) {
        headers.insert(http::header::CONTENT_LENGTH, http::HeaderValue::from_static("0"));
    }
    // Only what can be sent once more is kept.
    let again = is_read.then(|| headers.clone());
    let mut request = make(method.clone(), headers, call.body);
    let place = within(settings, world, async { Ok(pool.place().await) }).await?;
    let mut kept = pool.take(world.monotonic());
    let mut place = Some(place);
    loop {
        let is_kept = kept.is_some();
        let sender = match kept.take() {
            Some(sender) => sender,
            None => {
                let dialled = async { dialer.dial(host).await.map_err(|why| UpstreamError::Unreachable(why.into())) };
                within(settings, world, dialled).await?
            }
        };
        let mut line = Line { sender, place: place.take().expect("a call that is tried again gives its place back") };
        match on(&mut line, request, &progress, settings, world).await {
            Ok(response) => return Ok(answer(response, line, pool, settings, world)),
            Err(Failed::Unsent(unsent)) if is_kept => request = unsent,
            // It closed just then. A read may be asked again; nothing else.
            Err(Failed::Closed(error)) if is_kept => match again.clone() {
                Some(headers) => request = make(method.clone(), headers, UpstreamBody::Whole(Bytes::new())),
                None => return Err(error),
            },
            Err(Failed::Unsent(_)) => {
                return Err(UpstreamError::Unreachable("the connection closed at once".into()));
            }
            Err(Failed::Closed(error) | Failed::For(error)) => return Err(error),
        }
        place = Some(line.place);
    }
}

fn is_empty(body: &UpstreamBody) -> bool {
    matches!(body, UpstreamBody::Whole(bytes) if bytes.is_empty())
}

/// Gives up when no connection comes about in time.
async fn within<T>(
    settings: &RemoteSettings,
    world: &World,
    connecting: impl Future<Output = Result<T, UpstreamError>>,
) -> Result<T, UpstreamError> {
    tokio::select! {
        biased;
        done = connecting => done,
        () = world.sleep(settings.connect_timeout) => {
            let why = format!("no connection within {} s", settings.connect_timeout.as_secs());
            Err(UpstreamError::Unreachable(why.into()))
        }
    }
}

/// Why a call has no answer on a connection.
#[expect(clippy::large_enum_variant, reason = "one for each call, and moved once")]
enum Failed {
    /// Nothing of it was written.
    Unsent(Request<Outgoing>),
    /// The connection ended, without a byte of an answer.
    Closed(UpstreamError),
    For(UpstreamError),
}

async fn on(
    line: &mut Line,
    request: Request<Outgoing>,
    progress: &Progress,
    settings: &RemoteSettings,
    world: &World,
) -> Result<Response<Incoming>, Failed> {
    progress.0.store(millis(world.monotonic()), Ordering::Relaxed);
    let sent = tokio::select! {
        sent = line.sender.try_send_request(request) => sent,
        () = silence(progress, settings.answer_timeout, world) => {
            let seconds = settings.answer_timeout.as_secs();
            return Err(Failed::For(UpstreamError::Late { what: "answer", seconds }));
        }
    };
    match sent {
        // Nobody asked for another protocol.
        Ok(response) if response.status().is_informational() => {
            Err(Failed::For(UpstreamError::Broken("an answer of status 1xx".into())))
        }
        Ok(response) => Ok(response),
        Err(mut error) => match error.take_message() {
            Some(unsent) => Err(Failed::Unsent(unsent)),
            None => {
                let error = error.into_error();
                let closed = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
                Err(if closed { Failed::Closed(broken(&error)) } else { Failed::For(broken(&error)) })
            }
        },
    }
}

/// Resolves once the upstream has taken nothing for `max`.
async fn silence(progress: &Progress, max: Duration, world: &World) {
    loop {
        let last = Duration::from_millis(progress.0.load(Ordering::Relaxed));
        let left = (last + max).saturating_sub(world.monotonic());
        if left.is_zero() {
            return;
        }
        world.sleep(left).await;
    }
}

fn answer(
    response: Response<Incoming>,
    line: Line,
    pool: &Arc<Pool>,
    settings: &RemoteSettings,
    world: &World,
) -> UpstreamAnswer {
    let (head, body) = response.into_parts();
    let length = body.size_hint().exact();
    let taking = Taking { body, line, pool: pool.clone(), idle: settings.idle_timeout, world: world.clone() };
    let body = if taking.body.is_end_stream() {
        taking.over();
        stream::empty().boxed()
    } else {
        taking.pieces()
    };
    UpstreamAnswer { status: head.status.as_u16(), headers: head.headers, length, body }
}

/// An answer's body on its way in.
struct Taking {
    body: Incoming,
    line: Line,
    pool: Arc<Pool>,
    idle: Duration,
    world: World,
}

impl Taking {
    fn pieces(self) -> UpstreamPieces {
        stream::unfold(Some(self), |taking| async move {
            let mut taking = taking?;
            loop {
                let frame = tokio::select! {
                    biased;
                    frame = taking.body.frame() => frame,
                    () = taking.world.sleep(taking.idle) => {
                        let late = UpstreamError::Late { what: "go on with its answer", seconds: taking.idle.as_secs() };
                        return Some((Err(late), None));
                    }
                };
                match frame.map(|frame| frame.map(Frame::into_data)) {
                    // HTTP's own trailers mean nothing to AWS's protocols.
                    Some(Ok(Err(_))) => {}
                    Some(Ok(Ok(piece))) => return Some((Ok(piece), Some(taking))),
                    Some(Err(error)) => return Some((Err(broken(&error)), None)),
                    None => {
                        taking.over();
                        return None;
                    }
                }
            }
        })
        .boxed()
    }

    /// The answer is all here: the connection may serve again.
    fn over(self) {
        let Self { line, pool, world, .. } = self;
        // Most are ready at once. A task for each call would be one more thread to wake.
        if let Some(line) = pool.give_back(line, world.monotonic()) {
            tokio::spawn(async move { pool.await_back(line, || world.monotonic()).await });
        }
    }
}
