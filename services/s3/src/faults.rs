//! Every error that this service answers, in AWS's words (`spec/s3.md` 14), one constructor each.

use opentrail_event::{AccountId, Region};
use opentrail_wire::Fault;

/// The most bytes of a key.
pub(crate) const KEY_BYTES_MAX: usize = 1024;
/// The most bytes of user metadata: names without their prefix, and values.
pub(crate) const METADATA_BYTES_MAX: usize = 2048;
/// The largest object of a single put: 5 GiB.
pub(crate) const OBJECT_BYTES_MAX: u64 = 5 << 30;
/// The most bytes of a caller's text that an error repeats.
const ECHO_BYTES_MAX: usize = 256;

/// A caller's text, shortened for an error.
fn echo(text: &str) -> String {
    let mut end = text.len().min(ECHO_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Something below failed; said once in the log, and to the caller only that a retry may help.
pub(crate) fn internal(what: &'static str, error: impl std::fmt::Display) -> Fault {
    tracing::error!(%error, "{what}");
    Fault::new("InternalError", 500, "We encountered an internal error. Please try again.")
}

/// A body that could not be staged. A disk at its floor is no error of ours: the caller may try again later, or remove
/// something.
pub(crate) fn staging(error: &opentrail_blobs::Error) -> Fault {
    if let opentrail_blobs::Error::Full(_) = error {
        return Fault::new("SlowDown", 503, "Please reduce your request rate.");
    }
    internal("stage blob", error)
}

pub(crate) fn no_such_bucket(bucket: &str) -> Fault {
    Fault::new("NoSuchBucket", 404, "The specified bucket does not exist").with("BucketName", bucket)
}

pub(crate) fn no_such_key(key: &str) -> Fault {
    Fault::new("NoSuchKey", 404, "The specified key does not exist.").with("Key", key)
}

pub(crate) fn invalid_bucket_name(bucket: &str) -> Fault {
    Fault::client("InvalidBucketName", "The specified bucket is not valid.").with("BucketName", echo(bucket))
}

pub(crate) fn bucket_already_exists(bucket: &str) -> Fault {
    Fault::new(
        "BucketAlreadyExists",
        409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please \
         select a different name and try again.",
    )
    .with("BucketName", bucket)
}

pub(crate) fn bucket_already_owned(bucket: &str) -> Fault {
    Fault::new(
        "BucketAlreadyOwnedByYou",
        409,
        "Your previous request to create the named bucket succeeded and you already own it.",
    )
    .with("BucketName", bucket)
}

pub(crate) fn bucket_not_empty(bucket: &str) -> Fault {
    Fault::new("BucketNotEmpty", 409, "The bucket you tried to delete is not empty").with("BucketName", bucket)
}

pub(crate) fn too_many_buckets() -> Fault {
    Fault::client("TooManyBuckets", "You have attempted to create more buckets than allowed")
}

pub(crate) fn operation_aborted() -> Fault {
    Fault::new(
        "OperationAborted",
        409,
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
    )
}

pub(crate) fn invalid_location(constraint: &str) -> Fault {
    Fault::client("InvalidLocationConstraint", "The specified location-constraint is not valid")
        .with("LocationConstraint", echo(constraint))
}

pub(crate) fn illegal_location(constraint: Option<&str>) -> Fault {
    let which = constraint.map_or_else(|| "unspecified".to_owned(), echo);
    Fault::client(
        "IllegalLocationConstraintException",
        format!(
            "The {which} location constraint is incompatible for the region specific endpoint this request was sent to."
        ),
    )
}

/// Signed for a region where the bucket is not. The SDKs read the region out of it and try again there.
pub(crate) fn wrong_region(signed_for: &Region, lies_in: &Region, presigned: bool) -> Fault {
    let fault = if presigned {
        Fault::client(
            "AuthorizationQueryParametersError",
            format!(
                "Error parsing the X-Amz-Credential parameter; the region '{signed_for}' is wrong; expecting '{lies_in}'"
            ),
        )
    } else {
        Fault::client(
            "AuthorizationHeaderMalformed",
            format!("The authorization header is malformed; the region '{signed_for}' is wrong; expecting '{lies_in}'"),
        )
    };
    fault.with("Region", lies_in.to_string()).header(BUCKET_REGION, lies_in.to_string())
}

/// Where the bucket lies: on errors about an existing bucket, on `HeadBucket` and on listings.
pub(crate) const BUCKET_REGION: &str = "x-amz-bucket-region";

pub(crate) fn access_denied() -> Fault {
    Fault::new("AccessDenied", 403, "Access Denied")
}

/// A policy that is not taken: what AWS says, and where and what would be right beside it.
pub(crate) fn malformed_policy(message: impl Into<String>, detail: impl Into<String>) -> Fault {
    Fault::client("MalformedPolicy", message).with("Detail", echo(&detail.into()))
}

pub(crate) fn no_such_bucket_policy(bucket: &str) -> Fault {
    Fault::new("NoSuchBucketPolicy", 404, "The bucket policy does not exist").with("BucketName", bucket)
}

pub(crate) fn bad_expected_owner(value: &str) -> Fault {
    let value = echo(value);
    Fault::client(
        "InvalidBucketOwnerAWSAccountID",
        format!("The value of the expected bucket owner parameter must be an AWS Account ID [{value}]"),
    )
}

pub(crate) fn invalid_uri(uri: &str) -> Fault {
    Fault::client("InvalidURI", "Couldn't parse the specified URI.").with("URI", echo(uri))
}

pub(crate) fn method_not_allowed(method: &http::Method, resource_type: &'static str) -> Fault {
    Fault::new("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
        .with("Method", method.as_str())
        .with("ResourceType", resource_type)
}

pub(crate) fn invalid_argument(message: &'static str, name: &'static str, value: &str) -> Fault {
    Fault::client("InvalidArgument", message).with("ArgumentName", name).with("ArgumentValue", echo(value))
}

pub(crate) fn invalid_request(message: impl Into<String>) -> Fault {
    Fault::client("InvalidRequest", message)
}

pub(crate) fn key_too_long(bytes: usize) -> Fault {
    Fault::client("KeyTooLongError", "Your key is too long")
        .with("Size", bytes.to_string())
        .with("MaxSizeAllowed", KEY_BYTES_MAX.to_string())
}

pub(crate) fn metadata_too_large(bytes: usize) -> Fault {
    Fault::client("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
        .with("Size", bytes.to_string())
        .with("MaxSizeAllowed", METADATA_BYTES_MAX.to_string())
}

pub(crate) fn entity_too_large(bytes: u64) -> Fault {
    Fault::client("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        .with("ProposedSize", bytes.to_string())
        .with("MaxSizeAllowed", OBJECT_BYTES_MAX.to_string())
}

pub(crate) fn missing_content_length() -> Fault {
    Fault::new("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
}

pub(crate) fn incomplete_body() -> Fault {
    Fault::client(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}

pub(crate) fn malformed_xml() -> Fault {
    Fault::client(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// The operation is one of S3's and not one of ours.
pub(crate) fn operation_not_implemented(operation: &str) -> Fault {
    Fault::new(
        "NotImplemented",
        501,
        format!("The operation {operation} of Amazon S3 is not built in this version of OpenTrail."),
    )
}

/// A header (or a part of the body) asks for what is not built.
pub(crate) fn header_not_implemented(header: impl Into<String>, more: Option<&str>) -> Fault {
    let fault =
        Fault::new("NotImplemented", 501, "A header you provided implies functionality that is not implemented")
            .with("Header", header.into());
    match more {
        Some(text) => fault.with("additionalMessage", text),
        None => fault,
    }
}

pub(crate) fn precondition_failed(condition: &'static str) -> Fault {
    Fault::new("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
        .with("Condition", condition)
}

pub(crate) fn invalid_range(asked: &str, object_bytes: u64) -> Fault {
    Fault::new("InvalidRange", 416, "The requested range is not satisfiable")
        .with("RangeRequested", echo(asked))
        .with("ActualObjectSize", object_bytes.to_string())
        .header("content-range", format!("bytes */{object_bytes}"))
}

pub(crate) fn invalid_part_number(asked: &str) -> Fault {
    Fault::new("InvalidPartNumber", 416, "The requested partnumber is not satisfiable")
        .with("PartNumberRequested", asked)
        .with("ActualPartCount", "1")
}

/// The owner named in a request is not the owner of the bucket, or is no account.
pub(crate) fn check_expected_owner(expected: Option<&str>, owner: AccountId) -> Result<(), Fault> {
    match expected.map(|text| (text, text.parse::<AccountId>())) {
        None => Ok(()),
        Some((text, Err(_))) => Err(bad_expected_owner(text)),
        Some((_, Ok(account))) if account != owner => Err(access_denied()),
        Some(_) => Ok(()),
    }
}
