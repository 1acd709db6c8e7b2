//! Digest files: what proves that log files were not changed, moved or taken away.
//!
//! - **From** `destinations/trail`, which says what was delivered; and from files, which somebody wants checked.
//! - **To** `destinations/trail`, which puts what is built here; and to `opentrail verify`.
//! - **Promises** the bytes, names and signatures that `aws cloudtrail validate-logs` checks.
//! - **Does not promise** that nobody else holds the signing key: who owns the disk and the key file can sign.
//! - **On crash** nothing: everything here is a value.
//! - **Absent on purpose**: files, buckets, and clocks.
