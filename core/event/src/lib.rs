//! The CloudTrail record: what it is made of, how its bytes are fixed once, and how the few members that routing
//! needs are read back out of bytes that somebody else fixed.
//!
//! - **From** `capture`, which builds records of calls, and from files and journals, which hold records as bytes.
//! - **To** the journal, every destination and every service: they carry the bytes and read a [`Head`],
//!   or a [`View`] where selectors decide.
//! - **Promises** that a record's bytes are a function of its parts, and that reading a head never changes them.
//! - **Does not promise** that foreign bytes follow the rules: [`Head::parse`] says what is wrong with them.
//! - **On crash** nothing: everything here is a value.
//! - **Absent on purpose**: a `serde_json::Value` of a record; nobody on an event's path needs the whole tree.

mod arn;
mod columns;
mod derive;
mod family;
mod head;
mod identity;
mod ids;
mod json;
mod limits;
mod record;
mod resources;
mod scan;
mod split;
mod view;
mod write;

pub use arn::Arn;
pub use columns::Columns;
pub use family::{Family, UnknownFamily};
pub use head::{BadRecord, Category, Head, NamedResource};
pub use identity::{IdentityType, SessionAttributes, SessionContext, SessionIssuer, UserIdentity, WebIdFederationData};
pub use ids::{AccountId, EventId, MalformedId, Region};
pub use json::{RawJson, write_text};
pub use limits::{ADDITIONAL_BYTES_MAX, FIELD_BYTES_MAX, RECORD_BYTES_MAX, TEXT_BYTES_MAX};
pub use record::{Owner, Record, RecordResource, TlsDetails};
pub use scan::DEPTH_MAX;
pub use split::{BadPiece, Piece, Splitter};
pub use view::{Touched, View};
