//! What foreign identity providers say, and whether it is they who say it.
//!
//! - **From** `services/iam`, with a token or an assertion that somebody sent in place of a signature.
//! - **To** whoever knows an issuer's keys: an engine, by the port [`IssuerKeys`].
//! - **Promises** that nothing of a token is believed before its signature is: what is read before that is the issuer alone, and
//!   where the key is found is never taken from the token.
//! - **Does not promise** that the holder may do anything: that is a trust policy's to say.
//! - **On crash** nothing: everything here is a value.
//! - **Absent on purpose**: clocks (times are handed in), symmetric algorithms (who can check such a token can forge it), `none`, and
//!   encrypted tokens.
//!
//! Cast: `jwt` reads a token and proves it, `claims` reads what it says, `keys` are an issuer's keys and the port to them; [`saml`] does the
//! same for assertions.

mod claims;
mod jwt;
mod keys;
pub mod saml;

pub use claims::SessionTags;
pub use jwt::{SKEW_S, TOKEN_BYTES_MAX, Token, TokenError, Unproven};
pub use keys::{Algorithm, BadKeys, IssuerKeys, KEYS_BYTES_MAX, KeySet, NoIssuers, NoKeys};
