//! The `opentrail` service: accounts, users, access keys and look-ups, as signed and recorded operations.
//!
//! - **From** `wire`, which has proven who is calling; our own command line is one client among others.
//! - **To** the directory in `core/policy`, and to history through the port [`Find`].
//! - **Promises** that a change to an account by the operator gives that account its copy of the record, and that a page token works for
//!   nobody else and for no other question.
//! - **Does not promise** to decide who may: the door asks the decider, which reads the account out of the ARNs given here.
//! - **On crash** a change has happened whole or not at all; its record tells.
//! - **Absent on purpose**: any operation on the server's own settings: those are files, read at start.

mod find;
mod needs;
mod op;
mod policies;
mod token;
mod turns;

use std::sync::Arc;

use opentrail_policy::{Authority, Directory};
use opentrail_protocol::Models;
use opentrail_wire::{Operation, RpcService};
use opentrail_world::World;

pub use find::{Ask, Attribute, Find, FindError, Found, FoundPage};
pub use policies::{Known, Policies};
pub use token::TokenKey;

/// What the operations work on.
pub(crate) struct Desk {
    pub(crate) directory: Arc<Directory>,
    pub(crate) find: Arc<dyn Find>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) policies: Arc<dyn Policies>,
    pub(crate) world: World,
    pub(crate) tokens: TokenKey,
    pub(crate) turns: turns::Turns,
}

/// What the service is made of.
pub struct Parts {
    pub directory: Arc<Directory>,
    pub find: Arc<dyn Find>,
    pub authority: Arc<Authority>,
    pub policies: Arc<dyn Policies>,
    pub world: World,
    pub tokens: TokenKey,
}

/// The service, all its operations in its table.
pub fn service(models: &Models, parts: Parts) -> RpcService {
    let model = models.by_signing_name("opentrail").expect("the model of our own service is built in");
    let Parts { directory, find, authority, policies, world, tokens } = parts;
    let desk = Desk { directory, find, authority, policies, world, tokens, turns: turns::Turns::default() };
    RpcService::new(model, operations(Arc::new(desk))).into_global()
}

fn operations(desk: Arc<Desk>) -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(op::check_policy::CheckPolicy(desk.clone())),
        Box::new(op::create_access_key::CreateAccessKey(desk.clone())),
        Box::new(op::create_account::CreateAccount(desk.clone())),
        Box::new(op::create_user::CreateUser(desk.clone())),
        Box::new(op::delete_access_key::DeleteAccessKey(desk.clone())),
        Box::new(op::delete_user::DeleteUser(desk.clone())),
        Box::new(op::list_access_keys::ListAccessKeys(desk.clone())),
        Box::new(op::list_accounts::ListAccounts(desk.clone())),
        Box::new(op::list_users::ListUsers(desk.clone())),
        Box::new(op::lookup::Lookup(desk.clone())),
        Box::new(op::update_access_key::UpdateAccessKey(desk.clone())),
        Box::new(op::who_am_i::WhoAmI(desk)),
    ]
}

#[cfg(test)]
mod tests;
