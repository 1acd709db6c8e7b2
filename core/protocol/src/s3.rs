//! S3's own ways: which operation a request is, and how CloudTrail spells it (`spec/s3.md` 16).

use opentrail_event::{Category, RawJson};

/// A request recognised as an S3 operation. Names are decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Call {
    /// As the API names it: `ListObjectsV2`.
    pub operation: &'static str,
    /// As records name it: `ListObjects`.
    pub event_name: &'static str,
    /// The IAM action: `s3:ListBucket`.
    pub action: &'static str,
    pub category: Category,
    pub read_only: bool,
    pub bucket: Option<String>,
    pub key: Option<String>,
}

/// Why a request is no S3 operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoCall {
    /// The path or query cannot be decoded.
    InvalidUri,
    /// No operation has this method on this kind of resource (`SERVICE`, `BUCKET`, `OBJECT`).
    MethodNotAllowed { resource_type: &'static str },
}

/// Recognises a path-style request by method, path and query as the client sent them, and its `x-amz-copy-source`.
pub fn identify(
    _method: &http::Method,
    _raw_path: &str,
    _raw_query: &str,
    _headers: &http::HeaderMap,
) -> Result<S3Call, NoCall> {
    unimplemented!()
}

/// `requestParameters` of an S3 record. `body` is the XML or JSON of a bucket's configuration, where there is one.
pub fn request_parameters(
    _call: &S3Call,
    _raw_query: &str,
    _headers: &http::HeaderMap,
    _body: Option<&[u8]>,
) -> RawJson {
    unimplemented!()
}
