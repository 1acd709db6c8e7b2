//! `PutEventSelectors`: replaces a trail's selectors, of whichever kind they were.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_selector::{For, SelectorError};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::{Desk, arns, refuse_name, refused};
use crate::shapes::{read_advanced, read_basic, with_selectors};

pub(crate) struct PutEventSelectors(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "PutEventSelectors",
    action: "cloudtrail:PutEventSelectors",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "TrailNotFoundException",
        "InvalidTrailNameException",
        "CloudTrailARNInvalidException",
        "InvalidHomeRegionException",
        "InvalidEventSelectorsException",
        "ConflictException",
        "ThrottlingException",
        "ServiceUnavailableException",
    ],
};

impl Operation for PutEventSelectors {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        arns(cx, input, "TrailName")
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        refuse_name(violation).or_else(|| Some(invalid(in_aws_s_words(violation))))
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        self.put(cx, input).boxed()
    }
}

impl PutEventSelectors {
    async fn put(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let trail = self.0.at_home(cx, input.text("TrailName").unwrap_or_default())?;
        let selectors = match (input.get("EventSelectors"), input.get("AdvancedEventSelectors")) {
            (Some(_), Some(_)) => {
                let message =
                    "You can select events by using either EventSelectors or AdvancedEventSelectors, but not both.";
                return Err(invalid(message));
            }
            (None, Some(_)) => read_advanced(input.list("AdvancedEventSelectors")),
            (_, None) => read_basic(input.list("EventSelectors")),
        };
        selectors.check(For::Trail).map_err(|SelectorError(message)| invalid(message))?;
        let trail = self
            .0
            .trails
            .put_selectors(&trail.id, selectors, Some(&cx.request_id))
            .await
            .map_err(|error| refused(cx, &trail.name, error))?;
        let answer = Document::structure().with("TrailARN", trail.arn().as_str());
        Ok(match &trail.selectors {
            Some(selectors) => with_selectors(answer, selectors),
            None => answer,
        }
        .into())
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidEventSelectorsException", message)
}

/// The one constraint of the model whose text is on record.
fn in_aws_s_words(violation: &Violation) -> String {
    let value = || violation.message.strip_prefix("Value '")?.split_once("' at ").map(|(value, _)| value);
    match (violation.member.as_str(), value()) {
        ("ReadWriteType", Some(value)) => format!("Value {value} for ReadWriteType is invalid."),
        _ => violation.message.clone(),
    }
}
