//! `RemoveTags`: removes tags by key, whatever their values; a key that is not there is no error.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::{Desk, refused};
use crate::tags;

pub(crate) struct RemoveTags(pub(crate) Arc<Desk>);

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
        "EventDataStoreNotFoundException",
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
            let keys: Vec<String> = tags::read(input)?.into_keys().collect();
            desk.trails.remove_tags(&trail.id, &keys).await.map_err(|e| refused(cx, &trail.name, e))?;
            Ok(Document::structure().into())
        }
        .boxed()
    }
}
