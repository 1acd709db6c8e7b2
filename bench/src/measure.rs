//! What a row measures with: processor seconds, memory, percentiles.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// A process, as the kernel accounts for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// This one.
    pub(crate) fn me() -> Self {
        Self(std::process::id())
    }

    /// Processor seconds used so far, by all threads.
    pub(crate) fn cpu_s(self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).context("read the process's times")?;
        // The program's name stands in parentheses and may hold spaces; utime and stime are the 14th and 15th fields.
        let fields: Vec<&str> = stat.rsplit_once(')').context("a stat line")?.1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        // USER_HZ is 100 on every Linux that Rust runs on.
        Ok(ticks / 100.0)
    }

    /// Resident memory now, in MB of 10^6 bytes.
    pub(crate) fn rss_mb(self) -> Result<f64> {
        self.status_kb("VmRSS:").map(|kb| kb * 1024.0 / 1e6)
    }

    /// The most resident memory there ever was, in MB of 10^6 bytes.
    pub(crate) fn rss_mb_max(self) -> Result<f64> {
        self.status_kb("VmHWM:").map(|kb| kb * 1024.0 / 1e6)
    }

    fn status_kb(self, name: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).context("read the process's memory")?;
        let line = status.lines().find_map(|l| l.strip_prefix(name)).context("a memory line")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

/// Spans, to be read as percentiles.
#[derive(Debug, Default, Clone)]
pub(crate) struct Spans(Vec<Duration>);

impl Spans {
    pub(crate) fn push(&mut self, span: Duration) {
        self.0.push(span);
    }

    pub(crate) fn extend(&mut self, other: Spans) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The span below which `part` (0 to 1) of all lie, in milliseconds.
    pub(crate) fn ms(&mut self, part: f64) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        self.0.sort_unstable();
        let at = ((self.0.len() as f64 * part) as usize).min(self.0.len() - 1);
        self.0[at].as_secs_f64() * 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_spans() {
        let mut spans = Spans::default();
        for ms in (1..=100).rev() {
            spans.push(Duration::from_millis(ms));
        }
        assert_eq!(spans.ms(0.5), 51.0);
        assert_eq!(spans.ms(0.99), 100.0);
    }

    #[test]
    fn the_kernel_accounts_for_this_process() {
        assert!(Process::me().cpu_s().expect("times") >= 0.0);
        assert!(Process::me().rss_mb().expect("memory") > 0.5);
        assert!(Process::me().rss_mb_max().expect("memory") >= Process::me().rss_mb().expect("memory") * 0.5);
    }
}
