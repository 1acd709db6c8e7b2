//! How far it is, on standard error, where that is a terminal.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use opentrail_digest::verify::Observer;

const REDRAW: Duration = Duration::from_millis(200);

/// Digests done of those that were found, log files, bytes inside them, rate and time left.
pub(super) struct Progress {
    bar: ProgressBar,
    log_files: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    pub(super) fn start() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            let style = "{bar:30} {human_pos}/{human_len} digests  {per_sec}  {eta} left  {msg}";
            let style = ProgressStyle::with_template(style).expect("the template is well formed");
            ProgressBar::new(0).with_style(style)
        } else {
            ProgressBar::hidden()
        };
        bar.enable_steady_tick(REDRAW);
        Self { bar, log_files: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn digests_found(&self, count: u64) {
        self.bar.inc_length(count);
    }

    fn digest_done(&self) {
        let (files, bytes) = (self.log_files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        self.bar.set_message(format!("{} log files, {}", HumanCount(files), HumanBytes(bytes)));
        self.bar.inc(1);
    }

    fn log_file_done(&self, bytes: u64) {
        self.log_files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
