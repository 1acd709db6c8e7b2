//! Page tokens: where to go on, sealed so that they work for one question of one account in one region only.
//!
//! Form, before base64url without padding: `01`, the event's time (8 bytes, big-endian), its place (8 bytes), and
//! HMAC-SHA256 (32 bytes) over these and the question they belong to.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use opentrail_table::Cursor;

const VERSION: u8 = 1;
const PLACE_BYTES: usize = 17;
const TOKEN_BYTES: usize = PLACE_BYTES + 32;

/// The key that proves that a token is ours. The same on every node and after every restart, or pages break off.
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// A key of 32 random bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// A token for going on behind `cursor` with this question.
    pub(crate) fn seal(&self, cursor: Cursor, question: &Question) -> String {
        let mut token = Vec::with_capacity(TOKEN_BYTES);
        token.push(VERSION);
        token.extend_from_slice(&cursor.time_s.to_be_bytes());
        token.extend_from_slice(&cursor.seq.to_be_bytes());
        token.extend_from_slice(hmac::sign(&self.0, &question.sealed(&token)).as_ref());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Where the token goes on; `None` if it is not ours, or belongs to another question.
    pub(crate) fn open(&self, token: &str, question: &Question) -> Option<Cursor> {
        let token = URL_SAFE_NO_PAD.decode(token).ok().filter(|token| token.len() == TOKEN_BYTES)?;
        let (place, tag) = token.split_at(PLACE_BYTES);
        hmac::verify(&self.0, &question.sealed(place), tag).ok()?;
        let (version, rest) = place.split_first()?;
        let (time_s, seq) = rest.split_first_chunk::<8>()?;
        let cursor = Cursor { time_s: i64::from_be_bytes(*time_s), seq: u64::from_be_bytes(seq.try_into().ok()?) };
        (*version == VERSION).then_some(cursor)
    }
}

/// What a token is bound to: every part with its length before it, so that no two questions look the same.
#[derive(Debug, Default)]
pub(crate) struct Question(Vec<u8>);

impl Question {
    /// With one more part; an absent part is not an empty one.
    pub(crate) fn part(mut self, part: Option<&[u8]>) -> Self {
        match part {
            Some(part) => {
                self.0.extend_from_slice(&(part.len() as u64 + 1).to_be_bytes());
                self.0.extend_from_slice(part);
            }
            None => self.0.extend_from_slice(&0u64.to_be_bytes()),
        }
        self
    }

    fn sealed(&self, place: &[u8]) -> Vec<u8> {
        let mut sealed = b"opentrail LookupEvents token\0".to_vec();
        sealed.extend_from_slice(place);
        sealed.extend_from_slice(&self.0);
        sealed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn question(parts: &[Option<Vec<u8>>]) -> Question {
        parts.iter().fold(Question::default(), |question, part| question.part(part.as_deref()))
    }

    proptest! {
        #[test]
        fn a_token_opens_with_its_own_question_and_key_only(
            time_s in any::<i64>(),
            seq in any::<u64>(),
            ours in any::<Vec<Option<Vec<u8>>>>(),
            theirs in any::<Vec<Option<Vec<u8>>>>(),
            flip in 0usize..TOKEN_BYTES * 8,
        ) {
            let (key, other) = (TokenKey::new(&[1; 32]), TokenKey::new(&[2; 32]));
            let cursor = Cursor { time_s, seq };
            let token = key.seal(cursor, &question(&ours));
            prop_assert_eq!(key.open(&token, &question(&ours)), Some(cursor));
            prop_assert_eq!(other.open(&token, &question(&ours)), None);
            if ours != theirs {
                prop_assert_eq!(key.open(&token, &question(&theirs)), None);
            }
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).expect("our own form");
            bytes[flip / 8] ^= 1 << (flip % 8);
            prop_assert_eq!(key.open(&URL_SAFE_NO_PAD.encode(bytes), &question(&ours)), None);
        }

        #[test]
        fn any_text_is_refused(text in any::<String>()) {
            prop_assert_eq!(TokenKey::new(&[1; 32]).open(&text, &Question::default()), None);
        }
    }
}
