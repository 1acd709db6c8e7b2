//! An auditor that knows the journal, the revisions of trails and what was put, and nothing of how it came about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use opentrail_delivery::memory::{MemoryBuckets, Put};
use opentrail_digest::{Document, LOG_BYTES_MAX, LogKey, PublicKey, gunzip, sha256_hex};
use opentrail_event::Head;
use opentrail_journal::memory::MemoryJournal;
use opentrail_journal::{Frame, Journal, Kind, Partition, Position};
use opentrail_selector::{EventSelectors, ReadWrite};

use crate::{KeyInfo, Trail};

#[derive(Default)]
pub(super) struct Audit {
    /// Oldest first.
    revisions: Vec<Arc<Trail>>,
    /// Request ids of calls that a trail takes as it was before them: this revision.
    pub(super) parted: BTreeMap<String, Arc<Trail>>,
    /// Whether each chained log file must be in a digest by now.
    pub(super) complete: bool,
}

/// A file as it lies in a bucket: by bucket and key.
type Files = BTreeMap<(String, String), Put>;

impl Audit {
    pub(super) fn revision(&mut self, trail: &Arc<Trail>) {
        self.revisions.push(trail.clone());
    }

    pub(super) async fn check(&self, journal: &MemoryJournal, buckets: &MemoryBuckets, keys: &[KeyInfo]) {
        let files = files(buckets);
        let of_kind = |kind: &str| -> Files {
            let kind = format!("/{kind}/");
            files
                .iter()
                .filter(|((_, key), _)| key.contains(&kind))
                .map(|(at, put)| (at.clone(), put.clone()))
                .collect()
        };
        let (logs, digests) = (of_kind("CloudTrail"), of_kind("CloudTrail-Digest"));
        assert_eq!(logs.len() + digests.len(), files.len(), "only log files and digests are put");
        assert_eq!(events_of(&logs), self.expected(journal).await, "each selected event is in one file of each trail");
        self.check_digests(&logs, &digests, keys);
    }

    /// By trail ARN and event, how often it should be there: once.
    async fn expected(&self, journal: &MemoryJournal) -> BTreeMap<(String, String), u32> {
        let mut expected = BTreeMap::new();
        let ids: BTreeSet<&str> = self.revisions.iter().map(|trail| trail.id.as_str()).collect();
        for frame in frames(journal).await {
            for id in &ids {
                let in_force = self.revisions.iter().rev().find(|trail| {
                    trail.id == *id && trail.from.next(frame.position.partition) <= frame.position.offset
                });
                let says = |request: &str| String::from_utf8_lossy(&frame.entry.bytes).contains(request);
                let parted = self.parted.iter().find(|(request, before)| before.id == *id && says(request));
                let takes = |trail: &&Arc<Trail>| selects(trail, &frame);
                if let Some(trail) = in_force.filter(takes).or(parted.map(|(_, before)| before).filter(takes)) {
                    *expected.entry((trail.arn().to_string(), frame.entry.event_id.to_string())).or_insert(0) += 1;
                }
            }
        }
        assert!(expected.values().all(|n| *n == 1));
        expected
    }

    fn check_digests(&self, logs: &Files, digests: &Files, keys: &[KeyInfo]) {
        let mut listed = BTreeSet::new();
        let documents: BTreeMap<_, (Document, String, String)> = digests
            .iter()
            .map(|(at, put)| {
                let json = gunzip(&put.file.bytes, LOG_BYTES_MAX).expect("a digest is gzip");
                let document = Document::parse(&json).expect("a digest");
                assert_eq!((&document.bucket, &document.key), (&at.0, &at.1), "a digest says where it lies");
                let [(name, signature), (of, algorithm)] = &put.file.metadata[..] else { panic!("metadata") };
                assert_eq!((name.as_str(), of.as_str()), ("signature", "signature-algorithm"));
                assert_eq!(algorithm, "SHA256withRSA");
                let hash = sha256_hex(&json);
                let key = keys.iter().find(|key| key.fingerprint == document.fingerprint).expect("its key is listed");
                let public = PublicKey::from_der(&key.der).expect("a key");
                public.verify(document.string_to_sign(&hash).as_bytes(), signature).expect("its signature");
                (at.clone(), (document, hash, signature.clone()))
            })
            .collect();
        for (document, ..) in documents.values() {
            let (start, end) = (document.digest_start_time.at, document.digest_end_time.at);
            assert!(start < end, "a digest covers something");
            match document.previous() {
                None => assert!(document.is_first() && document.log_files.is_empty(), "the first lists nothing"),
                Some(previous) => {
                    let found = documents.get(&(previous.bucket, previous.key)).expect("the digest before is there");
                    assert_eq!(previous.sha256_hex, found.1);
                    assert_eq!(previous.signature, found.2);
                    assert_eq!(found.0.digest_end_time.at, start, "a chain has no gap");
                }
            }
            for log in &document.log_files {
                let at = (log.bucket.clone(), log.key.clone());
                let put = logs.get(&at).expect("a listed file is there");
                let raw = gunzip(&put.file.bytes, LOG_BYTES_MAX).expect("a log file is gzip");
                assert_eq!(sha256_hex(&raw), log.sha256_hex);
                assert!(listed.insert(at), "a file is in one digest");
            }
        }
        if self.complete {
            let unlisted: Vec<_> = logs.iter().filter(|(at, put)| !listed.contains(*at) && self.chained(put)).collect();
            assert!(unlisted.is_empty(), "every file of a trail with validation is in a digest: {unlisted:?}");
        }
    }

    /// Whether every revision of the trail that put it had validation.
    fn chained(&self, put: &Put) -> bool {
        let mut of_trail = self.revisions.iter().filter(|trail| trail.arn() == put.by.source_arn);
        of_trail.all(|trail| trail.config.log_file_validation)
    }
}

/// What lies in the buckets in the end; the same name was always put with the same bytes.
pub(super) fn files(buckets: &MemoryBuckets) -> Files {
    let mut files = Files::new();
    for put in buckets.puts() {
        assert_eq!(put.by.service, "cloudtrail.amazonaws.com");
        assert_eq!((put.file.content_type, put.file.content_encoding), ("application/json", Some("gzip")));
        let at = (put.bucket.clone(), put.file.key.clone());
        if let Some(before) = files.get(&at) {
            let same = before.file.bytes == put.file.bytes && before.file.metadata == put.file.metadata;
            assert!(same, "{at:?} was put twice, with different bytes");
        }
        files.insert(at, put);
    }
    files
}

/// The ids of the events in a log file.
pub(super) fn ids(put: &Put) -> Vec<String> {
    let raw = gunzip(&put.file.bytes, LOG_BYTES_MAX).expect("one gzip member");
    let json: serde_json::Value = serde_json::from_slice(&raw).expect("a log file is JSON");
    let records = json["Records"].as_array().expect("it has Records");
    assert!(!records.is_empty(), "no file is empty");
    records.iter().map(|record| record["eventID"].as_str().expect("an id").to_owned()).collect()
}

fn events_of(logs: &Files) -> BTreeMap<(String, String), u32> {
    let mut found = BTreeMap::new();
    for ((_, key), put) in logs {
        let parsed = LogKey::parse(key).expect("a log file's name");
        assert_eq!(parsed.minute.as_second() % 300, 0);
        for id in ids(put) {
            *found.entry((put.by.source_arn.to_string(), id)).or_insert(0) += 1;
        }
    }
    found
}

pub(super) async fn frames(journal: &MemoryJournal) -> Vec<Frame> {
    let mut all = Vec::new();
    for partition in (0..journal.partitions()).map(Partition) {
        all.extend(journal.read(Position { partition, offset: 0 }, usize::MAX).await.expect("the journal"));
    }
    all.retain(|frame| frame.entry.kind == Kind::Record);
    all
}

/// As plain as can be: management events, by region and readOnly.
fn selects(trail: &Trail, frame: &Frame) -> bool {
    let head = Head::parse(&frame.entry.bytes).expect("a record");
    let sees = trail.config.multi_region || trail.home == frame.entry.region;
    let reads = match &trail.selectors {
        None => true,
        Some(EventSelectors::Basic(selectors)) => selectors.iter().any(|selector| match selector.read_write {
            ReadWrite::All => true,
            ReadWrite::ReadOnly => head.read_only,
            ReadWrite::WriteOnly => !head.read_only,
        }),
        Some(EventSelectors::Advanced(_)) => panic!("these tests have none"),
    };
    !trail.deleted && trail.logging.is_some() && trail.account == frame.entry.account && sees && reads
}
