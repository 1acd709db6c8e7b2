//! S3's own ways: which operation a request is, and how CloudTrail spells it (`spec/s3.md` 16).

pub(crate) mod body;
mod parameters;
mod routes;

use opentrail_event::Category;

use crate::query::{parse_form, unescape};
use routes::{Level, ROUTES, Route, When};

pub use parameters::request_parameters;

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
///
/// Where several sub-resources are named, the first of the table counts; `x-id` is a hint and not looked at. A
/// sub-resource that has no operation for this method is refused, never taken for the plain resource.
pub fn identify(
    method: &http::Method,
    raw_path: &str,
    raw_query: &str,
    headers: &http::HeaderMap,
) -> Result<S3Call, NoCall> {
    let (bucket, key) = resource(raw_path)?;
    let query = Query(parse_form(raw_query.as_bytes()).map_err(|_| NoCall::InvalidUri)?);
    let level = match (&bucket, &key) {
        (None, _) => Level::Service,
        (Some(_), None) => Level::Bucket,
        (Some(_), Some(_)) => Level::Object,
    };
    let holds = |when: &When| match *when {
        When::Always => true,
        When::Flag(flag) => query.has(flag),
        When::FlagAnd(flag, with) => query.has(flag) && query.has(with),
        When::Value(name, value) => query.get(name) == Some(value),
        When::Upload => query.has("uploadId"),
        When::Part { copy } => (query.has("partNumber") || query.has("uploadId")) && (!copy || copies(headers, &query)),
        When::CopySource => copies(headers, &query),
        When::Form => starts_with(headers, http::header::CONTENT_TYPE.as_str(), "multipart/form-data"),
        When::LambdaRoute => {
            headers.contains_key("x-amz-request-route") && bucket.as_deref() == Some("WriteGetObjectResponse")
        }
    };
    let refused = NoCall::MethodNotAllowed {
        resource_type: match level {
            Level::Service => "SERVICE",
            Level::Bucket => "BUCKET",
            Level::Object => "OBJECT",
        },
    };
    let here = || ROUTES.iter().filter(|route| route.level == level);
    let route = here().find(|route| route.method == method.as_str() && holds(&route.when)).ok_or(refused.clone())?;
    if !route.when.names_a_sub_resource() && here().any(|r| r.when.names_a_sub_resource() && holds(&r.when)) {
        return Err(refused);
    }
    Ok(call(route, bucket, key, &query))
}

/// Whether an operation is about objects.
#[cfg(test)]
pub(crate) fn is_data(operation: &str) -> bool {
    ROUTES.iter().any(|route| route.operation == operation && route.data)
}

fn call(route: &Route, bucket: Option<String>, key: Option<String>, query: &Query) -> S3Call {
    let versioned = query.get("versionId").is_some_and(|id| !id.is_empty());
    S3Call {
        operation: route.operation,
        event_name: route.event_name,
        action: if versioned { routes::of_a_version(route.action) } else { route.action },
        category: if route.data { Category::Data } else { Category::Management },
        read_only: ["Get", "Head", "List", "Select"].iter().any(|verb| route.operation.starts_with(verb)),
        bucket,
        key,
    }
}

/// Bucket and key of a path. A key may begin with a slash and contain empty segments; nothing is normalised.
///
/// The signature covers the path decoded and encoded anew, and so does not tell `/b/k` from `/b%2Fk`: were the latter a
/// bucket's name, a presigned URL of an object could be rewritten into a call about a bucket.
fn resource(raw_path: &str) -> Result<(Option<String>, Option<String>), NoCall> {
    let path = raw_path.strip_prefix('/').ok_or(NoCall::InvalidUri)?;
    if path.is_empty() {
        return Ok((None, None));
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let decoded = |part: &str| unescape(part.as_bytes(), false).ok_or(NoCall::InvalidUri);
    let bucket = decoded(bucket)?;
    if bucket.is_empty() || bucket.contains('/') {
        return Err(NoCall::InvalidUri);
    }
    let key = if key.is_empty() { None } else { Some(decoded(key)?) };
    Ok((Some(bucket), key))
}

/// Decoded query parameters; of one that comes twice the first counts.
struct Query(Vec<(String, String)>);

impl Query {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// Whether a source is named: in the header, or in the parameter that stands for it in a presigned URL.
fn copies(headers: &http::HeaderMap, query: &Query) -> bool {
    headers.contains_key("x-amz-copy-source")
        || query.0.iter().any(|(n, _)| n.eq_ignore_ascii_case("x-amz-copy-source"))
}

fn starts_with(headers: &http::HeaderMap, name: &str, prefix: &str) -> bool {
    let value = headers.get(name).map(http::HeaderValue::as_bytes).unwrap_or_default();
    value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests;
