//! GetSessionToken: a user's own rights for a while, with a second factor if one is shown. It needs no permission.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_policy::PrincipalKind;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::issue::details;
use super::{Desk, denied};

const DEFAULT_S: i64 = 43_200;
/// A root's sessions are cut to it.
pub(super) const ROOT_MAX_S: i64 = 3_600;

pub(crate) struct GetSessionToken(pub(super) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "GetSessionToken",
    action: "sts:GetSessionToken",
    read_only: false,
    category: Category::Management,
    mints_credentials: true,
    open: true,
    errors: &["AccessDenied"],
};

impl Operation for GetSessionToken {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            if cx.principal.session.is_some() {
                return Err(denied("Cannot call GetSessionToken with session credentials"));
            }
            let shows = self.0.second_factor(&cx.principal, input).await?;
            let mut session = self.0.begin(lifetime(input.int("DurationSeconds"), &cx.principal.kind));
            session.mfa_s = shows.then_some(session.issued_s);
            let credentials = self.0.issue(cx.principal.kind.clone(), cx.account(), session)?;
            let output = Document::structure().with("Credentials", credentials);
            Ok(RpcAnswer { additional_event_data: Some(details(cx)), ..output.into() })
        }
        .boxed()
    }
}

/// In seconds.
pub(super) fn lifetime(asked_s: Option<i64>, kind: &PrincipalKind) -> i64 {
    let asked_s = asked_s.unwrap_or(DEFAULT_S);
    if *kind == PrincipalKind::Root { asked_s.min(ROOT_MAX_S) } else { asked_s }
}
