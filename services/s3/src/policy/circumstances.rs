//! The condition keys of S3. What a policy can name and S3 has no value for in this version is refused when the policy is put
//! (`core/policy/src/language/bucket.rs`): a condition that silently never holds would open what a Deny was to close.

use opentrail_policy::Context;
use opentrail_protocol::s3::S3Call;
use opentrail_wire::{Cx, RequestHead};

use crate::asked::Asked;
use crate::store::Bucket;

/// Headers that are condition keys under their own names.
const HEADERS: &[&str] = &[
    "if-match",
    "if-none-match",
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
];
/// Parameters of listings that are condition keys.
const LISTING_PARAMETERS: &[&str] = &["delimiter", "max-keys", "prefix"];

/// The condition keys that the door does not know.
pub(crate) fn context(cx: &Cx, head: &RequestHead, call: &S3Call, bucket: Option<&Bucket>) -> Context {
    let mut context = Context::new();
    if let Some(bucket) = bucket {
        of_bucket(&mut context, bucket);
    }
    context.set("s3:authType", if cx.presigned { "REST-QUERY-STRING" } else { "REST-HEADER" });
    context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
    if let Some(version) = cx.tls.as_ref().and_then(|tls| tls.tls_version.strip_prefix("TLSv")) {
        context.set("s3:TlsVersion", version);
    }
    if let Some(referer) = head.headers.get(http::header::REFERER) {
        context.set("aws:Referer", String::from_utf8_lossy(referer.as_bytes()));
    }
    // A query that cannot be decoded is refused before the call runs.
    let Ok(asked) = Asked::read(head, cx.presigned) else { return context };
    for name in HEADERS {
        if let Some(value) = asked.header(name) {
            context.set(&format!("s3:{name}"), value);
        }
    }
    if call.key.is_none() {
        for name in LISTING_PARAMETERS {
            if let Some(value) = asked.parameter(name) {
                context.set(&format!("s3:{name}"), value);
            }
        }
    }
    if let Some(version) = asked.parameter("versionId").filter(|version| !version.is_empty()) {
        context.set("s3:VersionId", version);
    }
    let signed_at = signed_at(head, &asked);
    if let Some(age_ms) = signed_at.map(|at| cx.received_at.as_millisecond() - at) {
        context.set("s3:signatureAge", age_ms.max(0).to_string());
    }
    context
}

/// Whose bucket it is.
pub(super) fn of_bucket(context: &mut Context, bucket: &Bucket) {
    context.set("aws:ResourceAccount", bucket.account.as_str());
    context.set("s3:ResourceAccount", bucket.account.as_str());
}

/// When the request was signed, in milliseconds since 1970: `20261121T101112Z`.
fn signed_at(head: &RequestHead, asked: &Asked) -> Option<i64> {
    let header = head.headers.get("x-amz-date").and_then(|value| value.to_str().ok());
    let text = header.or_else(|| asked.parameter("X-Amz-Date"))?;
    let time = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", text).ok()?.to_datetime().ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}
