//! What the project promises, measured: `cargo xtask bench [ROW…]`. Each row runs in a process of its own, so that memory
//! and processor time are its own too.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod corpus;
mod load;
mod measure;
mod rows;
mod server;
mod table;
mod upstream;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;

use rows::{Bench, ROWS};
use table::Figure;

/// The server's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Measures what the project promises, each figure beside a peer's where there is one.
#[derive(Parser)]
struct Options {
    /// Rows to measure; all but the `kill` ones when none is named.
    rows: Vec<String>,
    /// Seconds that a rate is measured over.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Rounds of the rows `kill` and `kill-trail`.
    #[arg(long, default_value_t = 1000)]
    rounds: u64,
    /// Events of the corpus.
    #[arg(long, default_value_t = 2_000_000)]
    events: u64,
    /// A corpus in trail layout; made by ../shared/tools/gen_corpus.py when not given.
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// Answers calls until its input ends: the upstream of the recorder's rows.
    #[arg(long, hide = true)]
    upstream: bool,
    /// Prints figures as JSON: how a row's process reports.
    #[arg(long, hide = true)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    if options.upstream {
        return upstream::serve();
    }
    let bench = Bench {
        span: Duration::from_secs(options.seconds),
        rounds: options.rounds,
        events: options.events,
        corpus: options.corpus.clone(),
    };
    if options.json {
        let [name] = options.rows.as_slice() else { bail!("--json takes one row") };
        let row = ROWS.iter().find(|row| row.name == name).context("there is no such row")?;
        println!("{}", serde_json::to_string(&(row.run)(&bench)?)?);
        return Ok(());
    }
    for name in &options.rows {
        if !ROWS.iter().any(|row| row.name == name) {
            let known: Vec<_> = ROWS.iter().map(|row| format!("  {:<10} {}", row.name, row.what)).collect();
            bail!("there is no row {name:?}; the rows are\n{}", known.join("\n"));
        }
    }
    let wanted =
        |name: &str| options.rows.iter().any(|r| r == name) || options.rows.is_empty() && !name.starts_with("kill");
    let mut figures: Vec<Figure> = Vec::new();
    let mut failed = Vec::new();
    for row in ROWS.iter().filter(|row| wanted(row.name)) {
        eprintln!("measuring {}: {} …", row.name, row.what);
        match apart(row.name) {
            Ok(more) => figures.extend(more),
            Err(e) => failed.push(format!("{}: {e:#}", row.name)),
        }
    }
    print!("\n{}", table::render(&figures));
    if !failed.is_empty() {
        bail!("not measured:\n  {}", failed.join("\n  "));
    }
    Ok(())
}

/// Runs one row in a process of its own, with this one's other arguments.
fn apart(row: &str) -> Result<Vec<Figure>> {
    let flags = std::env::args().skip(1).scan(false, |value_follows, word| {
        let is_flag = word.starts_with("--");
        let keep = is_flag || *value_follows;
        *value_follows = is_flag && !word.contains('=');
        Some((keep, word))
    });
    let flags = flags.filter(|(keep, _)| *keep).map(|(_, word)| word);
    let out = Command::new(std::env::current_exe().context("find this program")?)
        .args([row, "--json"])
        .args(flags)
        .stderr(Stdio::inherit())
        .output()
        .context("start the row's process")?;
    if !out.status.success() {
        bail!("its process failed: {}", out.status);
    }
    serde_json::from_slice(&out.stdout).context("read the row's figures")
}
