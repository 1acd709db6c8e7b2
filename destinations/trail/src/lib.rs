//! Trails: log files and signed digests in somebody's bucket.
//!
//! - **From** the journal, as a follower; and from `services/cloudtrail`, which changes trails.
//! - **To** buckets, through the port `Buckets` of `core/delivery`.
//! - **Promises** that each selected event is in exactly one log file of each trail, under the revision of the trail that was in force when the
//!   event was appended; and that each log file is in exactly one digest of an unbroken chain.
//! - **Does not promise** order inside a file, nor between files.
//! - **On crash** what was staged and not committed is made again; what was committed is published again, the same key
//!   and the same bytes.
//! - **Absent on purpose**: HTTP, AWS's error names, and what a bucket's policy says.

mod chains;
mod delivery;
mod follow;
mod keys;
mod member;
mod registry;
mod settings;
mod spool;
mod status;
mod timeline;
mod trail;

pub use delivery::Delivery;
pub use keys::KeyInfo;
pub use registry::{NewTrail, REVISIONS_MAX, RegistryError, TAGS_MAX, TRAILS_MAX, Trails};
pub use settings::{Parts, Settings};
pub use spool::SpoolError;
pub use status::{Attempts, Status};
pub use timeline::{Parting, Snapshot, Timeline};
pub use trail::{Config, Logging, Trail};

#[cfg(test)]
mod tests;
