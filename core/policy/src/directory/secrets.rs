//! Passwords and one-time codes: what proves a person at the console, and what an MFA device shows.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::hmac;
use opentrail_catalog::{Check, Error, Txn, decode, encode};
use opentrail_event::AccountId;
use opentrail_world::World;

use super::cache::Touched;
use super::rows::{MfaRow, mfa_key};
use super::stored::{from_hex, to_hex};
use super::users::moving;
use super::{ATTEMPTS_MAX, Directory};
use crate::DirectoryError;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters of a seed: 40 bytes.
const SEED_CHARS: usize = 64;
/// Seconds that a code stands.
const STEP_S: i64 = 30;
/// Steps that a device's clock may be off when it is asked for one code.
const DRIFT: i64 = 1;
/// Steps that it may be off when two codes are asked for in a row.
const RESYNC: i64 = 20;

/// As OWASP has it: 19 MiB, twice.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const HASH_BYTES: usize = 32;

/// A password made unreadable: the salt's and the hash's hexadecimal digits with a dot between them. Takes tens of
/// milliseconds, on purpose; not for a thread that others wait for.
pub fn hash_password(world: &World, password: &str) -> String {
    let salt: [u8; 16] = world.bytes();
    format!("{}.{}", to_hex(&salt), to_hex(&argon2(password, &salt)))
}

/// Whether it is the password that was hashed. As slow as [`hash_password`].
pub fn is_password(hashed: &str, password: &str) -> bool {
    let parts = hashed.split_once('.').and_then(|(salt, hash)| Some((from_hex(salt)?, from_hex(hash)?)));
    let Some((salt, hash)) = parts else { return false };
    aws_lc_rs::constant_time::verify_slices_are_equal(&argon2(password, &salt), &hash).is_ok()
}

fn argon2(password: &str, salt: &[u8]) -> [u8; HASH_BYTES] {
    let mut out = [0; HASH_BYTES];
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(HASH_BYTES)).expect("parameters that Argon2 takes");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.as_bytes(), salt, &mut out).expect("a salt and an output that Argon2 takes");
    out
}

/// A seed for an MFA device, in base32.
pub fn mfa_seed(world: &World) -> String {
    world.text(BASE32, SEED_CHARS)
}

/// The six digits of a step (RFC 6238 with SHA-1); `None` for a seed that is not base32.
pub fn mfa_code(seed: &str, step: u64) -> Option<String> {
    let mut key = Vec::with_capacity(seed.len() * 5 / 8);
    let (mut bits, mut count) = (0u32, 0);
    for digit in seed.bytes() {
        bits = (bits << 5) | u32::try_from(BASE32.iter().position(|b| *b == digit)?).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            key.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag.last()? & 15);
    let word: [u8; 4] = tag.get(at..at + 4)?.try_into().ok()?;
    Some(format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000))
}

impl Directory {
    /// Seals a text to `context`, in hexadecimal.
    pub fn seal_text(&self, context: &str, text: &str) -> String {
        to_hex(&self.seal.seal(context, text.as_bytes()))
    }

    /// Opens what [`Directory::seal_text`] sealed.
    pub fn open_text(&self, context: &str, sealed: &str) -> Result<String, DirectoryError> {
        let opened = from_hex(sealed).and_then(|sealed| self.seal.open(context, &sealed).ok());
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| DirectoryError::Unavailable(format!("{context}: sealed with another key, or damaged")))
    }

    /// The step of a code that a device shows about now and that was not used before; `None` for any other code.
    fn step_of(&self, row: &MfaRow, code: &str, reach: i64) -> Result<Option<u64>, DirectoryError> {
        let seed = self.open_text(&format!("mfa/{}", row.serial), &row.sealed)?;
        let now = self.now_s().div_euclid(STEP_S) + row.drift;
        let steps = (-reach..=reach).filter_map(|off| u64::try_from(now + off).ok());
        let fresh = steps.filter(|step| row.last_step.is_none_or(|last| *step > last));
        Ok(fresh.into_iter().find(|step| mfa_code(&seed, *step).as_deref() == Some(code)))
    }

    /// Takes two codes that follow one another, as a device is set up or set right; the row as it is then. `None`: they are not.
    pub fn pair_mfa(&self, row: &MfaRow, first: &str, second: &str) -> Result<Option<MfaRow>, DirectoryError> {
        let Some(step) = self.step_of(row, first, RESYNC)? else { return Ok(None) };
        let seed = self.open_text(&format!("mfa/{}", row.serial), &row.sealed)?;
        if mfa_code(&seed, step + 1).as_deref() != Some(second) {
            return Ok(None);
        }
        let drift = i64::try_from(step + 1).unwrap_or_default() - self.now_s().div_euclid(STEP_S);
        // A second code may lie in the time to come only because the user typed fast.
        let drift = if drift.abs() <= DRIFT { 0 } else { drift };
        Ok(Some(MfaRow { last_step: Some(step + 1), drift, ..row.clone() }))
    }

    /// Whether `code` is what the device `serial` of `owner` (a user's id; the account's for its root) shows now. A code is
    /// taken once: when this answers [`ShownCode::Right`], it never does so again for the same code.
    pub async fn take_mfa_code(
        &self,
        account: AccountId,
        owner: &str,
        serial: &str,
        code: &str,
    ) -> Result<ShownCode, DirectoryError> {
        let Some(place) = serial.strip_prefix(&format!("arn:aws:iam::{account}:mfa/")) else {
            return Ok(ShownCode::Wrong);
        };
        let key = mfa_key(account, place);
        if !self.guesses.take(&key, self.now_s()) {
            return Ok(ShownCode::TooOften);
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some(stored) = self.catalog.get(&key).await? else { return Ok(ShownCode::Wrong) };
            let mut row: MfaRow = decode(&stored.value)?;
            if row.owner.as_deref() != Some(owner) {
                return Ok(ShownCode::Wrong);
            }
            let Some(step) = self.step_of(&row, code, DRIFT)? else { return Ok(ShownCode::Wrong) };
            row.last_step = Some(step);
            let txn = Txn::new().check(Check::Is(key.clone(), stored.version)).put(key.clone(), encode(&row));
            match self.commit(txn, Touched::default()).await {
                Ok(()) => {
                    self.guesses.forgive(&key);
                    return Ok(ShownCode::Right);
                }
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(moving("MFA device", serial))
    }
}

/// What a code of an MFA device is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownCode {
    /// It is taken.
    Right,
    /// It is not the device's, or was taken before.
    Wrong,
    /// So many were wrong lately that it was not looked at.
    TooOften,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, "12345678901234567890", the last six of its eight digits.
        let seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(mfa_code(seed, seconds / 30).as_deref(), Some(code));
        }
        assert_eq!(mfa_code("not base32", 1), None);
    }

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let (world, _) = World::simulated(3, jiff::Timestamp::UNIX_EPOCH);
        let hashed = hash_password(&world, "correct horse");
        assert!(is_password(&hashed, "correct horse"));
        assert!(!is_password(&hashed, "correct horsf") && !is_password("", "") && !hashed.contains("horse"));
        assert_ne!(hash_password(&world, "correct horse"), hashed);
    }
}
