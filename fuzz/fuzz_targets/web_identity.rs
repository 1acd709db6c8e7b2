//! A token, a zero byte, and a set of keys, all of foreign make: read, and believed by none of them. The target's own claims, in a header
//! that is right, come as far as the signature.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrail_federation::{KeySet, Unproven};

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |&b| b == 0);
    let (Some(token), Some(keys)) = (parts.next(), parts.next()) else { return };
    let keys = KeySet::parse(keys);
    let Ok(token) = std::str::from_utf8(token) else { return };
    if let (Ok(token), Ok(keys)) = (Unproven::read(token), &keys) {
        let _ = (token.issuer().len(), token.issuer_name());
        assert!(token.prove(keys, &["app".to_owned()], 1_800_000_000).is_err(), "nobody signed it");
    }
});
