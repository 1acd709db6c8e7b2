//! `StopLogging`: what was recorded is still delivered, the digest chain ends. A trail that does not log stays as it is.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::{Desk, arns, refuse_name, refused};

pub(crate) struct StopLogging(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "StopLogging",
    action: "cloudtrail:StopLogging",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "TrailNotFoundException",
        "InvalidTrailNameException",
        "CloudTrailARNInvalidException",
        "InvalidHomeRegionException",
        "ConflictException",
        "ThrottlingException",
        "ServiceUnavailableException",
    ],
};

impl Operation for StopLogging {
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
            let text = input.text("Name").unwrap_or_default();
            let trail = self.0.at_home(cx, text)?;
            self.0
                .trails
                .stop_logging(&trail.id, Some(&cx.request_id))
                .await
                .map_err(|e| refused(cx, &trail.name, e))?;
            Ok(Document::structure().into())
        }
        .boxed()
    }
}
