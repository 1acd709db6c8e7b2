//! Which calls mend the cause of a full journal or an overlong backlog, and so go on where others are refused.
//!
//! An account whose trail cannot be delivered is refused everything that would make the backlog longer. Left at
//! that it could never get out again: what mends the cause is itself a call that leaves a record. So the calls of
//! [`MENDING`] are not asked about the backlog and may use the journal's reserve, and so may all of our own service's.
//! A tenant could fill the reserve with the former on purpose, so only so many a minute count as mending.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use opentrail_event::AccountId;
use opentrail_journal::Call;

/// Where the calls come from that administer this very program.
const OWN_EVENT_SOURCE: &str = "opentrail.amazonaws.com";
/// So many calls of one account count as mending in [`WINDOW`]; the rest are calls like any other. Two entries each of a few KiB: an
/// account that makes all of them takes hours to write a reserve of 64 MiB full.
pub const MENDING_CALLS_MAX: u32 = 60;
/// See [`MENDING_CALLS_MAX`].
const WINDOW: Duration = Duration::from_secs(60);

/// Event source, event name, and how the call mends what keeps a journal or a backlog from draining.
const MENDING: &[(&str, &str, &str)] = &[
    ("cloudtrail.amazonaws.com", "StopLogging", "nothing more is owed to the bucket"),
    ("cloudtrail.amazonaws.com", "DeleteTrail", "what was owed to the bucket is dropped"),
    ("cloudtrail.amazonaws.com", "UpdateTrail", "names a bucket, key or topic that works"),
    ("cloudtrail.amazonaws.com", "PutEventSelectors", "the trail takes less"),
    ("s3.amazonaws.com", "PutBucketPolicy", "lets deliveries into the bucket again"),
    ("s3.amazonaws.com", "DeleteBucketPolicy", "takes a statement away that denies deliveries"),
    ("s3.amazonaws.com", "CreateBucket", "the bucket that deliveries go to is gone"),
    ("s3.amazonaws.com", "DeleteObject", "makes room where a disk or a quota is full"),
    ("s3.amazonaws.com", "DeleteObjects", "makes room where a disk or a quota is full"),
    ("s3.amazonaws.com", "AbortMultipartUpload", "makes room where a disk or a quota is full"),
    // Who cannot look cannot mend.
    ("cloudtrail.amazonaws.com", "DescribeTrails", "says which trail goes where"),
    ("cloudtrail.amazonaws.com", "GetTrail", "says which trail goes where"),
    ("cloudtrail.amazonaws.com", "GetTrailStatus", "says why deliveries fail"),
    ("cloudtrail.amazonaws.com", "GetEventSelectors", "says what the trail takes"),
    ("s3.amazonaws.com", "GetBucketPolicy", "says who may write to the bucket"),
];

/// Whether a call is one of our own service's that runs. One that does not run mends nothing.
pub(crate) fn own(call: &Call) -> bool {
    call.runs && call.event_source == OWN_EVENT_SOURCE
}

/// Whether a tenant's call mends the cause.
pub(crate) fn mends(call: &Call) -> bool {
    let listed = |(source, name, _): &(&str, &str, &str)| *source == call.event_source && *name == call.event_name;
    call.runs && MENDING.iter().any(listed)
}

/// Counts mending calls by account.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    /// When the window began, on the monotonic clock.
    since: Duration,
    /// No more accounts than made such a call within one window.
    calls: HashMap<AccountId, u32>,
}

impl Allowance {
    /// Takes one; false where the account has had all of this window's.
    pub(crate) fn take(&self, account: AccountId, now: Duration) -> bool {
        let mut used = self.used.lock().expect("no holder of the allowance panics");
        if now.saturating_sub(used.since) >= WINDOW {
            *used = Used { since: now, calls: HashMap::new() };
        }
        let calls = used.calls.entry(account).or_default();
        if *calls >= MENDING_CALLS_MAX {
            return false;
        }
        *calls += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_window_and_account() {
        let (allowance, start) = (Allowance::default(), Duration::from_secs(1000));
        let (one, two) = (AccountId::OPERATOR, "123456789012".parse().expect("an account"));
        assert!((0..MENDING_CALLS_MAX).all(|_| allowance.take(one, start)));
        assert!(!allowance.take(one, start + Duration::from_secs(59)));
        assert!(allowance.take(two, start));
        assert!(allowance.take(one, start + WINDOW));
        assert!(!allowance.used.lock().expect("no panic").calls.contains_key(&two), "windows do not pile up");
    }

    #[test]
    fn every_row_says_why() {
        for (i, (source, name, why)) in MENDING.iter().enumerate() {
            assert!(source.ends_with(".amazonaws.com") && !why.is_empty(), "{name}");
            assert!(!MENDING[..i].iter().any(|(s, n, _)| (s, n) == (source, name)), "{name} stands twice");
        }
    }
}
