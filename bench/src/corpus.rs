//! A large realistic corpus in trail layout, read as one stream of records with dates moved into the last weeks.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use opentrail_event::{AccountId, Head};

/// Files of a corpus, oldest first.
pub(crate) struct Corpus {
    files: Vec<PathBuf>,
    /// Days that every record's date is moved forward, so that history still shows it.
    days: i64,
}

impl Corpus {
    /// Opens a corpus, or has one of `events` records made where the tool for it is at hand.
    pub(crate) fn open(given: Option<&Path>, events: u64, scratch: &Path) -> Result<Self> {
        let folder = match given {
            Some(folder) => folder.to_path_buf(),
            None => make(events, scratch)?,
        };
        let mut files = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.to_string_lossy().ends_with(".json.gz") {
                    files.push(path);
                }
            }
        }
        // Names end in the time that the file was made at: …_CloudTrail_REGION_20261001T0005Z_….
        let time = |path: &PathBuf| path.to_string_lossy().rsplit('_').nth(1).map(str::to_owned);
        files.sort_by_key(time);
        let Some(newest) = files.last() else { bail!("there are no .json.gz files under {}", folder.display()) };
        let newest = time(newest).context("a file name of a trail")?;
        let newest = Date::strptime("%Y%m%d", &newest[..8]).context("the date in a file name")?;
        let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let age: i64 = newest.until(today).context("the corpus's age")?.get_days().into();
        Ok(Self { files, days: if age > 30 { age - 2 } else { 0 } })
    }

    /// Every record, with its account, in the order of the files.
    pub(crate) fn each(&self, mut take: impl FnMut(AccountId, Bytes) -> Result<()>) -> Result<u64> {
        let (mut n, mut text) = (0, String::new());
        for path in &self.files {
            text.clear();
            let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
            flate2::read::GzDecoder::new(file).read_to_string(&mut text).context("unpack a file")?;
            let records = sonic_rs::get(&text, ["Records"]).context("a file has Records")?;
            for record in sonic_rs::to_array_iter(records.as_raw_str()) {
                let mut bytes = record.context("a record")?.as_raw_str().as_bytes().to_vec();
                self.move_date(&mut bytes)?;
                let account = Head::parse(&bytes).map_err(|e| anyhow::anyhow!("{e}"))?.recipient_account;
                take(account, bytes.into())?;
                n += 1;
            }
        }
        Ok(n)
    }

    fn move_date(&self, record: &mut [u8]) -> Result<()> {
        if self.days == 0 {
            return Ok(());
        }
        const MEMBER: &[u8] = b"\"eventTime\":\"";
        let at = record.windows(MEMBER.len()).position(|w| w == MEMBER).context("a record has a time")? + MEMBER.len();
        let date: Date = std::str::from_utf8(&record[at..at + 10])?.parse().context("a record's date")?;
        let moved = date.checked_add(self.days.days()).context("a date in range")?;
        record[at..at + 10].copy_from_slice(moved.to_string().as_bytes());
        Ok(())
    }
}

fn make(events: u64, scratch: &Path) -> Result<PathBuf> {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/tools/gen_corpus.py");
    if !tool.exists() {
        bail!("there is no corpus: give one in trail layout with --corpus DIR");
    }
    let folder = scratch.join(format!("corpus-{events}"));
    let done = folder.join("complete");
    if !done.exists() {
        eprintln!("making a corpus of {events} events, once …");
        let status = Command::new("python3")
            .arg(tool)
            .args(["--events", &events.to_string(), "--out"])
            .arg(&folder)
            .stdout(std::process::Stdio::null())
            .status()
            .context("start python3")?;
        if !status.success() {
            bail!("the corpus was not made: {status}");
        }
        fs::write(done, b"").context("mark the corpus complete")?;
    }
    Ok(folder)
}
