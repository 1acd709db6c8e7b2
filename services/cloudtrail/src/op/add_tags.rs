//! `AddTags`: adds tags to a trail, in place of those of the same keys.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::{Desk, refused};
use crate::tags;

pub(crate) struct AddTags(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "AddTags",
    action: "cloudtrail:AddTags",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "ResourceNotFoundException",
        "CloudTrailARNInvalidException",
        "EventDataStoreNotFoundException",
        "ResourceTypeNotSupportedException",
        "InvalidTagParameterException",
        "TagsLimitExceededException",
        "ConflictException",
        "ServiceUnavailableException",
    ],
};

impl Operation for AddTags {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, _cx: &Cx, input: &Document) -> Vec<Arn> {
        input.text("ResourceId").and_then(tags::arn_of).into_iter().collect()
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        tags::refuse(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let desk = &self.0;
            let trail = tags::resource(desk, cx, input.text("ResourceId").unwrap_or_default())?;
            let tags = tags::read(input)?;
            desk.trails.add_tags(&trail.id, tags).await.map_err(|e| refused(cx, &trail.name, e))?;
            Ok(Document::structure().into())
        }
        .boxed()
    }
}
