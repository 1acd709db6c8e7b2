//! One chain, from its newest digest back to its first.
//!
//! A proven digest names the one before it. Where that one is not there, it is missing; those before it, down to the next that is there,
//! are missing too, and are named by the interval of the chain. Where a digest names none, the chain begins, and what lies
//! before it is an older chain of the same trail: between them is a gap.

use std::collections::BTreeMap;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::check::{self, Checked, Link};
use super::group::Chain;
use super::unlisted::Evidence;
use super::{ChainReport, Counts, GroupReport, Look, READS_AT_A_TIME, SourceError, Weight, What};
use crate::{DigestKey, Document, ListedLogFile};

/// Most missing digests in a row that are named one by one.
const MISSING_NAMED_MAX: u64 = 10_000;
/// How long a digest's interval is where none was seen.
const INTERVAL_S: i64 = 3_600;
/// Most lengths of intervals that are told apart.
const INTERVALS_MAX: usize = 1_000;

struct Walk<'a> {
    look: Look<'a>,
    /// Of any digest of the chain, where the group lies.
    name: DigestKey,
    /// Digests that are there and were not looked at: when they end, the newest last.
    ends: Vec<i64>,
    chain: ChainReport,
    report: &'a mut GroupReport,
    evidence: &'a mut Evidence,
    /// How often an interval was how long, in seconds.
    intervals: BTreeMap<i64, u64>,
}

/// Walks one chain.
pub(super) async fn walk(
    look: Look<'_>,
    chain: Chain,
    report: &mut GroupReport,
    evidence: &mut Evidence,
) -> Result<ChainReport, SourceError> {
    let of = ChainReport {
        trail: chain.name.trail.clone(),
        home: chain.name.home.clone(),
        backfill: chain.name.backfill,
        covers: None,
        digests: Counts::default(),
        log_files: Counts::default(),
        gaps: 0,
    };
    evidence.chain();
    let (name, ends) = (chain.name, chain.ends);
    let mut walk = Walk { look, name, ends, chain: of, report, evidence, intervals: BTreeMap::new() };
    walk.run().await?;
    Ok(walk.chain)
}

impl Walk<'_> {
    async fn run(&mut self) -> Result<(), SourceError> {
        let own = self.look.source.bucket().to_owned();
        let mut link: Option<Link> = None;
        loop {
            let (bucket, name) = match &link {
                None => match self.ends.pop() {
                    Some(end) => (own.clone(), self.ending(end)),
                    None => return Ok(()),
                },
                Some(link) => match DigestKey::parse(&link.previous.key) {
                    Some(name) => (link.previous.bucket.clone(), name),
                    None => return Ok(()),
                },
            };
            let end = name.end.as_second();
            if self.look.scope.from.is_some_and(|from| end <= from.as_second()) {
                return Ok(());
            }
            let here = bucket == own && name == self.ending(end);
            if link.is_some() && here && !self.there(&own, end) {
                self.missing(&bucket, &name, What::Missing);
                self.missing_too(&own, end).await?;
                link = None;
                continue;
            }
            let checked = check::digest(self.look, &bucket, &name, link.as_ref()).await?;
            self.look.observer.digest_done();
            self.chain.digests.add(checked.weight());
            let key = name.to_string();
            for what in &checked.found {
                self.report.find(&bucket, &key, what.clone());
            }
            self.log_files(&checked).await?;
            link = self.next(&own, &bucket, &name, checked).await?;
        }
    }

    /// Where the chain goes on from a digest.
    async fn next(
        &mut self,
        own: &str,
        bucket: &str,
        name: &DigestKey,
        checked: Checked,
    ) -> Result<Option<Link>, SourceError> {
        let end = name.end.as_second();
        let Some(document) = checked.document else {
            // It cannot tell what came before it. Where the chain went on in another bucket, nothing is missing here.
            if !checked.found.contains(&What::OtherBucket) {
                self.missing_too(own, end).await?;
            }
            return Ok(None);
        };
        let (start, until) = (document.digest_start_time.at, document.digest_end_time.at);
        if checked.proven && start < until {
            if self.intervals.len() < INTERVALS_MAX {
                *self.intervals.entry(until.as_second() - start.as_second()).or_default() += 1;
            }
            let covers = self.chain.covers.unwrap_or((start, until));
            self.chain.covers = Some((covers.0.min(start), covers.1.max(until)));
        }
        let Some(previous) = document.previous() else {
            if document.is_first() {
                self.gap(bucket, name, start);
            }
            return Ok(None);
        };
        // Only an older digest of the same trail can come before it.
        let before = DigestKey::parse(&previous.key);
        let fits = before.is_some_and(|before| {
            before.end < name.end && name.ending(before.end) == DigestKey { prefix: name.prefix.clone(), ..before }
        });
        if !fits {
            let key = name.to_string();
            self.report.find(bucket, &key, What::Inconsistent("it names something else as the digest before it"));
            self.missing_too(own, end).await?;
            return Ok(None);
        }
        Ok(Some(Link { previous, start: start.as_second(), trusted: checked.proven }))
    }

    /// A chain begins here; where there are older digests, they are another chain of the trail.
    fn gap(&mut self, bucket: &str, name: &DigestKey, start: Timestamp) {
        let Some(older) = self.ends.last().and_then(|end| Timestamp::from_second(*end).ok()) else { return };
        self.chain.gaps += 1;
        self.report.find(bucket, &name.to_string(), What::Gap { from: older, until: start.max(older) });
    }

    /// Whether the digest that ends then is there. Newer ones that are there too are named by nothing.
    fn there(&mut self, own: &str, end: i64) -> bool {
        while let Some(last) = self.ends.pop_if(|last| *last > end) {
            let key = self.ending(last).to_string();
            self.report.find(own, &key, What::Stray);
            self.chain.digests.add(Weight::Problem);
            self.look.observer.digest_done();
        }
        self.ends.pop_if(|last| *last == end).is_some()
    }

    /// Names the digests between one that tells nothing and the next older one that is there.
    async fn missing_too(&mut self, own: &str, end: i64) -> Result<(), SourceError> {
        // Where nothing older is there, nobody knows how far the chain went.
        let from = self.look.scope.from.map(|from| from.as_second());
        let Some(older) = self.ends.last().copied().or(from) else { return Ok(()) };
        let interval = self.interval(own, end - older).await?;
        let missing = u64::try_from((end - older - 1).max(0) / interval).unwrap_or_default();
        let mut at = end;
        for _ in 0..missing.min(MISSING_NAMED_MAX) {
            at -= interval;
            let name = self.ending(at);
            self.missing(own, &name, What::MissingToo);
        }
        if missing > MISSING_NAMED_MAX {
            let more = missing - MISSING_NAMED_MAX;
            self.chain.digests.invalid += more;
            let key = self.ending(at).to_string();
            self.report.find(own, &key, What::MissingMore(more));
        }
        Ok(())
    }

    fn missing(&mut self, bucket: &str, name: &DigestKey, what: What) {
        self.chain.digests.add(Weight::Problem);
        self.report.find(bucket, &name.to_string(), what);
    }

    /// How long intervals were in a gap of so many seconds. The last digest of a chain covers less than an interval, and
    /// may be all that was seen so far: the digest below the gap is asked too.
    async fn interval(&self, own: &str, gap: i64) -> Result<i64, SourceError> {
        let mut seen = self.intervals.clone();
        if let Some(older) = self.ends.last() {
            let below = check::digest(self.look, own, &self.ending(*older), None).await?;
            let length = |document: Document| {
                document.digest_end_time.at.as_second() - document.digest_start_time.at.as_second()
            };
            if let Some(length) = below.document.map(length).filter(|length| *length > 0) {
                *seen.entry(length).or_default() += 1;
            }
        }
        let usual = seen.into_iter().max_by_key(|(length, count)| (gap % length == 0, *count, *length));
        Ok(usual.map_or(INTERVAL_S, |(length, _)| length))
    }

    fn ending(&self, second: i64) -> DigestKey {
        self.name.ending(Timestamp::from_second(second).unwrap_or_default())
    }

    /// Looks at the log files of a digest. One that is contradicted proves nothing of them.
    async fn log_files(&mut self, checked: &Checked) -> Result<(), SourceError> {
        let Some(document) = &checked.document else { return Ok(()) };
        if !checked.proven && checked.weight() == Weight::Problem {
            self.chain.log_files.not_proven += document.log_files.len() as u64;
            return Ok(());
        }
        self.take_as_evidence(document, checked.proven);
        let look = self.look;
        let checks: Vec<_> = document.log_files.iter().map(|listed| looked_at(look, listed)).collect();
        let mut checks = stream::iter(checks).buffered(READS_AT_A_TIME);
        while let Some((listed, (wrong, bytes))) = checks.try_next().await? {
            look.observer.log_file_done(bytes);
            let unproven = if checked.proven { Weight::Note } else { Weight::NotProven };
            self.chain.log_files.add(wrong.as_ref().map_or(unproven, What::weight).max(unproven));
            if let Some(what) = wrong {
                self.report.find(&listed.bucket, &listed.key, what);
            }
        }
        Ok(())
    }

    fn take_as_evidence(&mut self, document: &Document, proven: bool) {
        let own = self.look.source.bucket();
        let listed = document.log_files.iter().filter(|log| log.bucket == own);
        self.evidence.named(listed.map(|log| log.key.as_str()));
        // The first digest of a chain covers the time before it only in name: nobody wrote down what was delivered then.
        if proven && !document.is_first() && !self.name.backfill {
            let (start, end) = (document.digest_start_time.at, document.digest_end_time.at);
            self.evidence.covered(start.as_second(), end.as_second());
        }
    }
}

type Outcome<'a> = Result<(&'a ListedLogFile, (Option<What>, u64)), SourceError>;

fn looked_at<'a>(look: Look<'a>, listed: &'a ListedLogFile) -> BoxFuture<'a, Outcome<'a>> {
    async move { Ok((listed, check::log_file(look, listed).await?)) }.boxed()
}
