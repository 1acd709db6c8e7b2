//! Signatures of digests in a file beside a plain copy, which has none.
//!
//! ```json
//! {"AWSLogs/…json.gz": {"signature": "…", "signature-algorithm": "SHA256withRSA"}}
//! ```
//!
//! It needs no protection: a signature proves itself.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::Context;

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// User metadata by key.
#[derive(Debug, Default)]
pub(super) struct Metadata(BTreeMap<String, BTreeMap<String, String>>);

impl Metadata {
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = read(file, FILE_BYTES_MAX)?;
        let read = serde_json::from_slice(&text);
        read.map(Self).with_context(|| format!("read {}: it is not what --save-metadata writes", file.display()))
    }

    pub(super) fn of(&self, key: &str) -> Option<BTreeMap<String, String>> {
        self.0.get(key).cloned()
    }

    pub(super) fn add(&mut self, key: &str, metadata: BTreeMap<String, String>) {
        self.0.insert(key.to_owned(), metadata);
    }

    /// Writes it beside, then moves it there: an older file stays whole until then.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(&self.0).context("spell metadata")?;
        let mut beside = file.as_os_str().to_owned();
        beside.push(".new");
        std::fs::write(&beside, text)
            .and_then(|()| std::fs::rename(&beside, file))
            .with_context(|| format!("write {}", file.display()))
    }
}

/// A file of at most so many bytes.
pub(in crate::cli) fn read(file: &Path, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    let opened = std::fs::File::open(file).with_context(|| format!("open {}", file.display()))?;
    opened.take(bytes_max + 1).read_to_end(&mut text).with_context(|| format!("read {}", file.display()))?;
    anyhow::ensure!(text.len() as u64 <= bytes_max, "{} has more than {bytes_max} bytes", file.display());
    Ok(text)
}
