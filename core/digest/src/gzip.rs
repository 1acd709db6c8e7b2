//! Gzip of exactly one member: how log files and digests lie in buckets (RFC 1952).
//!
//! A second member, or anything else behind the first, is a fault: readers disagree on whether it belongs to the file, so what one
//! reader hashes another one would not see.

use std::io::{BufRead, Read};

use aws_lc_rs::digest::{Context, SHA256};
use flate2::Compression;
use flate2::bufread::GzDecoder;

use crate::hex;

/// Most bytes that a log file may inflate to. CloudTrail's own limit is 50 MB, and was once one of the compressed size; more than this
/// is a bomb.
pub const LOG_BYTES_MAX: u64 = 1 << 30;
/// Bytes inflated at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// How gzip begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why some bytes are not one gzip member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("is not gzip, or is damaged")]
    Damaged,
    #[error("ends too early")]
    Truncated,
    #[error("has a second gzip member behind its end")]
    SecondMember,
    #[error("has data behind its end")]
    TrailingData,
    #[error("inflates to more than {0} bytes")]
    TooLarge(u64),
}

/// One gzip member of the bytes. The same bytes give the same member: it bears neither a time nor a name.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 4 + 64);
    let mut encoder = flate2::bufread::GzEncoder::new(bytes, Compression::default());
    encoder.read_to_end(&mut out).expect("memory can be read");
    out
}

/// The bytes inside one member, at most `bytes_max` of them.
pub fn gunzip(packed: &[u8], bytes_max: u64) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    inflate(packed, bytes_max, |chunk| out.extend_from_slice(chunk))?;
    Ok(out)
}

/// SHA-256 (as digests spell it) and number of the bytes inside one member, at most `bytes_max` of them. They are not held.
pub fn gunzip_hash(packed: &[u8], bytes_max: u64) -> Result<(String, u64), Fault> {
    let mut hash = Context::new(&SHA256);
    let inflated = inflate(packed, bytes_max, |chunk| hash.update(chunk))?;
    Ok((hex(hash.finish().as_ref()), inflated))
}

fn inflate(packed: &[u8], bytes_max: u64, mut take: impl FnMut(&[u8])) -> Result<u64, Fault> {
    let mut decoder = GzDecoder::new(packed);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut inflated = 0;
    loop {
        let n = decoder.read(&mut chunk).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Fault::Truncated,
            _ => Fault::Damaged,
        })?;
        if n == 0 {
            break;
        }
        inflated += n as u64;
        if inflated > bytes_max {
            return Err(Fault::TooLarge(bytes_max));
        }
        take(&chunk[..n]);
    }
    let mut rest = decoder.into_inner();
    match rest.fill_buf() {
        Ok([]) => Ok(inflated),
        Ok(rest) if rest.starts_with(&MAGIC) => Err(Fault::SecondMember),
        _ => Err(Fault::TrailingData),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sha256_hex;

    #[test]
    fn one_member_and_nothing_else() {
        let text = b"{\"Records\":[]}".repeat(20_000);
        let packed = gzip(&text);
        let check = |packed: &[u8], expect: Result<(), Fault>| {
            assert_eq!(gunzip(packed, LOG_BYTES_MAX).map(|_| ()), expect);
            assert_eq!(gunzip_hash(packed, LOG_BYTES_MAX).map(|_| ()), expect);
        };
        assert_eq!(gunzip(&packed, LOG_BYTES_MAX), Ok(text.clone()));
        assert_eq!(gunzip_hash(&packed, LOG_BYTES_MAX), Ok((sha256_hex(&text), text.len() as u64)));
        check(&[], Err(Fault::Truncated));
        check(b"{\"Records\":[]} in plain text", Err(Fault::Damaged));
        check(&[&packed[..], b"\0"].concat(), Err(Fault::TrailingData));
        check(&[&packed[..], &packed[..]].concat(), Err(Fault::SecondMember));
        for cut in [1, 5, 9, 10, packed.len() / 2, packed.len() - 9, packed.len() - 8, packed.len() - 1] {
            check(&packed[..cut], Err(Fault::Truncated));
        }
        let mut damaged = packed.clone();
        *damaged.last_mut().expect("a length") ^= 1;
        check(&damaged, Err(Fault::Damaged));
    }

    #[test]
    fn a_bomb_is_left_at_the_limit() {
        let packed = gzip(&vec![0; 10 << 20]);
        assert!(packed.len() < 20_000);
        assert_eq!(gunzip(&packed, 1 << 20), Err(Fault::TooLarge(1 << 20)));
        assert_eq!(gunzip(&packed, 10 << 20).map(|b| b.len()), Ok(10 << 20));
        assert_eq!(gunzip_hash(&packed, (10 << 20) - 1), Err(Fault::TooLarge((10 << 20) - 1)));
    }

    proptest! {
        #[test]
        fn what_went_in_comes_out(bytes: Vec<u8>) {
            prop_assert_eq!(gunzip(&gzip(&bytes), LOG_BYTES_MAX), Ok(bytes));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = gunzip(&bytes, 1 << 20);
            let _ = gunzip(&[&MAGIC[..], &[8, 0], &bytes].concat(), 1 << 20);
        }
    }
}
