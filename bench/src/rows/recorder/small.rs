//! Small calls: what the recorder adds to one, and how many it takes.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::{Behind, DELETE, DELETE_TABLE, LIST, LIST_TABLES};
use crate::load::{Client, dynamodb};
use crate::measure::{Process, Spans};
use crate::rows::Bench;
use crate::rows::http::load;
use crate::table::{Figure, Goal};

/// About what a record and its frame take.
const RECORD_BYTES: usize = 1536;
/// Added to a sync's median, and to its 99th of a hundred, in milliseconds.
const ADDED_P50_MS: f64 = 0.3;
const ADDED_P99_MS: f64 = 2.0;

/// One client, one call after the other: directly, through the recorder, and a sync of the disk, in turn.
pub(crate) fn latency(bench: &Bench) -> Result<Vec<Figure>> {
    let behind = Behind::start(bench, "recorder")?;
    let mut disk = Disk::open(bench)?;
    let mut figures = Vec::new();
    let reads = measure(bench, &behind, &mut disk, LIST_TABLES, LIST)?;
    figures.extend(added("a read through the recorder", reads, 1.0));
    let changes = measure(bench, &behind, &mut disk, DELETE_TABLE, DELETE)?;
    figures.extend(added("a change through the recorder", changes, 2.0));
    Ok(figures)
}

/// The disk below the server's folder, written to as plainly as can be.
struct Disk {
    file: File,
    path: std::path::PathBuf,
}

impl Disk {
    fn open(bench: &Bench) -> Result<Self> {
        let path = bench.folder()?.join("recorder-raw");
        let file = OpenOptions::new().create(true).append(true).open(&path).context("create a file")?;
        Ok(Self { file, path })
    }

    fn sync(&mut self, spans: &mut Spans) -> Result<()> {
        self.file.write_all(&[b'x'; RECORD_BYTES]).context("write")?;
        let began = Instant::now();
        self.file.sync_data().context("sync")?;
        spans.push(began.elapsed());
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Best effort: it lies in the scratch folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Measured {
    direct: Spans,
    through: Spans,
    syncs: Spans,
    /// Of the server, for all calls through it.
    cpu_s: f64,
}

fn measure(bench: &Bench, behind: &Behind, disk: &mut Disk, target: &str, body: &[u8]) -> Result<Measured> {
    let mut direct = Client::connect(&behind.upstream.endpoint, &behind.keys)?;
    let mut through = Client::connect(&behind.server.endpoint, &behind.keys)?;
    let call = |client: &mut Client, spans: &mut Spans| -> Result<()> {
        let began = Instant::now();
        let answer = client.call(&dynamodb(target, body))?;
        spans.push(began.elapsed());
        ensure!(answer.status == 200, "a call failed: {}", String::from_utf8_lossy(&answer.body));
        Ok(())
    };
    // The first call unpacks the atlas and opens connections.
    for _ in 0..20 {
        call(&mut direct, &mut Spans::default())?;
        call(&mut through, &mut Spans::default())?;
    }
    let cpu = behind.server.process().cpu_s()?;
    let mut measured =
        Measured { direct: Spans::default(), through: Spans::default(), syncs: Spans::default(), cpu_s: 0.0 };
    let began = Instant::now();
    while began.elapsed() < bench.span * 2 {
        call(&mut direct, &mut measured.direct)?;
        call(&mut through, &mut measured.through)?;
        disk.sync(&mut measured.syncs)?;
    }
    measured.cpu_s = behind.server.process().cpu_s()? - cpu;
    Ok(measured)
}

/// What was added, promised as so many syncs and a little more.
fn added(what: &str, measured: Measured, syncs: f64) -> Vec<Figure> {
    let Measured { mut direct, mut through, syncs: mut disk, cpu_s } = measured;
    let n = through.len();
    let mut row = |name: String, part: f64, more_ms: f64| {
        let (sync, ours) = (disk.ms(part), through.ms(part) - direct.ms(part));
        Figure::new(name, ours, "ms", Goal::AtMost(syncs * sync + more_ms)).beside("fdatasync", sync)
    };
    let p50 = row(format!("{what}: added p50 of {n}"), 0.5, ADDED_P50_MS).cpu(cpu_s);
    let p99 = row("  added p99".to_owned(), 0.99, ADDED_P99_MS);
    let whole =
        Figure::new("  p50 of the whole call", through.ms(0.5), "ms", Goal::None).beside("directly", direct.ms(0.5));
    vec![p50, p99, whole]
}

/// Promised on two cores, client and upstream on the same.
const PROMISED_RATE: f64 = 5000.0;

/// As many as clients on 32 connections can make.
pub(crate) fn rate(bench: &Bench) -> Result<Vec<Figure>> {
    let behind = Behind::start(bench, "recorder-rate")?;
    let (upstream, client) = (behind.upstream.process(), Process::me());
    let mut figures = Vec::new();
    for (what, target, body, goal) in [
        ("small reads recorded", LIST_TABLES, LIST, Goal::AtLeast(PROMISED_RATE)),
        ("small changes recorded", DELETE_TABLE, DELETE, Goal::None),
    ] {
        let one = |client: &mut Client, _| {
            ensure!(client.call(&dynamodb(target, body))?.status == 200, "a call failed");
            Ok(())
        };
        let (direct, ..) = load(&behind.upstream.endpoint, upstream, &behind.keys, bench.span / 2, one)?;
        let before = (client.cpu_s()?, upstream.cpu_s()?);
        let (rate, cpu, mut spans) =
            load(&behind.server.endpoint, behind.server.process(), &behind.keys, bench.span, one)?;
        let (generator, answering) = (client.cpu_s()? - before.0, upstream.cpu_s()? - before.1);
        let calls = spans.len() as f64;
        figures.push(Figure::new(what, rate, "/s", goal).beside("directly", direct).cpu(cpu));
        figures.push(Figure::new("  p50", spans.ms(0.5), "ms", Goal::None));
        figures.push(Figure::new("  p99", spans.ms(0.99), "ms", Goal::None));
        figures.push(Figure::new("  the server's CPU for each", cpu * 1e6 / calls, "µs", Goal::None).cpu(cpu));
        let each = generator * 1e6 / calls;
        figures.push(Figure::new("  the client's CPU for each", each, "µs", Goal::None).cpu(generator));
        let each = answering * 1e6 / calls;
        figures.push(Figure::new("  the upstream's CPU for each", each, "µs", Goal::None).cpu(answering));
    }
    Ok(figures)
}
