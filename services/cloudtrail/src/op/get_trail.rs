//! `GetTrail`: one trail's settings, by name at home or by ARN from anywhere.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::{Desk, arns, refuse_name};
use crate::shapes::whole_trail;

pub(crate) struct GetTrail(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "GetTrail",
    action: "cloudtrail:GetTrail",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["TrailNotFoundException", "InvalidTrailNameException", "CloudTrailARNInvalidException"],
};

impl Operation for GetTrail {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        arns(cx, input, "Name")
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        refuse_name(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let trail = self.0.look_up(cx, input.text("Name").unwrap_or_default())?;
            Ok(Document::structure().with("Trail", whole_trail(&trail)).into())
        }
        .boxed()
    }
}
