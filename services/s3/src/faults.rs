//! Every error that this service answers, in AWS's words (`spec/s3.md` 14), one constructor each.

use opentrail_event::{AccountId, Region};
use opentrail_wire::Fault;

/// The most bytes of a key.
pub(crate) const KEY_BYTES_MAX: usize = 1024;
/// The most bytes of user metadata: names without their prefix, and values.
pub(crate) const METADATA_BYTES_MAX: usize = 2048;
/// The largest object of a single put: 5 GiB.
pub(crate) const OBJECT_BYTES_MAX: u64 = 5 << 30;
/// The smallest part but the last of an upload: 5 MiB.
pub(crate) const PART_BYTES_MIN: u64 = 5 << 20;
/// The highest number of a part, and so the most parts of an upload.
pub(crate) const PART_NUMBER_MAX: u32 = 10_000;
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

/// Whether the caller may could not be found out: said once in the log. It is no denial, and the caller may retry.
pub(crate) fn undecided(what: &'static str, error: impl std::fmt::Display) -> Fault {
    tracing::error!(%error, "{what}");
    let why = "Whether you may do this cannot be found out just now. Please try again.";
    Fault::new("ServiceUnavailable", 503, why)
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
///
/// The message names it too: most clients show nothing else.
pub(crate) fn header_not_implemented(header: impl Into<String>, more: Option<&str>) -> Fault {
    let header = header.into();
    let message = format!("A header you provided implies functionality that is not implemented: {header}");
    let fault = Fault::new("NotImplemented", 501, message).with("Header", header);
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

pub(crate) fn invalid_part_number(asked: &str, parts: usize) -> Fault {
    Fault::new("InvalidPartNumber", 416, "The requested partnumber is not satisfiable")
        .with("PartNumberRequested", asked)
        .with("ActualPartCount", parts.to_string())
}

pub(crate) fn no_such_upload(upload_id: &str) -> Fault {
    Fault::new(
        "NoSuchUpload",
        404,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed.",
    )
    .with("UploadId", echo(upload_id))
}

/// AWS writes two spaces in it.
pub(crate) fn invalid_part(upload_id: &str, number: u32, etag: &str) -> Fault {
    Fault::client(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified \
         entity tag may not match the part's entity tag.",
    )
    .with("UploadId", upload_id)
    .with("PartNumber", number.to_string())
    .with("ETag", echo(etag))
}

pub(crate) fn invalid_part_order(upload_id: &str) -> Fault {
    Fault::client(
        "InvalidPartOrder",
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
    )
    .with("UploadId", upload_id)
}

pub(crate) fn part_too_small(number: u32, etag: &str, bytes: u64) -> Fault {
    Fault::client("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        .with("ETag", etag)
        .with("MinSizeAllowed", PART_BYTES_MIN.to_string())
        .with("PartNumber", number.to_string())
        .with("ProposedSize", bytes.to_string())
}

/// Ours: AWS names no limit.
pub(crate) fn too_many_uploads(max: u64) -> Fault {
    invalid_request(format!(
        "The bucket has {max} multipart uploads in progress, and cannot have more. Complete or abort some of them."
    ))
}

pub(crate) fn conditional_conflict(condition: &'static str, key: &str) -> Fault {
    Fault::new(
        "ConditionalRequestConflict",
        409,
        "The conditional request cannot succeed due to a conflicting operation against this resource.",
    )
    .with("Condition", condition)
    .with("Key", key)
}

pub(crate) fn acls_not_supported() -> Fault {
    Fault::client("AccessControlListNotSupported", "The bucket does not allow ACLs")
}

pub(crate) fn no_such_tag_set(bucket: &str) -> Fault {
    Fault::new("NoSuchTagSet", 404, "The TagSet does not exist").with("BucketName", bucket)
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
