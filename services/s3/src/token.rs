//! Continuation tokens: where a listing goes on, bound to what was being listed.
//!
//! Layout before base64: one byte of version (1), 8 bytes of tag, the last entry that was returned. The tag is the
//! beginning of SHA-256 over everything the listing was asked with, so a token is good for that listing only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::crypto::{Checksum as _, Sha256};

const VERSION: u8 = 1;
const TAG_BYTES: usize = 8;

/// Writes the token of the listing described by `scope` that goes on behind `last`.
pub(crate) fn write(scope: &[&str], last: &str) -> String {
    let mut out = vec![VERSION];
    out.extend_from_slice(&tag(scope));
    out.extend_from_slice(last.as_bytes());
    URL_SAFE_NO_PAD.encode(out)
}

/// The entry behind which the listing of `scope` goes on; `None` if the token is not of this listing.
pub(crate) fn read(scope: &[&str], token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let last = bytes.strip_prefix(&[VERSION])?.strip_prefix(&tag(scope))?;
    String::from_utf8(last.to_vec()).ok()
}

fn tag(scope: &[&str]) -> [u8; TAG_BYTES] {
    let mut hash = Sha256::new();
    for part in scope {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&hash.finalize()[..TAG_BYTES]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_listing_only() {
        let token = write(&["bucket", "a", "/"], "a/é");
        assert_eq!(read(&["bucket", "a", "/"], &token).as_deref(), Some("a/é"));
        for other in [&["bucket", "a/", ""][..], &["bucket", "a", ""], &["other", "a", "/"], &["bucket", "a"]] {
            assert_eq!(read(other, &token), None);
        }
        for bad in ["", "x", "AQ", "%%%", &token[1..]] {
            assert_eq!(read(&["bucket", "a", "/"], bad), None, "{bad}");
        }
    }
}
