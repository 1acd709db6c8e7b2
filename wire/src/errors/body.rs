//! What can be wrong with a body, in each protocol's words.

use opentrail_protocol::Protocol;

use crate::Fault;
use crate::sigv4::chunked::ChunkFault;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BodyTrouble {
    /// The connection ended, or broke its own framing, before the body did.
    Broken,
    /// Nothing came for too long.
    Idle,
    TooLarge {
        /// What the client declared or already sent.
        bytes: u64,
        bytes_max: u64,
    },
    /// Not the bytes that were signed.
    Hash {
        claimed: String,
        computed: String,
    },
    /// An aws-chunked body without its decoded length.
    LengthMissing,
    Chunk(ChunkFault),
}

/// Its words.
pub(crate) fn fault(trouble: &BodyTrouble, protocol: Protocol) -> Fault {
    let s3 = protocol == Protocol::RestXml;
    let code = |for_s3: &'static str, for_json: &'static str, for_query: &'static str| match protocol {
        Protocol::RestXml => for_s3,
        Protocol::Query | Protocol::Ec2Query => for_query,
        _ => for_json,
    };
    match trouble {
        BodyTrouble::Broken | BodyTrouble::Chunk(ChunkFault::Length) => Fault::client(
            code("IncompleteBody", "SerializationException", "MalformedInput"),
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        BodyTrouble::Idle => Fault::client(
            code("RequestTimeout", "RequestTimeoutException", "RequestTimeout"),
            "Your socket connection to the server was not read from or written to within the timeout period. \
             Idle connections will be closed.",
        ),
        BodyTrouble::TooLarge { bytes, bytes_max } if s3 => {
            Fault::client("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
                .with("ProposedSize", bytes.to_string())
                .with("MaxSizeAllowed", bytes_max.to_string())
        }
        BodyTrouble::TooLarge { bytes_max, .. } => Fault::new(
            code("", "RequestEntityTooLargeException", "RequestEntityTooLarge"),
            413,
            format!("The request body is larger than the {bytes_max} bytes that this operation takes."),
        ),
        BodyTrouble::Hash { claimed, computed } => Fault::client(
            code("XAmzContentSHA256Mismatch", "InvalidSignatureException", "SignatureDoesNotMatch"),
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
        .with("ClientComputedContentSHA256", claimed)
        .with("S3ComputedContentSHA256", computed),
        BodyTrouble::LengthMissing => {
            Fault::new("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
        }
        BodyTrouble::Chunk(ChunkFault::Malformed) => Fault::client(
            "InvalidRequest",
            "The body is not framed as aws-chunked, which x-amz-content-sha256 says it is.",
        ),
        BodyTrouble::Chunk(ChunkFault::TooSmall { chunk, bytes }) => Fault::new(
            "InvalidChunkSizeError",
            403,
            "Only the last chunk is allowed to have a size less than 8192 bytes",
        )
        .with("Chunk", chunk.to_string())
        .with("BadChunkSize", bytes.to_string()),
        BodyTrouble::Chunk(ChunkFault::Signature) => Fault::new(
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. \
             Check your key and signing method.",
        ),
        BodyTrouble::Chunk(ChunkFault::Trailer) => Fault::client(
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        ),
    }
}
