//! Keys that order as their parts do.
//!
//! Layout: the family, a zero byte, then each part with its zero bytes written `00 ff`, closed by `00 01`. So a part
//! never runs into the next one, a shorter part sorts before its extensions, and the last part may be left open to
//! stand for every key that begins with it.

use std::fmt;

use bytes::Bytes;

/// The address of a record, or the beginning that several share.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Bytes);

impl Key {
    /// All records of a family, such as `s3/bucket`. `family` holds no zero byte.
    pub fn family(family: &str) -> Self {
        debug_assert!(!family.as_bytes().contains(&0), "a family is plain text");
        let mut bytes = Vec::with_capacity(family.len() + 1);
        bytes.extend_from_slice(family.as_bytes());
        bytes.push(0);
        Self(bytes.into())
    }

    /// This key with one more part.
    pub fn part(&self, part: impl AsRef<[u8]>) -> Self {
        let mut bytes = self.escaped(part.as_ref());
        bytes.extend_from_slice(&[0, 1]);
        Self(bytes.into())
    }

    /// A prefix: every key whose next part begins with `part`.
    pub fn open_part(&self, part: impl AsRef<[u8]>) -> Self {
        Self(self.escaped(part.as_ref()).into())
    }

    /// A number as a part: orders as the number does.
    pub fn number(&self, n: u64) -> Self {
        self.part(n.to_be_bytes())
    }

    /// The parts of a key that was built by [`Key::part`], without the family; `None` if it was not.
    pub fn parts(&self) -> Option<Vec<Vec<u8>>> {
        let family_end = self.0.iter().position(|&b| b == 0)?;
        let mut rest = self.0[family_end + 1..].iter();
        let mut parts = Vec::new();
        let mut part = Vec::new();
        while let Some(&b) = rest.next() {
            match b {
                0 => match rest.next()? {
                    1 => parts.push(std::mem::take(&mut part)),
                    0xff => part.push(0),
                    _ => return None,
                },
                b => part.push(b),
            }
        }
        part.is_empty().then_some(parts)
    }

    /// The smallest key above every key that begins with this one, where there is one.
    pub fn end(&self) -> Option<Self> {
        let mut bytes = self.0.to_vec();
        while let Some(last) = bytes.pop() {
            if last < 0xff {
                bytes.push(last + 1);
                return Some(Self(bytes.into()));
            }
        }
        None
    }

    /// The bytes as an engine stores them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key of bytes that an engine stored.
    pub fn from_stored(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// Whether this key begins with `prefix`.
    pub fn starts_with(&self, prefix: &Key) -> bool {
        self.0.starts_with(&prefix.0)
    }

    fn escaped(&self, part: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() + part.len() + 2);
        bytes.extend_from_slice(&self.0);
        for &b in part {
            bytes.push(b);
            if b == 0 {
                bytes.push(0xff);
            }
        }
        bytes
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_order_as_their_parts_do(a in any::<(Vec<u8>, Vec<u8>)>(), b in any::<(Vec<u8>, Vec<u8>)>()) {
            let key = |(x, y): &(Vec<u8>, Vec<u8>)| Key::family("f").part(x).part(y);
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
            prop_assert_eq!(key(&a).parts(), Some(vec![a.0.clone(), a.1.clone()]));
            prop_assert!(key(&a).starts_with(&Key::family("f").open_part(&a.0[..a.0.len() / 2])));
            prop_assert!(Key::family("f").end().is_some_and(|end| key(&a) < end));
        }
    }

    #[test]
    fn one_part_never_runs_into_the_next() {
        let family = Key::family("f");
        assert!(!family.part("ab").starts_with(&family.part("a")));
        assert!(family.part("ab").starts_with(&family.open_part("a")));
    }
}
