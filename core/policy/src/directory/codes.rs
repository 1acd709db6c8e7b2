//! One-time codes of virtual MFA devices: six digits for each 30 seconds (RFC 6238), each taken once.

use aws_lc_rs::hmac;
use opentrail_event::AccountId;

use super::rows::{MfaRow, mfa_key};
use super::stored::{from_hex, to_hex};
use super::{Committed, Directory, Draft};
use crate::{DirectoryError, SealError};

const STEP_S: i64 = 30;
/// A device's clock may be so many steps off.
const STEPS_OFF_MAX: u64 = 1;

/// What came of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeTaken {
    Yes,
    /// Not this device's code of now, or one that was taken before.
    Wrong,
    /// There is no such device, or it is another's, or not enabled.
    NoDevice,
}

impl Directory {
    /// A device's seed as its record keeps it: `seed` is base32.
    pub fn seal_seed(&self, serial: &str, seed: &str) -> String {
        to_hex(&self.seal.seal(&context(serial), seed.as_bytes()))
    }

    /// The seed of a device, in base32.
    pub fn open_seed(&self, device: &MfaRow) -> Result<String, DirectoryError> {
        let opened = from_hex(&device.sealed).ok_or(SealError);
        let opened = opened.and_then(|sealed| self.seal.open(&context(&device.serial), &sealed));
        let text = opened.and_then(|bytes| String::from_utf8(bytes).map_err(|_| SealError));
        text.map_err(|error| DirectoryError::Unavailable(format!("MFA device {}: {error}", device.serial)))
    }

    /// Takes a code of the device with that serial number, which must be enabled for `owner`: a user's unique id, or the id of
    /// the account for its root.
    pub async fn take_code(
        &self,
        account: AccountId,
        serial: &str,
        owner: &str,
        code: &str,
    ) -> Result<CodeTaken, DirectoryError> {
        let Some((_, name)) = serial.split_once(":mfa/") else { return Ok(CodeTaken::NoDevice) };
        let key = mfa_key(account, name);
        for _ in 0..Draft::<()>::ATTEMPTS_MAX {
            let mut draft = self.draft::<()>(account);
            let device = draft.get::<MfaRow>(&key).await?;
            let is_theirs = |device: &MfaRow| {
                device.serial == serial && device.enabled_s.is_some() && device.owner.as_deref() == Some(owner)
            };
            let Some(mut device) = device.filter(is_theirs) else { return Ok(CodeTaken::NoDevice) };
            let seed = self.open_seed(&device)?;
            let Some(step) = step_of(&seed, code, step_at(draft.now_s(), device.drift), device.last_step) else {
                return Ok(CodeTaken::Wrong);
            };
            device.last_step = Some(step);
            draft.put(key.clone(), &device);
            match draft.commit().await? {
                Committed::Done => return Ok(CodeTaken::Yes),
                // Perhaps the same code, taken at the same moment.
                Committed::Again | Committed::Refused(()) => {}
            }
        }
        Ok(CodeTaken::Wrong)
    }
}

/// The step of a moment, on a device whose clock is `drift` steps ahead.
pub fn step_at(now_s: i64, drift: i64) -> u64 {
    u64::try_from(now_s.div_euclid(STEP_S) + drift).unwrap_or(0)
}

/// The step around `now` whose code this is, if it is behind the last that was taken.
pub fn step_of(seed: &str, code: &str, now: u64, last: Option<u64>) -> Option<u64> {
    let around = now.saturating_sub(STEPS_OFF_MAX)..=now.saturating_add(STEPS_OFF_MAX);
    around
        .filter(|step| last.is_none_or(|last| *step > last))
        .find(|step| one_time_code(seed, *step).is_some_and(|right| right == code))
}

/// The code of a step: six digits. `None` where the seed is not base32.
pub fn one_time_code(seed: &str, step: u64) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &from_base32(seed)?);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag.last()? & 15);
    let four = tag.get(at..at + 4)?.first_chunk::<4>()?;
    Some(format!("{:06}", (u32::from_be_bytes(*four) & 0x7fff_ffff) % 1_000_000))
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held) = (0u32, 0u32);
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    for c in text.trim_end_matches('=').bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'2'..=b'7' => c - b'2' + 26,
            _ => return None,
        };
        held = (held << 5) | u32::from(digit);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(out)
}

fn context(serial: &str) -> String {
    format!("mfa/{serial}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `12345678901234567890`, the key of RFC 6238's examples.
    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn the_examples_of_the_rfc() {
        // Appendix B, eight digits there; the last six are ours.
        for (at_s, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(one_time_code(SEED, step_at(at_s, 0)).as_deref(), Some(code));
        }
        assert_eq!(one_time_code("not base32!", 1), None);
    }

    #[test]
    fn a_code_is_good_around_its_time_and_once() {
        let step = 1_000;
        let code = one_time_code(SEED, step).expect("a code");
        for (now, last, expect) in [
            (step, None, Some(step)),
            (step + 1, None, Some(step)),
            (step - 1, None, Some(step)),
            (step + 2, None, None),
            (step, Some(step), None),
            (step, Some(step - 1), Some(step)),
        ] {
            assert_eq!(step_of(SEED, &code, now, last), expect, "{now} {last:?}");
        }
        assert_eq!(step_of(SEED, "000000", step, None), None);
    }
}
