//! The door: everything that comes in over the network, and every answer.
//!
//! - **From** the network.
//! - **To** `capture` (through its port) and the services it was given; or on to an upstream, where one answers in our place.
//! - **Promises** that a call runs only for a caller who proved who they are and who may, after its intent is durable; that
//!   its answer leaves only after its record is; and that every refusal is an error in the protocol of the request.
//! - **Does not promise** that a client who hung up learns the result: the call is finished and recorded all the same.
//! - **On crash** callers without an answer retry; `capture` resolves what was begun.
//! - **Absent on purpose**: any knowledge of what a service does, and any trust in a header that is not signed, but for the
//!   address that a proxy tells which the configuration trusts.

mod context;
mod door;
mod errors;
mod fault;
mod operation;
mod passage;
mod rpc;
mod service;
pub mod sigv4;

pub use door::{Bound, Door, DoorSettings, Network, NotANetwork, Pages, Running};
pub use fault::{BodyFault, Fault};
pub use operation::{Bearer, Facts, Need, Operation, RpcAnswer, RpcService, Touched};
pub use passage::{Allowed, OnFailure, Passage, PassageSettings, Signing};
pub use service::{Announced, Answer, AnswerBody, BodyRule, Cx, Rejected, RequestBody, RequestHead, Service, Trailers};
