//! Reading objects: whole, in ranges, and across parts.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use opentrail_blobs::{BlobKey, Blobs};
use opentrail_catalog::{Catalog, From, decode};
use opentrail_wire::Fault;

use super::garbage::Lease;
use super::rows::{self, Body, ObjectRow, StoredSum};
use super::uploads::PartRow;
use super::{Bucket, Store};
use crate::bodies::Outgoing;
use crate::faults;

/// How often a read starts over because the object was replaced under it.
const READ_ATTEMPTS: usize = 8;
/// Rows of parts read at once.
const PARTS_PER_READ: usize = 1_000;

/// One of several parts of an object, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// As it was uploaded under.
    pub(crate) number: u32,
    pub(crate) bytes: u64,
    pub(crate) body: Body,
    pub(crate) sum: StoredSum,
}

/// An object, and where its parts are if it has several.
pub(crate) struct Layout {
    pub(crate) row: ObjectRow,
    /// Empty for an object in one piece.
    pub(crate) places: Vec<Place>,
    /// Keeps the parts from being removed.
    lease: Option<Lease>,
}

impl Store {
    /// The object and its parts as they are now; `None` if there is none. `parts` is false where nobody will look at them.
    pub(crate) async fn layout(&self, bucket: &Bucket, key: &str, parts: bool) -> Result<Option<Layout>, Fault> {
        for _ in 0..READ_ATTEMPTS {
            let Some(row) = self.find(bucket, key).await? else { return Ok(None) };
            let Body::Parts(upload_id) = &row.body else {
                return Ok(Some(Layout { row, places: Vec::new(), lease: None }));
            };
            if !parts {
                return Ok(Some(Layout { row, places: Vec::new(), lease: None }));
            }
            let lease = self.garbage.lease(upload_id);
            // Seen with the lease in hand: from here on the parts stay, whatever becomes of the key.
            let again = self.find(bucket, key).await?;
            if again.is_none_or(|again| again.body != row.body) {
                continue;
            }
            let places = self.places(upload_id).await?;
            if places.iter().map(|place| place.bytes).sum::<u64>() != row.bytes {
                return Err(faults::internal("read parts", "their sizes are not that of their object"));
            }
            return Ok(Some(Layout { row, places, lease: Some(lease) }));
        }
        Err(faults::operation_aborted())
    }

    async fn places(&self, upload_id: &str) -> Result<Vec<Place>, Fault> {
        let mut places = Vec::new();
        let mut from = From::Start;
        loop {
            let found = self.catalog.list(&rows::part_keys(upload_id), from, PARTS_PER_READ).await;
            let found = found.map_err(|e| faults::internal("list parts", e))?;
            let end_is_reached = found.len() < PARTS_PER_READ;
            let Some((last, _)) = found.last() else { return Ok(places) };
            from = From::After(last.clone());
            for (key, row) in found {
                let number = PartRow::number(&key).ok_or_else(|| faults::internal("read part key", "no number"))?;
                let row: PartRow = decode(&row.value).map_err(|e| faults::internal("read part row", e))?;
                places.push(Place { number, bytes: row.bytes, body: row.body, sum: row.sum });
            }
            if end_is_reached {
                return Ok(places);
            }
        }
    }

    /// Finds an object, lets `choose` decide about it, and opens the bytes it chose.
    ///
    /// Row and body are read one after the other: where a put came between, both are read again.
    pub(crate) async fn read<T>(
        &self,
        bucket: &Bucket,
        key: &str,
        choose: impl Fn(&ObjectRow, &[Place]) -> Result<(Range<u64>, T), Fault>,
    ) -> Result<(Layout, T, Outgoing), Fault> {
        for _ in 0..READ_ATTEMPTS {
            let layout = self.layout(bucket, key, true).await?.ok_or_else(|| faults::no_such_key(key))?;
            let (range, chosen) = choose(&layout.row, &layout.places)?;
            if let Some(bytes) = self.open(&layout, range).await? {
                return Ok((layout, chosen, bytes));
            }
        }
        Err(faults::internal("open body", "an object's body is missing"))
    }

    /// The bytes of an object in `range`, whatever happens to its key from now on. `None` if the object was replaced or
    /// deleted before its body could be opened: look again.
    async fn open(&self, layout: &Layout, range: Range<u64>) -> Result<Option<Outgoing>, Fault> {
        let length = range.end - range.start;
        match &layout.row.body {
            _ if length == 0 => Ok(Some(Outgoing::Whole(Bytes::new()))),
            Body::Empty => Ok(Some(Outgoing::Whole(Bytes::new()))),
            Body::Row(name) => {
                let found = self.catalog.get(&rows::body_key(name)).await;
                let Some(found) = found.map_err(|e| faults::internal("read body row", e))? else { return Ok(None) };
                let bytes = slice(&found.value, range).ok_or_else(|| faults::internal("read body row", "too short"))?;
                Ok(Some(Outgoing::Whole(bytes)))
            }
            Body::Blob(name) => {
                let blob = BlobKey::new(name.as_str()).map_err(|e| faults::internal("name blob", e))?;
                match self.blobs.get(&blob, Some(range)).await {
                    Ok(bytes) => Ok(Some(Outgoing::Stream { bytes, length })),
                    Err(opentrail_blobs::Error::NotFound(_)) => Ok(None),
                    Err(error) => Err(faults::internal("open blob", error)),
                }
            }
            Body::Parts(_) => {
                let pieces = pieces(&layout.places, range);
                let lease = layout.lease.clone();
                let (catalog, blobs) = (self.catalog.clone(), self.blobs.clone());
                let bytes = futures::stream::iter(pieces.into_iter().map(Ok))
                    .and_then(move |(body, range)| open_piece(catalog.clone(), blobs.clone(), body, range))
                    .try_flatten()
                    .inspect(move |_| {
                        // The stream holds the lease until it is dropped.
                        let _ = &lease;
                    })
                    .boxed();
                Ok(Some(Outgoing::Stream { bytes, length }))
            }
        }
    }
}

/// The parts that a range touches, and what of each.
fn pieces(places: &[Place], range: Range<u64>) -> Vec<(Body, Range<u64>)> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for place in places {
        let end = start + place.bytes;
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            pieces.push((place.body.clone(), from - start..to - start));
        }
        start = end;
    }
    pieces
}

async fn open_piece(
    catalog: Arc<dyn Catalog>,
    blobs: Arc<dyn Blobs>,
    body: Body,
    range: Range<u64>,
) -> Result<BoxStream<'static, Result<Bytes, opentrail_blobs::Error>>, opentrail_blobs::Error> {
    let damaged = |why: &str| opentrail_blobs::Error::Unavailable(format!("a part's body {why}").into());
    match body {
        Body::Blob(name) => {
            let blob = BlobKey::new(name).map_err(|_| damaged("has no good name"))?;
            blobs.get(&blob, Some(range)).await
        }
        Body::Row(name) => {
            let found = catalog.get(&rows::body_key(&name)).await;
            let found = found.map_err(|e| damaged(&e.to_string()))?.ok_or_else(|| damaged("is missing"))?;
            let bytes = slice(&found.value, range).ok_or_else(|| damaged("is too short"))?;
            Ok(futures::stream::iter([Ok(bytes)]).boxed())
        }
        Body::Empty | Body::Parts(_) => Err(damaged("holds no bytes")),
    }
}

fn slice(bytes: &Bytes, range: Range<u64>) -> Option<Bytes> {
    let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
    (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_touches_its_parts_only() {
        let place = |number, bytes| Place {
            number,
            bytes,
            body: Body::Blob(number.to_string()),
            sum: StoredSum { algorithm: "CRC32".into(), value: String::new(), composite: false },
        };
        let places = [place(1, 5), place(2, 0), place(5, 5), place(6, 3)];
        let check = |range: Range<u64>, expect: &[(&str, Range<u64>)]| {
            let expect: Vec<_> = expect.iter().map(|(n, r)| (Body::Blob((*n).into()), r.clone())).collect();
            assert_eq!(pieces(&places, range.clone()), expect, "{range:?}");
        };
        check(0..13, &[("1", 0..5), ("5", 0..5), ("6", 0..3)]);
        check(0..5, &[("1", 0..5)]);
        check(5..6, &[("5", 0..1)]);
        check(4..11, &[("1", 4..5), ("5", 0..5), ("6", 0..1)]);
        check(12..13, &[("6", 2..3)]);
        check(3..3, &[]);
    }
}
