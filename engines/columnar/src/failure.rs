//! How failures of the parts below become the table's own.

use std::fmt::Display;

use opentrail_table::Error;

/// A blob that a committed part names, or one being staged, could not be used.
pub(crate) fn of_blob(error: opentrail_blobs::Error) -> Error {
    use opentrail_blobs::Error as Blob;
    match error {
        Blob::NotFound(_) | Blob::OutOfRange { .. } => Error::Damaged(error.to_string()),
        Blob::Exists(_) | Blob::Source(_) | Blob::Full(_) | Blob::Unavailable(_) => {
            Error::Unavailable(error.to_string().into())
        }
    }
}

/// The catalog could not be read.
pub(crate) fn of_catalog(error: opentrail_catalog::Error) -> Error {
    Error::Unavailable(error.to_string().into())
}

/// Bytes are not what they should be.
pub(crate) fn damaged(what: impl Display, why: impl Display) -> Error {
    Error::Damaged(format!("{what}: {why}"))
}

/// A part could not be written.
pub(crate) fn unwritten(error: parquet::errors::ParquetError) -> Error {
    Error::Unavailable(format!("part not written: {error}").into())
}

/// A worker thread ended early: it panicked or the runtime is shutting down.
pub(crate) fn of_worker(error: tokio::task::JoinError) -> Error {
    Error::Unavailable(format!("a worker did not finish: {error}").into())
}
