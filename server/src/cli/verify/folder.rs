//! A local copy of a bucket, as `aws s3 sync` makes it.
//!
//! A copy does not say which bucket it is of, nor under which prefix it lay there: most of its digests do. A file that says otherwise was
//! moved. Files are opened below the folder only, whatever a digest says.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use futures::future::{BoxFuture, FutureExt};
use opentrail_digest::verify::{DIGEST_BYTES_MAX, Listed, OBJECT_BYTES_MAX, Object, ReadError, Source, SourceError};
use opentrail_digest::{DigestKey, Document, gunzip};

use super::metadata::Metadata;

/// Files of one page; a folder's files come together.
const PAGE: usize = 1_000;
/// Most files in one folder.
const FOLDER_FILES_MAX: usize = 2_000_000;
/// Folders deeper than this are not looked into.
const DEPTH_MAX: usize = 40;
/// Digests that are asked which bucket they lay in.
const ASKED_MAX: usize = 200;
/// Folders that are looked into for them.
const LOOKED_INTO_MAX: usize = 100_000;

/// The copy.
pub(super) struct Folder {
    /// Without symbolic links.
    root: PathBuf,
    bucket: String,
    /// What keys begin with, that paths in the folder do not have.
    base: String,
    metadata: Arc<Metadata>,
}

impl Folder {
    /// Opens a copy. Its bucket is `bucket`, or what most of its digests say.
    pub(super) fn open(root: &Path, bucket: Option<String>, metadata: Arc<Metadata>) -> anyhow::Result<Self> {
        let root = fs::canonicalize(root).with_context(|| format!("open {}", root.display()))?;
        anyhow::ensure!(root.is_dir(), "{} is not a folder", root.display());
        let mut votes = BTreeMap::<(String, String), u32>::new();
        let mut asked = 0;
        let mut open = vec![String::new()];
        let mut looked_into = 0;
        while let Some(folder) = open.pop() {
            looked_into += 1;
            if asked >= ASKED_MAX || looked_into > LOOKED_INTO_MAX {
                break;
            }
            let (folders, files) = entries(&root, &folder)?;
            // The last folders first: they hold the newest digests, and log files are left aside.
            open.extend(folders.into_iter().filter(|folder| folder.matches('/').count() < DEPTH_MAX));
            for path in files.iter().filter(|path| path.contains("_CloudTrail-Digest_")).take(ASKED_MAX / 10) {
                asked += 1;
                if let Some(said) = said_by(&root, path) {
                    *votes.entry(said).or_default() += 1;
                }
            }
        }
        if let Some(bucket) = &bucket {
            votes.retain(|(said, _), _| said == bucket);
        }
        let most = votes.into_iter().max_by_key(|(_, count)| *count).map(|(said, _)| said);
        let (bucket, base) = match (most, bucket) {
            (Some(said), _) => said,
            (None, Some(bucket)) => (bucket, String::new()),
            (None, None) => anyhow::bail!(
                "no digest in {} says where it lay; copy the folder that holds AWSLogs/ as it lies in the bucket, or \
                 name the bucket with --bucket",
                root.display()
            ),
        };
        Ok(Self { root, bucket, base, metadata })
    }

    /// `s3://bucket/prefix` that it is a copy of.
    pub(super) fn copy_of(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.base)
    }

    /// The path of a key, with slashes, below the folder; `None` where it lies elsewhere.
    fn path<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(&self.base)
    }

    fn page(&self, prefix: &str, after: &str) -> Result<Vec<Listed>, SourceError> {
        let (Some(folder), after) = (self.path(prefix), self.path(after).unwrap_or_default()) else {
            return Ok(Vec::new());
        };
        let mut page = Vec::new();
        self.gather(folder, after, &mut page)?;
        page.sort_unstable_by(|a: &Listed, b| a.key.cmp(&b.key));
        Ok(page)
    }

    /// Adds the files of a folder, and of those in it, that lie behind `after`, until there are enough.
    fn gather(&self, folder: &str, after: &str, page: &mut Vec<Listed>) -> Result<(), SourceError> {
        if folder.matches('/').count() > DEPTH_MAX {
            return Err(SourceError(format!("{folder} lies more than {DEPTH_MAX} folders deep")));
        }
        let (folders, files) = entries(&self.root, folder)?;
        // Folders and files in the order of their keys: a folder is where its slash puts it.
        let mut inside: Vec<_> =
            folders.into_iter().map(|f| (f, true)).chain(files.into_iter().map(|f| (f, false))).collect();
        inside.sort_unstable();
        for (path, is_folder) in inside {
            if page.len() >= PAGE && is_folder {
                break;
            }
            match is_folder {
                true if path.as_str() > after || after.starts_with(&path) => self.gather(&path, after, page)?,
                false if path.as_str() > after => {
                    page.push(Listed { key: format!("{}{path}", self.base), modified: None });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn object(&self, bucket: &str, key: &str) -> Result<Object, ReadError> {
        if bucket != self.bucket {
            return Err(ReadError::OtherBucket);
        }
        let path = self.path(key).ok_or(ReadError::Absent)?;
        let bytes = read(&self.root, path, OBJECT_BYTES_MAX).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Absent,
            io::ErrorKind::FileTooLarge => ReadError::TooLarge,
            _ => ReadError::Refused(error.to_string()),
        })?;
        Ok(Object { bytes: bytes.into(), metadata: self.metadata.of(key) })
    }
}

impl Source for Folder {
    fn bucket(&self) -> &str {
        &self.bucket
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, SourceError>> {
        async move {
            // Above the copy there is one way down.
            if let Some(below) = self.base.strip_prefix(folder).filter(|below| !below.is_empty()) {
                let next = below.split_inclusive('/').next().unwrap_or_default();
                return Ok(vec![format!("{folder}{next}")]);
            }
            let Some(path) = self.path(folder) else { return Ok(Vec::new()) };
            let (folders, _) = entries(&self.root, path)?;
            Ok(folders.into_iter().map(|path| format!("{}{path}", self.base)).collect())
        }
        .boxed()
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, SourceError>> {
        async move { tokio::task::block_in_place(|| self.page(prefix, after)) }.boxed()
    }

    fn read<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<Object, ReadError>> {
        async move { tokio::task::block_in_place(|| self.object(bucket, key)) }.boxed()
    }
}

/// Bucket and base of the copy, as one of its digests has it.
fn said_by(root: &Path, path: &str) -> Option<(String, String)> {
    let packed = read(root, path, OBJECT_BYTES_MAX).ok()?;
    let document = Document::parse(&gunzip(&packed, DIGEST_BYTES_MAX).ok()?).ok()?;
    DigestKey::parse(&document.key)?;
    let base = document.key.strip_suffix(path)?;
    let whole = base.is_empty() || base.ends_with('/');
    whole.then(|| (document.bucket.clone(), base.to_owned()))
}

/// Folders (ending in a slash) and files in a folder (empty, or ending in a slash), as paths below the root, in no order. A folder that is
/// not there is empty.
fn entries(root: &Path, folder: &str) -> Result<(Vec<String>, Vec<String>), SourceError> {
    let unreadable = |error: io::Error| SourceError(format!("read {folder}: {error}"));
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    let Ok(at) = inside(root, folder) else { return Ok((folders, files)) };
    let listing = match fs::read_dir(at) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok((folders, files));
        }
        listing => listing.map_err(unreadable)?,
    };
    for entry in listing {
        let entry = entry.map_err(unreadable)?;
        let path = format!("{folder}{}", entry.file_name().to_string_lossy());
        match entry.file_type().map_err(unreadable)?.is_dir() {
            true => folders.push(path + "/"),
            false => files.push(path),
        }
        if files.len() + folders.len() > FOLDER_FILES_MAX {
            return Err(SourceError(format!("more than {FOLDER_FILES_MAX} files in {folder}")));
        }
    }
    folders.sort_unstable();
    Ok((folders, files))
}

/// The path below the root; an error where it would lead out of it.
fn inside(root: &Path, path: &str) -> io::Result<PathBuf> {
    let parts = Path::new(path).components();
    if path.contains('\0') || parts.clone().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it would lie outside the folder"));
    }
    let joined = root.join(path);
    match fs::canonicalize(&joined)? {
        real if real.starts_with(root) => Ok(real),
        _ => Err(io::Error::new(io::ErrorKind::PermissionDenied, "a symbolic link leads out of the folder")),
    }
}

/// A regular file of at most so many bytes.
fn read(root: &Path, path: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
    // A name that `.` or `//` would make another spelling of is no key of the bucket's.
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is no file of the folder"));
    }
    let at = inside(root, path)?;
    // A pipe would never end, and a device is none of ours.
    if !fs::metadata(&at)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(at)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(files: &[&str], base: &str) -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().canonicalize().expect("a path").join("copy");
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, file).expect("a file");
        }
        fs::write(place.path().join("secret"), "secret").expect("a file");
        let folder = Folder { root, bucket: "b".into(), base: base.into(), metadata: Arc::default() };
        (place, folder)
    }

    #[test]
    fn a_listing_has_the_order_of_keys() {
        let (_place, copy) = copy(&["x/a/1", "x/a-b", "x/a/2", "x/b", "x/a.c/3", "y/1"], "p/");
        let keys = |page: Vec<Listed>| page.into_iter().map(|listed| listed.key).collect::<Vec<_>>();
        let all = ["p/x/a-b", "p/x/a.c/3", "p/x/a/1", "p/x/a/2", "p/x/b"];
        assert_eq!(keys(copy.page("p/x/", "").expect("a page")), all);
        for (n, after) in all.iter().enumerate() {
            assert_eq!(keys(copy.page("p/x/", after).expect("a page")), all[n + 1..], "{after}");
        }
        assert_eq!(keys(copy.page("p/x/", "p/x/a/").expect("a page")), all[2..]);
        assert!(copy.page("q/", "").expect("a page").is_empty());
        assert!(copy.page("p/none/", "").expect("a page").is_empty());
    }

    #[test]
    fn a_long_folder_comes_in_pages() {
        let names: Vec<_> = (0..2_500).map(|n| format!("d{}/{n:04}", n / 500)).collect();
        let (_place, copy) = copy(&names.iter().map(String::as_str).collect::<Vec<_>>(), "");
        let (mut found, mut after, mut pages) = (Vec::new(), String::new(), 0);
        while let Some(last) = {
            let page = copy.page("", &after).expect("a page");
            found.extend(page.iter().map(|listed| listed.key.clone()));
            page.last().map(|listed| listed.key.clone())
        } {
            (after, pages) = (last, pages + 1);
        }
        assert_eq!((found, pages), (names, 3));
    }

    #[test]
    fn nothing_outside_is_opened() {
        let (_place, copy) = copy(&["a/1"], "");
        let read = |key: &str| copy.object("b", key).map(|object| object.bytes);
        assert_eq!(read("a/1").expect("a file"), "a/1");
        let root = copy.root.display();
        for outside in
            ["../secret", "a/../../secret", &format!("{root}/../secret"), "a//1", "./a/1", "a/./1", "a\0", ""]
        {
            assert_eq!(read(outside), Err(ReadError::Absent), "{outside}");
        }
        assert_eq!(copy.object("c", "a/1"), Err(ReadError::OtherBucket));
        std::os::unix::fs::symlink("../secret", copy.root.join("link")).expect("a link");
        std::os::unix::fs::symlink("..", copy.root.join("up")).expect("a link");
        assert!(matches!(read("link"), Err(ReadError::Refused(_))));
        assert!(matches!(read("up/secret"), Err(ReadError::Refused(_))));
        assert!(matches!(read("a"), Err(ReadError::Refused(_))));
        assert!(entries(&copy.root, "up/").expect("entries").1.is_empty());
    }
}
