//! What was found: findings one by one, and counts of what needs no word.

use std::fmt;

use jiff::Timestamp;
use opentrail_event::{AccountId, Region};

use super::Group;
use crate::GzipFault;

/// Most findings of one group that are kept; the rest are counted.
pub const FINDINGS_MAX: usize = 10_000;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing is wrong; good to know.
    Note,
    /// Nothing contradicts, and nothing proves.
    NotProven,
    /// Something was changed, moved, taken away or added.
    Problem,
}

/// Something about one object, or about one place where an object should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub bucket: String,
    pub key: String,
    pub what: What,
}

/// How a digest differs from what the next one says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    Hash,
    Signature,
    Time,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A digest names it and it is not there.
    Missing,
    /// Nothing names it any more, because what would have named it is missing too; the interval of its chain puts it there.
    MissingToo,
    /// So many more digests are missing before this one than are listed one by one.
    MissingMore(u64),
    Gzip(GzipFault),
    /// Of a digest: what its JSON lacks.
    NotADigest(String),
    /// It says that it belongs elsewhere.
    Moved {
        bucket: String,
        key: String,
    },
    /// By fingerprint.
    UnknownKey(String),
    /// The key was in use at another time.
    KeyOutsideValidity {
        from: Timestamp,
        until: Timestamp,
    },
    /// Its metadata bear no signature of the one algorithm there is.
    Unsigned,
    BadSignature,
    /// A plain copy has no metadata, and no later digest repeats its signature.
    NoSignatureInCopy,
    /// It is not the digest that the next one names.
    BrokenLink(LinkFault),
    /// It was signed, and contradicts itself.
    Inconsistent(&'static str),
    /// A digest among those of a chain which that chain does not name.
    Stray,
    /// Hashes of a log file.
    Changed {
        listed: String,
        found: String,
    },
    TooLarge,
    /// It lies in a bucket that was not looked at.
    OtherBucket,
    /// The source did not hand it out.
    Refused(String),
    /// A log file of a time that is covered by digests, none of which names it.
    Unlisted,
    /// So many log files, from the first to the last, of times that no digest covers.
    Uncovered {
        files: u64,
        first: Timestamp,
        last: Timestamp,
    },
    /// The chain that ends here begins anew later.
    Gap {
        from: Timestamp,
        until: Timestamp,
    },
    /// Neither a digest nor a log file.
    StrangeName,
}

impl What {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::MissingToo => "missing-too",
            Self::MissingMore(_) => "missing-more",
            Self::Gzip(GzipFault::Truncated) => "truncated",
            Self::Gzip(GzipFault::SecondMember) => "second-gzip-member",
            Self::Gzip(GzipFault::TrailingData) => "trailing-data",
            Self::Gzip(GzipFault::Damaged) => "bad-gzip",
            Self::Gzip(GzipFault::TooLarge(_)) | Self::TooLarge => "too-large",
            Self::NotADigest(_) => "not-a-digest",
            Self::Moved { .. } => "moved",
            Self::UnknownKey(_) => "unknown-key",
            Self::KeyOutsideValidity { .. } => "key-outside-validity",
            Self::Unsigned => "unsigned",
            Self::BadSignature => "bad-signature",
            Self::NoSignatureInCopy => "no-signature-in-copy",
            Self::BrokenLink(_) => "broken-link",
            Self::Inconsistent(_) => "inconsistent",
            Self::Stray => "stray-digest",
            Self::Changed { .. } => "changed",
            Self::OtherBucket => "other-bucket",
            Self::Refused(_) => "refused",
            Self::Unlisted => "unlisted",
            Self::Uncovered { .. } => "uncovered",
            Self::Gap { .. } => "gap",
            Self::StrangeName => "strange-name",
        }
    }

    /// How much it matters.
    pub fn weight(&self) -> Weight {
        match self {
            Self::KeyOutsideValidity { .. } | Self::Uncovered { .. } | Self::Gap { .. } | Self::StrangeName => {
                Weight::Note
            }
            Self::NoSignatureInCopy | Self::OtherBucket => Weight::NotProven,
            _ => Weight::Problem,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("not found, though a digest names it"),
            Self::MissingToo => f.write_str("not found; it stood here if the interval did not change"),
            Self::MissingMore(count) => write!(f, "{count} more digests before this one are not found"),
            Self::Gzip(fault) => fault.fmt(f),
            Self::NotADigest(why) => write!(f, "is not a digest: {why}"),
            Self::Moved { bucket, key } => write!(f, "was moved: it says that it belongs at s3://{bucket}/{key}"),
            Self::UnknownKey(fingerprint) => write!(f, "signed with a key that is not known: {fingerprint}"),
            Self::KeyOutsideValidity { from, until } => {
                write!(f, "signed with a key that was in use from {from} until {until}")
            }
            Self::Unsigned => f.write_str("bears no signature"),
            Self::BadSignature => f.write_str("signature verification failed"),
            Self::NoSignatureInCopy => {
                f.write_str("cannot be proven from a copy without metadata: no later digest repeats its signature")
            }
            Self::BrokenLink(LinkFault::Hash) => f.write_str("is not the digest that the next one names: other hash"),
            Self::BrokenLink(LinkFault::Signature) => {
                f.write_str("is not the digest that the next one names: other signature")
            }
            Self::BrokenLink(LinkFault::Time) => f.write_str("does not end where the next digest starts"),
            Self::Inconsistent(why) => f.write_str(why),
            Self::Stray => f.write_str("lies among the digests of a chain that does not name it"),
            Self::Changed { .. } => f.write_str("was changed: hash value doesn't match"),
            Self::TooLarge => f.write_str("is too large to be read"),
            Self::OtherBucket => f.write_str("lies in another bucket, which was not looked at"),
            Self::Refused(why) => write!(f, "could not be read: {why}"),
            Self::Unlisted => f.write_str("no digest of its time names it"),
            Self::Uncovered { files, first, last } => {
                write!(f, "{files} log files from {first} to {last} are covered by no proven digest")
            }
            Self::Gap { from, until } => {
                write!(f, "no digests between {from} and {until}: the trail did not log, or did not validate")
            }
            Self::StrangeName => f.write_str("is not the name of a digest or log file"),
        }
    }
}

/// How many files stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub valid: u64,
    pub not_proven: u64,
    /// Missing ones included.
    pub invalid: u64,
}

impl Counts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.valid + self.not_proven + self.invalid
    }

    pub(super) fn add(&mut self, weight: Weight) {
        match weight {
            Weight::Note => self.valid += 1,
            Weight::NotProven => self.not_proven += 1,
            Weight::Problem => self.invalid += 1,
        }
    }
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    pub trail: String,
    pub home: Region,
    /// It lists files that earlier digests left out.
    pub backfill: bool,
    /// What its proven digests cover; `None` where there is none.
    pub covers: Option<(Timestamp, Timestamp)>,
    pub digests: Counts,
    pub log_files: Counts,
    /// How often it began anew.
    pub gaps: u64,
}

/// One account in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReport {
    pub account: AccountId,
    pub region: Region,
    pub chains: Vec<ChainReport>,
    /// Log files that no digest of their time names.
    pub unlisted: u64,
    /// Log files of times that no proven digest covers.
    pub uncovered: u64,
    /// At most [`FINDINGS_MAX`], in the order in which they were found.
    pub findings: Vec<Finding>,
    /// Findings by weight: notes, not proven, problems; those that were not kept included.
    pub found: [u64; 3],
}

impl GroupReport {
    pub(super) fn new(group: &Group) -> Self {
        Self {
            account: group.account,
            region: group.region.clone(),
            chains: Vec::new(),
            unlisted: 0,
            uncovered: 0,
            findings: Vec::new(),
            found: [0; 3],
        }
    }

    pub(super) fn find(&mut self, bucket: &str, key: &str, what: What) {
        self.found[what.weight() as usize] += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { bucket: bucket.to_owned(), key: key.to_owned(), what });
        }
    }

    /// Findings that were not kept.
    pub fn findings_beyond(&self) -> u64 {
        self.found.iter().sum::<u64>() - self.findings.len() as u64
    }
}
