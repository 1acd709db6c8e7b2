//! Keys of issuers of tokens, from files that an operator keeps: a JSON Web Key Set each.
//!
//! A file is looked at whenever its keys are asked for and read again when it was changed, so that a key that is added counts with
//! the next call, and one that is taken out no longer does. A change that cannot be read is in the log, and nothing is proven
//! by what the file said before.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_federation::{BadKeys, IssuerKeys, KEYS_BYTES_MAX, KeySet, NoKeys};

/// Why an issuer's keys cannot be used from the start.
#[derive(Debug, thiserror::Error)]
pub enum IssuerKeysError {
    #[error("keys of https://{issuer}: read {path}: {source}")]
    Io { issuer: String, path: PathBuf, source: io::Error },
    #[error("keys of https://{issuer}: {path}: {source}")]
    Bad { issuer: String, path: PathBuf, source: BadKeys },
}

/// A file for each issuer.
pub struct IssuerKeyFiles {
    files: BTreeMap<String, Arc<KeyFile>>,
}

struct KeyFile {
    issuer: String,
    path: PathBuf,
    read: Mutex<Reading>,
}

/// What a file said, and what it looked like then.
struct Reading {
    stamp: Stamp,
    keys: Result<Arc<KeySet>, NoKeys>,
}

/// Tells a file from what it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Self { inode: metadata.ino(), bytes: metadata.len(), changed }
    }
}

impl IssuerKeyFiles {
    /// Reads all files. An issuer is named by host and path. Blocks.
    pub fn open(files: impl IntoIterator<Item = (String, PathBuf)>) -> Result<Self, IssuerKeysError> {
        let files = files.into_iter().map(|(issuer, path)| {
            let (stamp, keys) = read(&issuer, &path)?;
            let read = Mutex::new(Reading { stamp, keys: Ok(Arc::new(keys)) });
            Ok((issuer.clone(), Arc::new(KeyFile { issuer, path, read })))
        });
        Ok(Self { files: files.collect::<Result<_, IssuerKeysError>>()? })
    }
}

impl IssuerKeys for IssuerKeyFiles {
    fn keys<'a>(&'a self, issuer: &'a str) -> BoxFuture<'a, Result<Arc<KeySet>, NoKeys>> {
        async move {
            let file = self.files.get(issuer).ok_or(NoKeys::NotConfigured)?.clone();
            let read = tokio::task::spawn_blocking(move || file.now()).await;
            read.unwrap_or_else(|_| Err(NoKeys::Unavailable("The keys of the issuer cannot be read.".into())))
        }
        .boxed()
    }
}

impl KeyFile {
    fn now(&self) -> Result<Arc<KeySet>, NoKeys> {
        let stamp = std::fs::metadata(&self.path).map(|metadata| Stamp::of(&metadata));
        let mut reading = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp.as_ref().ok() == Some(&reading.stamp) {
            return reading.keys.clone();
        }
        match read(&self.issuer, &self.path) {
            Ok((stamp, keys)) => {
                tracing::info!(issuer = self.issuer, path = %self.path.display(), "read the issuer's keys again");
                *reading = Reading { stamp, keys: Ok(Arc::new(keys)) };
                reading.keys.clone()
            }
            Err(error) => {
                // Where it is, is nothing that the caller has to know.
                let unavailable = Err(NoKeys::Unavailable("The keys of the issuer cannot be read just now.".into()));
                if reading.keys.is_ok() {
                    tracing::error!(%error, "tokens of this issuer prove nobody until this is mended");
                }
                reading.keys = unavailable.clone();
                if let Ok(stamp) = stamp {
                    reading.stamp = stamp;
                }
                unavailable
            }
        }
    }
}

fn read(issuer: &str, path: &Path) -> Result<(Stamp, KeySet), IssuerKeysError> {
    let failed = |source| IssuerKeysError::Io { issuer: issuer.to_owned(), path: path.into(), source };
    let file = File::open(path).map_err(failed)?;
    let stamp = Stamp::of(&file.metadata().map_err(failed)?);
    let mut json = Vec::new();
    file.take(KEYS_BYTES_MAX as u64 + 1).read_to_end(&mut json).map_err(failed)?;
    let bad = |source| IssuerKeysError::Bad { issuer: issuer.to_owned(), path: path.into(), source };
    Ok((stamp, KeySet::parse(&json).map_err(bad)?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn set(id: &str) -> String {
        let x = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
        format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"{id}","x":"{x}","y":"{x}"}}]}}"#)
    }

    #[tokio::test]
    async fn a_file_counts_as_it_is_now() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.json");
        fs::write(&path, set("one")).expect("written");
        let files = IssuerKeyFiles::open([("token.example.com".to_owned(), path.clone())]).expect("read");
        let parsed = |id: &str| Ok(Arc::new(KeySet::parse(set(id).as_bytes()).expect("a set")));
        assert_eq!(files.keys("token.example.com").await, parsed("one"));
        assert_eq!(files.keys("token.example.com/realm").await, Err(NoKeys::NotConfigured));
        // Put in its place, as tools do that never show half a file.
        let new = folder.path().join("new.json");
        fs::write(&new, set("two")).expect("written");
        fs::rename(&new, &path).expect("renamed");
        assert_eq!(files.keys("token.example.com").await, parsed("two"));
        for broken in [Some("{"), None] {
            match broken {
                Some(text) => fs::write(&path, text).expect("written"),
                None => fs::remove_file(&path).expect("removed"),
            }
            assert!(matches!(files.keys("token.example.com").await, Err(NoKeys::Unavailable(_))), "{broken:?}");
            assert!(matches!(files.keys("token.example.com").await, Err(NoKeys::Unavailable(_))), "{broken:?}");
        }
        fs::write(&path, set("three")).expect("written");
        assert_eq!(files.keys("token.example.com").await, parsed("three"));
    }

    #[test]
    fn what_is_wrong_at_the_start_says_where() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.json");
        let open = || IssuerKeyFiles::open([("token.example.com".to_owned(), path.clone())]).map(|_| ());
        let missing = open().expect_err("refused").to_string();
        assert!(missing.contains("https://token.example.com") && missing.contains("keys.json"), "{missing}");
        fs::write(&path, r#"{"keys":[]}"#).expect("written");
        assert!(matches!(open(), Err(IssuerKeysError::Bad { source: BadKeys::None, .. })));
    }
}
