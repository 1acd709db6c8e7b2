//! Reads every request's head before the HTTP parser does, so that what two parsers could read in two ways is refused.
//!
//! The parser behind is lenient where HTTP lets it be (it drops Content-Length beside Transfer-Encoding, takes bare line
//! feeds, answers what it refuses without a body). Here a head is held back until it is complete and clean; one that is
//! not never reaches the parser: an empty request stands in for it, so that its refusal takes the way of every answer,
//! and nothing more is read from that connection. Because only clean heads pass, the length of each body is beyond
//! doubt, which is how the next head is found.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures::future::BoxFuture;
use opentrail_protocol::Protocol;
use opentrail_world::World;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A request line and its headers.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// The same of requests that may go on to others, who may take as much as 64 KiB of headers.
const ONWARD_HEAD_BYTES_MAX: usize = 80 * 1024;
/// What is asked for, path and query.
const TARGET_BYTES_MAX: usize = 8 * 1024;
/// The same of requests that may go on to others.
const ONWARD_TARGET_BYTES_MAX: usize = 16 * 1024;
/// Header lines.
const HEADERS_MAX: usize = 96;
/// The same of requests that may go on to others.
pub(crate) const ONWARD_HEADERS_MAX: usize = 250;
/// One line of HTTP's own chunk framing, or one of its trailers.
const CHUNK_LINE_BYTES_MAX: usize = 4096;
/// Of a body that nobody wanted: read and forgotten before the connection is closed, so that the client gets to read its
/// answer rather than a reset connection.
const LINGER_BYTES_MAX: u64 = 8 << 20;
/// And for how long.
const LINGER_TIME_MAX: Duration = Duration::from_secs(2);
/// Read at once while no body's bytes are due.
const SCRATCH_BYTES: usize = 8 * 1024;
/// Stands in for a head that is refused.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// How large a head may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    bytes_max: usize,
    target_bytes_max: usize,
    headers_max: usize,
}

impl Heads {
    /// Where all requests are for us.
    pub(crate) const OWN: Self =
        Self { bytes_max: HEAD_BYTES_MAX, target_bytes_max: TARGET_BYTES_MAX, headers_max: HEADERS_MAX };
    /// Where some go on to others.
    pub(crate) const ONWARD: Self = Self {
        bytes_max: ONWARD_HEAD_BYTES_MAX,
        target_bytes_max: ONWARD_TARGET_BYTES_MAX,
        headers_max: ONWARD_HEADERS_MAX,
    };
}

/// What was found out about a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Clean; so many bytes of header lines.
    Clean { header_bytes: usize },
    /// Refused.
    Refused { status: u16, why: &'static str, protocol: Protocol },
}

/// The verdicts of one connection, oldest first. One is taken for each request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdicts(Arc<Mutex<VecDeque<Verdict>>>);

impl Verdicts {
    fn put(&self, verdict: Verdict) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(verdict);
    }

    /// Of the request that is being served now.
    pub(crate) fn take(&self) -> Verdict {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or(Verdict::Refused {
            status: 400,
            why: "The request does not begin where the one before it ended.",
            protocol: Protocol::RestXml,
        })
    }
}

/// Where in the stream of requests the next byte lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    /// So many bytes of a body are left.
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    /// The line end behind a chunk's data.
    ChunkEnd,
    Trailers,
    /// A head was refused: nothing more is read.
    Refused,
}

/// A connection that is guarded.
pub(crate) struct Guarded<S> {
    inner: S,
    place: Place,
    /// A head, or a line of chunk framing, that is not complete.
    held: BytesMut,
    /// Passed, and not read yet.
    passed: BytesMut,
    verdicts: Verdicts,
    world: World,
    write_idle: Duration,
    heads: Heads,
    /// Runs while the other side takes nothing.
    stalled: Option<BoxFuture<'static, ()>>,
    /// Runs while the rest of an unwanted body is forgotten; with the bytes that may still come.
    lingering: Option<(BoxFuture<'static, ()>, u64)>,
}

impl<S> Guarded<S> {
    pub(crate) fn new(inner: S, world: World, write_idle: Duration) -> Self {
        Self {
            inner,
            place: Place::Head,
            held: BytesMut::new(),
            passed: BytesMut::new(),
            verdicts: Verdicts::default(),
            world,
            write_idle,
            heads: Heads::OWN,
            stalled: None,
            lingering: None,
        }
    }

    /// With other limits of heads.
    pub(crate) fn with_heads(self, heads: Heads) -> Self {
        Self { heads, ..self }
    }

    pub(crate) fn verdicts(&self) -> Verdicts {
        self.verdicts.clone()
    }

    /// Sorts bytes that came while no body's bytes were due.
    fn sort(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            match self.place {
                Place::Head => self.head(&mut input),
                Place::Body(left) | Place::ChunkData(left) => {
                    let n = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    self.passed.extend_from_slice(&input[..n]);
                    input.advance(n);
                    self.advance_body(n as u64);
                }
                Place::ChunkSize | Place::ChunkEnd | Place::Trailers => self.line(&mut input),
                Place::Refused => return,
            }
        }
    }

    fn advance_body(&mut self, n: u64) {
        self.place = match self.place {
            Place::Body(left) if left > n => Place::Body(left - n),
            Place::Body(_) => Place::Head,
            Place::ChunkData(left) if left > n => Place::ChunkData(left - n),
            Place::ChunkData(_) => Place::ChunkEnd,
            place => place,
        };
    }

    fn refuse(&mut self, status: u16, why: &'static str) {
        self.verdicts.put(Verdict::Refused { status, why, protocol: guess_protocol(&self.held) });
        self.held.clear();
        self.passed.extend_from_slice(STAND_IN);
        self.place = Place::Refused;
    }

    fn head(&mut self, input: &mut &[u8]) {
        // An empty line before a request is tolerated, as RFC 9112 asks.
        if self.held.is_empty() {
            while let [b'\r' | b'\n', rest @ ..] = *input {
                *input = rest;
            }
        }
        let seen = self.held.len();
        let take = input.len().min(self.heads.bytes_max + 1 - seen);
        self.held.extend_from_slice(&input[..take]);
        let from = seen.saturating_sub(3);
        let Some(end) = self.held[from..].windows(4).position(|w| w == b"\r\n\r\n").map(|at| from + at + 4) else {
            input.advance(take);
            if self.held.len() > self.heads.bytes_max {
                self.refuse(431, "Your request header section exceeds the maximum allowed size.");
            } else if has_bare_line_end(&self.held[seen.saturating_sub(1)..]) {
                self.refuse(400, "Lines of the request's head must end with a carriage return and a line feed.");
            }
            return;
        };
        input.advance(end - seen);
        self.held.truncate(end);
        match check_head(&self.held, self.heads) {
            Ok(place) => {
                let line = self.held.iter().position(|b| *b == b'\n').unwrap_or(0);
                self.verdicts.put(Verdict::Clean { header_bytes: end - line });
                self.passed.extend_from_slice(&self.held);
                self.held.clear();
                self.place = place;
            }
            Err((status, why)) => self.refuse(status, why),
        }
    }

    /// One line of HTTP's chunk framing. What is wrong with it is the parser's to say; here only the place is kept.
    fn line(&mut self, input: &mut &[u8]) {
        let end = input.iter().position(|b| *b == b'\n');
        let n = end.map_or(input.len(), |end| end + 1);
        self.held.extend_from_slice(&input[..n]);
        input.advance(n);
        if end.is_none() {
            if self.held.len() > CHUNK_LINE_BYTES_MAX {
                self.break_body();
            }
            return;
        }
        let clean = self.held.ends_with(b"\r\n");
        let line = &self.held[..self.held.len().saturating_sub(2)];
        let next = match self.place {
            _ if !clean => None,
            Place::ChunkSize => {
                chunk_size(line).map(|size| if size == 0 { Place::Trailers } else { Place::ChunkData(size) })
            }
            Place::ChunkEnd => line.is_empty().then_some(Place::ChunkSize),
            _ => Some(if line.is_empty() { Place::Head } else { Place::Trailers }),
        };
        match next {
            Some(place) => {
                self.passed.extend_from_slice(&self.held);
                self.held.clear();
                self.place = place;
            }
            None => self.break_body(),
        }
    }

    /// The parser is given a line that it surely refuses; the body ends with an error.
    fn break_body(&mut self) {
        self.held.clear();
        self.passed.extend_from_slice(b"broken\r\n");
        self.place = Place::Refused;
    }
}

fn has_bare_line_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|w| w[1] == b'\n' && w[0] != b'\r')
}

/// A chunk's size; extensions are not accepted, since parsers disagree about them.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let hex = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// In which shape a refusal is likely understood.
fn guess_protocol(head: &[u8]) -> Protocol {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    if text.contains("x-amz-target:") || text.contains("application/x-amz-json") {
        Protocol::AwsJson1_1
    } else if text.contains("application/x-www-form-urlencoded") {
        Protocol::Query
    } else {
        Protocol::RestXml
    }
}

/// Checks a complete head, and says what follows it.
fn check_head(head: &[u8], max: Heads) -> Result<Place, (u16, &'static str)> {
    let bad = |why| Err((400, why));
    if has_bare_line_end(head) {
        return bad("Lines of the request's head must end with a carriage return and a line feed.");
    }
    let mut lines = head[..head.len() - 4].split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let request_line = lines.next().unwrap_or_default();
    let parts: Vec<&[u8]> = request_line.split(|b| *b == b' ').collect();
    let [method, target, version] = parts.as_slice() else {
        return bad("The request line is not a method, a target and a version.");
    };
    let old = match *version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err((505, "Only HTTP/1.1 is spoken here.")),
    };
    if *method == b"CONNECT" || method.is_empty() || !method.iter().all(u8::is_ascii_uppercase) {
        return Err((405, "The request's method is not allowed here."));
    }
    if target.len() > max.target_bytes_max {
        return Err((414, "The request's target is too long."));
    }
    if !target.iter().all(|b| matches!(b, 0x21..=0x7e) && !b"#<>`".contains(b)) {
        return bad("The request's target must be percent-encoded.");
    }
    let (mut host, mut length, mut chunked) = (None, None, false);
    let mut count = 0;
    for line in lines {
        count += 1;
        if count > max.headers_max {
            return Err((431, "The request has too many headers."));
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return bad("Headers folded over several lines are not accepted.");
        }
        let Some(colon) = line.iter().position(|b| *b == b':') else { return bad("A header has no colon.") };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(|b| is_token(*b)) {
            return bad("A header's name is not one.");
        }
        if value.iter().any(|b| (*b < 0x20 && *b != b'\t') || *b == 0x7f) {
            return bad("A header's value holds a control character.");
        }
        if name.eq_ignore_ascii_case(b"host") && host.replace(value).is_some() {
            return bad("The request has more than one Host header.");
        }
        if name.eq_ignore_ascii_case(b"content-length") && length.replace(value).is_some() {
            return bad("The request has more than one Content-Length header.");
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err((501, "The only transfer encoding that is accepted is chunked, once."));
            }
            chunked = true;
        }
    }
    let Some(host) = host else { return bad("The request has no Host header.") };
    check_target(target, host)?;
    match (length, chunked) {
        (Some(_), true) => bad("The request has both Content-Length and Transfer-Encoding."),
        (None, true) if old => bad("HTTP/1.0 has no transfer encodings."),
        (None, true) => Ok(Place::ChunkSize),
        (None, false) => Ok(Place::Head),
        (Some(digits), false) => {
            let right = (1..=18).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(digits).ok().filter(|_| right).and_then(|text| text.parse::<u64>().ok());
            match length {
                Some(0) => Ok(Place::Head),
                Some(n) => Ok(Place::Body(n)),
                None => bad("Content-Length is not a number of bytes."),
            }
        }
    }
}

/// A path, or a whole address whose host is the Host header's.
fn check_target(target: &[u8], host: &[u8]) -> Result<(), (u16, &'static str)> {
    if target.starts_with(b"/") {
        return Ok(());
    }
    let rest = target.strip_prefix(b"http://").or_else(|| target.strip_prefix(b"https://"));
    let authority = rest.map(|rest| rest.split(|b| matches!(b, b'/' | b'?')).next().unwrap_or_default());
    match authority {
        Some(authority) if authority.eq_ignore_ascii_case(host) && !authority.contains(&b'@') => Ok(()),
        Some(_) => Err((400, "The request's target names another host than its Host header.")),
        None => Err((400, "The request's target is neither a path nor an address.")),
    }
}

fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.passed.is_empty() {
                let n = this.passed.len().min(out.remaining());
                out.put_slice(&this.passed[..n]);
                this.passed.advance(n);
                return Poll::Ready(Ok(()));
            }
            match this.place {
                Place::Body(left) | Place::ChunkData(left) => {
                    // Straight through: most bytes of a connection are these. Where the body has room for more than is
                    // asked for, the asker's buffer goes on as it is; a part of it would have to be filled with zeros first.
                    let max = usize::try_from(left).unwrap_or(usize::MAX);
                    let n = if max >= out.remaining() {
                        let before = out.filled().len();
                        ready!(Pin::new(&mut this.inner).poll_read(cx, out))?;
                        out.filled().len() - before
                    } else {
                        let mut part = ReadBuf::new(out.initialize_unfilled_to(max));
                        ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
                        let n = part.filled().len();
                        out.advance(n);
                        n
                    };
                    this.advance_body(n as u64);
                    return Poll::Ready(Ok(()));
                }
                _ => {
                    let mut scratch = [0u8; SCRATCH_BYTES];
                    let mut part = ReadBuf::new(&mut scratch);
                    ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
                    if part.filled().is_empty() {
                        // An end, which a refused client may well have sent while it waits for its answer.
                        return if this.place == Place::Refused { Poll::Pending } else { Poll::Ready(Ok(())) };
                    }
                    this.sort(part.filled());
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> Guarded<S> {
    /// Reads on until the client closes, or has sent or waited for long enough.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((timer, left)) = &mut self.lingering else { return Poll::Ready(Ok(())) };
        let mut scratch = [0u8; SCRATCH_BYTES];
        while *left > 0 {
            let mut part = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.inner).poll_read(cx, &mut part) {
                Poll::Ready(Ok(())) if !part.filled().is_empty() => {
                    *left = left.saturating_sub(part.filled().len() as u64)
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return timer.as_mut().poll(cx).map(Ok),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Guarded<S> {
    /// Turns endless waiting for the other side to read into an error.
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let (world, idle) = (&self.world, self.write_idle);
        let timer = self.stalled.get_or_insert_with(|| world.sleep(idle));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.watch(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(cx);
        this.watch(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            let shut = Pin::new(&mut this.inner).poll_shutdown(cx);
            ready!(this.watch(cx, shut))?;
            if this.place == Place::Head {
                return Poll::Ready(Ok(()));
            }
            this.lingering = Some((this.world.sleep(LINGER_TIME_MAX), LINGER_BYTES_MAX));
        }
        this.poll_linger(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Everything that passes when `wire` comes in steps, and the verdicts.
    fn pass(wire: &[u8], step: usize) -> (Vec<u8>, Vec<Verdict>) {
        let mut guarded = Guarded::new((), World::real(), Duration::from_secs(1));
        for part in wire.chunks(step.max(1)) {
            guarded.sort(part);
        }
        let verdicts = guarded.verdicts.0.lock().expect("not poisoned").drain(..).collect();
        (guarded.passed.to_vec(), verdicts)
    }

    const GET: &str = "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n";

    #[test]
    fn clean_requests_pass_unchanged() {
        let check = |wire: &str, requests: usize| {
            for step in [1, 7, 100_000] {
                let (passed, verdicts) = pass(wire.as_bytes(), step);
                assert_eq!(String::from_utf8_lossy(&passed), wire, "by {step}");
                assert_eq!(verdicts.len(), requests);
                assert!(verdicts.iter().all(|v| matches!(v, Verdict::Clean { .. })), "{verdicts:?}");
            }
        };
        check(GET, 1);
        check(&GET.repeat(3), 3);
        check(&format!("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello{GET}"), 2);
        check(
            &format!(
                "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\na: b\r\n\r\n{GET}"
            ),
            2,
        );
        check("GET http://h/a HTTP/1.1\r\nhost: H\r\n\r\n", 1);
        check("GET / HTTP/1.0\r\nHost: h\r\n\r\n", 1);
        // A body may look like a head.
        check(&format!("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{GET}{GET}", GET.len()), 2);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let check = |head: &str, status: u16, why: &str| {
            for step in [1, 100_000] {
                let (passed, verdicts) = pass(format!("{head}{GET}").as_bytes(), step);
                assert_eq!(passed, STAND_IN, "{head:?} by {step}");
                let [Verdict::Refused { status: got, why: words, .. }] = verdicts.as_slice() else {
                    panic!("{head:?}: {verdicts:?}")
                };
                assert_eq!(*got, status, "{head:?}");
                assert!(words.contains(why), "{head:?}: {words}");
            }
        };
        let with = |lines: &str| format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
        check(&with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400, "both");
        check(&with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400, "both");
        check(&with("Content-Length: 5\r\ncontent-length: 5\r\n"), 400, "more than one Content-Length");
        check(&with("Content-Length: 5, 5\r\n"), 400, "not a number");
        check(&with("Content-Length: +5\r\n"), 400, "not a number");
        check(&with("Content-Length: 99999999999999999999\r\n"), 400, "not a number");
        check(&with("Content-Length:\r\n"), 400, "not a number");
        check(&with("Transfer-Encoding: gzip, chunked\r\n"), 501, "chunked");
        check(&with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 501, "chunked");
        check(&with("X: a\r\n b\r\n"), 400, "folded");
        check(&with("X : a\r\n"), 400, "name");
        check(&with(": a\r\n"), 400, "name");
        check(&with("X\r\n"), 400, "colon");
        check(&with("X: a\0b\r\n"), 400, "control");
        check(&with("X: a\rb\r\n"), 400, "control");
        check(&with("Host: other\r\n"), 400, "more than one Host");
        check("GET / HTTP/1.1\r\nX: y\r\n\r\n", 400, "no Host");
        check("GET / HTTP/1.0\r\n\r\n", 400, "no Host");
        check("GET / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0");
        check("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, "HTTP/1.1");
        check("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400, "request line");
        check("GET /\r\nHost: h\r\n\r\n", 400, "request line");
        check("GET / HTTP/1.1\nHost: h\n\n", 400, "line feed");
        check("GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", 400, "percent");
        check("GET /é HTTP/1.1\r\nHost: h\r\n\r\n", 400, "percent");
        check("GET /a<b HTTP/1.1\r\nHost: h\r\n\r\n", 400, "percent");
        check("GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, "another host");
        check("GET http://a@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, "another host");
        check("GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, "neither");
        check("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 405, "method");
        check("get / HTTP/1.1\r\nHost: h\r\n\r\n", 405, "method");
        check(&format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(9000)), 414, "target");
        check(&with(&"X: y\r\n".repeat(100)), 431, "too many");
        check(&with(&format!("X: {}\r\n", "a".repeat(20_000))), 431, "exceeds");
    }

    #[test]
    fn broken_chunk_framing_ends_the_body() {
        let head = "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        for body in ["5;ext=1\r\nhello\r\n", "-5\r\n", "5\nhello\r\n", "\r\n"] {
            let (passed, verdicts) = pass(format!("{head}{body}{GET}").as_bytes(), 3);
            assert_eq!(String::from_utf8_lossy(&passed), format!("{head}broken\r\n"), "{body:?}");
            assert_eq!(verdicts.len(), 1);
        }
    }

    #[tokio::test]
    async fn bodies_pass_through_and_the_next_head_is_still_found() {
        let body = "x".repeat(100_000);
        let wire = format!("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}{GET}", body.len());
        let mut guarded = Guarded::new(wire.as_bytes(), World::real(), Duration::from_secs(1));
        let mut out = String::new();
        guarded.read_to_string(&mut out).await.expect("memory does not fail");
        assert_eq!(out, wire);
        assert_eq!(guarded.verdicts.0.lock().expect("not poisoned").len(), 2);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_steps_do_not_matter(
            wire in prop::collection::vec(prop_oneof![
                Just(b"GET / HTTP/1.1\r\n".to_vec()), Just(b"Host: h\r\n".to_vec()), Just(b"\r\n".to_vec()),
                Just(b"Content-Length: 3\r\n".to_vec()), Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
                Just(b"3\r\nabc\r\n0\r\n".to_vec()), prop::collection::vec(any::<u8>(), 0..5),
            ], 0..20),
            step in 1usize..20,
        ) {
            let wire = wire.concat();
            prop_assert_eq!(pass(&wire, step), pass(&wire, usize::MAX));
        }
    }
}
