//! Operations that pass s3s by: their bodies and answers are documents that are read and written here.

use bytes::Bytes;
use opentrail_wire::{Fault, RequestBody};

use super::Backend;
use crate::codec::{Exchange, Reply};
use crate::faults;

/// The operations that are built here, by their API names.
pub(crate) const DIRECT: [&str; 23] = [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteBucketTagging",
    "DeleteObjectTagging",
    "DeleteObjects",
    "GetBucketAcl",
    "GetBucketOwnershipControls",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetObjectAcl",
    "GetObjectAttributes",
    "GetObjectTagging",
    "ListMultipartUploads",
    "ListObjectVersions",
    "ListParts",
    "PutBucketAcl",
    "PutBucketTagging",
    "PutObjectAcl",
    "PutObjectTagging",
    "UploadPart",
    "UploadPartCopy",
];

impl Backend {
    /// Runs one of [`DIRECT`].
    pub(crate) async fn direct(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        match exchange.call.operation {
            "AbortMultipartUpload" => self.abort_upload(exchange).await,
            "CompleteMultipartUpload" => self.complete_upload(exchange).await,
            "CopyObject" => self.copy(exchange).await,
            "CreateMultipartUpload" => self.create_upload(exchange).await,
            "DeleteBucketTagging" => self.untag_bucket(exchange).await,
            "DeleteObjectTagging" => self.untag_object(exchange).await,
            "DeleteObjects" => self.delete_many(exchange).await,
            "GetBucketAcl" => self.bucket_acl(exchange),
            "GetBucketOwnershipControls" => self.ownership(),
            "GetBucketTagging" => self.bucket_tags(exchange).await,
            "GetBucketVersioning" => self.versioning(),
            "GetObjectAcl" => self.object_acl(exchange).await,
            "GetObjectAttributes" => self.attributes(exchange).await,
            "GetObjectTagging" => self.object_tags(exchange).await,
            "ListMultipartUploads" => self.list_uploads(exchange).await,
            "ListObjectVersions" => self.list_versions(exchange).await,
            "ListParts" => self.list_parts(exchange).await,
            "PutBucketAcl" => self.put_bucket_acl(exchange),
            "PutBucketTagging" => self.tag_bucket(exchange).await,
            "PutObjectAcl" => self.put_object_acl(exchange).await,
            "PutObjectTagging" => self.tag_object(exchange).await,
            "UploadPart" => self.upload_part(exchange).await,
            "UploadPartCopy" => self.upload_part_copy(exchange).await,
            other => Err(faults::operation_not_implemented(other)),
        }
    }
}

/// The key of a call about an object.
pub(super) fn key(exchange: &Exchange) -> Result<&str, Fault> {
    let key = exchange.call.key.as_deref();
    key.ok_or_else(|| faults::internal("run call", "an object operation without its key"))
}

/// The document that came with a call.
pub(super) fn document(exchange: &Exchange) -> Result<Bytes, Fault> {
    match exchange.beside().body.take() {
        Some(RequestBody::Whole(document)) => Ok(document),
        _ => Err(faults::internal("read document", "a document was not handed over whole")),
    }
}

/// A number between 0 and `i32::MAX` out of a parameter, at most `max`, which it also is if it is absent.
pub(super) fn page_size(exchange: &Exchange, parameter: &'static str, max: usize) -> Result<usize, Fault> {
    let Some(text) = exchange.asked.parameter(parameter).filter(|text| !text.is_empty()) else { return Ok(max) };
    match text.parse::<i64>() {
        Ok(n) if (0..=i64::from(i32::MAX)).contains(&n) => Ok(usize::try_from(n).map_or(max, |n| n.min(max))),
        Ok(n) if n < 0 => {
            let message = format!("Argument {parameter} must be an integer between 0 and 2147483647");
            Err(Fault::client("InvalidArgument", message).with("ArgumentName", parameter).with("ArgumentValue", text))
        }
        _ => {
            let message = format!("Provided {parameter} not an integer or within integer range");
            let shown: String = text.chars().take(64).collect();
            Err(Fault::client("InvalidArgument", message).with("ArgumentName", parameter).with("ArgumentValue", shown))
        }
    }
}
