//! The rows of the table, and what they share.

mod append;
mod authorise;
mod decide;
mod deliver;
mod http;
mod kill;
mod kill_trail;
mod recorder;
mod select;
mod store;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::table::Figure;

/// One row: a name to ask for it by, what it measures, and how.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: fn(&Bench) -> Result<Vec<Figure>>,
}

/// All of them, in the order they run.
pub(crate) const ROWS: &[Row] = &[
    Row { name: "append", what: "batches of 100 made durable, beside plain fdatasync", run: append::flat_out },
    Row { name: "sustained", what: "30,000 events/s with history on", run: append::sustained },
    Row { name: "calls", what: "signed reads and changes over HTTP", run: http::calls },
    Row { name: "findable", what: "from a call's answer to its record being found", run: http::findable },
    Row {
        name: "recorder",
        what: "what the recorder adds to a small call, beside the upstream called directly and fdatasync",
        run: recorder::small::latency,
    },
    Row { name: "recorder-rate", what: "recorded small calls to an upstream per second", run: recorder::small::rate },
    Row {
        name: "recorder-large",
        what: "large objects through the recorder, beside the upstream called directly",
        run: recorder::large::large,
    },
    Row {
        name: "recorder-memory",
        what: "memory before the atlas is needed, and after",
        run: recorder::memory::memory,
    },
    Row { name: "select", what: "what selecting costs for each event", run: select::select },
    Row { name: "decide", what: "a decision over twenty policies of 5 KB, beside iam-rs", run: decide::decide },
    Row {
        name: "authorise",
        what: "what authorisation adds to a call, beside iam-rs's decision alone",
        run: authorise::authorise,
    },
    Row { name: "idle", what: "memory and start of an empty server", run: store::idle },
    Row { name: "start", what: "start with 50,000 unsealed events", run: store::start },
    Row { name: "load", what: "two million events: memory, find by id, size", run: store::load },
    Row { name: "deliver", what: "two million events through trails, beside gzip alone", run: deliver::deliver },
    Row { name: "kill", what: "kill -9 at random moments, every answered call found once", run: kill::kill },
    Row {
        name: "kill-trail",
        what: "the same with a trail: every answered call in one log file, and the chain holds",
        run: kill_trail::kill_trail,
    },
];

/// What every row is told.
pub(crate) struct Bench {
    pub(crate) span: Duration,
    pub(crate) rounds: u64,
    pub(crate) events: u64,
    pub(crate) corpus: Option<PathBuf>,
}

impl Bench {
    /// The folder that rows work under, beside this program.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        let folder = std::env::current_exe().context("find this program")?.with_file_name("bench-scratch");
        fs::create_dir_all(&folder).context("make the scratch folder")?;
        Ok(folder)
    }

    /// An empty folder of this name.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder()?.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).context("empty the scratch folder")?;
        }
        Ok(folder)
    }

    /// Tells how far a long row is, how fast it goes, and how long it will take.
    pub(crate) fn progress(&self, what: &str, done: u64, all: u64, began: Instant) {
        let step = (all / 20).max(1);
        if done.is_multiple_of(step) || done == all {
            let rate = done as f64 / began.elapsed().as_secs_f64();
            let left = (all - done) as f64 / rate;
            eprintln!("  {what}: {done} of {all}, {rate:.1}/s, {left:.0} s left");
        }
    }
}
