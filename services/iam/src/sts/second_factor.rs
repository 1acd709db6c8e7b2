//! Codes of MFA devices, shown with a call that makes a session.

use opentrail_policy::{Principal, PrincipalKind, ShownCode, rows};
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
        let (account, directory) = (caller.account, &self.directory);
        let unreadable = |error| unavailable("read MFA device", &error);
        let place = serial.split_once(":mfa/").map(|(_, name)| rows::mfa_key(account, name));
        let mut reader = directory.draft::<()>(account);
        let device = match place {
            Some(place) => reader.get::<rows::MfaRow>(&place).await.map_err(unreadable)?,
            None => None,
        };
        if device.is_none_or(|device| device.serial != serial || device.owner.as_deref() != Some(&owner)) {
            return Err(denied(UNKNOWN));
        }
        match directory.take_mfa_code(account, &owner, serial, code).await.map_err(unreadable)? {
            ShownCode::Right => Ok(true),
            ShownCode::Wrong => Err(denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")),
            ShownCode::TooOften => Err(denied(
                "MultiFactorAuthentication failed, too many wrong codes were shown for this device. Try again in ten minutes.",
            )),
        }
    }
}

const UNKNOWN: &str = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number \
                       is valid and associated with this user.";
