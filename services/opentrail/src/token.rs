//! Page tokens: opaque, authenticated, and good for one caller's one question.
//!
//! Layout before base64url: a version byte, the place (its meaning is the operation's), and the first 16 bytes of HMAC-SHA256 over
//! version, question and place, each with its length.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;

/// The key of all page tokens of a house. A new one makes old tokens void.
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// A key of 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A token for `place`, bound to `question`.
    pub(crate) fn seal(&self, question: &[&str], place: &[u8]) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(place);
        bytes.extend_from_slice(&self.tag(question, place));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place of a token of ours for the same question.
    pub(crate) fn open(&self, question: &[&str], token: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (place, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_BYTES)?)?;
        let genuine = constant_time::verify_slices_are_equal(&self.tag(question, place), tag).is_ok();
        (*version == VERSION && genuine).then(|| place.to_vec())
    }

    fn tag(&self, question: &[&str], place: &[u8]) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[VERSION]);
        for part in question.iter().map(|part| part.as_bytes()).chain([place]) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG_BYTES]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_question_only() {
        let key = TokenKey::new(&[7; 32]);
        let token = key.seal(&["111122223333", "Lookup", "a"], b"place");
        assert_eq!(key.open(&["111122223333", "Lookup", "a"], &token).as_deref(), Some(b"place".as_slice()));
        assert_eq!(key.open(&["999999999999", "Lookup", "a"], &token), None);
        assert_eq!(key.open(&["111122223333", "Lookupa", ""], &token), None);
        assert_eq!(TokenKey::new(&[8; 32]).open(&["111122223333", "Lookup", "a"], &token), None);
        for bad in ["", "AQ", "not base64!", &token[1..], &format!("{token}A"), "é"] {
            assert_eq!(key.open(&["111122223333", "Lookup", "a"], bad), None, "{bad}");
        }
    }

    #[test]
    fn no_byte_of_a_token_can_be_changed() {
        let key = TokenKey::new(&[7; 32]);
        let token = key.seal(&["q"], b"place");
        let bytes = URL_SAFE_NO_PAD.decode(&token).expect("base64url");
        for i in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[i] ^= 1;
            assert_eq!(key.open(&["q"], &URL_SAFE_NO_PAD.encode(changed)), None);
        }
    }
}
