//! Every way in: calls of our own services, and batches of events that somebody else recorded.
//!
//! - **From** `wire`, which announces calls and says how they ended; from benches and doors that bring finished events.
//! - **To** the journal, as intents and records.
//! - **Promises** that what lies behind the journal is asked before an account's call is taken in; that a change runs only after its intent is durable, that its caller is answered only after its record
//!   is, and that of every intent there is exactly one record in the end, whatever crashed in between.
//! - **Does not promise** that a call whose outcome is `unknown` changed anything: nobody is left who knows.
//! - **On crash** start-up makes a record of each intent that has none: responseElements null, no errorCode,
//!   `additionalEventData.outcome` = `"unknown"`.
//! - **Absent on purpose**: protocols, principals and selectors' language; the calls arrive as records spell them.

mod admit;
mod book;
mod compose;
mod gap;
mod memo;
mod mend;
mod recorder;
mod settle;

pub use admit::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, EVENT_HEAD_BYTES, NotTaken, Unfit};
pub use book::OPEN_INTENTS_MAX;
pub use mend::MENDING_CALLS_MAX;
pub use recorder::{Recorder, TEND_PERIOD};
pub use settle::{CARRY_AGE, Recovered};

#[cfg(test)]
mod tests;
