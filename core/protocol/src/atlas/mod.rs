//! Every public service: which operation a request is, what it and its answer say, and how CloudTrail writes both down.
//!
//! # Cast
//! - [`Atlas`]: the packed tables of all services, each unpacked when it is first asked for.
//! - [`Head`]: the beginning of somebody's request; `recognise` turns it into
//! - [`Recognised`]: the operation, or what is known of it. It reads bodies ([`Recognised::read_request`],
//!   [`Recognised::read_answer`]) and writes the members of the record.
//!
//! What is not understood is never refused here: a body that does not fit the model is outlined, by the names it has
//! and their sizes, and so is every body of an unknown operation. Nothing panics, and nothing grows beyond named limits.

mod data;
mod failure;
mod file;
mod known;
mod mint;
mod naming;
mod outline;
mod recognise;
mod resources;
mod route;

use std::sync::Arc;

use bytes::Bytes;

use crate::{OperationModel, ServiceModel};

pub use file::BadAtlas;
pub use known::{Alias, Answer, BucketInHost, Failure, Recognised, Request};

/// The file that `cargo xtask codegen` writes.
const BUILTIN: &[u8] = include_bytes!("../../models/atlas.bin");

/// The models of all public services. Clones share what is unpacked.
#[derive(Debug, Clone)]
pub struct Atlas {
    file: Bytes,
    entries: Arc<[file::Entry]>,
}

/// The beginning of a request, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    pub method: &'a http::Method,
    /// Of the Host header or the authority; with or without a port.
    pub host: &'a str,
    /// Hosts before which a bucket's name may stand, beside those of AWS: `localhost` for `bucket.localhost`.
    pub own_hosts: &'a [String],
    /// As on the wire, still escaped; begins with a slash.
    pub path: &'a str,
    /// Without the question mark, still escaped.
    pub query: &'a str,
    pub headers: &'a http::HeaderMap,
    /// Of its signature, where it is signed.
    pub scope: Option<Scope<'a>>,
}

/// What a signature is for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub service: &'a str,
    pub region: &'a str,
}

impl Atlas {
    /// Reads a file that `cargo xtask codegen` has packed. Only its index is unpacked.
    pub fn open(file: impl Into<Bytes>) -> Result<Self, BadAtlas> {
        let file = file.into();
        let entries = file::open(&file)?.into();
        Ok(Self { file, entries })
    }

    /// The one that is compiled in.
    pub fn builtin() -> Self {
        Self::open(BUILTIN).expect("the compiled-in atlas is tested to be well formed")
    }

    /// The services there are, by botocore's names for them.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.id.as_str())
    }

    /// What calls of a service are signed with, where `name` is none of these but the service's own name or its endpoint's:
    /// `elasticloadbalancing` for `elbv2`. `None` for names that are right, and for those that nobody has.
    pub fn signing_name_of(&self, name: &str) -> Option<&str> {
        if self.entries.iter().any(|entry| entry.signing_name == name) {
            return None;
        }
        let meant = self.entries.iter().find(|entry| entry.id == name || entry.endpoint_prefix == name)?;
        Some(&meant.signing_name)
    }

    /// A service's model by botocore's name for it; unpacked now if it was not before.
    pub fn service(&self, id: &str) -> Option<Arc<ServiceModel>> {
        let entry = self.entries.iter().find(|entry| entry.id == id)?;
        self.model(entry)
    }

    fn model(&self, entry: &file::Entry) -> Option<Arc<ServiceModel>> {
        entry.model(&self.file).cloned()
    }

    /// Which operation a request is. `body_start` is as much of the body as is there: forms name their operation in it.
    pub fn recognise(&self, head: &Head<'_>, body_start: &[u8]) -> Recognised {
        recognise::recognise(self, head, body_start)
    }
}

/// An operation of a service.
#[derive(Debug, Clone)]
struct Place {
    model: Arc<ServiceModel>,
    /// Among the model's operations.
    number: usize,
}

impl Place {
    fn find(model: Arc<ServiceModel>, name: &str) -> Option<Self> {
        let number = model.number_of(name)?;
        Some(Self { model, number })
    }

    fn operation(&self) -> &OperationModel {
        self.model.at(self.number)
    }
}

#[cfg(test)]
mod tests;
