//! A policy of foreign make, a zero byte, and a resource: read as every kind, bound, asked, judged and explained.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use opentrail_event::AccountId;
use opentrail_policy::{Attached, Caller, Case, Context, Kind, Policy, Request, Rights, Source, explain, judge};

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |&b| b == 0);
    let (Some(document), Some(resource)) = (parts.next(), parts.next()) else { return };
    let Ok(resource) = std::str::from_utf8(resource) else { return };
    let context = Context::new().with("aws:username", resource).with("s3:prefix", resource);
    let callers = [
        Caller::Anonymous,
        Caller::Root { account: AccountId::OPERATOR },
        Caller::WebIdentity { provider: "accounts.google.com".into() },
        Caller::Service { name: "cloudtrail.amazonaws.com".into() },
    ];
    for kind in [Kind::Identity, Kind::Managed, Kind::Trust, Kind::Bucket { bucket: "b".into() }] {
        let Ok(policy) = Policy::parse(document, &kind) else { continue };
        assert!(Policy::reload(document, &kind).is_ok(), "what is taken is read again");
        let _ = (policy.is_public(), policy.context_keys());
        let names = policy.named().into_iter().map(|named| (named.text(), AccountId::OPERATOR.to_string())).collect();
        let policy = Arc::new(policy.bind(&names));
        let rights = Rights {
            identity: vec![Attached { source: Source::Session, policy: Arc::clone(&policy) }],
            ..Rights::default()
        };
        for caller in &callers {
            let request = Request { caller, action: "s3:PutObject", resource, context: &context };
            let _ = policy.evaluate(&request).to_string();
            let case =
                Case { resource_policy: Some(&policy), ..Case::new(caller, &rights, "sts:AssumeRole", &context) };
            let explained = explain(&case);
            assert_eq!(explained.len(), 1);
            assert_eq!(explained[0].ruling, judge(&case), "an explanation decides as the judge does");
            let _ = (explained[0].to_string(), explained[0].missing().len());
        }
    }
});
