//! The byte map of an index: directory, trailer, blocks and terms.

use std::borrow::Cow;

use opentrail_event::EventId;

use crate::order::SortKey;

/// The version that is written; the only one that there is.
pub(crate) const VERSION: u16 = 1;
/// How an index ends.
pub(crate) const MAGIC: [u8; 4] = *b"OTIX";
/// Bytes of the trailer.
pub(crate) const TRAILER_BYTES: usize = 24;
/// Rows whose keys share a block: 16 KiB in memory.
pub(crate) const KEYS_PER_BLOCK: u32 = 1024;
/// Id entries that share a block: 4 KiB.
pub(crate) const IDS_PER_BLOCK: usize = 512;
/// Bytes of the Parquet file that share a checksum.
pub(crate) const CHECKED_BYTES: usize = 16 << 10;
/// Longer values are kept by their beginning, length and checksum.
pub(crate) const TERM_BYTES_MAX: usize = 256;

/// A piece of the blob and its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) offset: u64,
    pub(crate) bytes: u32,
    pub(crate) crc: u32,
}

/// What an indexed column has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnIndex {
    pub(crate) name: String,
    pub(crate) terms: Section,
    /// Where the column's postings begin; a [`Posting`]'s offset counts from here.
    pub(crate) postings: u64,
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) rows: u32,
    pub(crate) salt: u64,
    /// The first key of each block, and the block.
    pub(crate) keys: Vec<(SortKey, Section)>,
    /// The first hash of each block, and the block.
    pub(crate) ids: Vec<(u32, Section)>,
    pub(crate) columns: Vec<ColumnIndex>,
    /// The checksums of the Parquet file.
    pub(crate) checks: Section,
}

impl Directory {
    /// `rows u32 · salt u64 · checks section · n u32 · n × (time i64, seq u64, section) · n u32 · n × (hash u32, section) · n u32 · n ×
    /// (name bytes u16, name, terms section, postings u64)`; a section is `offset u64, bytes u32, checksum u32`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        self.checks.encode(&mut out);
        out.extend_from_slice(&(self.keys.len() as u32).to_le_bytes());
        for ((time_s, seq), section) in &self.keys {
            out.extend_from_slice(&time_s.to_le_bytes());
            out.extend_from_slice(&seq.to_le_bytes());
            section.encode(&mut out);
        }
        out.extend_from_slice(&(self.ids.len() as u32).to_le_bytes());
        for (hash, section) in &self.ids {
            out.extend_from_slice(&hash.to_le_bytes());
            section.encode(&mut out);
        }
        out.extend_from_slice(&(self.columns.len() as u32).to_le_bytes());
        for column in &self.columns {
            out.extend_from_slice(&(column.name.len() as u16).to_le_bytes());
            out.extend_from_slice(column.name.as_bytes());
            column.terms.encode(&mut out);
            out.extend_from_slice(&column.postings.to_le_bytes());
        }
        out
    }

    /// `None` if the bytes are not what [`Directory::encode`] makes.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let input = &mut bytes;
        let rows = u32::from_le_bytes(take(input)?);
        let salt = u64::from_le_bytes(take(input)?);
        let checks = Section::decode(input)?;
        let n = u32::from_le_bytes(take(input)?);
        let keys = (0..n)
            .map(|_| {
                let key = (i64::from_le_bytes(take(input)?), u64::from_le_bytes(take(input)?));
                Some((key, Section::decode(input)?))
            })
            .collect::<Option<Vec<_>>>()?;
        let n = u32::from_le_bytes(take(input)?);
        let ids = (0..n)
            .map(|_| Some((u32::from_le_bytes(take(input)?), Section::decode(input)?)))
            .collect::<Option<Vec<_>>>()?;
        let n = u32::from_le_bytes(take(input)?);
        let columns = (0..n)
            .map(|_| {
                let name_bytes = usize::from(u16::from_le_bytes(take(input)?));
                let (name, rest) = input.split_at_checked(name_bytes)?;
                *input = rest;
                let name = std::str::from_utf8(name).ok()?.to_owned();
                let terms = Section::decode(input)?;
                Some(ColumnIndex { name, terms, postings: u64::from_le_bytes(take(input)?) })
            })
            .collect::<Option<Vec<_>>>()?;
        let blocks_fit = keys.len() as u64 == u64::from(rows.div_ceil(KEYS_PER_BLOCK));
        (input.is_empty() && blocks_fit).then_some(Self { rows, salt, keys, ids, columns, checks })
    }

    /// About what it takes in memory.
    pub(crate) fn held_bytes(&self) -> usize {
        self.keys.len() * size_of::<(SortKey, Section)>() + self.ids.len() * size_of::<(u32, Section)>() + 512
    }

    /// How many rows the key block has.
    pub(crate) fn keys_in(&self, block: u32) -> u32 {
        (self.rows - block * KEYS_PER_BLOCK).min(KEYS_PER_BLOCK)
    }
}

impl Section {
    pub(crate) fn of(offset: u64, bytes: &[u8]) -> Self {
        let crc = crc32c::crc32c(bytes);
        Self { offset, bytes: u32::try_from(bytes.len()).expect("a section is below 4 GiB"), crc }
    }

    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.bytes))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.extend_from_slice(&self.crc.to_le_bytes());
    }

    fn decode(input: &mut &[u8]) -> Option<Self> {
        let offset = u64::from_le_bytes(take(input)?);
        Some(Self { offset, bytes: u32::from_le_bytes(take(input)?), crc: u32::from_le_bytes(take(input)?) })
    }
}

/// The end of the blob, for a directory at `directory`.
pub(crate) fn trailer(directory: Section) -> [u8; TRAILER_BYTES] {
    let mut out = [0; TRAILER_BYTES];
    out[0..8].copy_from_slice(&directory.offset.to_le_bytes());
    out[8..12].copy_from_slice(&directory.bytes.to_le_bytes());
    out[12..16].copy_from_slice(&directory.crc.to_le_bytes());
    out[16..18].copy_from_slice(&VERSION.to_le_bytes());
    out[20..24].copy_from_slice(&MAGIC);
    out
}

/// Where the directory is, by the last bytes of the blob.
pub(crate) fn read_trailer(mut bytes: &[u8]) -> Result<Section, String> {
    let input = &mut bytes;
    let parsed = Section::decode(input).zip(take::<2>(input)).zip(take::<2>(input)).zip(take::<4>(input));
    match parsed {
        Some((((section, version), _), MAGIC)) if u16::from_le_bytes(version) == VERSION => Ok(section),
        Some((((_, version), _), MAGIC)) => {
            Err(format!("version {} is not {VERSION}, which this program knows", u16::from_le_bytes(version)))
        }
        _ => Err("it does not end as an index does".into()),
    }
}

/// Where the rows of one term are: in the fst's value itself when there is one, else in the column's postings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posting {
    Row(u32),
    Bitmap { offset: u64, bytes: u32 },
}

/// Bits of an fst value that hold a bitmap's length; one more tells the two kinds apart.
const POSTING_BYTES_BITS: u32 = 28;

impl Posting {
    /// Bit 0 is 0 for a single row in the bits above, 1 for a bitmap: 28 bits of length, then the offset.
    pub(crate) fn encode(self) -> Option<u64> {
        match self {
            Self::Row(row) => Some(u64::from(row) << 1),
            Self::Bitmap { offset, bytes } => {
                let fits = bytes < 1 << POSTING_BYTES_BITS && offset < 1 << (63 - POSTING_BYTES_BITS);
                fits.then_some((offset << (POSTING_BYTES_BITS + 1)) | (u64::from(bytes) << 1) | 1)
            }
        }
    }

    pub(crate) fn decode(value: u64) -> Self {
        if value & 1 == 0 {
            return Self::Row((value >> 1) as u32);
        }
        let bytes = (value >> 1) as u32 & ((1 << POSTING_BYTES_BITS) - 1);
        Self::Bitmap { offset: value >> (POSTING_BYTES_BITS + 1), bytes }
    }
}

/// A value as the terms hold it.
pub(crate) fn term_key(value: &str) -> Cow<'_, [u8]> {
    let bytes = value.as_bytes();
    if bytes.len() <= TERM_BYTES_MAX {
        return Cow::Borrowed(bytes);
    }
    let mut key = bytes[..TERM_BYTES_MAX - 12].to_vec();
    key.extend_from_slice(&crc32c::crc32c(bytes).to_be_bytes());
    key.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    Cow::Owned(key)
}

/// How a bool is spelt as a term.
pub(crate) fn bool_term(value: bool) -> &'static str {
    if value { "1" } else { "0" }
}

/// 32 bits of an id that nobody can steer who does not know the salt.
pub(crate) fn hash(salt: u64, id: &EventId) -> u32 {
    let (low, high) = id.as_bytes().split_at(8);
    let word = |half: &[u8]| u64::from_le_bytes(half.try_into().expect("half of sixteen bytes"));
    let fold = |a: u64, b: u64| {
        let wide = u128::from(a) * u128::from(b);
        (wide as u64) ^ ((wide >> 64) as u64)
    };
    let mixed = fold(word(low) ^ salt, word(high) ^ salt.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15);
    let mixed = fold(mixed ^ 0xd6e8_feb8_6659_fd93, salt | 1);
    (mixed ^ (mixed >> 32)) as u32
}

/// Appends `n` in seven-bit groups, lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Reads what [`put_varint`] wrote.
pub(crate) fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

/// The keys behind the first of a block.
pub(crate) fn put_key(out: &mut Vec<u8>, previous: SortKey, key: SortKey) {
    put_varint(out, key.0.wrapping_sub(previous.0).cast_unsigned());
    let step = key.1.wrapping_sub(previous.1).cast_signed();
    put_varint(out, ((step << 1) ^ (step >> 63)).cast_unsigned());
}

/// A whole block of `n` keys that begins with `first`.
pub(crate) fn read_keys(first: SortKey, n: u32, mut bytes: &[u8]) -> Option<Vec<SortKey>> {
    let mut keys = Vec::with_capacity(n as usize);
    let mut key = first;
    keys.push(key);
    while keys.len() < n as usize {
        key.0 = key.0.wrapping_add(take_varint(&mut bytes)?.cast_signed());
        let zigzag = take_varint(&mut bytes)?;
        key.1 = key.1.wrapping_add((zigzag >> 1) ^ (zigzag & 1).wrapping_neg());
        keys.push(key);
    }
    (bytes.is_empty() && keys.is_sorted()).then_some(keys)
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_come_back(mut keys in prop::collection::vec(any::<SortKey>(), 1..50)) {
            keys.sort_unstable();
            let mut bytes = Vec::new();
            for pair in keys.windows(2) {
                put_key(&mut bytes, pair[0], pair[1]);
            }
            prop_assert_eq!(read_keys(keys[0], keys.len() as u32, &bytes), Some(keys));
        }

        #[test]
        fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Directory::decode(&bytes);
            let _ = read_trailer(&bytes);
            let _ = read_keys((0, 0), 10, &bytes);
        }

        #[test]
        fn postings_come_back(row in any::<u32>(), offset in 0u64..1 << 35, bytes in 0u32..1 << 28) {
            for posting in [Posting::Row(row), Posting::Bitmap { offset, bytes }] {
                prop_assert_eq!(posting.encode().map(Posting::decode), Some(posting));
            }
        }
    }

    #[test]
    fn a_directory_comes_back_and_a_short_one_does_not() {
        let section = Section { offset: 9, bytes: 3, crc: 7 };
        let directory = Directory {
            rows: 1500,
            salt: 11,
            keys: vec![((1, 2), section), ((3, 4), section)],
            ids: vec![(5, section)],
            columns: vec![ColumnIndex { name: "eventName".into(), terms: section, postings: 12 }],
            checks: section,
        };
        let bytes = directory.encode();
        assert_eq!(Directory::decode(&bytes), Some(directory));
        for cut in 0..bytes.len() {
            assert_eq!(Directory::decode(&bytes[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn hashes_spread_and_depend_on_the_salt() {
        let id = |n: u8| EventId::from_bytes([n; 16]);
        let all: std::collections::BTreeSet<u32> = (0..=255).map(|n| hash(42, &id(n))).collect();
        assert_eq!(all.len(), 256);
        assert_ne!(hash(1, &id(1)), hash(2, &id(1)));
    }

    #[test]
    fn a_long_value_is_told_from_its_neighbours() {
        let long = "x".repeat(TERM_BYTES_MAX + 1);
        let other = format!("{}y", "x".repeat(TERM_BYTES_MAX));
        assert_eq!(term_key(&long).len(), TERM_BYTES_MAX);
        assert_ne!(term_key(&long), term_key(&other));
        assert_eq!(&*term_key("short"), b"short");
    }
}
