//! Proving a claim, in the order that costs a stranger's victim least: form, key, scope, date, signed headers, and the
//! signature, which needs the body only where its hash was not sent.

use std::sync::Arc;

use jiff::Timestamp;
use opentrail_event::Region;
use opentrail_policy::{Credential, Identities, PassedSessions, Principal, SessionRefused, key_account};

use super::canonical::{self, Seen};
use super::claim::{self, Claim};
use super::key::{KeyCache, SigningKey};
use super::payload::{self, Payload};
use super::refusal::{Mismatch, Refusal};
use super::{Dialect, TERMINATOR};

/// How far a signature's time may be from ours, in seconds.
const SKEW_MAX_S: i64 = 5 * 60;
/// The same for S3.
const SKEW_S3_MAX_S: i64 = 15 * 60;
/// AWS's own bound on an access key id (`GetAccessKeyInfo`), in bytes.
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;
/// What ids of temporary keys begin with.
const TEMPORARY: &str = "ASIA";

/// Checks claims.
pub(crate) struct Verifier {
    pub identities: Arc<dyn Identities>,
    pub regions: Vec<Region>,
    pub keys: KeyCache,
}

/// A claim that is right in everything but its signature, which was not looked at yet.
pub(crate) struct Plausible {
    pub claim: Claim,
    pub payload: Payload,
    pub region: Region,
    credential: Arc<Credential>,
    key: SigningKey,
    dialect: Dialect,
}

/// What is known of the key that signed a call which goes on to somebody else.
pub(crate) enum Known {
    Ours(Plausible),
    /// Of a session that somebody else made.
    Passed(Plausible),
    /// Nobody here knows the key. Only its region was looked at.
    Not(Claim, Region),
}

/// Whether keys of our accounts come from us alone, or an upstream issues such keys too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issued {
    pub keys: bool,
    pub sessions: bool,
}

/// Why there is no credential to a claim.
enum Unfound {
    /// The key, or its token, is one of ours, and not good.
    Ours(Refusal),
    /// Nobody here knows it.
    Nobodys(Refusal),
}

/// A proven caller, and what is needed to check the rest of the body.
pub(crate) struct Proven {
    pub credential: Arc<Credential>,
    pub region: Region,
    pub payload: Payload,
    pub presigned: bool,
    pub chain: Chain,
}

/// Where the chain of chunk signatures begins.
#[derive(Clone)]
pub(crate) struct Chain {
    pub key: SigningKey,
    /// The time and the scope, as they are signed.
    pub date: String,
    pub scope: String,
    /// The request's own signature.
    pub seed: String,
}

impl Plausible {
    /// Whose key it is. Nothing is proven yet.
    pub(crate) fn principal(&self) -> &Principal {
        &self.credential.principal
    }
}

impl Verifier {
    /// Everything that can be said without the body. `dialect` tells of a signing name how its service canonicalises,
    /// if there is such a service.
    pub(crate) async fn check(
        &self,
        seen: &Seen<'_>,
        now: Timestamp,
        dialect: impl Fn(&str) -> Option<Dialect>,
    ) -> Result<Plausible, Refusal> {
        let claim = claim::read(seen)?;
        let credential = self.credential(&claim).await.map_err(|(Unfound::Ours(why) | Unfound::Nobodys(why))| why)?;
        let dialect = dialect(&claim.scope.service).ok_or_else(|| Refusal::Service(claim.scope.service.clone()))?;
        self.plausible(seen, claim, credential, dialect, now)
    }

    /// The same for a call that goes on to somebody else, who may know keys that nobody here does. A key that is known counts
    /// as that and as nothing else: a disabled one is no stranger's.
    pub(crate) async fn check_onward(
        &self,
        seen: &Seen<'_>,
        now: Timestamp,
        dialect: impl Fn(&str) -> Dialect,
        passed: &PassedSessions,
        issued: Issued,
    ) -> Result<Known, Refusal> {
        let claim = claim::read(seen)?;
        let (dialect, id) = (dialect(&claim.scope.service), claim.access_key_id.clone());
        let refusal = match self.credential(&claim).await {
            Ok(credential) => return self.plausible(seen, claim, credential, dialect, now).map(Known::Ours),
            Err(Unfound::Ours(refusal)) => return Err(refusal),
            Err(Unfound::Nobodys(refusal)) => refusal,
        };
        // A temporary key is looked for by its token; one from the configuration may look like it.
        if self.identities.find(&id).await.map_err(|e| Refusal::Unavailable(e.to_string()))?.is_some() {
            return Err(refusal);
        }
        match passed.find(&id, claim.token.as_deref()).await {
            Ok(Some(credential)) => self.plausible(seen, claim, credential, dialect, now).map(Known::Passed),
            // One that was deleted, or comes without its token.
            Ok(None) if self.is_issued_here(&id, issued).await? => Err(refusal),
            Ok(None) => {
                let region = self.region(&claim)?;
                Ok(Known::Not(claim, region))
            }
            Err(SessionRefused::Token | SessionRefused::Foreign) => {
                Err(Refusal::Token(claim.token.unwrap_or_default()))
            }
            Err(SessionRefused::Expired) => Err(Refusal::TokenExpired(claim.token.unwrap_or_default())),
            Err(SessionRefused::Unavailable(why)) => Err(Refusal::Unavailable(why)),
        }
    }

    /// Whether keys of this id's form and account are issued here and by nobody else.
    async fn is_issued_here(&self, access_key_id: &str, issued: Issued) -> Result<bool, Refusal> {
        let here = if access_key_id.starts_with(TEMPORARY) { issued.sessions } else { issued.keys };
        let Some(account) = key_account(access_key_id).filter(|_| here) else { return Ok(false) };
        self.identities.has_account(account).await.map_err(|e| Refusal::Unavailable(e.to_string()))
    }

    fn plausible(
        &self,
        seen: &Seen<'_>,
        claim: Claim,
        credential: Arc<Credential>,
        dialect: Dialect,
        now: Timestamp,
    ) -> Result<Plausible, Refusal> {
        let region = self.region(&claim)?;
        check_scope(&claim)?;
        check_time(&claim, now, dialect)?;
        check_signed_headers(seen, &claim)?;
        let payload = payload::read(seen, &claim, dialect)?;
        let key = self.keys.key(&credential, &claim.scope);
        Ok(Plausible { claim, payload, region, credential, key, dialect })
    }

    async fn credential(&self, claim: &Claim) -> Result<Arc<Credential>, Unfound> {
        let unknown = || Refusal::Key(claim.access_key_id.chars().take(ACCESS_KEY_ID_BYTES_MAX).collect());
        if claim.access_key_id.len() > ACCESS_KEY_ID_BYTES_MAX {
            return Err(Unfound::Ours(unknown()));
        }
        let is_temporary = claim.access_key_id.starts_with(TEMPORARY);
        if let Some(token) = claim.token.as_ref().filter(|_| is_temporary) {
            let found = self.identities.find_session(&claim.access_key_id, token).await;
            return found.map_err(|refused| match refused {
                SessionRefused::Foreign => Unfound::Nobodys(Refusal::Token(token.clone())),
                SessionRefused::Token => Unfound::Ours(Refusal::Token(token.clone())),
                SessionRefused::Expired => Unfound::Ours(Refusal::TokenExpired(token.clone())),
                SessionRefused::Unavailable(why) => Unfound::Ours(Refusal::Unavailable(why)),
            });
        }
        let found = self.identities.find(&claim.access_key_id).await;
        match (found.map_err(|e| Unfound::Ours(Refusal::Unavailable(e.to_string())))?, &claim.token) {
            (Some(credential), None) if credential.active => Ok(credential),
            // Long-term keys have no session token.
            (Some(_), Some(token)) => Err(Unfound::Ours(Refusal::Token(token.clone()))),
            (Some(_), None) => Err(Unfound::Ours(unknown())),
            (None, _) => Err(Unfound::Nobodys(unknown())),
        }
    }

    fn region(&self, claim: &Claim) -> Result<Region, Refusal> {
        let served = self.regions.iter().find(|region| region.as_str() == claim.scope.region);
        served.cloned().ok_or_else(|| Refusal::Region {
            given: claim.scope.region.chars().take(64).collect(),
            served: self.regions.first().map_or_else(|| "us-east-1".to_owned(), Region::to_string),
            presigned: claim.expires_s.is_some(),
        })
    }

    /// Compares the signature. `body_hash` is the body's own, where the client did not send one.
    pub(crate) fn prove(
        &self,
        seen: &Seen<'_>,
        plausible: Plausible,
        body_hash: Option<&str>,
    ) -> Result<Proven, Refusal> {
        let Plausible { claim, payload, region, credential, key, dialect } = plausible;
        let line = payload.line().or(body_hash).unwrap_or_default();
        let canonical_request = canonical::request(seen, dialect, &claim.signed_headers, line);
        let scope = claim.scope.text();
        let string_to_sign = canonical::string_to_sign(&claim.date, &scope, &canonical_request);
        if !key.verifies(string_to_sign.as_bytes(), &claim.signature) {
            return Err(Refusal::Signature(Box::new(Mismatch {
                access_key_id: claim.access_key_id,
                string_to_sign,
                signature_provided: claim.signature,
                canonical_request,
            })));
        }
        self.keys.keep(&credential, &claim.scope, &key);
        let presigned = claim.expires_s.is_some();
        let chain = Chain { key, date: claim.date, scope, seed: claim.signature };
        Ok(Proven { credential, region, payload, presigned, chain })
    }
}

fn check_scope(claim: &Claim) -> Result<(), Refusal> {
    if claim.scope.terminator != TERMINATOR {
        return Err(Refusal::Terminator(claim.scope.terminator.chars().take(64).collect()));
    }
    let day = claim.date.get(..8).unwrap_or_default();
    if claim.scope.date != day {
        return Err(Refusal::ScopeDate {
            scope: claim.scope.date.chars().take(64).collect(),
            request: day.to_owned(),
            from: claim.date.clone(),
        });
    }
    Ok(())
}

fn check_time(claim: &Claim, now: Timestamp, dialect: Dialect) -> Result<(), Refusal> {
    let allowed_s = if dialect == Dialect::S3 { SKEW_S3_MAX_S } else { SKEW_MAX_S };
    let age_s = now.as_second().saturating_sub(claim.at.as_second());
    match claim.expires_s {
        presigned if age_s < -allowed_s => {
            Err(Refusal::Early { at: claim.at, now, allowed_s, presigned: presigned.is_some() })
        }
        Some(expires_s) if age_s > expires_s => Err(Refusal::Expired { at: claim.at, expires_s, now }),
        None if age_s > allowed_s => Err(Refusal::Late { at: claim.at, now, allowed_s }),
        _ => Ok(()),
    }
}

/// Host and every `x-amz-` header must be signed: what is not signed may have been put there on the way.
fn check_signed_headers(seen: &Seen<'_>, claim: &Claim) -> Result<(), Refusal> {
    let signed = |name: &str| claim.signed_headers.binary_search_by(|s| s.as_str().cmp(name)).is_ok();
    let must = seen.headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
    let mut unsigned: Vec<String> =
        std::iter::once("host").chain(must).filter(|name| !signed(name)).map(str::to_owned).collect();
    if unsigned.is_empty() {
        return Ok(());
    }
    unsigned.sort_unstable();
    Err(Refusal::Unsigned(unsigned))
}
