//! Digest files: what proves that log files were not changed, moved or taken away.
//!
//! - **From** `destinations/trail`, which says what was delivered; and from files, which somebody wants checked.
//! - **To** `destinations/trail`, which puts what is built here; and to `opentrail verify`.
//! - **Promises** the bytes, names and signatures that `aws cloudtrail validate-logs` checks.
//! - **Does not promise** that nobody else holds the signing key: who owns the disk and the key file can sign.
//! - **On crash** nothing: everything here is a value.
//! - **Absent on purpose**: files, buckets, and clocks. Chance is the cryptographic library's own, where a key is made.
//!
//! The cast: a *digest* lists the log files that one trail delivered for one account and region within one interval, and is signed;
//! it names the digest before it with that one's hash and signature, which makes a *chain*. A *key* is the name of an object in a
//! bucket; a *signing key* signs.

mod document;
mod gzip;
mod hex;
mod key;
mod sign;
pub mod verify;

pub use document::{
    Digest, Document, ListedLogFile, LogFile, Malformed, Previous, SIGNATURE_ALGORITHM, Signed, breaks_line,
    string_to_sign,
};
pub use gzip::{Fault as GzipFault, LOG_BYTES_MAX, gunzip, gunzip_hash, gzip};
pub use hex::{hex, sha256_hex, unhex};
pub use key::{DigestKey, Folder, LogKey};
pub use sign::{BadSignature, KeyError, PublicKey, SigningKey};
