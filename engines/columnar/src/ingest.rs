//! Rows that no journal brings: sorted in memory, staged as parts, committed with what their importer commits.

use futures::StreamExt;
use opentrail_catalog::Txn;
use opentrail_table::{Chunks, Error, Ingested, Row};

use crate::commit::Change;
use crate::failure::unwritten;
use crate::memory::{held_bytes, taken};
use crate::schema;
use crate::stage::{Filling, Staged};
use crate::table::{ColumnarTable, SEAL_LEVEL};

/// The most parts of one ingestion: what one transaction names, and what lies staged meanwhile.
const PARTS_MAX: usize = 256;

impl ColumnarTable {
    pub(crate) async fn ingest(&self, rows: Chunks<'_>, with: Txn) -> Result<Ingested, Error> {
        let _busy = self.busy().await?;
        self.settle().await?;
        let add = match self.stage_all(rows).await {
            Ok(add) => add,
            Err(error) => {
                self.sweep().await;
                return Err(error);
            }
        };
        let ingested = add.iter().fold(Ingested::default(), |sum, Staged { row, .. }| Ingested {
            rows: sum.rows + u64::from(row.rows),
            parts: sum.parts + 1,
            bytes: sum.bytes + row.data_bytes + row.index_bytes,
        });
        self.commit(Change { add, with, ..Change::default() }).await?;
        tracing::debug!(table = self.store.schema.table, rows = ingested.rows, parts = ingested.parts, "ingested");
        Ok(ingested)
    }

    /// All rows as parts. Those before one that fails are given up with it.
    async fn stage_all(&self, mut chunks: Chunks<'_>) -> Result<Vec<Staged>, Error> {
        let (mut staged, mut waiting, mut held) = (Vec::new(), Vec::new(), 0);
        while let Some(chunk) = chunks.next().await {
            for row in chunk.map_err(|error| Error::Source(error.to_string().into()))? {
                schema::check_row(&self.store.schema, &row)?;
                held += held_bytes(&row);
                waiting.push(row);
                if held >= self.settings.ingest_bytes_max || waiting.len() as u64 >= self.settings.merge_rows_max {
                    if staged.len() == PARTS_MAX {
                        return Err(Error::BadQuestion(format!("one ingestion makes at most {PARTS_MAX} parts")));
                    }
                    staged.push(self.stage_sorted(std::mem::take(&mut waiting)).await?);
                    held = 0;
                }
            }
            self.alive()?;
        }
        if !waiting.is_empty() {
            staged.push(self.stage_sorted(waiting).await?);
        }
        Ok(staged)
    }

    async fn stage_sorted(&self, mut rows: Vec<Row>) -> Result<Staged, Error> {
        let fill = move |writer: Filling<'_>| {
            rows.sort_unstable_by_key(|row| (row.time_s, row.seq));
            let twins = rows.array_windows().find(|[one, two]| (one.time_s, one.seq) == (two.time_s, two.seq));
            if let Some([one, two]) = twins {
                return Err(taken(two, one));
            }
            rows.iter().try_for_each(|row| writer.push(row)).map_err(unwritten)
        };
        self.stage(SEAL_LEVEL, fill).await
    }
}
