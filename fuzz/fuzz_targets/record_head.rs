//! A record of foreign make: its head is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrail_event::Head;

fuzz_target!(|record: &[u8]| {
    let _ = Head::parse(record);
});
