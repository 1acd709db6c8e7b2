//! `GetTrailStatus`: whether a trail logs, and how its deliveries from this region went.
//!
//! The strings that AWS calls deprecated are there as recorded: `…Succeeded` hold the time of the last success.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::{Desk, arns, refuse_name, unavailable};
use crate::shapes::{iso, time};

pub(crate) struct GetTrailStatus(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "GetTrailStatus",
    action: "cloudtrail:GetTrailStatus",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "TrailNotFoundException",
        "InvalidTrailNameException",
        "CloudTrailARNInvalidException",
        "ServiceUnavailableException",
    ],
};

impl Operation for GetTrailStatus {
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
        self.status(cx, input).boxed()
    }
}

impl GetTrailStatus {
    async fn status(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let trail = self.0.look_up(cx, input.text("Name").unwrap_or_default())?;
        let report = self.0.reports.delivery(&trail.id, &cx.region).await.map_err(|error| {
            tracing::error!(%error, request_id = %cx.request_id, "read how deliveries went");
            unavailable("The status could not be read; try again.")
        })?;
        Ok(Document::structure()
            .with("IsLogging", trail.logging.is_some())
            .with("LatestDeliveryError", report.error)
            .with("LatestDeliveryTime", report.delivered)
            .with("StartLoggingTime", time(trail.started_s))
            .with("StopLoggingTime", time(trail.stopped_s))
            .with("LatestDigestDeliveryTime", report.digest_delivered)
            .with("LatestDigestDeliveryError", report.digest_error)
            .with("LatestDeliveryAttemptTime", iso(report.attempted))
            .with("LatestNotificationAttemptTime", "")
            .with("LatestNotificationAttemptSucceeded", "")
            .with("LatestDeliveryAttemptSucceeded", iso(report.delivered))
            .with("TimeLoggingStarted", iso(time(trail.started_s)))
            .with("TimeLoggingStopped", iso(time(trail.stopped_s)))
            .into())
    }
}
