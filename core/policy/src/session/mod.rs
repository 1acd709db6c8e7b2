//! Temporary credentials: what a session is, and the token that carries all of it.
//!
//! Nothing is stored. The token that goes to whoever asked for a session holds the session itself, sealed to the id of its
//! key; whoever signs with that key sends the token along, and it is opened again. A token that was edited, or that comes with
//! another key, does not open.
//!
//! Cast: `state` is the form of a session within a token, `mint` makes and opens tokens, `opened` keeps what was opened lately; `passed` remembers sessions that
//! somebody else made, of which we only saw the answer.

mod mint;
mod opened;
mod passed;
mod state;

use std::sync::Arc;

use crate::Policy;

pub use mint::{Minted, SESSION_TOKEN_BYTES_MAX, Sessions, TooLarge};
pub use passed::{PASSED_SESSIONS_MAX, Passed, PassedSessions};

/// A policy that narrows a session, as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPolicy {
    /// As it came.
    pub text: String,
    pub policy: Arc<Policy>,
}

/// What an identity provider said of whoever assumed a role by its token or assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebFederation {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST`, or `…:saml-provider/NAME`
    pub provider: String,
    /// `HOST:aud`, `HOST:sub`, as trust policies name them, with their values.
    pub attributes: Vec<(String, String)>,
}

impl WebFederation {
    /// Of a SAML provider: records of later calls do not name it.
    pub fn is_saml(&self) -> bool {
        self.provider.contains(":saml-provider/")
    }
}

/// What is known of a session beside whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// Whole seconds since 1970.
    pub issued_s: i64,
    /// From this second on it is over.
    pub expires_s: i64,
    /// When a second factor was shown for it; whole seconds since 1970.
    pub mfa_s: Option<i64>,
    /// Who stands behind it. It cannot be changed further down a chain.
    pub source_identity: Option<String>,
    /// Session tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
    /// Keys of those tags that sessions made from this one inherit.
    pub transitive: Vec<String>,
    /// The policy handed over with the call that made it.
    pub inline: Option<SessionPolicy>,
    /// ARNs of managed policies named in that call.
    pub managed: Vec<String>,
    pub web: Option<WebFederation>,
    /// Of one that somebody else made: whoever asked for it was proven by nobody here. It is not in tokens of ours.
    pub unproven: bool,
}

impl Session {
    /// The tags that sessions made from this one inherit.
    pub fn inherited(&self) -> impl Iterator<Item = &(String, String)> {
        self.tags.iter().filter(|(key, _)| self.transitive.iter().any(|t| t.eq_ignore_ascii_case(key)))
    }

    /// Whether a policy narrows it.
    pub fn is_narrowed(&self) -> bool {
        self.inline.is_some() || !self.managed.is_empty()
    }
}
