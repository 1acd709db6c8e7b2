//! The CloudTrail API.
//!
//! - **From** `wire`, which has proven the caller and decoded the input.
//! - **To** the history, the registry of trails and the buckets that they shall deliver to, and the Lake.
//! - **Promises** that a caller sees only their own account, in the region they asked, and that an error of AWS's name
//!   means what it means at AWS.
//! - **Does not promise** the operations that are not in the table: they are answered with an error that names them.
//! - **On crash** nothing: it keeps nothing. A change of a trail or of an event data store is its registry's one transaction.
//! - **Absent on purpose**: JSON, signatures, and who may call what.

mod admission;
mod desk;
mod lake;
mod names;
mod op;
mod reports;
mod shapes;
mod tags;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;

use opentrail_history::History;
use opentrail_lake::Lake;
use opentrail_protocol::Models;
use opentrail_wire::RpcService;
use opentrail_world::World;

pub use desk::Desk;
pub use reports::{DeliveryReport, PublicKey, ReportError, Reports};
pub use token::TokenKey;

/// In the scope of signatures.
const SIGNING_NAME: &str = "cloudtrail";

/// What the service stands on.
pub struct Parts {
    pub history: Arc<History>,
    pub trails: Desk,
    pub lake: Arc<Lake>,
    pub world: World,
    pub token_key: TokenKey,
}

/// The service. Panics where `models` lacks it: a mistake of the program, found at start.
pub fn service(models: &Models, parts: Parts) -> RpcService {
    let model = models.by_signing_name(SIGNING_NAME).expect("the model of cloudtrail is compiled in");
    RpcService::new(model, op::table(parts))
}
