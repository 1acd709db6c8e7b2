//! GetFederationToken: a part of a user's rights, handed to somebody under another name.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_policy::PrincipalKind;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer, Touched};

use super::ask::{Tags, tag_session};
use super::get_session_token::lifetime;
use super::issue::details;
use super::{Desk, denied};

pub(crate) struct GetFederationToken(pub(super) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "GetFederationToken",
    action: "sts:GetFederationToken",
    read_only: false,
    category: Category::Management,
    mints_credentials: true,
    open: false,
    errors: &[
        "AccessDenied",
        "InvalidParameterValue",
        "MalformedPolicyDocument",
        "PackedPolicyTooLarge",
        "ValidationError",
    ],
};

fn arn(cx: &Cx, input: &Document) -> Arn {
    Arn::federated_user(cx.account(), input.text("Name").unwrap_or_default())
}

impl Operation for GetFederationToken {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        vec![arn(cx, input)]
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        async move {
            if cx.principal.session.is_some() {
                return Err(denied("Cannot call GetFederationToken with session credentials"));
            }
            let tags = Tags::read(input, None)?;
            let mut touched =
                Touched { also: tag_session(&tags, &[arn(cx, input)]).into_iter().collect(), ..Touched::default() };
            tags.into_context(&mut touched.context);
            Ok(touched)
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let (by, account) = (&cx.principal.kind, cx.account());
            let name = input.text("Name").unwrap_or_default().to_owned();
            let mut session = self.0.begin(lifetime(input.int("DurationSeconds"), by));
            Tags::read(input, None)?.into_session(&mut session);
            let percent = self.0.narrow(input, account, &mut session).await?;
            let user = Document::structure()
                .with("FederatedUserId", format!("{account}:{name}"))
                .with("Arn", arn(cx, input).as_str());
            let kind = PrincipalKind::Federated { name, by: Box::new(by.clone()) };
            let output = Document::structure()
                .with("Credentials", self.0.issue(kind, account, session)?)
                .with("FederatedUser", user)
                .with("PackedPolicySize", percent as i64);
            Ok(RpcAnswer { additional_event_data: Some(details(cx)), ..output.into() })
        }
        .boxed()
    }
}
