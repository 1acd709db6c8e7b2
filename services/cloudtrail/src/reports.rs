//! What those who deliver have to tell: how deliveries went, and with which keys digests are signed.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use opentrail_event::Region;

/// How the deliveries of one trail from one region went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Of log files: the newest attempt, and the newest one that succeeded.
    pub attempted: Option<Timestamp>,
    pub delivered: Option<Timestamp>,
    /// S3's error code of the newest attempt; `None` once one succeeds again.
    pub error: Option<String>,
    pub digest_delivered: Option<Timestamp>,
    pub digest_error: Option<String>,
}

/// The public part of a key that signs digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// PKCS #1 `RSAPublicKey`, DER.
    pub der: Bytes,
    /// Lower-case hexadecimal MD5 of it.
    pub fingerprint: String,
    /// Seconds since 1970, both inclusive.
    pub valid_from_s: i64,
    pub valid_to_s: i64,
}

/// What is known could not be read; trying again may help.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ReportError(pub Arc<str>);

/// The port.
///
/// # Contract
/// A trail that nothing was delivered for has an empty report. Without a time range `public_keys` gives what is valid now, else
/// what was valid at any time between the two, oldest first.
pub trait Reports: Send + Sync {
    fn delivery<'a>(
        &'a self,
        trail_id: &'a str,
        region: &'a Region,
    ) -> BoxFuture<'a, Result<DeliveryReport, ReportError>>;
    /// Seconds since 1970; an end that is not given is open.
    fn public_keys<'a>(
        &'a self,
        region: &'a Region,
        from_s: Option<i64>,
        to_s: Option<i64>,
    ) -> BoxFuture<'a, Result<Vec<PublicKey>, ReportError>>;
}
