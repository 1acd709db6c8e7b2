//! What a request says about its body before the body is here: `x-amz-content-sha256`.

use super::canonical::Seen;
use super::claim::Claim;
use super::refusal::Refusal;
use super::{Dialect, EMPTY_SHA256};

/// The hash line of a canonical request, and what follows from it for the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    /// 64 lower-case hexadecimal characters, sent by the client. The body must have this hash.
    Hash(String),
    /// `UNSIGNED-PAYLOAD`: nothing is said about the body.
    Unsigned,
    /// aws-chunked, its pieces signed or not, with trailing headers or without.
    Chunked { signed: bool, trailer: bool },
    /// Nothing was sent: the body's own hash, once it is read.
    FromBody,
}

impl Payload {
    /// What stands in the canonical request, where it is known without the body.
    pub(crate) fn line(&self) -> Option<&str> {
        match self {
            Self::Hash(hex) => Some(hex),
            Self::Unsigned => Some("UNSIGNED-PAYLOAD"),
            Self::Chunked { signed: true, trailer: false } => Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            Self::Chunked { signed: true, trailer: true } => Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            Self::Chunked { signed: false, .. } => Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            Self::FromBody => None,
        }
    }
}

/// Reads it from header or query. Only S3 takes bodies that are not hashed as a whole; it demands the header, and takes
/// a presigned request without one as unsigned.
pub(crate) fn read(seen: &Seen<'_>, claim: &Claim, dialect: Dialect) -> Result<Payload, Refusal> {
    let mut values = seen.headers.get_all("x-amz-content-sha256").iter();
    let text = match (values.next(), values.next()) {
        (Some(value), None) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        (Some(_), Some(_)) => return Err(Refusal::ContentHash("several values".into())),
        (None, _) => match (claim.expires_s.is_some(), dialect) {
            (true, Dialect::S3) => {
                return match seen.query.value("X-Amz-Content-Sha256") {
                    Some(text) => parse(text, dialect),
                    None => Ok(Payload::Unsigned),
                };
            }
            (false, Dialect::S3) => return Err(Refusal::ContentHashMissing),
            (_, Dialect::Other) => return Ok(Payload::FromBody),
        },
    };
    parse(&text, dialect)
}

fn parse(text: &str, dialect: Dialect) -> Result<Payload, Refusal> {
    let hash_like = text.len() == EMPTY_SHA256.len() && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match (text, dialect) {
        (text, _) if hash_like => Ok(Payload::Hash(text.to_owned())),
        ("UNSIGNED-PAYLOAD", Dialect::S3) => Ok(Payload::Unsigned),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", Dialect::S3) => Ok(Payload::Chunked { signed: false, trailer: true }),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", Dialect::S3) => Ok(Payload::Chunked { signed: true, trailer: false }),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", Dialect::S3) => {
            Ok(Payload::Chunked { signed: true, trailer: true })
        }
        (text, _) => Err(Refusal::ContentHash(text.chars().take(128).collect())),
    }
}
