//! Codes of MFA devices, shown with a call that makes a session.

use opentrail_policy::{CodeTaken, Principal, PrincipalKind};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::{Desk, denied, unavailable};

impl Desk {
    /// Whether the call shows a second factor, which is taken then: no code is taken twice. `Err` where it shows half of one, or
    /// a wrong one.
    pub(super) async fn second_factor(&self, caller: &Principal, input: &Document) -> Result<bool, Fault> {
        let (serial, code) = match (input.text("SerialNumber"), input.text("TokenCode")) {
            (None, None) => return Ok(false),
            (Some(serial), Some(code)) => (serial, code),
            _ => {
                return Err(denied(
                    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
                ));
            }
        };
        let owner = match &caller.kind {
            PrincipalKind::User { unique_id, .. } => unique_id.clone(),
            PrincipalKind::Root => caller.account.to_string(),
            // Nobody else has devices.
            _ => return Err(denied(UNKNOWN)),
        };
        let taken = self.directory.take_code(caller.account, serial, &owner, code).await;
        match taken.map_err(|error| unavailable("read MFA device", &error))? {
            CodeTaken::Yes => Ok(true),
            CodeTaken::NoDevice => Err(denied(UNKNOWN)),
            CodeTaken::Wrong => Err(denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")),
        }
    }
}

const UNKNOWN: &str = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number \
                       is valid and associated with this user.";
