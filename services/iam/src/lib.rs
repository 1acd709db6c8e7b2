//! STS and IAM, one crate for both, as their answers depend on the same people.
//!
//! - **From** `wire`, which has proven who is calling.
//! - **To** `core/policy`, whose directory keeps users, groups, roles and policies, which the `opentrail` service changes too,
//!   and whose sessions are in their tokens.
//! - **Promises** that each call is one transaction over all that it read, that names and texts are AWS's, and that every
//!   operation that is not built answers an error that names it.
//! - **Does not promise** to decide anything: it says what a call touches, and the door asks.
//! - **On crash** a call has happened in whole or not at all.
//! - **Absent on purpose**: records of its own; server certificates, SSH keys, signing certificates and credentials of single
//!   services, which nothing here would use.

mod documents;
mod entity;
mod faults;
mod op;
mod page;
mod picture;
mod shapes;
mod sts;
mod tags;
mod verb;
mod what;

use std::sync::Arc;

use opentrail_policy::{Principal, PrincipalKind};
use opentrail_protocol::Models;
use opentrail_wire::RpcService;

pub use sts::Desk as StsDesk;

/// Both services.
pub fn services(models: &Models, sts: StsDesk) -> [RpcService; 2] {
    let model = |name: &str| models.by_signing_name(name).expect("the models of sts and iam are built in");
    let iam = op::table(&sts.directory);
    [
        RpcService::new(model("sts"), sts::operations(&Arc::new(sts))),
        RpcService::new(model("iam"), iam).into_global().known_to(is_known_to_iam),
    ]
}

/// IAM takes no federated users, and a user's session only if a second factor was shown for it (`spec/sts.md` 2.4).
fn is_known_to_iam(caller: &Principal) -> bool {
    match (&caller.kind, &caller.session) {
        (PrincipalKind::Federated { .. } | PrincipalKind::WebIdentity(_) | PrincipalKind::Saml(_), _) => false,
        (PrincipalKind::User { .. } | PrincipalKind::Root, Some(session)) => session.mfa_s.is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
