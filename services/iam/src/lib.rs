//! STS and IAM, one crate for both, as their answers depend on the same people.
//!
//! - **From** `wire`, which has proven who is calling.
//! - **To** the directory and the sessions in `core/policy`.
//! - **Promises** that every operation of both public models that is not built answers an error that names it.
//! - **Does not promise** to decide who may: the door asks the decider, and is told here what a call touches.
//! - **On crash** nothing: a session is in its token, and there is no state here.
//! - **Absent on purpose**: accounts, users and keys of our own making; they are `core/policy`'s, and the `opentrail` service changes them.

mod sts;

use std::sync::Arc;

use opentrail_policy::{Principal, PrincipalKind};
use opentrail_protocol::Models;
use opentrail_wire::RpcService;

pub use sts::Desk as StsDesk;

/// Both services.
pub fn services(models: &Models, sts: StsDesk) -> [RpcService; 2] {
    let model = |name: &str| models.by_signing_name(name).expect("the models of sts and iam are built in");
    [
        RpcService::new(model("sts"), sts::operations(&Arc::new(sts))),
        RpcService::new(model("iam"), Vec::new()).into_global().known_to(is_known_to_iam),
    ]
}

/// IAM takes no federated users, and a user's session only if a second factor was shown for it (`spec/sts.md` 2.4).
fn is_known_to_iam(caller: &Principal) -> bool {
    match (&caller.kind, &caller.session) {
        (PrincipalKind::Federated { .. } | PrincipalKind::WebIdentity { .. }, _) => false,
        (PrincipalKind::User { .. } | PrincipalKind::Root, Some(session)) => session.mfa_s.is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
