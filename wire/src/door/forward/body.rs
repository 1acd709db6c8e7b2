//! A request's body on its way through: held where it is to be recorded, else handed on piece by piece and checked against
//! what was signed as it goes by.
//!
//! What is checked goes on but for its last piece, which waits until the whole is known to be right: an upstream never has all of
//! a body that its sender did not sign.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use http::HeaderMap;

use super::sender::Body;
use crate::door::body::{Pieces, announced_trailers, number};
use crate::errors::body::BodyTrouble;
use crate::sigv4::chunked::Decoder;
use crate::sigv4::key::hex;
use crate::sigv4::payload::Payload;
use crate::sigv4::refusal::Refusal;
use crate::sigv4::verify::Chain;

type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// What was read of a body so as to record it.
pub(crate) enum Read {
    /// All of it.
    Whole(Bytes),
    /// It is longer: what was read, and what comes behind.
    Longer(Bytes, Pieces),
}

/// Reads up to `bytes_max`.
pub(crate) async fn read(mut pieces: Pieces, bytes_max: usize) -> Result<Read, BodyTrouble> {
    let Some(first) = pieces.next().await.transpose()? else { return Ok(Read::Whole(Bytes::new())) };
    if first.len() > bytes_max {
        return Ok(Read::Longer(first, pieces));
    }
    let Some(second) = pieces.next().await.transpose()? else { return Ok(Read::Whole(first)) };
    let mut all = BytesMut::from(&first[..]);
    all.extend_from_slice(&second);
    loop {
        if all.len() > bytes_max {
            return Ok(Read::Longer(all.freeze(), pieces));
        }
        match pieces.next().await.transpose()? {
            Some(piece) => all.extend_from_slice(&piece),
            None => return Ok(Read::Whole(all.freeze())),
        }
    }
}

/// What was read, and then the rest.
pub(super) fn rejoined(read: Bytes, rest: Pieces) -> Pieces {
    stream::iter([Ok(read)]).chain(rest).boxed()
}

/// The beginning of what is passing, which still passes: as much as came in one piece.
pub(super) async fn begin(body: &mut Body) -> Bytes {
    let Body::Passing { pieces, .. } = body else { return Bytes::new() };
    let mut all = std::mem::replace(pieces, stream::empty().boxed());
    let first = all.next().await;
    let start = first.as_ref().and_then(|first| first.as_ref().ok()).cloned().unwrap_or_default();
    *pieces = stream::iter(first).chain(all).boxed();
    start
}

/// Proves the sender by the hash of the whole body.
pub(super) type ProveByHash = Box<dyn FnOnce(&str) -> Result<(), Refusal> + Send>;

/// Against what a body is checked.
pub(super) enum Check {
    /// Nothing: the upstream does, or nobody.
    Nothing,
    /// SHA-256 in hexadecimal.
    Hash(String),
    /// Its framing and the signatures in it.
    Chunks(Box<Decoder>),
    /// The signature of the whole request, which is over the body's hash.
    Signature(ProveByHash),
}

impl Check {
    /// What was signed of the body of a request that is proven.
    pub(super) fn of(payload: &Payload, chain: &Chain, headers: &HeaderMap) -> Result<Self, BodyTrouble> {
        Ok(match payload {
            Payload::Hash(hash) => Self::Hash(hash.clone()),
            Payload::Unsigned | Payload::FromBody => Self::Nothing,
            Payload::Chunked { signed, trailer } => {
                let length = number(headers, "x-amz-decoded-content-length").ok_or(BodyTrouble::LengthMissing)?;
                let chain = signed.then(|| chain.clone());
                Self::Chunks(Box::new(Decoder::new(chain, *trailer, announced_trailers(headers), length)))
            }
        })
    }
}

/// How a body went by.
#[derive(Debug, Clone, Default)]
pub(super) struct Passed(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    trouble: Option<Trouble>,
    proven: bool,
}

/// Why it did not all go on.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    Body(BodyTrouble),
    /// The sender is not who they say.
    Sender(Refusal),
}

impl Passed {
    /// What kept it from going on.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.state().trouble.clone()
    }

    /// Whether the sender was proven by what went by.
    pub(super) fn is_proven(&self) -> bool {
        self.state().proven
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, trouble: Trouble) -> BodyError {
        let error = match &trouble {
            Trouble::Body(trouble) => format!("{trouble:?}"),
            Trouble::Sender(_) => "the request is not signed by who it says".to_owned(),
        };
        self.state().trouble = Some(trouble);
        error.into()
    }
}

struct Checking {
    pieces: Pieces,
    check: Check,
    /// aws-chunked framing stays behind.
    unframe: bool,
    hash: Option<digest::Context>,
    /// Came, and goes on once one more is behind it.
    held: VecDeque<Bytes>,
    passed: Passed,
}

/// Lets `pieces` go by, their last one only when the whole is right; with `unframe` what is in the framing, in place of the
/// framing with what is in it.
pub(super) fn checked(
    pieces: Pieces,
    check: Check,
    passed: Passed,
    unframe: bool,
) -> BoxStream<'static, Result<Bytes, BodyError>> {
    if matches!(check, Check::Nothing) {
        return pieces.map_err(move |trouble| passed.fail(Trouble::Body(trouble))).boxed();
    }
    let hash = matches!(check, Check::Hash(_) | Check::Signature(_)).then(|| digest::Context::new(&digest::SHA256));
    let checking = Checking { pieces, check, unframe, hash, held: VecDeque::new(), passed };
    stream::unfold(Some(checking), |checking| async move {
        let mut checking = checking?;
        loop {
            if checking.held.len() > 1
                && let Some(before) = checking.held.pop_front()
            {
                return Some((Ok(before), Some(checking)));
            }
            match checking.pieces.next().await {
                Some(Ok(piece)) => {
                    if let Err(trouble) = checking.take(piece) {
                        return Some((Err(checking.passed.fail(trouble)), None));
                    }
                }
                Some(Err(trouble)) => return Some((Err(checking.passed.fail(Trouble::Body(trouble))), None)),
                None => {
                    let Checking { check, hash, mut held, passed, .. } = checking;
                    return match finish(check, hash, &passed) {
                        Ok(()) => held.pop_front().map(|last| (Ok(last), None)),
                        Err(trouble) => Some((Err(passed.fail(trouble)), None)),
                    };
                }
            }
        }
    })
    .boxed()
}

impl Checking {
    fn take(&mut self, piece: Bytes) -> Result<(), Trouble> {
        if let Some(hash) = &mut self.hash {
            hash.update(&piece);
        }
        if let Check::Chunks(decoder) = &mut self.check {
            let mut inside = Vec::new();
            let fed = decoder.feed(piece.clone(), &mut inside);
            fed.map_err(|fault| Trouble::Body(BodyTrouble::Chunk(fault)))?;
            if self.unframe {
                self.held.extend(inside);
                return Ok(());
            }
        }
        self.held.push_back(piece);
        Ok(())
    }
}

/// Whether the whole is right.
fn finish(check: Check, hash: Option<digest::Context>, passed: &Passed) -> Result<(), Trouble> {
    let computed = hash.map(|hash| hex(hash.finish().as_ref())).unwrap_or_default();
    match check {
        Check::Nothing => Ok(()),
        Check::Hash(claimed) if claimed == computed => Ok(()),
        Check::Hash(claimed) => Err(Trouble::Body(BodyTrouble::Hash { claimed, computed })),
        Check::Chunks(mut decoder) => {
            decoder.finish().map(drop).map_err(|fault| Trouble::Body(BodyTrouble::Chunk(fault)))
        }
        Check::Signature(prove) => {
            prove(&computed).map_err(Trouble::Sender)?;
            passed.state().proven = true;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigv4::key::sha256_hex;

    fn pieces(parts: &[&'static str]) -> Pieces {
        let parts: Vec<_> = parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect();
        stream::iter(parts).boxed()
    }

    async fn out(parts: &[&'static str], check: Check) -> (Vec<String>, bool, Passed) {
        let passed = Passed::default();
        let all: Vec<_> = checked(pieces(parts), check, passed.clone(), false).collect().await;
        let failed = all.iter().any(Result::is_err);
        let texts = all.into_iter().flatten().map(|piece| String::from_utf8_lossy(&piece).into_owned());
        (texts.collect(), failed, passed)
    }

    #[tokio::test]
    async fn the_last_piece_goes_on_only_if_all_is_right() {
        let hash = sha256_hex(b"onetwothree");
        let (got, failed, _) = out(&["one", "two", "three"], Check::Hash(hash.clone())).await;
        assert_eq!((got.as_slice(), failed), (["one", "two", "three"].map(String::from).as_slice(), false));
        let (got, failed, passed) = out(&["one", "two", "thr33"], Check::Hash(hash)).await;
        assert_eq!((got.as_slice(), failed), (["one", "two"].map(String::from).as_slice(), true));
        assert!(matches!(passed.trouble(), Some(Trouble::Body(BodyTrouble::Hash { .. }))));
    }

    #[tokio::test]
    async fn a_sender_is_proven_by_what_went_by_or_not_at_all() {
        let right = sha256_hex(b"ab");
        let check = |right: String| {
            Check::Signature(Box::new(move |hash| match hash == right {
                true => Ok(()),
                false => Err(Refusal::Twice),
            }))
        };
        let (got, failed, passed) = out(&["a", "b"], check(right.clone())).await;
        assert_eq!((got.len(), failed, passed.is_proven()), (2, false, true));
        let (got, failed, passed) = out(&["a", "c"], check(right)).await;
        assert_eq!((got.len(), failed, passed.is_proven()), (1, true, false));
        assert!(matches!(passed.trouble(), Some(Trouble::Sender(_))));
    }

    #[tokio::test]
    async fn framing_goes_on_or_stays_behind() {
        for (unframe, expect) in [(false, "3\r\nabc\r\n0\r\n\r\n"), (true, "abc")] {
            let check = Check::Chunks(Box::new(Decoder::new(None, true, Vec::new(), 3)));
            let parts = pieces(&["3\r\nab", "c\r\n0\r", "\n\r\n"]);
            let out: Vec<Bytes> = checked(parts, check, Passed::default(), unframe).try_collect().await.expect("right");
            assert_eq!(out.concat(), expect.as_bytes());
        }
    }

    #[tokio::test]
    async fn only_so_much_is_held() {
        let whole = |read| matches!(read, Ok(Read::Whole(bytes)) if bytes == "onetwo");
        assert!(whole(read(pieces(&["one", "two"]), 6).await));
        match read(pieces(&["one", "two", "three"]), 5).await {
            Ok(Read::Longer(read, rest)) => {
                let all: Vec<Bytes> = rejoined(read, rest).try_collect().await.expect("memory does not fail");
                assert_eq!(all, ["onetwo", "three"]);
            }
            _ => panic!("it is longer"),
        }
    }
}
