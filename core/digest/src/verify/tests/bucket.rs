//! A bucket in memory with two regions of one trail, made by our own digests.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::verify::{
    GroupReport, KnownKey, Listed, Look, Object, Observer, PublicKeys, ReadError, Scope, Source, SourceError, discover,
    verify,
};
use crate::{Digest, DigestKey, Folder, LogFile, LogKey, SigningKey, gzip, sha256_hex};

pub(super) const BUCKET: &str = "logs";
pub(super) const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
/// Keys of one page: small, so that paging is tried.
const PAGE: usize = 7;

pub(super) fn signing_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::from_pkcs8(include_bytes!("../../../fixtures/openssl.pkcs8.der")).expect("a key"))
}

#[derive(Clone)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Object>,
    /// Whether files are known to have come at the minute that their names say.
    pub(super) vouches: bool,
    pub(super) keys: PublicKeys,
    pub(super) scope: Scope,
}

#[derive(Default)]
struct Seen([AtomicU64; 3]);

impl Observer for Seen {
    fn digests_found(&self, count: u64) {
        self.0[0].fetch_add(count, Ordering::Relaxed);
    }
    fn digest_done(&self) {
        self.0[1].fetch_add(1, Ordering::Relaxed);
    }
    fn log_file_done(&self, _: u64) {
        self.0[2].fetch_add(1, Ordering::Relaxed);
    }
}

impl Source for Bucket {
    fn bucket(&self) -> &str {
        BUCKET
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, SourceError>> {
        let inside = self.objects.keys().filter_map(|key| {
            let (name, _) = key.strip_prefix(folder)?.split_once('/')?;
            Some(format!("{folder}{name}/"))
        });
        let mut folders: Vec<_> = inside.collect();
        folders.dedup();
        async { Ok(folders) }.boxed()
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, SourceError>> {
        let begin = if after >= prefix { Bound::Excluded(after) } else { Bound::Included(prefix) };
        let keys = self.objects.range::<str, _>((begin, Bound::Unbounded)).map(|(key, _)| key);
        let keys = keys.take_while(|key| key.starts_with(prefix)).take(PAGE);
        let modified = |key: &String| LogKey::parse(key).map(|log| log.minute).filter(|_| self.vouches);
        let page = keys.map(|key| Listed { modified: modified(key), key: key.clone() }).collect();
        async { Ok(page) }.boxed()
    }

    fn read<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<Object, ReadError>> {
        let object = match bucket {
            BUCKET => self.objects.get(key).cloned().ok_or(ReadError::Absent),
            _ => Err(ReadError::OtherBucket),
        };
        async { object }.boxed()
    }
}

impl Bucket {
    /// So many digests in each region, one an hour, with two log files in each but the first.
    pub(super) fn with_hours(hours: u32) -> Self {
        let mut bucket = Self::empty();
        for region in REGIONS {
            bucket.chain(region, 1, hours);
        }
        bucket
    }

    pub(super) fn empty() -> Self {
        let mut keys = PublicKeys::default();
        let key = signing_key().public().clone();
        let [valid_from, valid_until] =
            ["2025-12-20T00:00:00Z", "2026-01-19T00:00:00Z"].map(|t| t.parse().expect("a time"));
        keys.add(KnownKey { key, valid_from, valid_until });
        Self { objects: BTreeMap::new(), vouches: true, keys, scope: Scope::default() }
    }

    /// A chain of digests from the n-th hour to another.
    pub(super) fn chain(&mut self, region: &str, first: u32, last: u32) {
        let mut previous = None;
        for n in first..=last {
            let log_files = if n == first { Vec::new() } else { (0..2).map(|i| self.log(region, n, i)).collect() };
            let digest = Digest {
                account: "111122223333".parse().expect("an account"),
                start: Self::end(n - 1),
                end: Self::end(n),
                bucket: BUCKET.into(),
                key: Self::digest(region, n),
                previous,
                log_files,
            };
            let signed = digest.sign(signing_key());
            let metadata = Some(signed.metadata.into_iter().collect());
            self.objects.insert(digest.key, Object { bytes: signed.body.into(), metadata });
            previous = Some(signed.as_previous);
        }
    }

    /// Delivers a log file and says what a digest says of it.
    fn log(&mut self, region: &str, n: u32, i: u32) -> LogFile {
        let (key, json) = (Self::log_key(region, n, i), format!("{{\"Records\":[{{\"n\":{n},\"i\":{i}}}]}}"));
        self.objects
            .insert(key.clone(), Object { bytes: gzip(json.as_bytes()).into(), metadata: Some(BTreeMap::new()) });
        let at = Self::end(n - 1);
        LogFile { bucket: BUCKET.into(), key, sha256_hex: sha256_hex(json.as_bytes()), newest: at, oldest: at }
    }

    /// When the n-th digest ends.
    pub(super) fn end(n: u32) -> Timestamp {
        let first: Timestamp = "2026-01-01T15:29:23Z".parse().expect("a time");
        first + SignedDuration::from_hours(i64::from(n))
    }

    pub(super) fn digest(region: &str, n: u32) -> String {
        DigestKey {
            prefix: Some("trails".into()),
            organization: None,
            account: "111122223333".parse().expect("an account"),
            region: region.parse().expect("a region"),
            trail: "all_of-it".into(),
            home: "us-east-1".parse().expect("a region"),
            end: Self::end(n),
            backfill: false,
        }
        .to_string()
    }

    pub(super) fn log_key(region: &str, n: u32, i: u32) -> String {
        LogKey {
            prefix: Some("trails".into()),
            organization: None,
            account: "111122223333".parse().expect("an account"),
            folder: Folder::CloudTrail,
            region: region.parse().expect("a region"),
            minute: Self::end(n - 1) + SignedDuration::from_secs(37 + 600 * i64::from(i)),
            unique: format!("{n:08}{i:08}"),
        }
        .to_string()
    }

    /// In the first region.
    pub(super) fn remove_digest(&mut self, n: u32) {
        self.objects.remove(&Self::digest(REGIONS[0], n)).expect("it was there");
    }

    /// In the first region.
    pub(super) fn change_log(&mut self, n: u32, i: u32) {
        let object = self.objects.get_mut(&Self::log_key(REGIONS[0], n, i)).expect("it is there");
        object.bytes = gzip(b"{\"Records\":[]}").into();
    }

    pub(super) fn forget_metadata(&mut self) {
        self.objects.values_mut().for_each(|object| object.metadata = None);
        self.vouches = false;
    }

    pub(super) fn verify(&self) -> Vec<GroupReport> {
        self.look(&Seen::default())
    }

    /// Digests announced and done, and log files done.
    pub(super) fn digests_seen(&self) -> (u64, u64, u64) {
        let seen = Seen::default();
        self.look(&seen);
        let [a, b, c] = seen.0.map(AtomicU64::into_inner);
        (a, b, c)
    }

    fn look(&self, observer: &dyn Observer) -> Vec<GroupReport> {
        let look = Look { source: self, keys: &self.keys, scope: &self.scope, observer };
        futures::executor::block_on(async {
            let mut reports = Vec::new();
            for group in discover(self, &self.scope).await.expect("groups") {
                reports.push(verify(look, &group).await.expect("a report"));
            }
            reports
        })
    }

    /// All findings in short: `changed log 3.0`.
    pub(super) fn found(&self) -> Vec<String> {
        let short = |key: &str| {
            let log = LogKey::parse(key).and_then(|log| {
                let (n, i) = log.unique.split_at_checked(8)?;
                Some(format!("log {}.{}", n.parse::<u32>().ok()?, i.parse::<u32>().ok()?))
            });
            let digest = || {
                let end = DigestKey::parse(key)?.end;
                let n = (end - Self::end(0)).get_seconds();
                Some(format!("digest {}", if n % 3_600 == 0 { (n / 3_600).to_string() } else { end.to_string() }))
            };
            log.or_else(digest).unwrap_or_else(|| key.to_owned())
        };
        let reports = self.verify();
        let findings = reports.iter().flat_map(|report| &report.findings);
        findings.map(|finding| format!("{} {}", finding.what.code(), short(&finding.key))).collect()
    }
}
