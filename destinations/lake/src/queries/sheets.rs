//! Rows of an answer on their way into blobs, and back.
//!
//! A sheet is a JSON array of rows, each an array of texts and nulls. Sheets are staged while the query runs; the row of the
//! query that names them is committed behind them, and what no row names is swept.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use opentrail_blobs::{BlobKey, Blobs};
use opentrail_table::sql::{Error, Sink, Value};

use super::row::Sheet;

/// Rows and bytes, about, of one sheet. A page of an answer has 1,000 rows at most.
const SHEET_ROWS: usize = 1_000;
const SHEET_BYTES: usize = 1 << 20;

/// Where the sheets of a query are.
pub(crate) fn prefix(query: &str) -> String {
    format!("lake/query/{query}/")
}

/// Takes the rows of one query.
pub(crate) struct Sheets {
    blobs: Arc<dyn Blobs>,
    query: String,
    /// Bytes of all sheets that are taken at most.
    bytes_max: u64,
    bytes: u64,
    waiting: Vec<Vec<Value>>,
    waiting_bytes: usize,
    done: Vec<Sheet>,
}

impl Sheets {
    pub(crate) fn new(blobs: Arc<dyn Blobs>, query: String, bytes_max: u64) -> Self {
        Self { blobs, query, bytes_max, bytes: 0, waiting: Vec::new(), waiting_bytes: 0, done: Vec::new() }
    }

    /// What was written, all of it.
    pub(crate) async fn finish(mut self) -> Result<Vec<Sheet>, Error> {
        self.write().await?;
        Ok(self.done)
    }

    async fn take(&mut self, rows: Vec<Vec<Value>>) -> Result<(), Error> {
        for row in rows {
            self.waiting_bytes +=
                row.iter().map(|value| value.as_ref().map_or(4, |text| text.len() + 4)).sum::<usize>();
            self.waiting.push(row);
            if self.waiting.len() >= SHEET_ROWS || self.waiting_bytes >= SHEET_BYTES {
                self.write().await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let text = serde_json::to_vec(&rows).map_err(|e| Error::Unavailable(format!("write the answer: {e}")))?;
        self.bytes += text.len() as u64;
        if self.bytes > self.bytes_max {
            let most = self.bytes_max;
            return Err(Error::Exhausted(format!("an answer of more than {most} bytes; select fewer rows or columns")));
        }
        let blob = format!("{}{:06}.json", prefix(&self.query), self.done.len());
        let key = BlobKey::new(blob.clone()).map_err(|e| Error::Unavailable(e.to_string()))?;
        let source = stream::iter([Ok::<_, opentrail_blobs::SourceError>(Bytes::from(text))]).boxed();
        let put = self.blobs.put(&key, source, false).await;
        put.map_err(|e| Error::Unavailable(format!("write the answer: {e}")))?;
        self.done.push(Sheet { blob, rows: rows.len() as u64 });
        Ok(())
    }
}

impl Sink for Sheets {
    fn rows(&mut self, rows: Vec<Vec<Value>>) -> BoxFuture<'_, Result<(), Error>> {
        self.take(rows).boxed()
    }
}

/// Up to `limit` rows of the answer from row `from` on.
pub(crate) async fn read(
    blobs: &dyn Blobs,
    sheets: &[Sheet],
    from: u64,
    limit: usize,
) -> Result<Vec<Vec<Value>>, opentrail_blobs::Error> {
    let (mut skip, mut rows) = (from, Vec::new());
    for sheet in sheets {
        if skip >= sheet.rows {
            skip -= sheet.rows;
            continue;
        }
        let of_sheet = read_one(blobs, sheet).await?;
        let skipped = usize::try_from(skip).unwrap_or(usize::MAX);
        rows.extend(of_sheet.into_iter().skip(skipped).take(limit - rows.len()));
        skip = 0;
        if rows.len() >= limit {
            break;
        }
    }
    Ok(rows)
}

async fn read_one(blobs: &dyn Blobs, sheet: &Sheet) -> Result<Vec<Vec<Value>>, opentrail_blobs::Error> {
    let unreadable = |why: String| opentrail_blobs::Error::Unavailable(format!("sheet {}: {why}", sheet.blob).into());
    let key = BlobKey::new(sheet.blob.clone()).map_err(|e| unreadable(e.to_string()))?;
    let bytes = blobs.head(&key).await?;
    let text = blobs.read(&key, 0..bytes).await?;
    serde_json::from_slice(&text).map_err(|e| unreadable(e.to_string()))
}

/// Deletes every sheet of a query.
pub(crate) async fn sweep(blobs: &dyn Blobs, query: &str) -> Result<(), opentrail_blobs::Error> {
    const PAGE: usize = 500;
    let prefix = prefix(query);
    loop {
        let found = blobs.list(&prefix, None, PAGE).await?;
        for key in &found {
            blobs.delete(key).await?;
        }
        if found.len() < PAGE {
            return Ok(());
        }
    }
}
