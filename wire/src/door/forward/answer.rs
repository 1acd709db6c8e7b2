//! An answer on its way back: held and read where it is to be recorded, else let by piece by piece; its end is given out only
//! when the record is durable.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use opentrail_delivery::{UpstreamAnswer, UpstreamError, UpstreamPieces};
use tokio::sync::mpsc;

use super::close::{Broken, End, Passing};
use super::onto::without_hop_by_hop;
use super::pace::Pace;
use super::{Going, Stop, empty};
use crate::door::reply::OutBody;

type OutPiece = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Pieces that wait for a client who is slower than the upstream.
const PIECES_AHEAD: usize = 2;

/// What was read of an answer.
enum Held {
    Whole(Bytes),
    /// It is longer, or nobody said how long: what was read, and what comes behind.
    Longer(Bytes, UpstreamPieces),
    Broken(UpstreamError),
}

impl Passing {
    /// Takes the answer back to the client.
    pub(super) async fn answered(self, answer: Result<UpstreamAnswer, UpstreamError>) -> Result<Going, Stop> {
        let UpstreamAnswer { status, headers, length, body } = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let broken = self.troubled().unwrap_or_else(|| Broken::by_upstream(error));
                return Err(self.fail(broken.fault, broken.upstream).await);
            }
        };
        let mut out = without_hop_by_hop(&headers, &[]);
        let bodiless = self.head_only || matches!(status, 204 | 304);
        let bytes_max = self.passage.settings.body_bytes_max;
        let streams = self.what.streams_response && status < 300 && !bodiless;
        let long = length.is_some_and(|bytes| bytes > bytes_max as u64);
        let held = match streams || long {
            true => Held::Longer(Bytes::new(), body),
            false => hold(body, bytes_max).await,
        };
        let whole = match held {
            Held::Whole(whole) => whole,
            Held::Longer(read, rest) => {
                let pieces = match read.is_empty() {
                    true => rest,
                    false => stream::iter([Ok(read)]).chain(rest).boxed(),
                };
                match length {
                    Some(length) => out.insert(CONTENT_LENGTH, HeaderValue::from(length)),
                    // One beside a framing that says otherwise is not believed.
                    None => out.remove(CONTENT_LENGTH),
                };
                return Ok(Going { status, headers: out, body: self.let_by(status, headers, length, pieces) });
            }
            Held::Broken(error) => {
                let broken = Broken::by_upstream(error);
                return Err(self.fail(broken.fault, broken.upstream).await);
            }
        };
        let bytes_out = whole.len() as u64;
        let end = End { status, headers: &headers, body: Some(&whole), bytes_out, broken: None, client_gone: false };
        self.close(end).await?;
        if !bodiless {
            out.insert(CONTENT_LENGTH, HeaderValue::from(bytes_out));
        }
        let body = match whole.is_empty() {
            true => empty(),
            false => Full::new(whole).map_err(|never| match never {}).boxed_unsync(),
        };
        Ok(Going { status, headers: out, body })
    }

    /// Lets pieces by in a task of its own, which makes the record however this ends: the client may hang up, the upstream may die.
    fn let_by(self, status: u16, headers: HeaderMap, length: Option<u64>, pieces: UpstreamPieces) -> OutBody {
        let (give, mut take) = mpsc::channel::<OutPiece>(PIECES_AHEAD);
        tokio::spawn(self.pump(status, headers, length, pieces, give));
        let pieces = stream::poll_fn(move |cx| take.poll_recv(cx));
        StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
    }

    async fn pump(
        self,
        status: u16,
        headers: HeaderMap,
        length: Option<u64>,
        mut pieces: UpstreamPieces,
        give: mpsc::Sender<OutPiece>,
    ) {
        let mut bytes_out = 0;
        let mut last = None;
        let mut broken = None;
        let mut client_gone = false;
        let pace = self.guest.as_ref().map(|_| Pace::new(self.hall.world.clone()));
        loop {
            let next = tokio::select! {
                biased;
                next = pieces.next() => next,
                () = give.closed() => {
                    client_gone = true;
                    break;
                }
            };
            match next {
                Some(Ok(piece)) => {
                    bytes_out += piece.len() as u64;
                    // The piece that makes it whole waits for the record; so does the end, where nobody said where that is.
                    if length.is_some_and(|length| bytes_out >= length) {
                        last = Some(piece);
                    } else if !given(&give, piece, pace.as_ref()).await {
                        client_gone = true;
                        break;
                    }
                }
                Some(Err(error)) => {
                    broken = Some(self.troubled().unwrap_or_else(|| Broken::by_upstream(error)));
                    break;
                }
                None => break,
            }
        }
        drop(pieces);
        let error = broken.as_ref().map(|broken| broken.fault.to_string());
        let end = End { status, headers: &headers, body: None, bytes_out, broken, client_gone };
        let closed = self.close(end).await;
        // A client that is gone takes neither.
        let _ = match (error, closed, last) {
            (Some(error), ..) => give.send(Err(error.into())).await,
            (None, Err(_), _) => give.send(Err("the call cannot be recorded".into())).await,
            (None, Ok(()), Some(last)) => give.send(Ok(last)).await,
            (None, Ok(()), None) => Ok(()),
        };
    }
}

/// Whether the client took a piece; one who is not proven not at whatever pace they like.
async fn given(give: &mpsc::Sender<OutPiece>, piece: Bytes, pace: Option<&Pace>) -> bool {
    let Some(pace) = pace else { return give.send(Ok(piece)).await.is_ok() };
    let bytes = piece.len();
    tokio::select! {
        biased;
        sent = give.send(Ok(piece)) => {
            pace.passed(bytes);
            sent.is_ok()
        }
        () = pace.lost() => {
            metrics::counter!("opentrail_door_slow_guests_total").increment(1);
            false
        }
    }
}

/// Reads up to `bytes_max`.
async fn hold(mut pieces: UpstreamPieces, bytes_max: usize) -> Held {
    let mut all: Option<Bytes> = None;
    let mut more = BytesMut::new();
    loop {
        match pieces.next().await {
            None => break,
            Some(Err(error)) => return Held::Broken(error),
            // Most answers are one piece, which need not be copied.
            Some(Ok(piece)) if all.is_none() && more.is_empty() => all = Some(piece),
            Some(Ok(piece)) => {
                if let Some(first) = all.take() {
                    more.extend_from_slice(&first);
                }
                more.extend_from_slice(&piece);
            }
        }
        let held = all.as_ref().map_or(more.len(), Bytes::len);
        if held > bytes_max {
            return Held::Longer(all.unwrap_or_else(|| more.freeze()), pieces);
        }
    }
    Held::Whole(all.unwrap_or_else(|| more.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(parts: &[&'static str]) -> UpstreamPieces {
        let parts: Vec<_> = parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect();
        stream::iter(parts).boxed()
    }

    #[tokio::test]
    async fn only_so_much_is_held() {
        assert!(matches!(hold(pieces(&[]), 3).await, Held::Whole(bytes) if bytes.is_empty()));
        assert!(matches!(hold(pieces(&["abc"]), 3).await, Held::Whole(bytes) if bytes == "abc"));
        assert!(matches!(hold(pieces(&["ab", "c", "d"]), 9).await, Held::Whole(bytes) if bytes == "abcd"));
        match hold(pieces(&["ab", "cd", "ef"]), 3).await {
            Held::Longer(read, rest) => {
                assert_eq!(read, "abcd");
                assert_eq!(rest.count().await, 1);
            }
            _ => panic!("it is longer"),
        }
    }
}
