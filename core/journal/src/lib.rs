//! The journal port: one durable log in the middle, and the followers that read it.
//!
//! - **From** `capture`, which appends intents and records.
//! - **To** every [`Follower`]; and to `capture` itself at start-up, which looks for intents without a record.
//! - **Promises** that what `append` returned is on disk and keeps its position for ever.
//! - **Does not promise** order between partitions.
//! - **On crash** every entry whose append returned is there, in order; an append that did not return is there whole
//!   or not at all.
//! - **Absent on purpose**: any reading of a record beyond its [`Entry`] members.

mod capture;
mod follower;
pub mod kit;
pub mod memory;
mod pump;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use opentrail_event::{AccountId, EventId, Region};
use tokio::sync::watch;

pub use capture::{Backlog, Call, CallClass, Capture, Outcome, Refused, Ticket};
pub use follower::{Follower, FollowerError};
pub use pump::{Lag, PumpStatus, pump};

/// One ordered part of the journal, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// The place of one entry. Offsets count entries, from 0, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub partition: Partition,
    pub offset: u64,
}

/// For each partition the offset of the next entry to read. A partition that is absent stands at 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions(pub BTreeMap<Partition, u64>);

impl Positions {
    /// The next offset of `partition`.
    pub fn next(&self, partition: Partition) -> u64 {
        self.0.get(&partition).copied().unwrap_or(0)
    }

    /// Moves past `position`, never back.
    pub fn pass(&mut self, position: Position) {
        let next = self.0.entry(position.partition).or_insert(0);
        *next = (*next).max(position.offset + 1);
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A call is about to run. Resolved by a record with the same event id; followers skip it.
    Intent,
    /// A record, its bytes fixed.
    Record,
}

/// Who may use the last of the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// May use the reserve of the whole, though no more than its account's share: what closes an announced call, and the
    /// calls that mend the cause.
    ControlPlane,
    /// Stops when only the reserve is left.
    Normal,
}

/// One thing to remember. The partition follows from account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    pub urgency: Urgency,
    pub account: AccountId,
    pub region: Region,
    pub event_id: EventId,
    /// A record's exact bytes, or an intent in `capture`'s own form.
    pub bytes: Bytes,
}

/// An entry that was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub position: Position,
    pub appended_at: Timestamp,
    pub entry: Entry,
}

/// Why the journal did not take or give it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// This account's share, or all of the space, is used up by what followers have not taken yet, or the disk has no more
    /// to give; `whose` says which. Retryable.
    #[error("no room in the journal, which holds {held} of {max} bytes, for {whose}")]
    Full { whose: Arc<str>, held: u64, max: u64 },
    /// One entry is larger than the journal takes.
    #[error("an entry of {bytes} bytes is larger than the {max} that the journal takes")]
    TooLarge { bytes: usize, max: usize },
    /// The asked-for entries were truncated: `first` is the oldest that is left.
    #[error("offset {asked} is truncated; the journal begins at {first}")]
    Truncated { asked: u64, first: u64 },
    /// Writing failed; nothing more is accepted until a restart has found out what landed.
    #[error("journal unavailable: {0}")]
    Unavailable(Arc<str>),
}

/// The port.
///
/// # Contract
/// `append` takes a batch whole or not at all and returns the positions in the batch's order once they are durable.
/// `read` returns entries in order from `from` on, at most about `bytes_max` of them but at least one where there is
/// one; an empty answer means that the end is reached. `watch` shows the end of the journal as of the newest durable append.
/// `hold` says how far a holder has come: entries below the lowest of all holds may be truncated, and nothing else ever
/// is. Before the first hold nothing is truncated.
pub trait Journal: Send + Sync {
    /// How many partitions there are. Fixed when the journal was made.
    fn partitions(&self) -> u32;
    /// Makes the batch durable.
    fn append(&self, batch: Vec<Entry>) -> BoxFuture<'_, Result<Vec<Position>, Error>>;
    /// Whether one more entry would find room, as far as can be told beforehand: what is only written down afterwards should
    /// not begin without. None is lacking, unless said otherwise.
    fn room(&self, account: AccountId, urgency: Urgency) -> Result<(), Error> {
        let _ = (account, urgency);
        self.failed().map_or(Ok(()), |why| Err(Error::Unavailable(why.into())))
    }
    /// Entries from `from` on.
    fn read(&self, from: Position, bytes_max: usize) -> BoxFuture<'_, Result<Vec<Frame>, Error>>;
    /// The oldest offset that is left of each partition.
    fn start(&self) -> Positions;
    /// The end of each partition, and every move of it.
    fn watch(&self) -> watch::Receiver<Positions>;
    /// `holder` needs everything from `positions` on, and nothing before. Durable truncation follows in its own time.
    fn hold(&self, holder: &str, positions: Positions);
    /// Bytes on disk, and the most there may be.
    fn usage(&self) -> (u64, u64);
    /// Why every append is answered [`Error::Unavailable`] until a restart; `None` while the journal takes entries or
    /// only lacks room.
    fn failed(&self) -> Option<String>;
}
