//! `GetEventSelectors`: the kind of selectors that a trail has; the default in the basic form.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_selector::EventSelectors;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::{Desk, arns, refuse_name};
use crate::shapes::with_selectors;

pub(crate) struct GetEventSelectors(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "GetEventSelectors",
    action: "cloudtrail:GetEventSelectors",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["TrailNotFoundException", "InvalidTrailNameException", "CloudTrailARNInvalidException"],
};

impl Operation for GetEventSelectors {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        arns(cx, input, "TrailName")
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        refuse_name(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let trail = self.0.look_up(cx, input.text("TrailName").unwrap_or_default())?;
            let mut selectors = trail.selectors.clone().unwrap_or_else(EventSelectors::default_for_trail);
            if let EventSelectors::Advanced(all) = &mut selectors {
                for selector in all {
                    selector.fields.sort_by(|a, b| a.field.cmp(&b.field));
                }
            }
            let answer = Document::structure().with("TrailARN", trail.arn().as_str());
            Ok(with_selectors(answer, &selectors).into())
        }
        .boxed()
    }
}
