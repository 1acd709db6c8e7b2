//! `DescribeTrails`: settings of all trails that the region sees, or of the named ones.
//!
//! A name is one of this region's own trails; an ARN finds a trail of any region. What is not there is left out.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::Category;
use opentrail_protocol::Document;
use opentrail_trail::Trail;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::Desk;
use crate::names::Named;
use crate::shapes::whole_trail;

pub(crate) struct DescribeTrails(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "DescribeTrails",
    action: "cloudtrail:DescribeTrails",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["InvalidTrailNameException", "CloudTrailARNInvalidException"],
};

impl Operation for DescribeTrails {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        self.describe(cx, input).boxed()
    }
}

impl DescribeTrails {
    async fn describe(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let names = input.list("trailNameList").iter().filter_map(|name| match name {
            Document::Text(name) => Some(Named::parse(name)),
            _ => None,
        });
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let shadows = input.bool("includeShadowTrails").unwrap_or(true);
        let trails = match names.is_empty() {
            true => self.0.seen(cx),
            false => self.0.trails.list(cx.account()),
        };
        let wanted = |trail: &&Arc<Trail>| match names.is_empty() {
            true => shadows || trail.home == cx.region,
            false => names.iter().any(|named| match named {
                Named::Name(name) => trail.name == *name && trail.home == cx.region,
                Named::Arn(arn) => (trail.account, &trail.home, &trail.name) == (arn.account, &arn.home, &arn.name),
            }),
        };
        let list: Vec<_> = trails.iter().filter(wanted).map(|trail| whole_trail(trail)).collect();
        Ok(Document::structure().with("trailList", list).into())
    }
}
