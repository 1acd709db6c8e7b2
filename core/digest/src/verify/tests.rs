//! Chains as they are made, tampered with in every way, and what is then found.

mod bucket;
mod tampering;

use super::What;
use bucket::Bucket;

#[test]
fn what_was_delivered_is_proven() {
    let bucket = Bucket::with_hours(6);
    let reports = bucket.verify();
    assert_eq!(reports.len(), 2);
    for report in &reports {
        let chain = &report.chains[0];
        assert_eq!(report.chains.len(), 1);
        assert_eq!((chain.digests.valid, chain.digests.total()), (6, 6));
        assert_eq!((chain.log_files.valid, chain.log_files.total()), (10, 10));
        assert_eq!(chain.covers, Some((Bucket::end(0), Bucket::end(6))));
        assert_eq!(report.findings, []);
    }
    assert_eq!(bucket.digests_seen(), (12, 12, 20));
}

#[test]
fn a_plain_copy_proves_all_but_the_newest() {
    let mut bucket = Bucket::with_hours(4);
    bucket.forget_metadata();
    let reports = bucket.verify();
    let chain = &reports[0].chains[0];
    assert_eq!((chain.digests.valid, chain.digests.not_proven, chain.digests.invalid), (3, 1, 0));
    assert_eq!((chain.log_files.valid, chain.log_files.not_proven), (4, 2));
    assert_eq!(bucket.found(), ["no-signature-in-copy digest 4", "no-signature-in-copy digest 4"]);
    bucket.change_log(3, 0);
    assert!(bucket.found().contains(&"changed log 3.0".to_owned()));
    bucket.remove_digest(2);
    let found = bucket.found();
    assert!(
        found.contains(&"missing digest 2".to_owned()) && found.contains(&"no-signature-in-copy digest 1".to_owned())
    );
}

#[test]
fn only_known_keys_prove() {
    let mut bucket = Bucket::with_hours(3);
    bucket.keys = Default::default();
    let reports = bucket.verify();
    let chain = &reports[0].chains[0];
    assert_eq!((chain.digests.invalid, chain.log_files.not_proven, chain.log_files.valid), (3, 4, 0));
    assert_eq!(chain.covers, None);
    let of_keys = |what: &What| matches!(what, What::UnknownKey(fingerprint) if fingerprint.len() == 32);
    assert!(reports[0].findings.iter().take(3).all(|finding| of_keys(&finding.what)));
}

#[test]
fn a_scope_is_kept_to() {
    let bucket = Bucket::with_hours(48);
    let digests = |bucket: &Bucket| bucket.verify().iter().map(|r| r.chains[0].digests.valid).collect::<Vec<_>>();
    let mut part = bucket.clone();
    part.scope.region = "eu-west-1".parse().ok();
    assert_eq!(digests(&part), [48]);
    part.scope.from = Some(Bucket::end(10));
    assert_eq!(digests(&part), [38]);
    // The digest that covers the end belongs to it.
    part.scope.to = Some(Bucket::end(40) + jiff::SignedDuration::from_secs(1));
    assert_eq!(digests(&part), [31]);
    part.scope.to = Some(Bucket::end(40));
    assert_eq!(digests(&part), [30]);
    assert_eq!(part.found(), Vec::<String>::new());
    // What lies outside is not looked at.
    part.change_log(5, 0);
    part.remove_digest(8);
    part.remove_digest(44);
    assert_eq!(part.found(), Vec::<String>::new());
    part.scope.from = None;
    assert_eq!(part.found()[..2], ["missing digest 8", "changed log 5.0"]);
    let mut part = bucket.clone();
    part.scope.account = "999999999999".parse().ok();
    assert!(part.verify().is_empty());
    part.scope = Default::default();
    part.scope.prefix = "trails/AWSLogs/111122223333/CloudTrail-Digest/us-".into();
    assert_eq!(digests(&part), [48]);
    part.scope.prefix = "trails/AWSLogs/11".into();
    assert_eq!(part.verify().len(), 2);
    part.scope.prefix = "other/".into();
    assert!(part.verify().is_empty());
    part.scope.prefix = String::new();
    part.scope.trail = Some("another".into());
    assert!(part.verify().iter().all(|report| report.chains.is_empty()));
}
