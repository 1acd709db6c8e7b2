//! A trail as its files see it: where they go, and which chain of digests they are in.

use std::sync::Arc;

use opentrail_event::Arn;

use crate::Trail;

/// What of one revision of a logging trail decides about its files. Revisions that differ in nothing of it share
/// files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Member {
    /// The trail's id.
    pub(crate) trail: Arc<str>,
    pub(crate) arn: Arn,
    pub(crate) run: u64,
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    /// Since when the chain runs that lists these files, in seconds since 1970; `None` without log file validation.
    pub(crate) chain_started_s: Option<i64>,
}

impl Member {
    /// `None` while the trail does not log.
    pub(crate) fn of(trail: &Trail) -> Option<Self> {
        let logging = trail.logging?;
        Some(Self {
            trail: trail.id.as_str().into(),
            arn: trail.arn(),
            run: logging.run,
            bucket: trail.config.bucket.clone(),
            prefix: trail.config.prefix.clone(),
            chain_started_s: trail.config.log_file_validation.then_some(logging.chain_started_s),
        })
    }
}
