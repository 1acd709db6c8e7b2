//! Structured logs on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::{LogFormat, Settings};

/// Modules whose own lines say nothing that ours do not, or hold what callers sent.
const QUIET: &str = "s3s=off,hyper=off,rustls=off";

/// Starts logging. A second call in one process changes nothing.
pub(crate) fn start(settings: &Settings) {
    let filter = EnvFilter::builder().parse_lossy(format!("{},{QUIET}", settings.log_level));
    // A line that cannot be written, say because the log's disk is full, is lost: telling of it on the same stderr panics.
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).log_internal_errors(false);
    let started = match settings.log_format {
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
        LogFormat::Text => lines.finish().try_init(),
    };
    // Already started: the first one's settings hold.
    drop(started);
}
