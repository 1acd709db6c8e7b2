//! Stage: a part's file and index become durable blobs that nothing names yet.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use opentrail_blobs::{BlobKey, SourceError};
use opentrail_table::Error;
use opentrail_world::World;
use tokio::sync::mpsc;

use crate::failure::{damaged, of_blob, of_worker, unwritten};
use crate::index::CHECKED_BYTES;
use crate::manifest::PartRow;
use crate::part::Store;
use crate::write::{PartWriter, Written};

/// Bytes that go to the blob at once, and how many such pieces may wait.
const PIECE_BYTES: usize = 16 * CHECKED_BYTES;
const PIECES_WAITING: usize = 4;
/// Bytes of an index that go to the blob at once.
const INDEX_PIECE_BYTES: usize = 1 << 20;

/// Where every blob of a table is named.
pub(crate) fn prefix(table: &str) -> String {
    format!("table/{table}/")
}

/// A part that is durable and not committed. Its row has no id yet.
pub(crate) struct Staged {
    pub(crate) row: PartRow,
    pub(crate) claim: Claim,
}

/// Blobs that are staged, by their names. Dropped before a commit took them over, because something failed or nobody waits for
/// it any more, they are left to the table's next sweep.
pub(crate) struct Claim {
    blobs: Vec<BlobKey>,
    store: Arc<Store>,
}

impl Claim {
    /// Somebody else answers for them now.
    pub(crate) fn release(mut self) -> Vec<BlobKey> {
        std::mem::take(&mut self.blobs)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.blobs.is_empty() {
            self.store.abandoned.lock().expect("nothing panics while it holds the names").append(&mut self.blobs);
        }
    }
}

/// What the filling of a part works on.
pub(crate) type Filling<'a> = &'a mut PartWriter<Pipe>;

/// Writes a part that `fill` fills on a worker thread. What a failure leaves behind goes with the table's next sweep.
pub(crate) async fn stage(
    store: &Arc<Store>,
    world: &World,
    level: i32,
    fill: impl FnOnce(Filling<'_>) -> Result<(), Error> + Send + 'static,
) -> Result<Staged, Error> {
    let name: u64 = u64::from_le_bytes(world.bytes());
    let base = format!("{}{name:016x}", prefix(&store.schema.table));
    let key = |ending: &str| BlobKey::new(format!("{base}.{ending}")).expect("a checked table name, digits and a dot");
    let (data, index) = (key("parquet"), key("index"));
    let mut claim = Claim { blobs: vec![data.clone()], store: store.clone() };

    let salt = u64::from_le_bytes(world.bytes());
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    let (schema, derived) = (store.schema.clone(), store.derived.clone());
    let work = tokio::task::spawn_blocking(move || -> Result<Written, Error> {
        let mut writer = PartWriter::new(&schema, derived, salt, level, Pipe::new(sender)).map_err(unwritten)?;
        fill(&mut writer)?;
        writer.finish(Pipe::finish).map_err(unwritten)
    });
    let (put, written) = futures::join!(store.blobs.put(&data, pieces(receiver), true), work);
    let written = match (put, written.map_err(of_worker)?) {
        // The writer's own failure is the cause of the put's, unless it failed because nobody took its bytes.
        (Err(opentrail_blobs::Error::Source(_)), Err(cause)) => Err(cause),
        (Err(cause), _) => Err(of_blob(cause)),
        (Ok(_), Err(cause)) => Err(cause),
        (Ok(bytes), Ok(written)) if bytes == written.data_bytes => Ok(written),
        (Ok(bytes), Ok(written)) => Err(damaged(&data, format!("{bytes} bytes were stored of {}", written.data_bytes))),
    };
    let Written { rows, first, last, seq_min, seq_max, data_bytes, index: index_blob } = written?;
    let index_bytes = index_blob.len() as u64;
    claim.blobs.push(index.clone());
    store.blobs.put(&index, whole(index_blob.into()), true).await.map_err(of_blob)?;
    let row = PartRow {
        id: 0,
        data: data.to_string(),
        data_bytes,
        index: index.to_string(),
        index_bytes,
        rows,
        first,
        last,
        seq_min,
        seq_max,
    };
    Ok(Staged { row, claim })
}

fn whole(blob: Bytes) -> BoxStream<'static, Result<Bytes, SourceError>> {
    let pieces = (0..blob.len()).step_by(INDEX_PIECE_BYTES);
    let piece = move |at: usize| Ok(blob.slice(at..(at + INDEX_PIECE_BYTES).min(blob.len())));
    stream::iter(pieces.map(piece)).boxed()
}

/// What the writer sends: a piece, or `None` when it is done. Silence means that it failed.
type Piece = Option<Bytes>;

fn pieces(receiver: mpsc::Receiver<Piece>) -> BoxStream<'static, Result<Bytes, SourceError>> {
    let next = |state: Option<mpsc::Receiver<Piece>>| async move {
        let mut receiver = state?;
        match receiver.recv().await {
            Some(Some(piece)) => Some((Ok(piece), Some(receiver))),
            Some(None) => None,
            None => Some((Err("the part's writer gave up".into()), None)),
        }
    };
    stream::unfold(Some(receiver), next).boxed()
}

/// The writer's end: gathers bytes into pieces and waits while too many are under way.
pub(crate) struct Pipe {
    sender: mpsc::Sender<Piece>,
    piece: Vec<u8>,
    /// The checksum of every block of the pieces that were sent.
    checks: Vec<u32>,
}

impl Pipe {
    fn new(sender: mpsc::Sender<Piece>) -> Self {
        Self { sender, piece: Vec::with_capacity(PIECE_BYTES), checks: Vec::new() }
    }

    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        self.checks.extend(self.piece.chunks(CHECKED_BYTES).map(crc32c::crc32c));
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.say(Some(piece.into()))
    }

    fn say(&self, piece: Piece) -> io::Result<()> {
        self.sender.blocking_send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn finish(&mut self) -> io::Result<Vec<u32>> {
        self.send()?;
        self.say(None)?;
        Ok(std::mem::take(&mut self.checks))
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE_BYTES {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
