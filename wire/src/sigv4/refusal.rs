//! Why a request proves nobody, before it is put in any protocol's words (`errors::auth` does that).

use jiff::Timestamp;

/// What was compared, for the answer that helps a client find its mistake. It holds nothing that the client did not
/// send, and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub access_key_id: String,
    pub string_to_sign: String,
    pub signature_provided: String,
    pub canonical_request: Vec<u8>,
}

/// A request that proves nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not even try.
    Absent,
    /// Some other way of signing, by name: `AWS` (SigV2), `AWS4-ECDSA-P256-SHA256` (SigV4A).
    Mechanism(&'static str),
    /// An Authorization header of a scheme that is none of AWS's.
    Scheme(String),
    /// A form upload with a policy.
    PostPolicy,
    /// Header and query both claim.
    Twice,
    /// The header lacks parts, or the request its date.
    Incomplete {
        missing: Vec<Part>,
        header: String,
    },
    /// A part of the header has no equals sign.
    NotAPair {
        pair: String,
        header: String,
    },
    /// The header's credential is not five parts.
    Credential(String),
    /// The date is there and cannot be read.
    Date(String),
    /// One of the six query parameters is missing, or is there twice.
    QueryIncomplete,
    QueryCredential,
    ExpiresNotANumber,
    ExpiresNegative,
    ExpiresTooLong,
    /// No such key, or an inactive one: the answer does not tell which.
    Key(String),
    /// A session token that is nobody's.
    Token(String),
    /// The token of a session that is over.
    TokenExpired(String),
    Region {
        given: String,
        served: String,
        presigned: bool,
    },
    Service(String),
    Terminator(String),
    ScopeDate {
        scope: String,
        request: String,
        from: String,
    },
    /// Signed too long ago.
    Late {
        at: Timestamp,
        now: Timestamp,
        allowed_s: i64,
    },
    /// Signed in the future.
    Early {
        at: Timestamp,
        now: Timestamp,
        allowed_s: i64,
        presigned: bool,
    },
    /// A presigned request whose time has passed.
    Expired {
        at: Timestamp,
        expires_s: i64,
        now: Timestamp,
    },
    /// Headers that must be signed and are not.
    Unsigned(Vec<String>),
    /// S3 demands `x-amz-content-sha256`.
    ContentHashMissing,
    /// What stands in `x-amz-content-sha256` is none of its forms.
    ContentHash(String),
    Signature(Box<Mismatch>),
    /// The keys could not be read: the caller may retry.
    Unavailable(String),
}

/// A part that an Authorization header needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Credential,
    Signature,
    SignedHeaders,
    Date,
}
