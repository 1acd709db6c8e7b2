//! What GetTrailStatus and ListPublicKeys answer in a house that delivers nothing.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use opentrail_cloudtrail::{DeliveryReport, PublicKey, ReportError, Reports};
use opentrail_event::Region;

/// No trail was ever delivered for, and no digest signed.
pub(super) struct NothingDelivered;

impl Reports for NothingDelivered {
    fn delivery<'a>(&'a self, _: &'a str, _: &'a Region) -> BoxFuture<'a, Result<DeliveryReport, ReportError>> {
        ready(Ok(DeliveryReport::default())).boxed()
    }

    fn public_keys<'a>(
        &'a self,
        _: &'a Region,
        _: Option<i64>,
        _: Option<i64>,
    ) -> BoxFuture<'a, Result<Vec<PublicKey>, ReportError>> {
        ready(Ok(Vec::new())).boxed()
    }
}
