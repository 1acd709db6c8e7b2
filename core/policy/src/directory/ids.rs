//! Ids and secrets as IAM makes them.
//!
//! An id is a prefix of four letters and base32 digits that carry the account: of the first six bytes behind the
//! prefix, read big-endian, the account stands in bits 7 to 46; bit 47 is set, which marks the form; all else is chance. Keys
//! have 16 digits, users 17.

use opentrail_event::AccountId;
use opentrail_world::World;

use crate::Secret;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+";
const SECRET_CHARS: usize = 40;

/// `AKIA…`, 20 characters: a long-term access key of `account`.
pub(crate) fn access_key_id(world: &World, account: AccountId) -> String {
    with_account(world, "AKIA", account)
}

/// `ASIA…`, 20 characters: the key of a session of `account`.
pub(crate) fn session_key_id(world: &World, account: AccountId) -> String {
    with_account(world, "ASIA", account)
}

/// `AIDA…`, 21 characters: a user of `account`.
pub(crate) fn user_id(world: &World, account: AccountId) -> String {
    unique_id(world, "AIDA", account)
}

/// 21 characters: an entity of `account`; the prefix says of which kind.
pub(crate) fn unique_id(world: &World, prefix: &str, account: AccountId) -> String {
    let mut id = with_account(world, prefix, account);
    id.push_str(&world.text(BASE32, 1));
    id
}

/// A secret access key: 40 characters.
pub(crate) fn secret(world: &World) -> Secret {
    Secret::new(world.text(SECRET_ALPHABET, SECRET_CHARS))
}

/// How S3 names an account: 64 hexadecimal characters.
pub(crate) fn canonical_id(world: &World) -> String {
    world.text(b"0123456789abcdef", 64)
}

/// A random account id: twelve digits, the first of them not 0, so that it is never the operator's.
pub(crate) fn account_id(world: &World) -> AccountId {
    let n = 100_000_000_000 + world.below(900_000_000_000);
    n.to_string().parse().expect("a number of twelve digits is an account id")
}

/// The account that an id made by IAM carries; `None` for ids of another form.
pub fn account_of(id: &str) -> Option<AccountId> {
    let digits = id.as_bytes().get(4..)?;
    if digits.len() < 16 {
        return None;
    }
    let mut n = 0u64;
    for &digit in &digits[..10] {
        n = (n << 5) | BASE32.iter().position(|&b| b == digit)? as u64;
    }
    // Ten digits are 50 bits; the six bytes are the upper 48 of them.
    let account = ((n >> 2) & 0x7fff_ffff_ff80) >> 7;
    format!("{account:012}").parse().ok()
}

/// The account that is written into the id of an access key. Ids older than that begin otherwise, and carry none.
pub fn key_account(access_key_id: &str) -> Option<AccountId> {
    let marked = access_key_id.as_bytes().get(4).is_some_and(|b| matches!(b, b'Q'..=b'Z' | b'2'..=b'7'));
    let is_key = matches!(access_key_id.get(..4), Some("AKIA" | "ASIA")) && access_key_id.len() == 20;
    account_of(access_key_id).filter(|_| marked && is_key)
}

fn with_account(world: &World, prefix: &str, account: AccountId) -> String {
    let number: u64 = account.as_str().parse().expect("an account id is a number");
    let chance: [u8; 5] = world.bytes();
    let head = (1 << 47) | (number << 7) | u64::from(chance[4] & 0x7f);
    let mut bits =
        u128::from(head) << 32 | u128::from(u32::from_le_bytes([chance[0], chance[1], chance[2], chance[3]]));
    let mut digits = [0u8; 16];
    for digit in digits.iter_mut().rev() {
        *digit = BASE32[(bits & 31) as usize];
        bits >>= 5;
    }
    format!("{prefix}{}", std::str::from_utf8(&digits).expect("base32 digits are ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_account() {
        let (world, _) = World::simulated(1, jiff::Timestamp::UNIX_EPOCH);
        for account in ["000000000000", "000000000001", "123456789012", "999999999999"] {
            let account: AccountId = account.parse().expect("an account");
            let key = access_key_id(&world, account);
            assert_eq!((key.len(), &key[..4], account_of(&key)), (20, "AKIA", Some(account)));
            let user = user_id(&world, account);
            assert_eq!((user.len(), &user[..4], account_of(&user)), (21, "AIDA", Some(account)));
        }
    }

    #[test]
    fn a_published_key_id_reads_as_its_account() {
        // The example of the public write-ups on how key ids carry accounts.
        assert_eq!(account_of("ASIAQNZGKIQY56JQ7WML").map(|a| a.to_string()).as_deref(), Some("029608264753"));
    }

    #[test]
    fn an_account_is_read_only_from_keys_that_carry_one() {
        for id in ["AKIAIOSFODNN7EXAMPLE", "testing", "minio-admin-key-of-x", "AIDAQNZGKIQY56JQ7WML"] {
            assert_eq!(key_account(id), None, "{id}");
        }
        assert!(key_account("ASIAQNZGKIQY56JQ7WML").is_some());
    }

    #[test]
    fn other_forms_carry_nothing() {
        for id in ["", "AKIA", "test", "minioadmin", "AKIA0000000000000000", "ключключключключключ"]
        {
            assert_eq!(account_of(id), None, "{id}");
        }
    }

    #[test]
    fn a_secret_has_forty_characters_of_the_known_alphabet() {
        let (world, _) = World::simulated(2, jiff::Timestamp::UNIX_EPOCH);
        let secret = secret(&world);
        assert_eq!(secret.expose().len(), 40);
        assert!(secret.expose().bytes().all(|b| SECRET_ALPHABET.contains(&b)));
        assert_ne!(account_id(&world), AccountId::OPERATOR);
    }
}
