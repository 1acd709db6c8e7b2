//! What the CloudTrail API tells of deliveries, asked of the trails' delivery.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use opentrail_cloudtrail::{DeliveryReport, PublicKey, ReportError, Reports};
use opentrail_event::Region;
use opentrail_trail::{Delivery, SpoolError};

pub(super) struct TrailReports(pub(super) Arc<Delivery>);

impl Reports for TrailReports {
    fn delivery<'a>(
        &'a self,
        trail_id: &'a str,
        region: &'a Region,
    ) -> BoxFuture<'a, Result<DeliveryReport, ReportError>> {
        async move {
            let status = self.0.status(trail_id, region).await.map_err(unread)?;
            let at = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
            Ok(DeliveryReport {
                attempted: at(status.log.attempted_ms),
                delivered: at(status.log.succeeded_ms),
                error: status.log.error,
                digest_delivered: at(status.digest.succeeded_ms),
                digest_error: status.digest.error,
            })
        }
        .boxed()
    }

    fn public_keys<'a>(
        &'a self,
        region: &'a Region,
        from_s: Option<i64>,
        to_s: Option<i64>,
    ) -> BoxFuture<'a, Result<Vec<PublicKey>, ReportError>> {
        async move {
            let keys = self.0.public_keys(region, from_s, to_s).await.map_err(unread)?;
            let public = |key: opentrail_trail::KeyInfo| PublicKey {
                der: key.der.into(),
                fingerprint: key.fingerprint,
                valid_from_s: key.valid_from_s,
                valid_to_s: key.valid_to_s,
            };
            Ok(keys.into_iter().map(public).collect())
        }
        .boxed()
    }
}

fn unread(error: SpoolError) -> ReportError {
    ReportError(error.to_string().into())
}
