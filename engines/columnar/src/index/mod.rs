//! The index beside a part: which rows have an id or a value, and the sort key of each row.
//!
//! # The blob, version 1
//! Numbers are little-endian; `varint` is LEB128; every checksum is CRC-32C of the bytes it stands for.
//!
//! | piece | content |
//! |---|---|
//! | key blocks | for each [`KEYS_PER_BLOCK`] rows: the keys behind the first one, each as varint(time − previous time) and, where that is 0, varint(zigzag(seq − previous seq)), else varint(zigzag(seq − previous seq)) all the same |
//! | id blocks | entries (hash of the id: u32, row: u32), ascending, [`IDS_PER_BLOCK`] to a block |
//! | per column: postings | serialised roaring bitmaps of row numbers, each behind its u32 checksum |
//! | per column: terms | an fst map from [`term_key`] to a [`Posting`] |
//! | data checksums | for each [`CHECKED_BYTES`] of the part's Parquet file: u32 |
//! | directory | see [`Directory::decode`] |
//! | trailer | directory offset u64, directory bytes u32, directory checksum u32, version u16, zero u16, `OTIX` |
//!
//! Ids are kept as salted 32-bit hashes: eight bytes a row. So an index names *candidates*; whoever reads the rows
//! compares them with the question. Only a value longer than [`TERM_BYTES_MAX`] or a chance collision of two ids ever
//! makes a candidate that is none.
//!
//! The checksums of the Parquet file stand here because the format's own are optional, and few programs write them.

mod build;
mod layout;
mod lookup;

pub(crate) use build::IndexBuilder;
pub(crate) use layout::{CHECKED_BYTES, Directory, KEYS_PER_BLOCK};
pub(crate) use lookup::Index;
