//! The tables of one engine.

use std::sync::Arc;

use futures::future::BoxFuture;
use opentrail_journal::Positions;

use crate::{Error, Schema, Table};

/// The port to the tables that there are.
///
/// # Contract
/// A table is known by its schema's name. One that is open is opened by giving out the same table again; callers of one
/// name wait for each other, those of different names do not. `remove` takes everything of a table in transactions of
/// bounded size; once it began to be removed, no caller and no restart ever sees a part of it: whoever opens it after a
/// crash finds an empty table. A table that is in use answers [`Error::Removed`] from then on, finds under way included.
pub trait Tables: Send + Sync {
    /// The table of this schema. One that has committed nothing yet stands at `beginning`: what lies before these
    /// positions is none of it. They become durable with the first commit of any kind, and count for nothing behind it;
    /// until then the caller remembers them.
    ///
    /// # Errors
    /// [`Error::BadQuestion`] for a schema that cannot be stored, or one that differs from that of the open table.
    fn open(&self, schema: Schema, beginning: Positions) -> BoxFuture<'_, Result<Arc<dyn Table>, Error>>;
    /// Removes the table of this name. One that does not exist is no error: what an earlier call or a crash left is removed.
    /// After a failure the table is closed, and may be removed already; another call goes on.
    fn remove<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<(), Error>>;
}
