//! STS: who is calling, and temporary credentials.
//!
//! Cast: one file per operation; `ask` reads what several of them are asked for, `issue` makes credentials and shows them,
//! `second_factor` takes codes of MFA devices, `vouched` makes sessions of those for whom an identity provider speaks.

mod ask;
mod assume_role;
mod assume_role_with_saml;
mod assume_role_with_web_identity;
mod decode_authorization_message;
mod get_access_key_info;
mod get_caller_identity;
mod get_federation_token;
mod get_session_token;
mod issue;
mod second_factor;
mod vouched;

use std::sync::Arc;

use opentrail_federation::IssuerKeys;
use opentrail_policy::{Directory, Sessions};
use opentrail_wire::{Fault, Operation};
use opentrail_world::World;

/// What the operations work with.
pub struct Desk {
    pub directory: Arc<Directory>,
    pub sessions: Arc<Sessions>,
    /// The keys of those who issue tokens.
    pub issuers: Arc<dyn IssuerKeys>,
    /// Recipients and audiences of SAML assertions that are taken beside AWS's own.
    pub saml_audiences: Vec<String>,
    pub world: World,
}

/// The operations there are.
pub(crate) fn operations(desk: &Arc<Desk>) -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(assume_role::AssumeRole(desk.clone())),
        Box::new(assume_role_with_saml::AssumeRoleWithSaml(desk.clone())),
        Box::new(assume_role_with_web_identity::AssumeRoleWithWebIdentity(desk.clone())),
        Box::new(decode_authorization_message::DecodeAuthorizationMessage),
        Box::new(get_access_key_info::GetAccessKeyInfo),
        Box::new(get_caller_identity::GetCallerIdentity),
        Box::new(get_federation_token::GetFederationToken(desk.clone())),
        Box::new(get_session_token::GetSessionToken(desk.clone())),
    ]
}

fn denied(message: impl Into<String>) -> Fault {
    Fault::new("AccessDenied", 403, message)
}

/// A denial in the place of the decider's: its record says no more than one of those.
fn denied_outright(message: impl Into<String>) -> Fault {
    Fault { hide_parameters: true, ..denied(message) }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("ValidationError", message)
}

/// Something could not be read; the caller may retry.
fn unavailable(what: &str, error: &dyn std::fmt::Display) -> Fault {
    Fault::new("ServiceUnavailable", 503, format!("{what}: {error}"))
}
