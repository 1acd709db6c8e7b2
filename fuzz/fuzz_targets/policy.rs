//! A policy of foreign make, a zero byte, and a resource: read, bound, asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrail_policy::{Caller, Context, Kind, Policy, Request};

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |&b| b == 0);
    let (Some(document), Some(resource)) = (parts.next(), parts.next()) else { return };
    let Ok(resource) = std::str::from_utf8(resource) else { return };
    let context = Context::new().with("aws:username", resource).with("s3:prefix", resource);
    let caller = Caller::Service { name: "cloudtrail.amazonaws.com".into() };
    for kind in [Kind::Identity, Kind::Bucket { bucket: "b".into() }] {
        let Ok(policy) = Policy::parse(document, &kind) else { continue };
        assert!(Policy::reload(document, &kind).is_ok(), "what is taken is read again");
        let _ = policy.is_public();
        let request = Request { caller: &caller, action: "s3:PutObject", resource, context: &context };
        let _ = policy.evaluate(&request).to_string();
    }
});
