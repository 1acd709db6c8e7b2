//! Amazon S3: buckets and objects, as the aws CLI and the SDKs speak to them.
//!
//! - **From** `wire`, with a caller who is proven, a body whose hashes are checked as it passes, and a path-style request.
//! - **To** the catalog (buckets, object rows, small bodies) and the blobs (larger bodies, under names of our own making).
//! - **Promises** that an object whose put, copy or completion was answered is whole and durable, that readers see the old or
//!   the new object and never a mixture, that a condition holds at the very moment of its write, that a bucket is deleted only
//!   while it is empty, and that what is not honoured (encryption, grants, versions, locks, storage classes) is refused by name.
//! - **Does not promise** encryption at rest, and so never says that it encrypts: S3 answers `AES256` for every object since
//!   2023, and here that header is absent; the disk below is the operator's to encrypt.
//! - **On crash** a committed object or part is there and nothing else is: a body that was staged and not committed, or let go
//!   and not yet removed, is found and removed by [`S3Service::sweep`]. Uploads that were going on still are.
//! - **Absent on purpose**: file names made of keys, versions, website hosting; each unbuilt operation answers
//!   `NotImplemented` with its name.
//!
//! The path of a call: [`service`] announces it (operation, bucket, owner, ARNs), [`refuse`] turns away what is not honoured,
//! [`policy`] keeps bucket policies, [`deliver`] lets services in on somebody's behalf, [`codec`] hands a clean request to s3s,
//! whose decoded input reaches [`backend`], which asks the [`store`]. Calls whose bodies are documents reach the backend directly.

mod asked;
mod backend;
mod bodies;
mod checksum;
mod codec;
mod condition;
mod deliver;
mod faults;
mod names;
mod policy;
mod refuse;
mod service;
mod spell;
mod store;
mod tags;
mod token;
mod xml;

pub use service::{S3Guards, S3Service, S3Settings};
