//! The catalog rows of a table: one head, and one row per part; and a mark while it is being removed.

use std::collections::BTreeMap;

use opentrail_catalog::{Catalog, From, Key, Stored, Version, decode};
use opentrail_journal::{Partition, Positions};
use opentrail_table::Error;
use serde::{Deserialize, Serialize};

use crate::failure::{damaged, of_catalog};
use crate::order::SortKey;

/// How many part rows are read at once.
const PAGE: usize = 512;

/// What changes with every commit, and by its version guards against a second writer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The id of the next part. Never used twice.
    pub(crate) next_part: u64,
    /// How many commits there were; makes each head's bytes differ from the one before.
    pub(crate) commits: u64,
    /// Partition to next offset.
    pub(crate) positions: BTreeMap<u32, u64>,
}

impl Stored for Head {
    const NAME: &'static str = "table head";
    const VERSION: u16 = 1;
}

impl Head {
    pub(crate) fn positions(&self) -> Positions {
        Positions(self.positions.iter().map(|(&partition, &next)| (Partition(partition), next)).collect())
    }

    /// The head of a table that has committed nothing and begins at these positions.
    pub(crate) fn beginning(positions: &Positions) -> Self {
        let mut head = Self::default();
        head.stand_at(positions);
        head
    }

    pub(crate) fn stand_at(&mut self, positions: &Positions) {
        self.positions = positions.0.iter().map(|(partition, &next)| (partition.0, next)).collect();
    }
}

/// One part: two blobs and what helps to pass it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartRow {
    pub(crate) id: u64,
    /// The blob of the Parquet file.
    pub(crate) data: String,
    pub(crate) data_bytes: u64,
    /// The blob of the index.
    pub(crate) index: String,
    pub(crate) index_bytes: u64,
    pub(crate) rows: u32,
    /// The smallest and the greatest sort key.
    pub(crate) first: SortKey,
    pub(crate) last: SortKey,
    /// The smallest and the greatest sequence number.
    pub(crate) seq_min: u64,
    pub(crate) seq_max: u64,
}

impl Stored for PartRow {
    const NAME: &'static str = "table part";
    const VERSION: u16 = 1;
}

/// Says that a table is being removed: whatever rows and blobs there are count for nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Removal {}

impl Stored for Removal {
    const NAME: &'static str = "table removal";
    const VERSION: u16 = 1;
}

/// Where a table's rows are.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    family: Key,
}

impl Keys {
    pub(crate) fn new(table: &str) -> Self {
        Self { family: Key::family(&format!("table/{table}")) }
    }

    pub(crate) fn head(&self) -> Key {
        self.family.part("head")
    }

    pub(crate) fn parts(&self) -> Key {
        self.family.part("part")
    }

    pub(crate) fn part(&self, id: u64) -> Key {
        self.parts().number(id)
    }

    /// There while a removal of the table is under way.
    pub(crate) fn removal(&self) -> Key {
        self.family.part("removal")
    }
}

/// What is committed.
pub(crate) struct Manifest {
    pub(crate) head: Head,
    /// `None` while nothing was ever committed.
    pub(crate) version: Option<Version>,
    pub(crate) parts: Vec<PartRow>,
}

/// Reads head and parts; where there is no head yet, it is one that begins at `beginning`.
pub(crate) async fn load(catalog: &dyn Catalog, keys: &Keys, beginning: &Positions) -> Result<Manifest, Error> {
    let (head, version) = match catalog.get(&keys.head()).await.map_err(of_catalog)? {
        Some(row) => (decode::<Head>(&row.value).map_err(|e| Error::Damaged(e.to_string()))?, Some(row.version)),
        None => (Head::beginning(beginning), None),
    };
    let mut parts = Vec::new();
    let mut from = From::Start;
    loop {
        let page = catalog.list(&keys.parts(), from, PAGE).await.map_err(of_catalog)?;
        let Some((last, _)) = page.last() else { break };
        from = From::After(last.clone());
        for (key, row) in page {
            let part: PartRow = decode(&row.value).map_err(|e| Error::Damaged(e.to_string()))?;
            if key != keys.part(part.id) || part.id >= head.next_part || part.rows == 0 || part.first > part.last {
                return Err(damaged("part row", format!("{part:?} does not fit its key or the head")));
            }
            parts.push(part);
        }
    }
    Ok(Manifest { head, version, parts })
}
