//! A request's body on its way in: counted, timed, freed of aws-chunked framing, and checked against what was signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use opentrail_world::World;

use crate::Trailers;
use crate::errors::body::BodyTrouble;
use crate::sigv4::chunked::Decoder;
use crate::sigv4::key::hex;
use crate::sigv4::payload::Payload;
use crate::sigv4::verify::Chain;

/// A body in pieces. Nothing comes behind an error.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, BodyTrouble>>;

/// The bytes as they come from the connection. `wire_bytes` counts them.
pub(crate) fn incoming<B>(body: B, world: World, idle: Duration, wire_bytes: Arc<AtomicU64>) -> Pieces
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
{
    stream::unfold(Some(body), move |body| {
        let (world, wire_bytes) = (world.clone(), wire_bytes.clone());
        async move {
            let mut body = body?;
            loop {
                let frame = tokio::select! {
                    biased;
                    frame = body.frame() => frame?,
                    () = world.sleep(idle) => return Some((Err(BodyTrouble::Idle), None)),
                };
                match frame.map(http_body::Frame::into_data) {
                    Ok(Ok(data)) => {
                        wire_bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
                        return Some((Ok(data), Some(body)));
                    }
                    // HTTP's own trailers mean nothing to AWS's protocols.
                    Ok(Err(_)) => {}
                    Err(_) => return Some((Err(BodyTrouble::Broken), None)),
                }
            }
        }
    })
    .boxed()
}

/// A body whose framing is off and whose promises are checked as it passes.
pub(crate) struct Checked {
    /// Decoded, where the client declared it.
    pub length: Option<u64>,
    pub pieces: Pieces,
    pub trailers: Trailers,
}

/// Checks `pieces` against what was signed, and against `bytes_max`.
pub(crate) fn checked(
    pieces: Pieces,
    payload: &Payload,
    chain: &Chain,
    headers: &HeaderMap,
    bytes_max: u64,
) -> Result<Checked, BodyTrouble> {
    let trailers = Trailers::default();
    let (length, pieces) = match payload {
        Payload::Hash(hash) => (declared_length(headers), hashed(pieces, hash.clone())),
        Payload::Unsigned | Payload::FromBody => (declared_length(headers), pieces),
        Payload::Chunked { signed, trailer } => {
            let length = number(headers, "x-amz-decoded-content-length").ok_or(BodyTrouble::LengthMissing)?;
            let decoder = Decoder::new(signed.then(|| chain.clone()), *trailer, announced_trailers(headers), length);
            (Some(length), unchunked(pieces, decoder, trailers.clone()))
        }
    };
    if let Some(bytes) = length
        && bytes > bytes_max
    {
        return Err(BodyTrouble::TooLarge { bytes, bytes_max });
    }
    Ok(Checked { length, pieces: limited(pieces, bytes_max), trailers })
}

pub(crate) fn announced_trailers(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("x-amz-trailer").iter().filter_map(|v| v.to_str().ok());
    let names = values.flat_map(|v| v.split(',')).map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

/// Ends with an error behind the last piece when the whole does not have the hash.
fn hashed(pieces: Pieces, claimed: String) -> Pieces {
    let state = Some((pieces, digest::Context::new(&digest::SHA256), claimed));
    stream::unfold(state, |state| async move {
        let (mut pieces, mut hash, claimed) = state?;
        match pieces.next().await {
            Some(Ok(piece)) => {
                hash.update(&piece);
                Some((Ok(piece), Some((pieces, hash, claimed))))
            }
            Some(Err(trouble)) => Some((Err(trouble), None)),
            None => {
                let computed = hex(hash.finish().as_ref());
                (computed != claimed).then_some((Err(BodyTrouble::Hash { claimed, computed }), None))
            }
        }
    })
    .boxed()
}

/// Takes the framing off; leaves the trailing headers in `trailers` at the end.
fn unchunked(pieces: Pieces, decoder: Decoder, trailers: Trailers) -> Pieces {
    let state = Some((pieces, decoder, trailers));
    stream::unfold(state, |state| async move {
        let (mut pieces, mut decoder, trailers) = state?;
        let mut out = Vec::new();
        loop {
            let fed = match pieces.next().await {
                Some(Ok(piece)) => decoder.feed(piece, &mut out),
                Some(Err(trouble)) => return Some((vec![Err(trouble)], None)),
                None => {
                    return match decoder.finish() {
                        Ok(headers) => {
                            *trailers.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(headers);
                            None
                        }
                        Err(fault) => Some((vec![Err(BodyTrouble::Chunk(fault))], None)),
                    };
                }
            };
            let mut items: Vec<_> = std::mem::take(&mut out).into_iter().map(Ok).collect();
            if let Err(fault) = fed {
                items.push(Err(BodyTrouble::Chunk(fault)));
                return Some((items, None));
            }
            if !items.is_empty() {
                return Some((items, Some((pieces, decoder, trailers))));
            }
        }
    })
    .flat_map(stream::iter)
    .boxed()
}

fn limited(pieces: Pieces, bytes_max: u64) -> Pieces {
    stream::unfold(Some((pieces, 0u64)), move |state| async move {
        let (mut pieces, so_far) = state?;
        let piece = match pieces.next().await? {
            Ok(piece) => piece,
            Err(trouble) => return Some((Err(trouble), None)),
        };
        let bytes = so_far + piece.len() as u64;
        if bytes > bytes_max {
            return Some((Err(BodyTrouble::TooLarge { bytes, bytes_max }), None));
        }
        Some((Ok(piece), Some((pieces, bytes))))
    })
    .boxed()
}

/// Content-Length, which `guard` has found to be a number if it is there.
pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    number(headers, CONTENT_LENGTH.as_str())
}

pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok())
}

/// All of a body that has been bounded already.
pub(crate) async fn whole(mut pieces: Pieces) -> Result<Bytes, BodyTrouble> {
    let Some(first) = pieces.next().await.transpose()? else { return Ok(Bytes::new()) };
    let Some(second) = pieces.next().await.transpose()? else { return Ok(first) };
    let mut out = BytesMut::from(&first[..]);
    out.extend_from_slice(&second);
    while let Some(piece) = pieces.next().await.transpose()? {
        out.extend_from_slice(&piece);
    }
    Ok(out.freeze())
}

/// All of a body that nothing is known about yet, up to `bytes_max`.
pub(crate) async fn whole_unproven(
    pieces: Pieces,
    declared: Option<u64>,
    bytes_max: usize,
) -> Result<Bytes, BodyTrouble> {
    let bytes_max = bytes_max as u64;
    if let Some(bytes) = declared
        && bytes > bytes_max
    {
        return Err(BodyTrouble::TooLarge { bytes, bytes_max });
    }
    whole(limited(pieces, bytes_max)).await
}
