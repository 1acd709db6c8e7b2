//! `AddTags`: adds tags to a trail or an event data store, in place of those of the same keys.

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::tags::{self, Taggable};

pub(crate) struct AddTags(pub(crate) Taggable);

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
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InactiveEventDataStoreException",
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

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        input.text("ResourceId").and_then(|id| tags::arn_of(cx, id)).into_iter().collect()
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        tags::refuse(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let tagged = self.0.find(cx, input.text("ResourceId").unwrap_or_default())?;
            self.0.add(cx, &tagged, tags::read(input)?).await?;
            Ok(Document::structure().into())
        }
        .boxed()
    }
}
