//! `ListTrails`: the trails that the region sees. There are never more than one page holds.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_protocol::Document;
use opentrail_trail::Trail;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::Desk;

pub(crate) struct ListTrails(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "ListTrails",
    action: "cloudtrail:ListTrails",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[],
};

impl Operation for ListTrails {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        async move {
            let _ = input;
            let info = |trail: &Arc<Trail>| {
                Document::structure()
                    .with("TrailARN", trail.arn().as_str())
                    .with("Name", trail.name.as_str())
                    .with("HomeRegion", trail.home.as_str())
            };
            let trails: Vec<_> = self.0.seen(cx).iter().map(info).collect();
            Ok(Document::structure().with("Trails", trails).into())
        }
        .boxed()
    }
}
