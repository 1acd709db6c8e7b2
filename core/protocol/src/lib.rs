//! The AWS protocols: what a call says, how an answer is spelled, and how CloudTrail writes both down.
//!
//! - **From** `wire`, which has bytes and knows whose service they are for.
//! - **To** services, which see a [`Document`]; and to `capture`, which gets request parameters and response elements as
//!   CloudTrail spells them, from one renderer for our own calls and recorded ones alike.
//! - **Promises** that no input panics or grows beyond named limits, and that everything it refuses says why; a
//!   member that breaks a constraint also where.
//! - **Does not promise** to serve a service whose model is not among its tables; the [`atlas`] knows all public ones, to
//!   record their calls.
//! - **On crash** nothing: everything here is a value.
//! - **Absent on purpose**: generated structs per shape; the model tables drive decoding, checking, encoding and
//!   rendering, so that a service with a model needs no code here.

pub mod atlas;
mod cbor;
mod document;
pub mod json;
mod markup;
mod model;
pub mod query;
mod render;
mod rest;
pub mod s3;
mod time;
mod tree;
mod validate;
mod xml;

pub use atlas::Atlas;
pub use document::Document;
pub use model::{BadTable, ErrorModel, Models, OperationModel, Protocol, ServiceModel};
pub use render::{HIDDEN, request_parameters, response_elements};
pub use validate::{Malformed, Violation, summary, validate};
