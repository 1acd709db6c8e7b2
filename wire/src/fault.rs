//! A failure as the caller will read it, before it is written in a protocol.

use std::borrow::Cow;

use opentrail_event::AccountId;

/// A failure of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// AWS's code: `NoSuchBucket`, `InvalidMaxResultsException`.
    pub code: Cow<'static, str>,
    pub message: String,
    pub status: u16,
    /// Further members of an XML error document, in order: (`BucketName`, …).
    pub details: Vec<(Cow<'static, str>, String)>,
    /// Further headers of the answer.
    pub headers: Vec<(&'static str, String)>,
    /// Whether the record leaves out the request's parameters.
    pub hide_parameters: bool,
    /// What failed was a change of another account: it gets a copy of the record, as of one that succeeds.
    pub copy_for: Option<AccountId>,
}

impl Fault {
    /// A fault of the caller's making, status 400.
    pub fn client(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(code, 400, message)
    }

    /// A fault with its status.
    pub fn new(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            status,
            details: Vec::new(),
            headers: Vec::new(),
            hide_parameters: false,
            copy_for: None,
        }
    }

    /// With one more member of an XML error document.
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.details.push((name.into(), value.into()));
        self
    }

    /// With a copy of the record for another account.
    pub fn copied(mut self, account: AccountId) -> Self {
        self.copy_for = Some(account);
        self
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}

/// What a request's body stream fails with: the fault that the caller shall see (a hash that does not match, a length
/// that is wrong, a chunk whose signature is). A service that reads the stream passes it on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyFault(pub Fault);
