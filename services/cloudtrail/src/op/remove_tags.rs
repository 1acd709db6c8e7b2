//! `RemoveTags`: removes tags by key, whatever their values; a key that is not there is no error.

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::tags::{self, Taggable};

pub(crate) struct RemoveTags(pub(crate) Taggable);

static FACTS: Facts = Facts {
    name: "RemoveTags",
    action: "cloudtrail:RemoveTags",
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

impl Operation for RemoveTags {
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
            let keys: Vec<String> = tags::read(input)?.into_keys().collect();
            self.0.remove(cx, &tagged, &keys).await?;
            Ok(Document::structure().into())
        }
        .boxed()
    }
}
