//! The CloudTrail API.
//!
//! - **From** `wire`, which has proven the caller and decoded the input.
//! - **To** the history.
//! - **Promises** that a caller sees only their own account, in the region they asked, and that an error of AWS's name
//!   means what it means at AWS.
//! - **Does not promise** the operations that are not in the table: they are answered with an error that names them.
//! - **On crash** nothing: it keeps nothing.
//! - **Absent on purpose**: JSON, signatures, and who may call what.

mod op;
mod token;

use std::sync::Arc;

use opentrail_history::History;
use opentrail_protocol::Models;
use opentrail_wire::RpcService;
use opentrail_world::World;

pub use token::TokenKey;

/// In the scope of signatures.
const SIGNING_NAME: &str = "cloudtrail";

/// The service. Panics where `models` lacks it: a mistake of the program, found at start.
pub fn service(models: &Models, history: Arc<History>, world: World, token_key: TokenKey) -> RpcService {
    let model = models.by_signing_name(SIGNING_NAME).expect("the model of cloudtrail is compiled in");
    RpcService::new(model, op::table(history, world, token_key))
}
