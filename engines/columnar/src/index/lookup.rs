//! Asks the index of one part, loading no more of it than the question needs.

use std::sync::Arc;

use bytes::Bytes;
use opentrail_event::EventId;
use opentrail_table::Error;
use roaring::RoaringBitmap;

use super::layout::{
    CHECKED_BYTES, Directory, KEYS_PER_BLOCK, Posting, Section, TRAILER_BYTES, bool_term, hash, read_keys,
    read_trailer, term_key,
};
use crate::cache::{Loaded, Piece};
use crate::failure::{damaged, of_blob};
use crate::order::{SortKey, Window};
use crate::part::{Part, Store};

/// How much of the blob's end is read at first: the directory of most parts.
const TAIL_BYTES: u64 = 32 << 10;

/// The index of a part.
#[derive(Clone, Copy)]
pub(crate) struct Index<'a> {
    pub(crate) store: &'a Store,
    pub(crate) part: &'a Part,
}

impl Index<'_> {
    /// The rows whose keys lie within the window, as a range of row numbers.
    pub(crate) async fn rows_within(&self, window: Window) -> Result<(u32, u32), Error> {
        let row = &self.part.row;
        let lo = if window.lo <= row.first { 0 } else { self.rows_below(|key| key < window.lo).await? };
        let hi = if window.hi >= row.last { row.rows } else { self.rows_below(|key| key <= window.hi).await? };
        Ok((lo, hi))
    }

    /// The key of a row.
    pub(crate) async fn keys(&self, block: u32) -> Result<Arc<[SortKey]>, Error> {
        if let Some(Loaded::Keys(keys)) = self.store.cache.get(self.part.row.id, Piece::Keys(block)) {
            return Ok(keys);
        }
        let directory = self.directory().await?;
        let (first, section) =
            *directory.keys.get(block as usize).ok_or_else(|| self.damaged("a key block is missing"))?;
        let bytes = self.section(section).await?;
        let keys = read_keys(first, directory.keys_in(block), &bytes).ok_or_else(|| self.damaged("a key block"))?;
        let keys: Arc<[SortKey]> = keys.into();
        let held = size_of_val(&*keys);
        self.store.cache.put(self.part.row.id, Piece::Keys(block), Loaded::Keys(keys.clone()), held);
        Ok(keys)
    }

    /// Rows that may have this id.
    pub(crate) async fn rows_with_id(&self, id: &EventId) -> Result<RoaringBitmap, Error> {
        let directory = self.directory().await?;
        let hash = hash(directory.salt, id);
        let mut rows = RoaringBitmap::new();
        // The hash may stand at the end of the block before the first that begins with it.
        let mut block = directory.ids.partition_point(|(first, _)| *first < hash).saturating_sub(1);
        while let Some((first, section)) = directory.ids.get(block)
            && *first <= hash
        {
            let entries = self.ids(block as u32, *section).await?;
            let from = entries.partition_point(|(h, _)| *h < hash);
            rows.extend(entries[from..].iter().take_while(|(h, _)| *h == hash).map(|(_, row)| *row));
            block += 1;
        }
        self.checked(rows, &directory)
    }

    /// Rows that may have this text in the column; `None` if the part has no index of it.
    pub(crate) async fn rows_with_text(&self, column: &str, value: &str) -> Result<Option<RoaringBitmap>, Error> {
        let directory = self.directory().await?;
        let Some(place) = directory.columns.iter().position(|c| c.name == column) else { return Ok(None) };
        let terms = self.terms(place as u32, directory.columns[place].terms).await?;
        let rows = match terms.get(term_key(value)).map(Posting::decode) {
            None => RoaringBitmap::new(),
            Some(Posting::Row(row)) => RoaringBitmap::from_iter([row]),
            Some(Posting::Bitmap { offset, bytes }) => {
                self.bitmap(directory.columns[place].postings.saturating_add(offset), bytes).await?
            }
        };
        self.checked(rows, &directory).map(Some)
    }

    /// Rows that have this truth value in the column; `None` if the part has no index of it.
    pub(crate) async fn rows_with_bool(&self, column: &str, value: bool) -> Result<Option<RoaringBitmap>, Error> {
        self.rows_with_text(column, bool_term(value)).await
    }

    /// The checksums of the Parquet file.
    pub(crate) async fn data_checks(&self) -> Result<Arc<[u32]>, Error> {
        if let Some(Loaded::Checks(checks)) = self.store.cache.get(self.part.row.id, Piece::Checks) {
            return Ok(checks);
        }
        let bytes = self.section(self.directory().await?.checks).await?;
        let checks: Arc<[u32]> = bytes.as_chunks::<4>().0.iter().map(|check| u32::from_le_bytes(*check)).collect();
        if checks.len() as u64 != self.part.row.data_bytes.div_ceil(CHECKED_BYTES as u64) {
            return Err(self.damaged("the data checksums"));
        }
        self.store.cache.put(self.part.row.id, Piece::Checks, Loaded::Checks(checks.clone()), size_of_val(&*checks));
        Ok(checks)
    }

    /// How many rows lie below a line that the keys cross once.
    async fn rows_below(&self, below: impl Fn(SortKey) -> bool) -> Result<u32, Error> {
        let directory = self.directory().await?;
        let blocks = directory.keys.partition_point(|(first, _)| below(*first));
        let Some(block) = blocks.checked_sub(1) else { return Ok(0) };
        let keys = self.keys(block as u32).await?;
        Ok(block as u32 * KEYS_PER_BLOCK + keys.partition_point(|key| below(*key)) as u32)
    }

    async fn directory(&self) -> Result<Arc<Directory>, Error> {
        if let Some(Loaded::Directory(directory)) = self.store.cache.get(self.part.row.id, Piece::Directory) {
            return Ok(directory);
        }
        let bytes = self.part.row.index_bytes;
        let start = bytes.saturating_sub(TAIL_BYTES);
        let tail = self.read(start, bytes).await?;
        let trailer_at = tail.len().checked_sub(TRAILER_BYTES).ok_or_else(|| self.damaged("it is too short"))?;
        let section = read_trailer(&tail[trailer_at..]).map_err(|why| self.damaged(why))?;
        let encoded = match section.offset.checked_sub(start) {
            Some(at) if section.end() <= bytes => tail.slice(at as usize..(section.end() - start) as usize),
            _ => self.read(section.offset, section.end()).await?,
        };
        if crc32c::crc32c(&encoded) != section.crc {
            return Err(self.damaged("the directory's checksum is wrong"));
        }
        let directory = Directory::decode(&encoded).filter(|directory| directory.rows == self.part.row.rows);
        let directory = Arc::new(directory.ok_or_else(|| self.damaged("the directory"))?);
        let held = directory.held_bytes();
        self.store.cache.put(self.part.row.id, Piece::Directory, Loaded::Directory(directory.clone()), held);
        Ok(directory)
    }

    async fn ids(&self, block: u32, section: Section) -> Result<Arc<[(u32, u32)]>, Error> {
        if let Some(Loaded::Ids(ids)) = self.store.cache.get(self.part.row.id, Piece::Ids(block)) {
            return Ok(ids);
        }
        let bytes = self.section(section).await?;
        let (entries, rest) = bytes.as_chunks::<8>();
        let ids: Arc<[(u32, u32)]> = entries
            .iter()
            .map(|&[a, b, c, d, e, f, g, h]| (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])))
            .collect();
        if !rest.is_empty() || !ids.is_sorted() {
            return Err(self.damaged("an id block"));
        }
        self.store.cache.put(self.part.row.id, Piece::Ids(block), Loaded::Ids(ids.clone()), size_of_val(&*ids));
        Ok(ids)
    }

    async fn terms(&self, column: u32, section: Section) -> Result<Arc<fst::Map<Bytes>>, Error> {
        if let Some(Loaded::Terms(terms)) = self.store.cache.get(self.part.row.id, Piece::Terms(column)) {
            return Ok(terms);
        }
        let bytes = self.section(section).await?;
        let held = bytes.len();
        let terms = Arc::new(fst::Map::new(bytes).map_err(|e| self.damaged(e))?);
        self.store.cache.put(self.part.row.id, Piece::Terms(column), Loaded::Terms(terms.clone()), held);
        Ok(terms)
    }

    async fn bitmap(&self, offset: u64, bytes: u32) -> Result<RoaringBitmap, Error> {
        let bytes = self.read(offset, offset.saturating_add(u64::from(bytes))).await?;
        let (crc, body) = bytes.split_first_chunk::<4>().ok_or_else(|| self.damaged("a posting is too short"))?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return Err(self.damaged("a posting's checksum is wrong"));
        }
        RoaringBitmap::deserialize_from(body).map_err(|e| self.damaged(e))
    }

    async fn section(&self, section: Section) -> Result<Bytes, Error> {
        let bytes = self.read(section.offset, section.end()).await?;
        if crc32c::crc32c(&bytes) != section.crc {
            return Err(self.damaged("a checksum is wrong"));
        }
        Ok(bytes)
    }

    async fn read(&self, start: u64, end: u64) -> Result<Bytes, Error> {
        if start == end {
            return Ok(Bytes::new());
        }
        self.store.blobs.read(&self.part.index, start..end).await.map_err(of_blob)
    }

    fn checked(&self, rows: RoaringBitmap, directory: &Directory) -> Result<RoaringBitmap, Error> {
        match rows.max() {
            Some(row) if row >= directory.rows => Err(self.damaged("it names a row that the part does not have")),
            _ => Ok(rows),
        }
    }

    fn damaged(&self, why: impl std::fmt::Display) -> Error {
        damaged(format_args!("index {}", self.part.index), why)
    }
}
