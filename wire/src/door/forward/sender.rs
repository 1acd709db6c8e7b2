//! Who sends a call, and the body that comes with the proof or is still to come.

use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use opentrail_event::{AccountId, Region};
use opentrail_policy::key_account;

use super::Stop;
use super::body::{self, Check, Read};
use super::who::{self, Claimed, Who};
use crate::door::body::{Pieces, declared_length};
use crate::door::life::{Hall, seen};
use crate::door::listen::Peer;
use crate::errors::body::BodyTrouble;
use crate::errors::{self, Tongue};
use crate::sigv4::canonical::Seen;
use crate::sigv4::key::hex;
use crate::sigv4::payload::Payload;
use crate::sigv4::query::Query;
use crate::sigv4::verify::Plausible;
use crate::{Passage, RequestHead};

/// A request's body once it is known what becomes of it.
pub(super) enum Body {
    Whole(Bytes),
    Passing { length: Option<u64>, pieces: Pieces, check: Check },
}

/// A sender, and the body that came with the proof or is still to come.
pub(super) struct Sender {
    pub(super) who: Who,
    /// Who it will have been once the body has gone by, where that is what the signature is over.
    pub(super) soon: Option<Who>,
    pub(super) account: AccountId,
    pub(super) region: Region,
    /// Names of headers that may not be touched.
    pub(super) signed: Vec<String>,
    pub(super) payload: Payload,
    pub(super) presigned: bool,
    pub(super) body: Body,
}

/// What is needed to read a body.
pub(super) struct Reading<'a> {
    pub(super) passage: &'a Passage,
    pub(super) peer: &'a Peer,
    pub(super) query: &'a Query,
    pub(super) tongue: &'a Tongue,
    /// The operation's body is a stream: nothing of it is held.
    pub(super) streams: bool,
}

impl Hall {
    /// Proves the sender as far as can be, and reads the body as far as is to be.
    pub(super) async fn sender(
        self: &Arc<Self>,
        claimed: Claimed,
        head: &RequestHead,
        pieces: Pieces,
        reading: Reading<'_>,
    ) -> Result<Sender, Stop> {
        let length = declared_length(&head.headers);
        let (plausible, ours) = match claimed {
            Claimed::Known(plausible, ours) => (*plausible, ours),
            Claimed::Unknown(claim, region) => {
                let body = self.unproven(pieces, head, &reading).await?;
                let account = key_account(&claim.access_key_id).unwrap_or(reading.passage.settings.account);
                return Ok(Sender {
                    who: Who::Unproven { access_key_id: claim.access_key_id },
                    soon: None,
                    account,
                    region,
                    signed: claim.signed_headers,
                    payload: Payload::Unsigned,
                    presigned: claim.expires_s.is_some(),
                    body: unchecked(body, length),
                });
            }
            Claimed::Nobody(region) => {
                let body = self.unproven(pieces, head, &reading).await?;
                return Ok(Sender {
                    who: Who::Anonymous,
                    soon: None,
                    account: reading.passage.settings.account,
                    region,
                    signed: Vec::new(),
                    payload: Payload::Unsigned,
                    presigned: false,
                    body: unchecked(body, length),
                });
            }
        };
        let refused = |refusal| self.not_proven(&refusal, reading.tongue);
        let unusable = |trouble| Stop::Stranger(errors::body::fault(&trouble, reading.tongue.protocol));
        let seen = seen(head, reading.query);
        let signed = plausible.claim.signed_headers.clone();
        let account = plausible.principal().account;
        let presigned = plausible.claim.expires_s.is_some();
        let (region, payload) = (plausible.region.clone(), plausible.payload.clone());
        let of = |who: Who, soon: Option<Who>, body: Body| Sender {
            who,
            soon,
            account,
            region: region.clone(),
            signed: signed.clone(),
            payload: payload.clone(),
            presigned,
            body,
        };
        if payload == Payload::FromBody {
            return match self.unproven(pieces, head, &reading).await? {
                Read::Whole(bytes) => {
                    let hash = hex(digest::digest(&digest::SHA256, &bytes).as_ref());
                    let proven = self.verifier.prove(&seen, plausible, Some(&hash)).map_err(refused)?;
                    Ok(of(who::proven(&proven, ours), None, Body::Whole(bytes)))
                }
                // Too long to be held for its hash: it goes on while it is hashed, and its sender is proven, or not, by the end.
                Read::Longer(read, rest) => {
                    let principal = Arc::new(plausible.principal().clone());
                    let unproven = Who::Unproven { access_key_id: principal.access_key_id.clone() };
                    let check = Check::Signature(self.prove_later(head, reading.query, plausible));
                    let pieces = body::rejoined(read, rest);
                    let soon = Some(Who::Proven { principal, ours });
                    Ok(of(unproven, soon, Body::Passing { length, pieces, check }))
                }
            };
        }
        let proven = self.verifier.prove(&seen, plausible, None).map_err(refused)?;
        let check = Check::of(&proven.payload, &proven.chain, &head.headers).map_err(unusable)?;
        let who = who::proven(&proven, ours);
        if reading.streams || matches!(check, Check::Chunks(_)) {
            return Ok(of(who, None, Body::Passing { length, pieces, check }));
        }
        // A body that cannot be read to its end is nobody's call yet: nothing of it went on.
        match body::read(pieces, reading.passage.settings.body_bytes_max).await.map_err(unusable)? {
            Read::Whole(bytes) => {
                if let Check::Hash(claimed) = check {
                    let computed = hex(digest::digest(&digest::SHA256, &bytes).as_ref());
                    if computed != claimed {
                        return Err(unusable(BodyTrouble::Hash { claimed, computed }));
                    }
                }
                Ok(of(who, None, Body::Whole(bytes)))
            }
            Read::Longer(read, rest) => {
                let pieces = body::rejoined(read, rest);
                Ok(of(who, None, Body::Passing { length, pieces, check }))
            }
        }
    }

    /// The body of somebody who is not proven: a stream is not read at all.
    async fn unproven(&self, pieces: Pieces, head: &RequestHead, reading: &Reading<'_>) -> Result<Read, Stop> {
        if reading.streams {
            return Ok(Read::Longer(Bytes::new(), pieces));
        }
        let bytes_max = reading.passage.settings.body_bytes_max;
        self.unproven_start(reading.peer, pieces, &head.headers, bytes_max, reading.tongue).await
    }

    fn prove_later(self: &Arc<Self>, head: &RequestHead, query: &Query, plausible: Plausible) -> body::ProveByHash {
        let (hall, query) = (self.clone(), query.clone());
        let (method, raw_path, headers) = (head.method.clone(), head.raw_path.clone(), head.headers.clone());
        Box::new(move |hash| {
            let seen = Seen { method: method.as_str(), raw_path: &raw_path, query: &query, headers: &headers };
            hall.verifier.prove(&seen, plausible, Some(hash)).map(drop)
        })
    }
}

fn unchecked(read: Read, length: Option<u64>) -> Body {
    match read {
        Read::Whole(bytes) => Body::Whole(bytes),
        Read::Longer(read, rest) => {
            let pieces = if read.is_empty() { rest } else { body::rejoined(read, rest) };
            Body::Passing { length, pieces, check: Check::Nothing }
        }
    }
}
