//! `ListPublicKeys`: the keys that digests of this region are or were signed with; the current ones where no time is given.
//!
//! A `NextToken` says nothing: all keys fit one page, and AWS ignores it too (`spec/recorded.md` 5).

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use opentrail_event::Category;
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::PublicKey;
use crate::desk::{Desk, unavailable};
use crate::shapes::time;

pub(crate) struct ListPublicKeys(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "ListPublicKeys",
    action: "cloudtrail:ListPublicKeys",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["InvalidTimeRangeException", "ServiceUnavailableException"],
};

impl Operation for ListPublicKeys {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        self.list(cx, input).boxed()
    }
}

impl ListPublicKeys {
    async fn list(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let (from, to) = (input.time("StartTime"), input.time("EndTime"));
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(Fault::client("InvalidTimeRangeException", "StartTime is after EndTime."));
        }
        let seconds = |time: Option<Timestamp>| time.map(|time| time.as_second());
        let keys = self.0.reports.public_keys(&cx.region, seconds(from), seconds(to)).await.map_err(|error| {
            tracing::error!(%error, request_id = %cx.request_id, "read public keys");
            unavailable("The public keys could not be read; try again.")
        })?;
        let key = |key: PublicKey| {
            Document::structure()
                .with("Value", Document::Blob(key.der))
                .with("ValidityStartTime", time(Some(key.valid_from_s)))
                .with("ValidityEndTime", time(Some(key.valid_to_s)))
                .with("Fingerprint", key.fingerprint)
        };
        let list: Vec<_> = keys.into_iter().map(key).collect();
        Ok(Document::structure().with("PublicKeyList", list).into())
    }
}
