//! The bytes of a segment file, as the map in [`super`] shows them.

use bytes::{Buf, Bytes};
use jiff::Timestamp;
use opentrail_event::{AccountId, EventId, Region};
use opentrail_journal::{Entry, Frame, Kind, Partition, Position, Urgency};

/// The format this program writes, and the only one there has been.
pub(crate) const FORMAT_VERSION: u16 = 1;
pub(crate) const SEGMENT_HEAD_BYTES: usize = 48;
pub(crate) const FRAME_HEAD_BYTES: usize = 48;
/// What an entry takes beside its bytes and its region's name.
pub(crate) const ENTRY_HEAD_BYTES: usize = 1 + 1 + 12 + 16 + 1 + 4;
/// The most one frame may unpack to: a batch is one frame at most, and this is more than a batch may hold.
pub(crate) const FRAME_RAW_BYTES_MAX: usize = 24 * 1024 * 1024;

const SEGMENT_MAGIC: &[u8; 8] = b"OTJRNL\r\n";
const FRAME_MAGIC: &[u8; 4] = b"OTfr";

/// What a segment file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub(crate) partition: u32,
    /// The offset of the first entry.
    pub(crate) first: u64,
    /// Drawn when the file is made; seeds every checksum, so that bytes of another file or of a caller never pass.
    pub(crate) salt: u64,
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Entries.
    Entries,
    /// Nothing: it says that everything before it was synced.
    Mark,
    /// Bytes per account, and where the footer begins: the last frame of a sealed segment.
    Footer,
}

/// A frame's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) what: What,
    /// Bytes of the body once unpacked.
    pub(crate) raw: u32,
    /// The offset of the first entry, or of the next one where there is none.
    pub(crate) first: u64,
    pub(crate) count: u32,
    /// Where in the file the write that brought this frame began.
    pub(crate) group: u32,
    pub(crate) appended_us: i64,
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    /// They end early; `need` bytes would tell more.
    Short { need: usize },
    /// They can never be one.
    Broken(&'static str),
}

impl SegmentHead {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEAD_BYTES] {
        let mut out = [0; SEGMENT_HEAD_BYTES];
        out[..8].copy_from_slice(SEGMENT_MAGIC);
        out[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&self.partition.to_le_bytes());
        out[16..24].copy_from_slice(&self.first.to_le_bytes());
        out[24..32].copy_from_slice(&self.salt.to_le_bytes());
        let crc = crc32c::crc32c(&out[..32]);
        out[32..36].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let Some(mut head) = bytes.get(..SEGMENT_HEAD_BYTES) else { return Err("the file header is cut short".into()) };
        if crc32c::crc32c(&head[..32]) != u32::from_le_bytes([head[32], head[33], head[34], head[35]]) {
            return Err("the file header fails its checksum".into());
        }
        if &head[..8] != SEGMENT_MAGIC {
            return Err("the file is no journal segment".into());
        }
        head.advance(8);
        let version = head.get_u16_le();
        if version != FORMAT_VERSION {
            return Err(format!("format {version} is not one this program knows, which is {FORMAT_VERSION}"));
        }
        head.advance(2);
        Ok(Self { partition: head.get_u32_le(), first: head.get_u64_le(), salt: head.get_u64_le() })
    }
}

fn checksum(salt: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), bytes)
}

/// Appends a frame to `out`. `body` is what is stored, packed already.
pub(crate) fn write_frame(out: &mut Vec<u8>, salt: u64, head: FrameHead, body: &[u8]) {
    let start = out.len();
    out.extend_from_slice(FRAME_MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&head.raw.to_le_bytes());
    out.extend_from_slice(&head.first.to_le_bytes());
    out.extend_from_slice(&head.count.to_le_bytes());
    out.extend_from_slice(&head.group.to_le_bytes());
    out.extend_from_slice(&head.appended_us.to_le_bytes());
    out.push(match head.what {
        What::Entries => 0,
        What::Mark => 1,
        What::Footer => 2,
    });
    out.extend_from_slice(&[0; 7]);
    out.extend_from_slice(body);
    let crc = checksum(salt, &out[start + 8..]);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// Reads the frame that `bytes` begin with, and its stored body.
pub(crate) fn parse_frame(bytes: &[u8], salt: u64) -> Result<(FrameHead, &[u8]), Bad> {
    let Some(mut rest) = bytes.get(..FRAME_HEAD_BYTES) else { return Err(Bad::Short { need: FRAME_HEAD_BYTES }) };
    if &rest[..4] != FRAME_MAGIC {
        return Err(Bad::Broken("no frame begins here"));
    }
    rest.advance(4);
    let crc = rest.get_u32_le();
    let stored = rest.get_u32_le() as usize;
    let raw = rest.get_u32_le();
    if stored > zstd::zstd_safe::compress_bound(FRAME_RAW_BYTES_MAX) || raw as usize > FRAME_RAW_BYTES_MAX {
        return Err(Bad::Broken("the frame's length is beyond every limit"));
    }
    let (first, count, group) = (rest.get_u64_le(), rest.get_u32_le(), rest.get_u32_le());
    let appended_us = rest.get_i64_le();
    let what = match rest.get_u8() {
        0 => What::Entries,
        1 => What::Mark,
        2 => What::Footer,
        _ => return Err(Bad::Broken("the frame is of no known kind")),
    };
    let end = FRAME_HEAD_BYTES + stored;
    let Some(body) = bytes.get(FRAME_HEAD_BYTES..end) else { return Err(Bad::Short { need: end }) };
    if checksum(salt, &bytes[8..end]) != crc {
        return Err(Bad::Broken("the frame fails its checksum"));
    }
    Ok((FrameHead { what, raw, first, count, group, appended_us }, body))
}

/// Appends one entry to the raw body of a frame.
pub(crate) fn encode_entry(out: &mut Vec<u8>, entry: &Entry) {
    out.push(match entry.kind {
        Kind::Intent => 0,
        Kind::Record => 1,
    });
    out.push(match entry.urgency {
        Urgency::ControlPlane => 0,
        Urgency::Normal => 1,
    });
    out.extend_from_slice(entry.account.as_str().as_bytes());
    out.extend_from_slice(entry.event_id.as_bytes());
    // A region's name is at most 32 characters.
    out.push(entry.region.as_str().len() as u8);
    out.extend_from_slice(entry.region.as_str().as_bytes());
    out.extend_from_slice(&(entry.bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(&entry.bytes);
}

/// The bytes that [`encode_entry`] takes.
pub(crate) fn entry_bytes(entry: &Entry) -> usize {
    ENTRY_HEAD_BYTES + entry.region.as_str().len() + entry.bytes.len()
}

/// Walks the entries of an unpacked body. What it gives shares the body's memory.
pub(crate) struct Entries {
    body: Bytes,
    partition: Partition,
    next: u64,
    left: u32,
    appended_at: Timestamp,
    region: Option<Region>,
}

impl Entries {
    pub(crate) fn new(partition: u32, head: &FrameHead, body: Bytes) -> Self {
        let appended_at = Timestamp::from_microsecond(head.appended_us).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { body, partition: Partition(partition), next: head.first, left: head.count, appended_at, region: None }
    }

    fn entry(&mut self) -> Option<Entry> {
        if self.body.len() < 31 {
            return None;
        }
        let kind = match self.body.get_u8() {
            0 => Kind::Intent,
            1 => Kind::Record,
            _ => return None,
        };
        let urgency = match self.body.get_u8() {
            0 => Urgency::ControlPlane,
            1 => Urgency::Normal,
            _ => return None,
        };
        let account: AccountId = std::str::from_utf8(&self.body.split_to(12)).ok()?.parse().ok()?;
        let event_id = EventId::from_bytes(self.body.split_to(16).as_ref().try_into().ok()?);
        let region_len = usize::from(self.body.get_u8());
        if self.body.len() < region_len + 4 {
            return None;
        }
        let name = self.body.split_to(region_len);
        let region = match &self.region {
            Some(same) if same.as_str().as_bytes() == name.as_ref() => same.clone(),
            _ => std::str::from_utf8(&name).ok()?.parse().ok()?,
        };
        self.region = Some(region.clone());
        let len = self.body.get_u32_le() as usize;
        if self.body.len() < len {
            return None;
        }
        Some(Entry { kind, urgency, account, region, event_id, bytes: self.body.split_to(len) })
    }
}

impl Iterator for Entries {
    /// `None` inside: the body does not hold what its head says.
    type Item = Option<Frame>;

    fn next(&mut self) -> Option<Option<Frame>> {
        if self.left == 0 {
            return (!self.body.is_empty()).then(|| {
                self.body.clear();
                None
            });
        }
        self.left -= 1;
        let position = Position { partition: self.partition, offset: self.next };
        self.next += 1;
        let entry = self.entry();
        if entry.is_none() {
            self.left = 0;
            self.body.clear();
        }
        Some(entry.map(|entry| Frame { position, appended_at: self.appended_at, entry }))
    }
}

/// A footer's body: each account and its bytes, then where the footer's frame begins.
pub(crate) fn encode_footer<'a>(accounts: impl Iterator<Item = (&'a AccountId, &'a u64)>, at: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for (account, bytes) in accounts {
        out.extend_from_slice(account.as_str().as_bytes());
        out.extend_from_slice(&bytes.to_le_bytes());
    }
    out.extend_from_slice(&at.to_le_bytes());
    out
}

/// What [`encode_footer`] was given, without the place.
pub(crate) fn decode_footer(body: &[u8]) -> Option<Vec<(AccountId, u64)>> {
    let (rows, _at) = body.split_last_chunk::<4>()?;
    if rows.len() % 20 != 0 {
        return None;
    }
    let row = |row: &[u8]| {
        let account = std::str::from_utf8(&row[..12]).ok()?.parse().ok()?;
        Some((account, u64::from_le_bytes(row[12..].try_into().ok()?)))
    };
    rows.chunks_exact(20).map(row).collect()
}
