//! Stage: a body becomes a blob of one gzip member, and its hash is taken.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use libdeflater::{CompressionLvl, Compressor};
use opentrail_blobs::{BlobKey, Blobs, SourceError};

use super::SpoolError;

/// Measured over 134,000 events of the bench's corpus (1,570 bytes each), on one core of a busy machine: levels 1, 4 and 6 pack 179,000,
/// 128,000 and 107,000 events a second, into 223, 195 and 183 bytes each. Level 6 of zlib-rs packs 75,000, into 186.
const LEVEL: i32 = 1;
/// Bodies up to this size are packed on the spot; larger ones in a thread that may block.
const IN_PLACE_BYTES: usize = 128 * 1024;
/// Compressors that are kept for the next body.
const COMPRESSORS_MAX: usize = 4;

/// What a body came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) gzip: Bytes,
    /// Of the body itself, in lower-case hexadecimal digits.
    pub(crate) sha256: String,
}

/// Packs bodies. Clones share their compressors.
#[derive(Clone, Default)]
pub(crate) struct Packer(Arc<Mutex<Vec<Compressor>>>);

impl Packer {
    /// One gzip member of `raw`, and its hash. The same body gives the same bytes.
    pub(crate) async fn pack(&self, raw: &Arc<Vec<u8>>) -> Result<Packed, SpoolError> {
        if raw.len() <= IN_PLACE_BYTES {
            return Ok(self.pack_now(raw));
        }
        let (packer, raw) = (self.clone(), raw.clone());
        let work = tokio::task::spawn_blocking(move || packer.pack_now(&raw));
        work.await.map_err(|error| SpoolError::Worker(error.to_string()))
    }

    fn pack_now(&self, raw: &[u8]) -> Packed {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut compressor =
            kept.unwrap_or_else(|| Compressor::new(CompressionLvl::new(LEVEL).expect("a level that there is")));
        let mut gzip = vec![0; compressor.gzip_compress_bound(raw.len())];
        let n = compressor.gzip_compress(raw, &mut gzip).expect("the bound leaves room");
        let gzip = Bytes::copy_from_slice(&gzip[..n]);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < COMPRESSORS_MAX {
            kept.push(compressor);
        }
        drop(kept);
        Packed { gzip, sha256: opentrail_digest::hex(digest(&SHA256, raw).as_ref()) }
    }
}

/// Puts a staged blob, over one of the same name that an earlier try may have left. Durable on return.
pub(crate) async fn put(blobs: &dyn Blobs, key: &BlobKey, bytes: &Bytes) -> Result<(), opentrail_blobs::Error> {
    let source = stream::iter([Ok::<_, SourceError>(bytes.clone())]).boxed();
    blobs.put(key, source, false).await.map(drop)
}
