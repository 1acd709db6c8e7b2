//! STS and IAM, one crate for both, as their answers depend on the same people.
//!
//! - **From** `wire`, which has proven who is calling.
//! - **To** the caller: GetCallerIdentity needs nothing but the proof itself.
//! - **Promises** that every other operation of both public models answers an error that names it.
//! - **Does not promise** roles, sessions or policies yet.
//! - **On crash** nothing: there is no state here.
//! - **Absent on purpose**: accounts, users and keys of our own making; they are `core/policy`'s, and the `opentrail` service changes them.

mod op;

use opentrail_protocol::Models;
use opentrail_wire::RpcService;

/// Both services.
pub fn services(models: &Models) -> [RpcService; 2] {
    let model = |name: &str| models.by_signing_name(name).expect("the models of sts and iam are built in");
    [
        RpcService::new(model("sts"), vec![Box::new(op::get_caller_identity::GetCallerIdentity)]),
        RpcService::new(model("iam"), Vec::new()).into_global(),
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
