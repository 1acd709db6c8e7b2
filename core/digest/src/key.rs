//! The names of log files and digests in a bucket.
//!
//! ```text
//! [prefix/]AWSLogs/[o-…/]<account>/CloudTrail-Digest/<region>/<Y>/<M>/<D>/
//!     <account>_CloudTrail-Digest_<region>_<trail>_<home region>_<YYYYMMDD>T<HHMMSS>Z[_backfill].json.gz
//! [prefix/]AWSLogs/[o-…/]<account>/<folder>/<region>/<Y>/<M>/<D>/
//!     <account>_<folder>_<region>_<YYYYMMDD>T<HHMM>Z_<16 letters and digits>.json.gz
//! ```
//!
//! Whoever may write into the bucket makes names: a name is taken only where it is, byte for byte, what would be made of its parts.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::strtime};
use opentrail_event::{AccountId, Region};

/// The folder under which everything lies.
const ROOT: &str = "AWSLogs/";
/// The folder of digests, which is also part of their names.
const DIGESTS: &str = "CloudTrail-Digest";
const BACKFILL: &str = "_backfill";
const SUFFIX: &str = ".json.gz";
/// Letters and digits at the end of a log file's name.
const UNIQUE_CHARS: usize = 16;

/// What stands before the folder, the same for log files and digests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place<'a> {
    prefix: Option<&'a str>,
    organization: Option<&'a str>,
    account: AccountId,
    folder: &'a str,
    region: &'a str,
    /// `YYYY/MM/DD`
    day: &'a str,
    file: &'a str,
}

/// The name of a digest, in its parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DigestKey {
    /// Without slashes at its ends.
    pub prefix: Option<String>,
    /// `o-…`
    pub organization: Option<String>,
    pub account: AccountId,
    /// Where the events happened.
    pub region: Region,
    pub trail: String,
    /// Where the trail was made.
    pub home: Region,
    /// The digest's `digestEndTime`, whole seconds.
    pub end: Timestamp,
    /// It lists files that an earlier digest left out.
    pub backfill: bool,
}

/// The kinds of log files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Folder {
    /// Management and data events.
    CloudTrail,
    Insight,
    NetworkActivity,
    Aggregated,
}

/// The name of a log file, in its parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogKey {
    /// Without slashes at its ends.
    pub prefix: Option<String>,
    /// `o-…`
    pub organization: Option<String>,
    pub account: AccountId,
    pub folder: Folder,
    pub region: Region,
    /// When it was delivered, whole minutes.
    pub minute: Timestamp,
    /// 16 letters and digits.
    pub unique: String,
}

impl Folder {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CloudTrail, Self::Insight, Self::NetworkActivity, Self::Aggregated];

    /// As names have it: `CloudTrail-Insight`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudTrail => "CloudTrail",
            Self::Insight => "CloudTrail-Insight",
            Self::NetworkActivity => "CloudTrail-NetworkActivity",
            Self::Aggregated => "CloudTrail-Aggregated",
        }
    }
}

impl DigestKey {
    /// Reads a name; `None` where it is no digest's.
    pub fn parse(key: &str) -> Option<Self> {
        let place = Place::parse(key)?;
        let stem = place.file.strip_suffix(SUFFIX)?;
        let (stem, backfill) = stem.strip_suffix(BACKFILL).map_or((stem, false), |stem| (stem, true));
        let rest = stem.strip_prefix(place.account.as_str())?.strip_prefix('_')?;
        let rest = rest.strip_prefix(DIGESTS)?.strip_prefix('_')?.strip_prefix(place.region)?.strip_prefix('_')?;
        // A trail's name may have underscores, regions and times have none.
        let (rest, stamp) = rest.rsplit_once('_')?;
        let (trail, home) = rest.rsplit_once('_')?;
        let parsed = Self {
            prefix: place.prefix.map(str::to_owned),
            organization: place.organization.map(str::to_owned),
            account: place.account,
            region: place.region.parse().ok()?,
            trail: trail.to_owned(),
            home: home.parse().ok()?,
            end: time("%Y%m%dT%H%M%SZ", stamp)?,
            backfill,
        };
        (place.folder == DIGESTS && !trail.is_empty() && parsed.to_string() == key).then_some(parsed)
    }

    /// The name of the same chain's digest that ends at another time.
    pub fn ending(&self, end: Timestamp) -> Self {
        Self { end, ..self.clone() }
    }
}

impl LogKey {
    /// Reads a name; `None` where it is no log file's.
    pub fn parse(key: &str) -> Option<Self> {
        let place = Place::parse(key)?;
        let folder = Folder::ALL.into_iter().find(|folder| folder.as_str() == place.folder)?;
        let stem = place.file.strip_suffix(SUFFIX)?;
        let (stem, unique) = stem.rsplit_once('_')?;
        let (_, stamp) = stem.rsplit_once('_')?;
        let parsed = Self {
            prefix: place.prefix.map(str::to_owned),
            organization: place.organization.map(str::to_owned),
            account: place.account,
            folder,
            region: place.region.parse().ok()?,
            minute: time("%Y%m%dT%H%MZ", stamp)?,
            unique: unique.to_owned(),
        };
        let well_formed = unique.len() == UNIQUE_CHARS && unique.bytes().all(|b| b.is_ascii_alphanumeric());
        (well_formed && parsed.to_string() == key).then_some(parsed)
    }
}

impl<'a> Place<'a> {
    fn parse(key: &'a str) -> Option<Self> {
        // The prefix may be called like the root: the last one counts.
        let at = key.rfind(ROOT).filter(|at| *at == 0 || key[..*at].ends_with('/'))?;
        let prefix = key[..at].strip_suffix('/');
        if prefix.is_some_and(|prefix| prefix.is_empty() || prefix.starts_with('/') || prefix.ends_with('/')) {
            return None;
        }
        let mut parts = key[at + ROOT.len()..].splitn(2, '/');
        let first = parts.next()?;
        let (organization, rest) = match first.starts_with("o-") {
            true => (Some(first), parts.next()?),
            false => (None, &key[at + ROOT.len()..]),
        };
        let (account, rest) = rest.split_once('/')?;
        let (folder, rest) = rest.split_once('/')?;
        let (region, rest) = rest.split_once('/')?;
        let (day, file) = rest.rsplit_once('/')?;
        Some(Self { prefix, organization, account: account.parse().ok()?, folder, region, day, file })
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [self.prefix, Some(ROOT.trim_end_matches('/')), self.organization].into_iter().flatten() {
            write!(f, "{part}/")?;
        }
        write!(f, "{}/{}/{}/{}/{}", self.account, self.folder, self.region, self.day, self.file)
    }
}

impl fmt::Display for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (account, region, trail, home) = (self.account, &self.region, &self.trail, &self.home);
        let stamp = self.end.strftime("%Y%m%dT%H%M%SZ");
        let backfill = if self.backfill { BACKFILL } else { "" };
        let place = Place {
            prefix: self.prefix.as_deref(),
            organization: self.organization.as_deref(),
            account,
            folder: DIGESTS,
            region: region.as_str(),
            day: &self.end.strftime("%Y/%m/%d").to_string(),
            file: &format!("{account}_{DIGESTS}_{region}_{trail}_{home}_{stamp}{backfill}{SUFFIX}"),
        };
        place.fmt(f)
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (account, region, folder) = (self.account, &self.region, self.folder.as_str());
        let stamp = self.minute.strftime("%Y%m%dT%H%MZ");
        let place = Place {
            prefix: self.prefix.as_deref(),
            organization: self.organization.as_deref(),
            account,
            folder,
            region: region.as_str(),
            day: &self.minute.strftime("%Y/%m/%d").to_string(),
            file: &format!("{account}_{folder}_{region}_{stamp}_{}{SUFFIX}", self.unique),
        };
        place.fmt(f)
    }
}

fn time(format: &str, text: &str) -> Option<Timestamp> {
    let parsed: DateTime = strtime::parse(format, text).ok()?.to_datetime().ok()?;
    parsed.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The first is out of the user guide, the second out of a real bucket.
    const DIGEST_1: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/111122223333_CloudTrail-Digest_us-east-2_your-trail-name_us-east-2_20150817T150131Z.json.gz";
    const DIGEST_2: &str = "AWSLogs/327878933619/CloudTrail-Digest/ap-northeast-1/2023/10/15/327878933619_CloudTrail-Digest_ap-northeast-1_llm-guard-trail_us-west-2_20231015T230404Z.json.gz";
    const LOG: &str = "AWSLogs/327878933619/CloudTrail/ap-northeast-1/2023/10/15/327878933619_CloudTrail_ap-northeast-1_20231015T2225Z_OviGSSWadUI1W1r7.json.gz";

    #[test]
    fn names_are_read_and_made() {
        let check = |key: &str, trail: &str, home: &str, end: &str| {
            let parsed = DigestKey::parse(key).expect("a digest's name");
            let found = (parsed.trail.as_str(), parsed.home.as_str(), parsed.end.to_string());
            assert_eq!(found, (trail, home, end.to_owned()));
            assert_eq!(parsed.to_string(), key);
        };
        check(DIGEST_1, "your-trail-name", "us-east-2", "2015-08-17T15:01:31Z");
        check(DIGEST_2, "llm-guard-trail", "us-west-2", "2023-10-15T23:04:04Z");
        let deep = format!("a/AWSLogs/b/{}", DIGEST_2.replace("AWSLogs/", "AWSLogs/o-exampleorg/"));
        check(&deep, "llm-guard-trail", "us-west-2", "2023-10-15T23:04:04Z");
        let parsed = DigestKey::parse(&deep).expect("a digest's name");
        assert_eq!(
            (parsed.prefix.as_deref(), parsed.organization.as_deref()),
            (Some("a/AWSLogs/b"), Some("o-exampleorg"))
        );
        check(&DIGEST_2.replace("llm-guard-trail", "a_b.c_d-"), "a_b.c_d-", "us-west-2", "2023-10-15T23:04:04Z");
        let backfill = DIGEST_2.replace("Z.json", "Z_backfill.json");
        assert!(DigestKey::parse(&backfill).expect("a digest's name").backfill);
        let log = LogKey::parse(LOG).expect("a log file's name");
        assert_eq!(
            (log.minute.to_string().as_str(), log.unique.as_str()),
            ("2023-10-15T22:25:00Z", "OviGSSWadUI1W1r7")
        );
        assert_eq!(log.to_string(), LOG);
        let insight = LOG.replace("CloudTrail", "CloudTrail-Insight");
        assert_eq!(LogKey::parse(&insight).map(|log| log.folder), Some(Folder::Insight));
    }

    #[test]
    fn other_names_are_none() {
        for (from, to) in [
            ("AWSLogs", "xAWSLogs"),
            ("AWSLogs/", "/AWSLogs/"),
            ("AWSLogs/327878933619", "AWSLogs/327878933618"),
            ("2023/10/15", "2023/10/16"),
            ("2023/10/15", "2023/10/15/.."),
            ("_us-west-2_", "_us-west-2"),
            ("_20231015T230404Z", "_20231015T236404Z"),
            ("_20231015T230404Z", "_20231015T23044Z"),
            ("_20231015T230404Z", "_ 0231015T230404Z"),
            (".json.gz", ".json"),
            (".json.gz", ".json.gz/"),
            ("CloudTrail-Digest/", "CloudTrail/"),
            ("llm-guard-trail", ""),
        ] {
            let key = DIGEST_2.replacen(from, to, 1);
            assert_ne!(key, DIGEST_2);
            assert_eq!(DigestKey::parse(&key), None, "{key}");
        }
        for (from, to) in [
            ("T2225Z", "T222500Z"),
            ("OviG", "Ovi"),
            ("OviG", "Ovi-"),
            ("_CloudTrail_", "_CloudTrail-Digest_"),
            ("ap-n", "../"),
        ] {
            let key = LOG.replacen(from, to, 1);
            assert_eq!(LogKey::parse(&key), None, "{key}");
        }
        assert_eq!(LogKey::parse(DIGEST_1), None);
        assert_eq!(DigestKey::parse(LOG), None);
    }

    #[test]
    fn digests_of_a_chain_sort_by_time() {
        let key = DigestKey::parse(DIGEST_2).expect("a digest's name");
        let after = |hours: i64| key.ending(key.end + jiff::SignedDuration::from_hours(hours)).to_string();
        assert!(after(0) < after(1) && after(1) < after(2) && after(2) < after(24 * 200));
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(start in "\\PC*", cut in 0..DIGEST_2.len()) {
            let _ = DigestKey::parse(&start);
            let _ = LogKey::parse(&format!("{start}{}", &LOG[cut.min(LOG.len())..]));
            if let Some(key) = DigestKey::parse(&format!("{}{start}", &DIGEST_2[..cut])) {
                prop_assert!(key.to_string().ends_with(&start));
            }
        }

        #[test]
        fn every_name_comes_back(prefix in proptest::option::of("[a-z/]{0,5}[a-z]"), trail in "[A-Za-z0-9._-]{3,30}", second in 0i64..4_000_000_000, backfill: bool) {
            let prefix = prefix.map(|p| p.trim_matches('/').to_owned());
            let end = Timestamp::from_second(second).expect("a time");
            let key = DigestKey { prefix, organization: None, account: "111122223333".parse().expect("an account"), region: "eu-west-1".parse().expect("a region"), trail, home: "us-east-1".parse().expect("a region"), end, backfill };
            prop_assert_eq!(DigestKey::parse(&key.to_string()), Some(key));
        }
    }
}
