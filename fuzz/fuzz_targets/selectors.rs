//! Selectors of foreign make, a zero byte, and a record: checked, compiled, matched.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrail_event::View;
use opentrail_selector::{EventSelectors, For};

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |&b| b == 0);
    let (Some(selectors), Some(record)) = (parts.next(), parts.next()) else { return };
    let view = View::parse(record);
    let Ok(selectors) = serde_json::from_slice::<EventSelectors>(selectors) else { return };
    let _ = selectors.check(For::Trail);
    let compiled = selectors.compile();
    if let Ok(view) = view {
        let _ = compiled.matches(&view);
    }
});
