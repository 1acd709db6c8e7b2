//! `requestParameters` of an S3 record: names as on the wire, values as texts (`spec/s3.md` 16).

use opentrail_event::{RawJson, write_text};

use super::body;
use super::routes::ROUTES;
use super::{Query, S3Call};
use crate::json::separate;
use crate::query::parse_form;

/// Query parameters that records show, sub-resources aside. Signatures, credentials and tokens are not among them.
const SHOWN_PARAMETERS: &[&str] = &[
    "annotation-prefix",
    "annotationName",
    "bucket-region",
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "id",
    "key-marker",
    "list-type",
    "marker",
    "max-annotation-results",
    "max-buckets",
    "max-directory-buckets",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "partNumber",
    "prefix",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "select-type",
    "start-after",
    "upload-id-marker",
    "uploadId",
    "version-id-marker",
    "versionId",
    "x-id",
    "X-Amz-Algorithm",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
];

/// Headers that records show. Object-lock headers and customer keys are not among them.
const SHOWN_HEADERS: &[&str] = &[
    "x-amz-acl",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-context",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-copy-source",
    "x-amz-copy-source-range",
    "x-amz-metadata-directive",
    "x-amz-tagging-directive",
    "x-amz-object-ownership",
];

/// `requestParameters` of an S3 record. `body` is the XML or JSON of a bucket's configuration, where there is one.
///
/// Each name stands once: what the caller chooses freely (a body's root) is shown only under the name its operation has
/// for it.
pub fn request_parameters(call: &S3Call, raw_query: &str, headers: &http::HeaderMap, body: Option<&[u8]>) -> RawJson {
    let mut out = vec![b'{'];
    let mut first = true;
    let mut member = |name: &str, value: &dyn Fn(&mut Vec<u8>)| {
        separate(&mut out, &mut first);
        write_text(&mut out, name);
        out.push(b':');
        value(&mut out);
    };
    if let Some(bucket) = &call.bucket {
        member("bucketName", &|out| write_text(out, bucket));
    }
    if let Some(host) = headers.get(http::header::HOST) {
        member("Host", &|out| write_text(out, &String::from_utf8_lossy(host.as_bytes())));
    }
    if let Some(key) = &call.key {
        member("key", &|out| write_text(out, key));
    }
    // What could not be decoded was refused before it could be a call.
    let query = Query(parse_form(raw_query.as_bytes()).unwrap_or_default());
    for (i, (name, value)) in query.0.iter().enumerate() {
        let again = query.0[..i].iter().any(|(earlier, _)| earlier == name);
        if !again && is_shown(name) {
            member(name, &|out| write_text(out, value));
        }
    }
    for &name in SHOWN_HEADERS {
        // In a presigned URL a parameter stands for the header of its name.
        let parameter = query.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        if let Some(value) = headers.get(name) {
            member(name, &|out| write_text(out, &String::from_utf8_lossy(value.as_bytes())));
        } else if let Some((_, value)) = parameter {
            member(name, &|out| write_text(out, value));
        }
    }
    if let Some((name, value)) = body.and_then(|body| body::project(call.operation, body)) {
        member(name, &|out| out.extend_from_slice(&value));
    }
    out.push(b'}');
    RawJson::from_written(out)
}

pub(super) fn is_shown(parameter: &str) -> bool {
    SHOWN_PARAMETERS.contains(&parameter) || ROUTES.iter().any(|route| route.when.flag() == Some(parameter))
}
