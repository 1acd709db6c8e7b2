//! The query port: one SELECT over the tables a caller may name, planned, run within a budget, poured into a sink.
//!
//! # Contract
//! [`Query::plan`] reads nothing but the statement and the scope: a statement that names anything beyond the scope fails, whatever it
//! is (file, address, catalog, function over tables). [`Planned::run`] hands out rows in order, each value as text (`spec/lake.md`
//! 6.4), and keeps [`Progress`] true while it runs. A run ends early with [`Error::Cancelled`] soon after [`Cancel::cancel`], with
//! [`Error::TimedOut`] at its deadline; rows that the sink has by then stay good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::task::AtomicWaker;
use opentrail_event::Family;

/// Characters of a statement, at most (`spec/lake.md` 6.3).
pub const STATEMENT_CHARS_MAX: usize = 10_000;

/// A table that a statement may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As it stands in FROM: the id of an event data store. Compared without case.
    pub id: String,
    /// Decides the columns.
    pub family: Family,
}

/// What a statement may see. Where there is one table, `events` names it too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    pub tables: Vec<Named>,
}

/// Another name of the table of a scope that has one.
pub const EVENTS: &str = "events";

impl Scope {
    /// The table that a statement calls `name`.
    pub fn table(&self, name: &str) -> Option<&Named> {
        let found = self.tables.iter().find(|table| table.id.eq_ignore_ascii_case(name));
        match self.tables.as_slice() {
            [only] if found.is_none() && name.eq_ignore_ascii_case(EVENTS) => Some(only),
            _ => found,
        }
    }
}

/// Where in a statement, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: u64,
    pub column: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The caller's fault: `InvalidQueryStatementException`.
    #[error("{}{message}", at.map(|at| format!("line {}:{}: ", at.line, at.column)).unwrap_or_default())]
    Invalid { message: String, at: Option<Place> },
    /// The statement names a table that is not in the scope.
    #[error("table {0} does not exist")]
    UnknownTable(String),
    /// The statement is sound, but a value of the data is not what it says: a cast that fails, a division by zero.
    #[error("{0}")]
    Data(String),
    /// Memory or rows beyond the budget.
    #[error("query exceeds its limits: {0}")]
    Exhausted(String),
    #[error("query timed out")]
    TimedOut,
    #[error("query was cancelled")]
    Cancelled,
    /// A table could not be read; trying again may help.
    #[error("query failed: {0}")]
    Unavailable(String),
}

impl Error {
    /// A statement refused as a whole.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), at: None }
    }
}

/// What one run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes that sorts, groups and joins may hold at once.
    pub memory_bytes: usize,
    /// From the start of the run.
    pub time: Duration,
    /// Rows of the answer.
    pub rows: u64,
}

/// How far a run is. Cheap to share; true at every moment.
#[derive(Debug, Default)]
pub struct Progress {
    /// Events read and looked at.
    pub events_scanned: AtomicU64,
    /// Bytes read for them.
    pub bytes_scanned: AtomicU64,
    /// Rows of the answer so far.
    pub rows: AtomicU64,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Rows of the answer; what AWS calls matched.
    pub events_matched: u64,
    pub events_scanned: u64,
    pub bytes_scanned: u64,
}

impl Progress {
    pub fn statistics(&self) -> Statistics {
        Statistics {
            events_matched: self.rows.load(Ordering::Relaxed),
            events_scanned: self.events_scanned.load(Ordering::Relaxed),
            bytes_scanned: self.bytes_scanned.load(Ordering::Relaxed),
        }
    }

    /// Counts what a table handed out.
    pub fn scanned(&self, events: u64, bytes: u64) {
        self.events_scanned.fetch_add(events, Ordering::Relaxed);
        self.bytes_scanned.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Ends a run from outside. Clones end the same run.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<(AtomicBool, AtomicWaker)>);

impl Cancel {
    pub fn cancel(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.wake();
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }

    /// Returns once somebody cancels. One run waits at a time.
    pub async fn cancelled(&self) {
        futures::future::poll_fn(|cx| {
            self.0.1.register(cx.waker());
            if self.is_cancelled() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

/// A value of an answer; none is SQL's NULL.
pub type Value = Option<String>;

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// As the statement spells it; `_col0`, `_col1` … where it has no name. Two columns may have one name.
    pub name: String,
    /// Trino's name of the type, such as `varchar`, `timestamp(3)`, `map(varchar, varchar)`.
    pub kind: String,
}

/// Where the rows go.
pub trait Sink: Send {
    /// Takes some rows, each with one value per column. An error ends the run with it.
    fn rows(&mut self, rows: Vec<Vec<Value>>) -> BoxFuture<'_, Result<(), Error>>;
}

/// The port.
pub trait Query: Send + Sync {
    /// Checks and plans; `now_ms` is what `now()` says, in milliseconds of the Unix epoch.
    fn plan<'a>(
        &'a self,
        sql: &'a str,
        scope: &'a Scope,
        now_ms: i64,
    ) -> BoxFuture<'a, Result<Box<dyn Planned>, Error>>;
}

/// A statement that is ready to run, once.
pub trait Planned: Send {
    fn columns(&self) -> &[ResultColumn];
    /// Ids of the tables that it reads, as the scope spells them.
    fn tables(&self) -> &[String];
    /// The plan, for people.
    fn explain(&self) -> String;
    /// Runs it to its end. Dropping the future ends the run as well.
    fn run<'a>(
        self: Box<Self>,
        budget: Budget,
        cancel: Cancel,
        progress: Arc<Progress>,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<Statistics, Error>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_names_the_only_table() {
        let named = |id: &str| Named { id: id.into(), family: Family::Events };
        let one = Scope { tables: vec![named("AB-1")] };
        assert_eq!(one.table("events").map(|t| t.id.as_str()), Some("AB-1"));
        assert_eq!(one.table("ab-1").map(|t| t.id.as_str()), Some("AB-1"));
        assert_eq!(one.table("other"), None);
        let two = Scope { tables: vec![named("a"), named("b")] };
        assert_eq!(two.table("EVENTS"), None);
    }

    #[test]
    fn errors_say_where() {
        let at = Some(Place { line: 2, column: 7 });
        assert_eq!(Error::Invalid { message: "what".into(), at }.to_string(), "line 2:7: what");
        assert_eq!(Error::invalid("what").to_string(), "what");
    }

    #[test]
    fn a_cancelled_run_hears_of_it() {
        let cancel = Cancel::default();
        let other = cancel.clone();
        assert_eq!(futures::FutureExt::now_or_never(cancel.cancelled()), None);
        other.cancel();
        assert_eq!(futures::FutureExt::now_or_never(cancel.cancelled()), Some(()));
        assert!(cancel.is_cancelled());
    }
}
