//! A response, a zero byte, and metadata, both of foreign make: read, and believed by nobody.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrail_federation::saml::{Assertion, Metadata};

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |&b| b == 0);
    let (Some(response), Some(metadata)) = (parts.next(), parts.next()) else { return };
    let (Ok(response), Ok(metadata)) = (std::str::from_utf8(response), std::str::from_utf8(metadata)) else { return };
    if let Ok(provider) = Metadata::parse(metadata) {
        assert!(Assertion::prove(response, &provider, &[], 1_795_255_200).is_err(), "nobody signed it");
    }
    let _ = Metadata::parse(response);
});
