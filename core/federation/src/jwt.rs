//! A token of an OpenID Connect provider: a JSON Web Token (RFC 7519), signed (RFC 7515).
//!
//! [`Unproven`] is what somebody sent; with the issuer's keys it becomes a [`Token`], and only that says anything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::claims::{Claims, SessionTags, named};
use crate::keys::{Algorithm, KeySet};

/// Of a whole token (`spec/sts.md` 2).
pub const TOKEN_BYTES_MAX: usize = 20_000;
/// How far an issuer's clock may be ahead of ours, in seconds. Nothing is given where a token has run out.
pub const SKEW_S: i64 = 300;

/// Why a token proves nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It has not the form of a token.
    #[error("not a JSON Web Token")]
    Malformed,
    /// Signed in a way that is not taken: not at all, or by a secret that whoever checks it would have to know.
    #[error("tokens signed with {0} are not taken")]
    Algorithm(String),
    /// It says that its reader must understand something that we do not.
    #[error("the token has critical header parameters")]
    Critical,
    /// Its issuer has no such key.
    #[error("the issuer has no such key")]
    Key,
    #[error("the signature is not the issuer's")]
    Signature,
    #[error("claim {0} is missing")]
    Missing(&'static str),
    #[error("claim {0} is not of the form that it should have")]
    Claim(&'static str),
    #[error("the token ran out at {expires_s}, and it is {now_s}")]
    Expired { now_s: i64, expires_s: i64 },
    #[error("the token holds from {from_s}, and it is {now_s}")]
    Early { now_s: i64, from_s: i64 },
    #[error("the token is for somebody else")]
    Audience,
}

/// A token of which nothing is believed but who is to be asked about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unproven<'t> {
    algorithm: Algorithm,
    key_id: Option<String>,
    claims: Claims,
    signed: &'t str,
    signature: Vec<u8>,
    issuer: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

impl<'t> Unproven<'t> {
    /// Reads a token.
    pub fn read(token: &'t str) -> Result<Self, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [header, claims, signature] = parts.as_slice() else { return Err(TokenError::Malformed) };
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);
        let head: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| TokenError::Malformed)?;
        if head.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let algorithm = Algorithm::named(&head.alg);
        let algorithm = algorithm.ok_or_else(|| TokenError::Algorithm(head.alg.chars().take(16).collect()))?;
        let claims_read: Claims = serde_json::from_slice(&decoded(claims)?).map_err(|_| TokenError::Malformed)?;
        let issuer = claims_read.text("iss").map_err(TokenError::Claim)?.ok_or(TokenError::Missing("iss"))?.to_owned();
        Ok(Self {
            algorithm,
            key_id: head.kid,
            signed: &token[..header.len() + 1 + claims.len()],
            signature: decoded(signature)?,
            claims: claims_read,
            issuer,
        })
    }

    /// Who is said to have made it, as it stands there: `https://token.example.com/realm`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The same as providers are named: host and path. `None` where it is no address that begins with `https://`.
    pub fn issuer_name(&self) -> Option<&str> {
        let name = self.issuer.strip_prefix("https://")?.trim_end_matches('/');
        (!name.is_empty()).then_some(name)
    }

    /// Believes it, if one of the issuer's keys signed it, it holds at `now_s`, and one of `client_ids` is whom it is for.
    pub fn prove(self, keys: &KeySet, client_ids: &[String], now_s: i64) -> Result<Token, TokenError> {
        match keys.verify(self.key_id.as_deref(), self.algorithm, self.signed.as_bytes(), &self.signature) {
            Some(true) => {}
            Some(false) => return Err(TokenError::Signature),
            None => return Err(TokenError::Key),
        }
        let claims = self.claims;
        check_times(&claims, now_s)?;
        let subject = claims.text("sub").map_err(TokenError::Claim)?.filter(|subject| !subject.is_empty());
        let subject = subject.ok_or(TokenError::Missing("sub"))?.to_owned();
        let said = claims.texts("aud").map_err(TokenError::Claim)?;
        if said.is_empty() {
            return Err(TokenError::Missing("aud"));
        }
        // Who asked for the token stands for whom it is for, as AWS has it.
        let party = claims.text("azp").map_err(TokenError::Claim)?.map(str::to_owned);
        let may_be: &[String] = party.as_ref().map_or(said.as_slice(), std::slice::from_ref);
        let audience =
            may_be.iter().find(|audience| client_ids.contains(audience)).ok_or(TokenError::Audience)?.clone();
        let methods = claims.texts("amr").map_err(TokenError::Claim)?;
        let session = SessionTags::read(&claims).map_err(TokenError::Claim)?;
        let mut keys = vec![("oaud".to_owned(), said)];
        keys.extend(party.map(|party| ("azp".to_owned(), vec![party])));
        keys.extend(Some(("amr".to_owned(), methods)).filter(|(_, methods)| !methods.is_empty()));
        keys.extend(named(&claims, &["iss", "sub", "aud", "oaud", "azp", "amr", "exp", "iat", "nbf", "jti"]));
        Ok(Token { subject, audience, claims: keys, session })
    }
}

fn check_times(claims: &Claims, now_s: i64) -> Result<(), TokenError> {
    let expires_s = claims.seconds("exp").map_err(TokenError::Claim)?.ok_or(TokenError::Missing("exp"))?;
    let issued_s = claims.seconds("iat").map_err(TokenError::Claim)?.ok_or(TokenError::Missing("iat"))?;
    let from_s = claims.seconds("nbf").map_err(TokenError::Claim)?.unwrap_or(issued_s).max(issued_s);
    if now_s >= expires_s {
        return Err(TokenError::Expired { now_s, expires_s });
    }
    if from_s > now_s.saturating_add(SKEW_S) {
        return Err(TokenError::Early { now_s, from_s });
    }
    Ok(())
}

/// A token that was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub subject: String,
    /// The client that it is for, which is one of the provider's.
    pub audience: String,
    /// Further claims that conditions can name, with their values: `oaud`, `azp`, `amr`, and the issuer's own.
    pub claims: Vec<(String, Vec<String>)>,
    pub session: SessionTags,
}

#[cfg(test)]
mod tests;
