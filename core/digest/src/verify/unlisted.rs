//! Log files that lie among those of a trail and that no digest names.
//!
//! A log file's name says to the minute when it was delivered. Where proven digests cover that minute, one of them must name it. Where
//! none does, it says nothing: trails may log without validation. Log files that were delivered after the newest digest wait for the
//! next one.

use jiff::Timestamp;

use super::{Group, GroupReport, Listed, Look, SourceError, What, group};
use crate::{Folder, LogKey};

/// How long before the end of a chain's newest digest a log file may be named that the next one will list. Counts where a source does
/// not vouch for the time at which a file came.
const UNDER_WAY_S: i64 = 15 * 60;
const MINUTE_S: i64 = 60;

/// A log file's key in 16 bytes that nobody can make another key have.
type Mark = [u8; 16];

/// What the digests of a group say about log files.
#[derive(Default)]
pub(super) struct Evidence {
    marks: Vec<Mark>,
    /// Kinds of log files that digests name.
    folders: Vec<Folder>,
    /// Spans that proven digests cover without a hole, and where their chain's newest digest ends. In seconds.
    spans: Vec<Span>,
    /// The newest end of the chain that is being walked.
    newest: Option<i64>,
}

struct Span {
    start: i64,
    end: i64,
    newest: i64,
}

impl Evidence {
    /// Another chain begins to be walked.
    pub(super) fn chain(&mut self) {
        self.newest = None;
    }

    /// A digest names log files.
    pub(super) fn named<'k>(&mut self, keys: impl Iterator<Item = &'k str>) {
        for key in keys {
            self.marks.push(mark(key));
            if let Some(log) = LogKey::parse(key).filter(|log| !self.folders.contains(&log.folder)) {
                self.folders.push(log.folder);
            }
        }
    }

    /// A proven digest, of those of its chain from the newest to the oldest, covers this time.
    pub(super) fn covered(&mut self, start: i64, end: i64) {
        let newest = *self.newest.get_or_insert(end);
        match self.spans.last_mut() {
            Some(last) if last.start == end && last.newest == newest => last.start = start,
            _ => self.spans.push(Span { start, end, newest }),
        }
    }

    fn settle(&mut self) {
        self.marks.sort_unstable();
    }

    fn names(&self, key: &str) -> bool {
        self.marks.binary_search(&mark(key)).is_ok()
    }

    /// Whether some digest would have to name a log file of that minute.
    fn covers(&self, log: &LogKey, modified: Option<Timestamp>) -> bool {
        let minute = log.minute.as_second();
        self.folders.contains(&log.folder)
            && self.spans.iter().any(|span| {
                let listed_by_now = match modified {
                    Some(modified) => modified.as_second() <= span.newest,
                    None => minute + UNDER_WAY_S <= span.newest,
                };
                span.start <= minute && minute + MINUTE_S <= span.end && listed_by_now
            })
    }
}

fn mark(key: &str) -> Mark {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}

/// Compares the log files that are there with those that digests name.
pub(super) async fn look_for(
    look: Look<'_>,
    group: &Group,
    mut evidence: Evidence,
    report: &mut GroupReport,
) -> Result<(), SourceError> {
    evidence.settle();
    for folder in Folder::ALL {
        let folder = group.of(folder.as_str());
        let mut uncovered: Option<(Timestamp, Timestamp, u64)> = None;
        let mut after = group::first_day(look.scope, &folder);
        'pages: loop {
            let page = look.page(&folder, &mut after).await?;
            if page.is_empty() {
                break;
            }
            for Listed { key, modified } in page {
                let Some(log) = LogKey::parse(&key).filter(|log| log.account == group.account) else {
                    if !key.ends_with('/') {
                        report.find(look.source.bucket(), &key, What::StrangeName);
                    }
                    continue;
                };
                if group::past_last_day(look.scope, log.minute.as_second()) {
                    break 'pages;
                }
                if evidence.names(&key) || !in_scope(look, log.minute) {
                    continue;
                }
                if evidence.covers(&log, modified) {
                    report.unlisted += 1;
                    report.find(look.source.bucket(), &key, What::Unlisted);
                } else {
                    let (first, last, files) = uncovered.unwrap_or((log.minute, log.minute, 0));
                    uncovered = Some((first.min(log.minute), last.max(log.minute), files + 1));
                }
            }
        }
        if let Some((first, last, files)) = uncovered {
            report.uncovered += files;
            report.find(look.source.bucket(), &folder, What::Uncovered { files, first, last });
        }
    }
    Ok(())
}

fn in_scope(look: Look<'_>, minute: Timestamp) -> bool {
    look.scope.from.is_none_or(|from| from <= minute) && look.scope.to.is_none_or(|to| minute < to)
}
