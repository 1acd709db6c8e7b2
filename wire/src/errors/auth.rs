//! Why a request proves nobody, in each protocol's words (`spec/sts.md` 3, `spec/s3.md` 12 and 14).

use opentrail_protocol::Protocol;

use crate::Fault;
use crate::sigv4::refusal::{Mismatch, Part, Refusal};
use crate::sigv4::time;

const SIGNATURE_TEXT: &str = "The request signature we calculated does not match the signature you provided. Check your \
    AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// The words.
pub(crate) fn fault(refusal: &Refusal, protocol: Protocol) -> Fault {
    match protocol {
        Protocol::RestXml => s3(refusal),
        _ => other(refusal, protocol),
    }
}

/// The codes of a protocol that is not S3's, with their statuses.
struct Codes {
    status: u16,
    missing: &'static str,
    missing_text: &'static str,
    incomplete: &'static str,
    incomplete_status: u16,
    key: &'static str,
    signature: &'static str,
    expired: &'static str,
    expired_status: u16,
}

const QUERY: Codes = Codes {
    status: 403,
    missing: "MissingAuthenticationToken",
    missing_text: "Request is missing Authentication Token",
    incomplete: "IncompleteSignature",
    incomplete_status: 400,
    key: "InvalidClientTokenId",
    signature: "SignatureDoesNotMatch",
    expired: "ExpiredToken",
    expired_status: 403,
};
const JSON: Codes = Codes {
    status: 400,
    missing: "MissingAuthenticationTokenException",
    missing_text: "Missing Authentication Token",
    incomplete: "IncompleteSignatureException",
    incomplete_status: 400,
    key: "UnrecognizedClientException",
    signature: "InvalidSignatureException",
    expired: "ExpiredTokenException",
    expired_status: 400,
};
const REST_JSON: Codes = Codes { status: 403, incomplete_status: 403, expired_status: 403, ..JSON };
const EC2: Codes = Codes { status: 401, key: "AuthFailure", expired: "RequestExpired", expired_status: 400, ..QUERY };

fn other(refusal: &Refusal, protocol: Protocol) -> Fault {
    let codes = match protocol {
        Protocol::Query => QUERY,
        Protocol::Ec2Query => EC2,
        Protocol::RestJson => REST_JSON,
        _ => JSON,
    };
    let incomplete = |message: String| Fault::new(codes.incomplete, codes.incomplete_status, message);
    let signature = |message: String| Fault::new(codes.signature, codes.status, message);
    match refusal {
        Refusal::Absent | Refusal::Scheme(_) => Fault::new(codes.missing, codes.status, codes.missing_text),
        Refusal::Mechanism(name) => incomplete(unsupported(name)),
        Refusal::PostPolicy => incomplete("A form upload is not a way to sign a request to this service.".into()),
        Refusal::Twice => incomplete(
            "The request is signed more than once: sign either in one Authorization header or in the query.".into(),
        ),
        Refusal::Incomplete { missing, header } => {
            let parts: Vec<&str> = missing.iter().map(|part| part_text(*part)).collect();
            incomplete(format!("{} Authorization={header}", parts.join(" ")))
        }
        Refusal::NotAPair { pair, header } => incomplete(format!(
            "'{pair}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
        )),
        Refusal::Credential(given) => incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{given}'"
        )),
        Refusal::Date(given) => {
            incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{given}'. See http://en.wikipedia.org/wiki/ISO_8601"))
        }
        Refusal::QueryIncomplete => incomplete(
            "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', \
             'X-Amz-SignedHeaders', 'X-Amz-Date' and 'X-Amz-Expires', each once. Re-examine the query-string parameters."
                .into(),
        ),
        Refusal::QueryCredential => incomplete("'X-Amz-Credential' must have exactly 5 slash-delimited elements.".into()),
        Refusal::ExpiresNotANumber | Refusal::ExpiresNegative | Refusal::ExpiresTooLong => {
            incomplete("'X-Amz-Expires' must be a number of seconds from 0 to 604800.".into())
        }
        Refusal::Key(_) | Refusal::Token(_) => {
            Fault::new(codes.key, codes.status, "The security token included in the request is invalid.")
        }
        Refusal::TokenExpired(_) => {
            Fault::new(codes.expired, codes.expired_status, "The security token included in the request is expired")
        }
        Refusal::Region { .. } => signature("Credential should be scoped to a valid region.".into()),
        Refusal::Service(given) => signature(format!("Credential should be scoped to a service that is served here, not '{given}'.")),
        Refusal::Terminator(given) => {
            signature(format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{given}'."))
        }
        Refusal::ScopeDate { scope, request, from } => signature(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{scope}' != '{request}', from '{from}'."
        )),
        Refusal::Late { at, now, allowed_s } => {
            let limit = time::basic(now.saturating_sub_s(*allowed_s));
            let (at, now) = (time::basic(*at), time::basic(*now));
            signature(format!("Signature expired: {at} is now earlier than {limit} ({now} - {} min.)", allowed_s / 60))
        }
        Refusal::Early { at, now, allowed_s, .. } => {
            let limit = time::basic(now.saturating_sub_s(-allowed_s));
            let (at, now) = (time::basic(*at), time::basic(*now));
            signature(format!("Signature not yet current: {at} is still later than {limit} ({now} + {} min.)", allowed_s / 60))
        }
        Refusal::Expired { at, expires_s, now } => {
            let (end, now) = (time::basic(at.saturating_sub_s(-expires_s)), time::basic(*now));
            signature(format!("Signature expired: {end} is now earlier than {now}"))
        }
        Refusal::Unsigned(names) => signature(format!(
            "'{}' must be a 'SignedHeader' in the AWS Authorization, for every one that the request carries.",
            names.join("', '")
        )),
        Refusal::ContentHashMissing => incomplete("x-amz-content-sha256 is missing.".into()),
        Refusal::ContentHash(given) => {
            signature(format!("x-amz-content-sha256 must be the SHA-256 of the body in lower-case hexadecimal, not '{given}'."))
        }
        Refusal::Signature(_) => signature(SIGNATURE_TEXT.into()),
        Refusal::Unavailable(_) => super::unavailable(protocol, "The access keys cannot be read just now. Please try again."),
    }
}

fn unsupported(name: &str) -> String {
    let called = if name == "AWS" { "Signature Version 2" } else { "Signature Version 4A" };
    format!("{called} ({name}) is not supported. Please use AWS4-HMAC-SHA256.")
}

fn part_text(part: Part) -> &'static str {
    match part {
        Part::Credential => "Authorization header requires 'Credential' parameter.",
        Part::Signature => "Authorization header requires 'Signature' parameter.",
        Part::SignedHeaders => "Authorization header requires 'SignedHeaders' parameter.",
        Part::Date => "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    }
}

fn s3(refusal: &Refusal) -> Fault {
    let malformed = |message: String| Fault::client("AuthorizationHeaderMalformed", message);
    let query = |message: &str| Fault::client("AuthorizationQueryParametersError", message);
    let denied = |message: &str| Fault::new("AccessDenied", 403, message);
    match refusal {
        Refusal::Absent => denied("Access Denied"),
        Refusal::Mechanism(_) => Fault::client(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ),
        Refusal::Scheme(given) => Fault::client("InvalidArgument", "Unsupported Authorization Type")
            .with("ArgumentName", "Authorization")
            .with("ArgumentValue", given),
        Refusal::PostPolicy => Fault::new(
            "NotImplemented",
            501,
            "Browser uploads with a POST policy are not supported. Please sign with AWS4-HMAC-SHA256.",
        ),
        Refusal::Twice => Fault::client(
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter \
             or the Authorization header should be specified",
        )
        .with("ArgumentName", "Authorization"),
        Refusal::Incomplete { missing, .. } if missing.as_slice() == [Part::Date] => {
            denied("AWS authentication requires a valid Date or x-amz-date header")
        }
        Refusal::Incomplete { missing, .. } => {
            let parts: Vec<&str> = missing.iter().map(|part| part_text(*part)).collect();
            malformed(format!("The authorization header is malformed; {}", parts.join(" ")))
        }
        Refusal::NotAPair { pair, .. } => malformed(format!(
            "The authorization header is malformed; '{pair}' is not a name and a value that stands there once."
        )),
        Refusal::Credential(_) => malformed(
            "The authorization header is malformed; the Credential is mal-formed; expecting \
             \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
                .into(),
        ),
        Refusal::Date(_) => denied("AWS authentication requires a valid Date or x-amz-date header"),
        Refusal::QueryIncomplete => query(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, \
             X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ),
        Refusal::QueryCredential => query(
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \
             \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
        Refusal::ExpiresNotANumber => query("X-Amz-Expires should be a number"),
        Refusal::ExpiresNegative => query("X-Amz-Expires must be non-negative"),
        Refusal::ExpiresTooLong => query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds",
        ),
        Refusal::Key(id) => {
            Fault::new("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.")
                .with("AWSAccessKeyId", id)
        }
        Refusal::Token(token) => {
            Fault::client("InvalidToken", "The provided token is malformed or otherwise invalid.").with("Token-0", token)
        }
        Refusal::TokenExpired(token) => {
            Fault::client("ExpiredToken", "The provided token has expired.").with("Token-0", token)
        }
        Refusal::Region { given, served, presigned: true } => query(&format!(
            "Error parsing the X-Amz-Credential parameter; the region '{given}' is wrong; expecting '{served}'"
        ))
        .with("Region", served),
        Refusal::Region { given, served, presigned: false } => {
            malformed(format!("The authorization header is malformed; the region '{given}' is wrong; expecting '{served}'"))
                .with("Region", served)
        }
        Refusal::Service(given) => {
            malformed(format!("The authorization header is malformed; incorrect service \"{given}\". This endpoint belongs to \"s3\"."))
        }
        Refusal::Terminator(given) => malformed(format!(
            "The authorization header is malformed; incorrect terminal \"{given}\". This endpoint uses \"aws4_request\"."
        )),
        Refusal::ScopeDate { scope, request, .. } => malformed(format!(
            "The authorization header is malformed; Invalid credential date \"{scope}\". This date is not the same as \
             X-Amz-Date: \"{request}\"."
        )),
        Refusal::Early { presigned: true, .. } => denied("Request is not valid yet"),
        Refusal::Late { at, now, allowed_s } | Refusal::Early { at, now, allowed_s, .. } => Fault::new(
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
        )
        .with("RequestTime", time::basic(*at))
        .with("ServerTime", time::extended(*now))
        .with("MaxAllowedSkewMilliseconds", (allowed_s * 1000).to_string()),
        Refusal::Expired { at, expires_s, now } => denied("Request has expired")
            .with("X-Amz-Expires", expires_s.to_string())
            .with("Expires", time::extended(at.saturating_sub_s(-expires_s)))
            .with("ServerTime", time::extended(*now)),
        Refusal::Unsigned(names) => {
            denied("There were headers present in the request which were not signed").with("HeadersNotSigned", names.join(", "))
        }
        Refusal::ContentHashMissing => {
            Fault::client("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        }
        Refusal::ContentHash(given) => Fault::client(
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
             STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        )
        .with("ArgumentName", "x-amz-content-sha256")
        .with("ArgumentValue", given),
        Refusal::Signature(mismatch) => s3_signature(mismatch),
        Refusal::Unavailable(_) => super::unavailable(Protocol::RestXml, ""),
    }
}

fn s3_signature(mismatch: &Mismatch) -> Fault {
    let spaced = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
    Fault::new(
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    )
    .with("AWSAccessKeyId", &mismatch.access_key_id)
    .with("StringToSign", &mismatch.string_to_sign)
    .with("SignatureProvided", &mismatch.signature_provided)
    .with("StringToSignBytes", spaced(mismatch.string_to_sign.as_bytes()))
    .with("CanonicalRequest", String::from_utf8_lossy(&mismatch.canonical_request))
    .with("CanonicalRequestBytes", spaced(&mismatch.canonical_request))
}

/// Seconds back, within what a timestamp can say.
trait SaturatingSeconds {
    fn saturating_sub_s(self, seconds: i64) -> Self;
}

impl SaturatingSeconds for jiff::Timestamp {
    fn saturating_sub_s(self, seconds: i64) -> Self {
        Self::from_second(self.as_second().saturating_sub(seconds)).unwrap_or(self)
    }
}
