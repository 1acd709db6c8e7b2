//! SAML 2.0, as far as whoever takes assertions has to know it.
//!
//! No XML library that verifies signatures in Rust is meant for use yet, by its own word, and C is not what should read what strangers send. What
//! providers emit is a small part of the standards, and only that is read here; everything else is refused.
//!
//! Cast: `xml` reads documents, `c14n` spells elements, `signature` verifies, `certificate` finds keys, `metadata` is what is known of a
//! provider, `response` what somebody brought from it.

mod c14n;
mod certificate;
mod metadata;
mod response;
mod signature;
mod xml;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use metadata::{BadMetadata, METADATA_BYTES_MAX, Metadata};
pub use response::{Assertion, ResponseError};
pub use signature::BadSignature;
pub use xml::Malformed;

/// What makes a subject one person wherever it is compared: a hash over its issuer, the account and the provider's name.
pub fn name_qualifier(issuer: &str, account: &str, provider: &str) -> String {
    let text = format!("{issuer}{account}/{provider}");
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

#[cfg(test)]
mod tests;
