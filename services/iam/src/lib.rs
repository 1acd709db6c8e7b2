//! STS and IAM, one crate for both, as their answers depend on the same people.
//!
//! - **From** `wire`, which has proven who is calling.
//! - **To** `core/policy`, whose directory keeps users, groups, roles and policies; the `opentrail` service changes the same ones.
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
mod tags;
mod verb;
mod what;

use std::sync::Arc;

use opentrail_policy::Directory;
use opentrail_protocol::Models;
use opentrail_wire::RpcService;

/// Both services.
pub fn services(models: &Models, directory: &Arc<Directory>) -> [RpcService; 2] {
    let model = |name: &str| models.by_signing_name(name).expect("the models of sts and iam are built in");
    [
        RpcService::new(model("sts"), vec![Box::new(op::get_caller_identity::GetCallerIdentity)]),
        RpcService::new(model("iam"), op::table(directory)).into_global(),
    ]
}

#[cfg(test)]
mod tests {
    use opentrail_wire::Service;

    use super::*;

    #[test]
    fn iam_is_global_and_sts_is_where_it_was_asked() {
        let services = services(&Models::builtin());
        let global: Vec<_> = services.iter().map(|s| (s.signing_name(), s.global())).collect();
        assert_eq!(global, [("sts", false), ("iam", true)]);
    }
}
