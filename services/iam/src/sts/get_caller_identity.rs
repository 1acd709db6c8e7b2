//! GetCallerIdentity: who signed this? Open to every proven caller; no policy denies it.

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::issue::details;

pub(crate) struct GetCallerIdentity;

const FACTS: Facts = Facts {
    name: "GetCallerIdentity",
    action: "sts:GetCallerIdentity",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: true,
    errors: &[],
};

impl Operation for GetCallerIdentity {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, cx: &'a Cx, _input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        let additional_event_data = Some(details(cx));
        async move { Ok(RpcAnswer { additional_event_data, ..identity(cx).into() }) }.boxed()
    }
}

/// In the order in which STS writes the members.
fn identity(cx: &Cx) -> Document {
    Document::structure()
        .with("Arn", cx.principal.arn().as_str())
        .with("UserId", cx.principal.unique_id())
        .with("Account", cx.account().as_str())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use opentrail_event::Region;
    use opentrail_policy::{Principal, PrincipalKind};

    use super::*;

    #[test]
    fn each_kind_of_caller_is_shown_as_sts_shows_it() {
        let check = |kind: PrincipalKind, account: &str, expect: [&str; 3]| {
            let principal = Principal {
                kind,
                account: account.parse().expect("an account"),
                access_key_id: "AKIAX".into(),
                session: None,
            };
            let cx = Cx {
                principal: Arc::new(principal),
                region: Region::us_east_1(),
                request_id: String::new(),
                received_at: Default::default(),
                source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                user_agent: None,
                tls: None,
                presigned: false,
            };
            let shown = identity(&cx);
            assert_eq!(["Arn", "UserId", "Account"].map(|name| shown.text(name).unwrap_or_default()), expect);
        };
        let root = ["arn:aws:iam::111122223333:root", "111122223333", "111122223333"];
        check(PrincipalKind::Root, "111122223333", root);
        let ana = PrincipalKind::User { name: "ana".into(), path: "/ops/".into(), unique_id: "AIDAANA".into() };
        check(ana, "111122223333", ["arn:aws:iam::111122223333:user/ops/ana", "AIDAANA", "111122223333"]);
        let operator = ["arn:aws:iam::000000000000:user/operator", "AIDAOPENTRAILOPERATOR", "000000000000"];
        check(PrincipalKind::Operator, "000000000000", operator);
    }
}
