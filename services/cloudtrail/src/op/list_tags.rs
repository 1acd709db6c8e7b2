//! `ListTags`: the tags of up to 20 trails and event data stores, one entry for each, in the order of the request.

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::shapes::tags_list;
use crate::tags::{self, Taggable};

/// Resources of one request.
const RESOURCES_MAX: usize = 20;

pub(crate) struct ListTags(pub(crate) Taggable);

static FACTS: Facts = Facts {
    name: "ListTags",
    action: "cloudtrail:ListTags",
    read_only: true,
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
        "InvalidTokenException",
        "InvalidParameterException",
    ],
};

impl Operation for ListTags {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        ids(input).filter_map(|id| tags::arn_of(cx, id)).collect()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            if ids(input).count() > RESOURCES_MAX {
                let message = format!("Specify up to {RESOURCES_MAX} resources.");
                return Err(Fault::client("InvalidParameterException", message));
            }
            // All tags fit one page, so no token was ever given out.
            if input.text("NextToken").is_some() {
                return Err(Fault::client("InvalidTokenException", "The NextToken is not valid."));
            }
            let mut list = Vec::new();
            for id in ids(input) {
                let tagged = self.0.find(cx, id)?;
                let entry = Document::structure().with("ResourceId", id).with("TagsList", tags_list(tagged.tags()));
                list.push(entry);
            }
            Ok(Document::structure().with("ResourceTagList", list).into())
        }
        .boxed()
    }
}

fn ids(input: &Document) -> impl Iterator<Item = &str> {
    input.list("ResourceIdList").iter().filter_map(|id| match id {
        Document::Text(id) => Some(id.as_str()),
        _ => None,
    })
}
