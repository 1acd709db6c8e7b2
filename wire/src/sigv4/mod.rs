//! Signature Version 4: what a request claims, whether that is proven, and signing for our own command line.
//!
//! The cast: a [`claim::Claim`] is what the Authorization header or a presigned query says; [`verify::Verifier`] checks
//! it in an order that reads no body before it must; [`canonical`] is the spelling that both sides hash; a
//! [`query::Query`] is decoded once for all of them;
//! [`chunked`] takes aws-chunked framing off a body and checks the signature of each piece; a [`refusal::Refusal`] is
//! why not, before any protocol's words for it.
//!
//! Facts: the SigV4 chapters of the IAM and S3 guides; answers as in `spec/sts.md` 3 and `spec/s3.md` 6, 12, 14.

pub(crate) mod canonical;
pub(crate) mod chunked;
pub(crate) mod claim;
pub(crate) mod key;
pub(crate) mod payload;
pub(crate) mod query;
pub(crate) mod refusal;
mod sign;
#[cfg(test)]
mod suite;
pub(crate) mod time;
pub(crate) mod verify;

pub use sign::{BodyToSign, PRESIGN_MAX_S, Signer, UnsignableRequest};

/// The one algorithm that is accepted.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Closes every credential scope.
pub(crate) const TERMINATOR: &str = "aws4_request";
/// SHA-256 of nothing.
pub(crate) const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Which of the two ways of canonicalising a path a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// S3: the path is taken as it is, encoded once.
    S3,
    /// All others: dot segments removed, and encoded a second time.
    Other,
}
