//! What can be chosen about tables.

/// What an owner of tables may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of footers, indexes and term dictionaries that are kept in memory, of all tables together. Default 64 MiB.
    pub cache_bytes_max: usize,
    /// Bytes of memory that a table's rows may take before they are sealed; beyond, `append` refuses. Default 512 MiB.
    pub unsealed_bytes_max: u64,
    /// Record bytes that one find reads before it answers with a partial page. Default 64 MiB.
    pub find_bytes_max: u64,
    /// Bytes of memory, about, that the rows of one ingestion take before they become a part. Default 96 MiB.
    pub ingest_bytes_max: u64,
    /// Parts of like size that make a merge worth its while; at least 2. Default 4.
    pub merge_parts_min: usize,
    /// Rows of a merged part at most. Default 2^19: bounds the memory in which its index is built.
    pub merge_rows_max: u64,
    /// Bytes of the parts that become one at most. Default 512 MiB.
    pub merge_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache_bytes_max: 64 << 20,
            unsealed_bytes_max: 512 << 20,
            find_bytes_max: 64 << 20,
            ingest_bytes_max: 96 << 20,
            merge_parts_min: 4,
            merge_rows_max: 1 << 19,
            merge_bytes_max: 512 << 20,
        }
    }
}
