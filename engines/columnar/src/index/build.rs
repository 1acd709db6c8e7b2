//! Makes the index while the rows of a part pass by.

use hashbrown::HashMap;
use opentrail_table::{Cell, Row, Schema};
use roaring::RoaringBitmap;

use super::layout::{
    ColumnIndex, Directory, IDS_PER_BLOCK, KEYS_PER_BLOCK, Posting, Section, bool_term, hash, put_key, put_varint,
    take_varint, term_key, trailer,
};
use crate::order::SortKey;

/// Takes rows in their order; row numbers count from 0.
pub(crate) struct IndexBuilder {
    salt: u64,
    rows: u32,
    last: SortKey,
    /// The blob so far: key blocks.
    out: Vec<u8>,
    block: Vec<u8>,
    block_first: SortKey,
    keys: Vec<(SortKey, Section)>,
    ids: Vec<(u32, u32)>,
    columns: Vec<ColumnBuilder>,
}

struct ColumnBuilder {
    name: &'static str,
    /// The place of the column in a row's cells.
    place: usize,
    terms: HashMap<Box<[u8]>, Rows>,
}

/// The rows of one term: most terms have one row, and the others count up in small steps.
enum Rows {
    One(u32),
    Many { last: u32, steps: Vec<u8> },
}

impl IndexBuilder {
    /// An index of the schema's indexed columns.
    pub(crate) fn new(schema: &Schema, salt: u64) -> Self {
        let indexed = schema.columns.iter().enumerate().filter(|(_, column)| column.indexed);
        let columns =
            indexed.map(|(place, column)| ColumnBuilder { name: column.name, place, terms: HashMap::new() }).collect();
        Self {
            salt,
            rows: 0,
            last: (0, 0),
            out: Vec::new(),
            block: Vec::new(),
            block_first: (0, 0),
            keys: Vec::new(),
            ids: Vec::new(),
            columns,
        }
    }

    /// Adds the next row.
    pub(crate) fn push(&mut self, row: &Row) {
        let (number, key) = (self.rows, (row.time_s, row.seq));
        if number.is_multiple_of(KEYS_PER_BLOCK) {
            self.close_block();
            self.block_first = key;
        } else {
            put_key(&mut self.block, self.last, key);
        }
        self.last = key;
        self.ids.push((hash(self.salt, &row.id), number));
        for column in &mut self.columns {
            match row.cells.get(column.place) {
                Some(Cell::Text(text)) => column.add(text, number),
                Some(Cell::TextList(texts)) => texts.iter().for_each(|text| column.add(text, number)),
                Some(Cell::Bool(value)) => column.add(bool_term(*value), number),
                Some(Cell::Null) | None => {}
            }
        }
        self.rows += 1;
    }

    /// The whole blob, with the checksums of the Parquet file. `Err` says why it cannot be written.
    pub(crate) fn finish(mut self, checks: &[u32]) -> Result<Vec<u8>, String> {
        self.close_block();
        let mut out = self.out;
        let mut ids = Vec::with_capacity(self.ids.len() / IDS_PER_BLOCK + 1);
        self.ids.sort_unstable();
        for block in self.ids.chunks(IDS_PER_BLOCK) {
            let offset = out.len();
            for (hash, row) in block {
                out.extend_from_slice(&hash.to_le_bytes());
                out.extend_from_slice(&row.to_le_bytes());
            }
            ids.push((block[0].0, Section::of(offset as u64, &out[offset..])));
        }
        drop(self.ids);
        let columns =
            self.columns.into_iter().map(|column| column.finish(&mut out)).collect::<Result<Vec<_>, String>>()?;
        let checks_at = out.len();
        checks.iter().for_each(|check| out.extend_from_slice(&check.to_le_bytes()));
        let checks = Section::of(checks_at as u64, &out[checks_at..]);
        let directory = Directory { rows: self.rows, salt: self.salt, keys: self.keys, ids, columns, checks }.encode();
        let section = Section::of(out.len() as u64, &directory);
        out.extend_from_slice(&directory);
        out.extend_from_slice(&trailer(section));
        Ok(out)
    }

    fn close_block(&mut self) {
        if self.rows > 0 {
            self.keys.push((self.block_first, Section::of(self.out.len() as u64, &self.block)));
            self.out.append(&mut self.block);
        }
    }
}

impl ColumnBuilder {
    fn add(&mut self, value: &str, row: u32) {
        let key = term_key(value);
        match self.terms.get_mut(&*key) {
            Some(rows) => rows.add(row),
            None => {
                self.terms.insert(key.into(), Rows::One(row));
            }
        }
    }

    fn finish(self, out: &mut Vec<u8>) -> Result<ColumnIndex, String> {
        let name = self.name;
        let postings = out.len() as u64;
        let mut terms: Vec<(Box<[u8]>, Rows)> = self.terms.into_iter().collect();
        terms.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut map = fst::MapBuilder::memory();
        for (term, rows) in terms {
            let posting = match rows {
                Rows::One(row) => Posting::Row(row),
                many => {
                    let at = out.len();
                    out.extend_from_slice(&[0; 4]);
                    many.bitmap().serialize_into(&mut *out).map_err(|e| format!("index of {name}: {e}"))?;
                    let crc = crc32c::crc32c(&out[at + 4..]);
                    out[at..at + 4].copy_from_slice(&crc.to_le_bytes());
                    Posting::Bitmap { offset: at as u64 - postings, bytes: (out.len() - at) as u32 }
                }
            };
            let value = posting.encode().ok_or_else(|| format!("index of {name}: its postings are too large"))?;
            map.insert(&term, value).map_err(|e| format!("index of {name}: {e}"))?;
        }
        let map = map.into_inner().map_err(|e| format!("index of {name}: {e}"))?;
        let terms = Section::of(out.len() as u64, &map);
        out.extend_from_slice(&map);
        Ok(ColumnIndex { name: name.to_owned(), terms, postings })
    }
}

impl Rows {
    fn add(&mut self, row: u32) {
        match self {
            Self::One(first) if *first == row => {}
            Self::One(first) => {
                let mut steps = Vec::new();
                put_varint(&mut steps, u64::from(*first));
                put_varint(&mut steps, u64::from(row - *first));
                *self = Self::Many { last: row, steps };
            }
            Self::Many { last, .. } if *last == row => {}
            Self::Many { last, steps } => {
                put_varint(steps, u64::from(row - *last));
                *last = row;
            }
        }
    }

    fn bitmap(&self) -> RoaringBitmap {
        match self {
            Self::One(row) => RoaringBitmap::from_iter([*row]),
            Self::Many { steps, .. } => {
                let mut rest = steps.as_slice();
                let mut row = 0;
                let rows = std::iter::from_fn(|| {
                    row += take_varint(&mut rest)? as u32;
                    Some(row)
                });
                let mut bitmap = RoaringBitmap::from_sorted_iter(rows).expect("rows are added in their order");
                bitmap.optimize();
                bitmap
            }
        }
    }
}
