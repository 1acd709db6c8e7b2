//! Identifiers as types: an account is not a region is not an event.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use md5::{Digest, Md5};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct MalformedId {
    /// What was given, shortened to 64 characters.
    pub text: String,
    /// What would be right, as a noun phrase.
    pub wanted: &'static str,
}

impl MalformedId {
    fn new(text: &str, wanted: &'static str) -> Self {
        Self { text: text.chars().take(64).collect(), wanted }
    }
}

/// An AWS account: exactly twelve digits, leading zeros kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The reserved account of the operator, who runs the server.
    pub const OPERATOR: Self = Self(*b"000000000000");

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an account is twelve ASCII digits")
    }
}

impl FromStr for AccountId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        match <[u8; 12]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Ok(Self(digits)),
            _ => Err(MalformedId::new(text, "an account id of twelve digits")),
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An AWS region by name. Cheap to clone; which regions are served is the configuration's business.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Arc<str>);

impl Region {
    /// The home of global services.
    pub fn us_east_1() -> Self {
        Self(Arc::from("us-east-1"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = MalformedId;

    /// Lower-case letters, digits and hyphens, at most 32 of them.
    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(Self(Arc::from(text))) } else { Err(MalformedId::new(text, "a region name")) }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of one record: the 16 bytes of a UUID, shown as 36 lower-case characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; 16]);

impl EventId {
    /// An id of the given bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id of the copy that `account` gets of an action with the given `sharedEventID`: a version-3 UUID (RFC 9562) of
    /// both, so that whoever knows them finds the copy (`spec/recorded.md` 9: copies carry version 3, others version 4).
    pub fn of_copy(shared: EventId, account: AccountId) -> Self {
        let mut id: [u8; 16] = Md5::new().chain_update(shared.0).chain_update(account.0).finalize().into();
        id[6] = (id[6] & 0x0f) | 0x30;
        id[8] = (id[8] & 0x3f) | 0x80;
        Self(id)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The 36 characters, without an allocation.
    pub fn text(&self) -> [u8; 36] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut out = [b'-'; 36];
        let mut at = 0;
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                at += 1;
            }
            out[at] = HEX[usize::from(byte >> 4)];
            out[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        out
    }
}

/// What each byte is worth as a hexadecimal digit, and 255 where it is none: every record has an id to read.
const HEX_VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut digit = 0;
    while digit < 16 {
        values[b"0123456789abcdef"[digit] as usize] = digit as u8;
        values[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

impl FromStr for EventId {
    type Err = MalformedId;

    /// Accepts the hyphenated form in either case.
    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let malformed = || MalformedId::new(text, "a UUID in its hyphenated form");
        let Ok(bytes) = <&[u8; 36]>::try_from(text.as_bytes()) else { return Err(malformed()) };
        // Where the first digit of each byte stands.
        const AT: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
        let out = AT.map(|at| HEX_VALUES[usize::from(bytes[at])] << 4 | HEX_VALUES[usize::from(bytes[at + 1])] & 15);
        let is_hyphen = [8, 13, 18, 23].map(|at| bytes[at] == b'-');
        let not_hex = AT.map(|at| (HEX_VALUES[usize::from(bytes[at])] | HEX_VALUES[usize::from(bytes[at + 1])]) & 0xf0);
        if is_hyphen.contains(&false) || not_hex.iter().fold(0, |all, one| all | one) != 0 {
            return Err(malformed());
        }
        Ok(Self(out))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(AccountId, Region, EventId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_twelve_digits() {
        assert_eq!("000000000042".parse::<AccountId>().expect("twelve digits").to_string(), "000000000042");
        for bad in ["", "42", "00000000004a", "0000000000421", "٠٠٠٠٠٠"] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_id_reads_back_what_it_shows() {
        let text = "6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5f6";
        let id: EventId = text.parse().expect("a UUID");
        assert_eq!(id.to_string(), text);
        assert_eq!(text.to_uppercase().parse::<EventId>(), Ok(id));
        assert!("6f1c9e2a0b3d4c5e8f70a1b2c3d4e5f6".parse::<EventId>().is_err());
        assert!("6f1c9e2a-0b3d-4c5e-8f70-a1b2c3d4e5fé".parse::<EventId>().is_err());
    }

    #[test]
    fn a_region_name_cannot_smuggle_a_path() {
        assert!("eu-west-1".parse::<Region>().is_ok());
        for bad in ["", "EU", "../x", "a b", "x".repeat(33).as_str()] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }
}
