//! Closes the ring of capture, trails and buckets: capture asks the trails' spool for room, the spool fills buckets, and what
//! is put into a bucket is recorded by capture. The ring is closed last.

use std::sync::{Arc, OnceLock};

use opentrail_event::AccountId;
use opentrail_journal::Backlog;

/// A backlog that is known later; until then there is room.
#[derive(Clone, Default)]
pub(super) struct LaterBacklog(Arc<OnceLock<Arc<dyn Backlog>>>);

impl LaterBacklog {
    /// From now on `backlog` is asked. The first one stays.
    pub(super) fn set(&self, backlog: Arc<dyn Backlog>) {
        self.0.get_or_init(|| backlog);
    }
}

impl Backlog for LaterBacklog {
    fn over(&self, account: AccountId) -> Option<String> {
        self.0.get()?.over(account)
    }
}
