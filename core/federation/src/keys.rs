//! The keys of an issuer, as a JSON Web Key Set lists them (RFC 7517), and the port to whoever has them.

use std::sync::Arc;

use aws_lc_rs::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Deserialize;

/// Of a set of keys, in bytes.
pub const KEYS_BYTES_MAX: usize = 256 * 1024;
/// Of one set. AWS takes a hundred of each kind.
const KEYS_MAX: usize = 200;

/// The port from an issuer to its keys.
///
/// # Contract
/// An issuer is named by host and path, without its scheme and without a slash at its end: `token.example.com/realm`. What is given
/// is what is valid now: a key that its issuer took back is not among them.
pub trait IssuerKeys: Send + Sync {
    /// The keys of `issuer`.
    fn keys<'a>(&'a self, issuer: &'a str) -> BoxFuture<'a, Result<Arc<KeySet>, NoKeys>>;
}

/// Why there are no keys of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoKeys {
    /// Nobody said where they are.
    #[error("no keys are configured for this issuer")]
    NotConfigured,
    /// They cannot be had just now; a retry may help.
    #[error("{0}")]
    Unavailable(String),
}

/// Knows no issuer.
pub struct NoIssuers;

impl IssuerKeys for NoIssuers {
    fn keys<'a>(&'a self, _issuer: &'a str) -> BoxFuture<'a, Result<Arc<KeySet>, NoKeys>> {
        std::future::ready(Err(NoKeys::NotConfigured)).boxed()
    }
}

/// How a token is signed. Only asymmetric ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Es256,
    Es384,
    Es512,
}

impl Algorithm {
    /// As tokens and keys name it; `None` for every other name, `none` and the symmetric ones among them.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            _ => return None,
        })
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            _ => return None,
        })
    }

    /// With the curve that goes with it, and the bytes of one of its coordinates.
    fn elliptic(self) -> Option<(&'static dyn VerificationAlgorithm, &'static str, usize)> {
        Some(match self {
            Self::Es256 => (&signature::ECDSA_P256_SHA256_FIXED, "P-256", 32),
            Self::Es384 => (&signature::ECDSA_P384_SHA384_FIXED, "P-384", 48),
            Self::Es512 => (&signature::ECDSA_P521_SHA512_FIXED, "P-521", 66),
            _ => return None,
        })
    }
}

/// A set of keys that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    #[error("more than {KEYS_BYTES_MAX} bytes")]
    TooLarge,
    #[error("not a JSON Web Key Set: {0}")]
    Malformed(String),
    #[error("more than {KEYS_MAX} keys")]
    TooMany,
    #[error("key {0} holds its private part: give out the public one, and take this one out of use")]
    Private(String),
    #[error("key {0} is not a whole one")]
    Key(String),
    #[error(
        "no key in it is an RSA key of 2048 bits or more, or an elliptic one on P-256, P-384 or P-521, that is for signatures"
    )]
    None,
}

/// An issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    id: Option<String>,
    /// The one algorithm that it is for, where it says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    Elliptic {
        curve: &'static str,
        point: Vec<u8>,
    },
}

#[derive(Deserialize)]
struct Listed {
    keys: Vec<ListedKey>,
}

#[derive(Deserialize)]
struct ListedKey {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<String>,
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys that no token is checked by (for encryption, of other kinds) are passed over; one that is
    /// broken spoils the set, for it was meant to be there.
    pub fn parse(json: &[u8]) -> Result<Self, BadKeys> {
        if json.len() > KEYS_BYTES_MAX {
            return Err(BadKeys::TooLarge);
        }
        let listed: Listed = serde_json::from_slice(json).map_err(|error| BadKeys::Malformed(error.to_string()))?;
        if listed.keys.len() > KEYS_MAX {
            return Err(BadKeys::TooMany);
        }
        let mut keys = Vec::new();
        for (at, key) in listed.keys.into_iter().enumerate() {
            let name = key.kid.clone().unwrap_or_else(|| format!("number {}", at + 1));
            keys.extend(Key::read(key, &name)?);
        }
        if keys.is_empty() { Err(BadKeys::None) } else { Ok(Self { keys }) }
    }

    /// Whether one of the keys made `signature` over `message`: the one that is named; where none is, the only one that it can be.
    /// `None` where there is no such key.
    pub(crate) fn verify(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let fits = |key: &&Key| key.fits(algorithm) && id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut fitting = self.keys.iter().filter(fits);
        let key = fitting.next()?;
        // Of two under one name, or of several for a token that names none, it is not said which.
        if fitting.next().is_some() {
            return None;
        }
        Some(key.verifies(algorithm, message, signature))
    }
}

impl Key {
    /// `None` for one that no token is checked by.
    fn read(key: ListedKey, name: &str) -> Result<Option<Self>, BadKeys> {
        let broken = || BadKeys::Key(name.to_owned());
        let is_for_us = matches!(key.kty.as_str(), "RSA" | "EC") && key.r#use.as_deref().is_none_or(|u| u == "sig");
        let algorithm = key.alg.as_deref().map(Algorithm::named);
        if !is_for_us || algorithm == Some(None) {
            return Ok(None);
        }
        if key.d.is_some() {
            return Err(BadKeys::Private(name.to_owned()));
        }
        let number = |text: Option<String>| {
            let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
            bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(broken)
        };
        let material = match key.kty.as_str() {
            "RSA" => {
                let n = number(key.n)?;
                let digits = n.iter().position(|byte| *byte != 0).map_or(0, |zeros| n.len() - zeros);
                if !(256..=1024).contains(&digits) {
                    return Ok(None);
                }
                Material::Rsa { n: n[n.len() - digits..].to_vec(), e: number(key.e)? }
            }
            _ => {
                let curves = [("P-256", 32), ("P-384", 48), ("P-521", 66)];
                let crv = key.crv.ok_or_else(broken)?;
                let Some((curve, bytes)) = curves.into_iter().find(|(curve, _)| *curve == crv) else { return Ok(None) };
                let (x, y) = (number(key.x)?, number(key.y)?);
                if x.len() != bytes || y.len() != bytes {
                    return Err(broken());
                }
                Material::Elliptic { curve, point: [&[4], x.as_slice(), y.as_slice()].concat() }
            }
        };
        Ok(Some(Self { id: key.kid, algorithm: algorithm.flatten(), material }))
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        let is_kind = match &self.material {
            Material::Rsa { .. } => algorithm.rsa().is_some(),
            Material::Elliptic { curve, .. } => algorithm.elliptic().is_some_and(|(_, own, _)| own == *curve),
        };
        is_kind && self.algorithm.is_none_or(|own| own == algorithm)
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => algorithm.rsa().is_some_and(|parameters| {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }),
            Material::Elliptic { point, .. } => algorithm.elliptic().is_some_and(|(algorithm, _, bytes)| {
                signature.len() == 2 * bytes
                    && UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<KeySet, BadKeys> {
        KeySet::parse(json.as_bytes())
    }

    #[test]
    fn what_is_no_key_for_tokens_is_passed_over() {
        let x = URL_SAFE_NO_PAD.encode([1; 32]);
        let fine = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{x}","kid":"a","x5c":["y"],"ext":true}}"#);
        let others = [
            r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(),
            r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#.to_owned(),
            fine.replace("\"kid\":\"a\"", "\"use\":\"enc\""),
            fine.replace("\"kid\":\"a\"", "\"alg\":\"HS256\""),
            fine.replace("P-256", "secp256k1"),
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_owned(),
        ];
        assert_eq!(parse(&format!(r#"{{"keys":[{fine},{}]}}"#, others.join(","))).expect("a set").keys.len(), 1);
        for other in others {
            assert_eq!(parse(&format!(r#"{{"keys":[{other}]}}"#)), Err(BadKeys::None), "{other}");
        }
    }

    #[test]
    fn a_set_that_cannot_be_meant_is_refused() {
        let x = URL_SAFE_NO_PAD.encode([1; 32]);
        let with = |more: &str| parse(&format!(r#"{{"keys":[{{"kty":"EC","kid":"k7","crv":"P-256"{more}}}]}}"#));
        assert_eq!(with(""), Err(BadKeys::Key("k7".into())));
        assert_eq!(with(&format!(r#","x":"{x}","y":"AA""#)), Err(BadKeys::Key("k7".into())));
        assert_eq!(with(&format!(r#","x":"{x}","y":"{x}","d":"{x}""#)), Err(BadKeys::Private("k7".into())));
        assert!(matches!(parse("{}"), Err(BadKeys::Malformed(_))));
        assert!(matches!(parse(r#"{"keys":[],"keys":[]}"#), Err(BadKeys::Malformed(_))));
        assert_eq!(
            parse(&format!(r#"{{"keys":[{}]}}"#, vec![r#"{"kty":"oct"}"#; 201].join(","))),
            Err(BadKeys::TooMany)
        );
        assert_eq!(parse(&" ".repeat(KEYS_BYTES_MAX + 1)), Err(BadKeys::TooLarge));
    }
}
