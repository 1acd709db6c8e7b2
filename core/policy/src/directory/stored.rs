//! The catalog records of accounts and keys, and where they stand. Those of IAM's entities are `rows`.
//!
//! | key | record |
//! |---|---|
//! | `directory/account` · id | [`StoredAccount`] |
//! | `directory/account-name` · lower-case name | the id |
//! | `directory/key` · key id | [`StoredKey`] |
//! | `directory/key-of` · account · owner · key id | empty: counts and lists an owner's keys; the owner is `r` for the root, `u` and the lower-case name for a user |
//! | `directory/starters` | [`StoredStarters`]: what the first start made |

use opentrail_catalog::{Key, Stored};
use opentrail_event::AccountId;
use serde::{Deserialize, Serialize};

use crate::{Account, KeyStatus};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredAccount {
    pub(crate) name: String,
    pub(crate) canonical_id: String,
    pub(crate) created_s: i64,
}

impl Stored for StoredAccount {
    const NAME: &'static str = "account";
    const VERSION: u16 = 1;
}

impl StoredAccount {
    pub(crate) fn into_account(self, id: AccountId) -> Account {
        Account { id, name: self.name, canonical_id: self.canonical_id, created_s: self.created_s }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    pub(crate) account: AccountId,
    /// `None` for the root's.
    pub(crate) user: Option<String>,
    pub(crate) status: KeyStatus,
    pub(crate) created_s: i64,
    /// The secret, sealed to [`seal_context`], in hexadecimal.
    pub(crate) sealed: String,
    /// Came from the configuration, and goes when it is taken out there.
    pub(crate) configured: bool,
}

impl Stored for StoredKey {
    const NAME: &'static str = "access key";
    const VERSION: u16 = 1;
}

/// What the first start made: the first account and the keys that the credentials file shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredStarters {
    pub(crate) account: AccountId,
    pub(crate) root_key_id: String,
    pub(crate) operator_key_id: String,
}

impl Stored for StoredStarters {
    const NAME: &'static str = "starters";
    const VERSION: u16 = 1;
}

pub(crate) fn accounts() -> Key {
    Key::family("directory/account")
}

pub(crate) fn account_key(id: AccountId) -> Key {
    accounts().part(id.as_str())
}

pub(crate) fn account_name_key(name: &str) -> Key {
    Key::family("directory/account-name").part(name.to_lowercase())
}

pub(crate) fn access_key_key(id: &str) -> Key {
    Key::family("directory/key").part(id)
}

pub(crate) fn access_keys() -> Key {
    Key::family("directory/key")
}

pub(crate) fn keys_of(account: AccountId, user: Option<&str>) -> Key {
    let owner = user.map_or_else(|| "r".to_owned(), |name| format!("u{}", name.to_ascii_lowercase()));
    Key::family("directory/key-of").part(account.as_str()).part(owner)
}

pub(crate) fn starters_key() -> Key {
    Key::family("directory/starters")
}

/// Binds a sealed secret to its key.
pub(crate) fn seal_context(access_key_id: &str) -> String {
    format!("access-key/{access_key_id}")
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| char::from_digit(u32::from(n), 16)).collect()
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |b: u8| char::from(b).to_digit(16).map(|n| n as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some((nibble(*high)? << 4) | nibble(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use opentrail_catalog::{decode, encode};

    use super::*;

    #[test]
    fn version_one_of_every_record_stays_readable() {
        let account = b"\0\x01{\"name\":\"main\",\"canonical_id\":\"ab\",\"created_s\":7}";
        assert_eq!(decode::<StoredAccount>(account).expect("an account").name, "main");
        let key = b"\0\x01{\"account\":\"000000000007\",\"user\":null,\"status\":\"Active\",\"created_s\":7,\"sealed\":\"00ff\",\"configured\":false}";
        let key = decode::<StoredKey>(key).expect("a key");
        assert_eq!(from_hex(&key.sealed), Some(vec![0, 255]));
        assert_eq!(decode::<StoredKey>(&encode(&key)).expect("a key").account, key.account);
    }

    #[test]
    fn hexadecimal_reads_back() {
        assert_eq!(from_hex(&to_hex(&[0, 1, 0xab, 255])), Some(vec![0, 1, 0xab, 255]));
        for bad in ["0", "0g", "é"] {
            assert_eq!(from_hex(bad), None);
        }
    }
}
