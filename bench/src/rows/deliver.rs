//! Delivery by trails: select, write into files, hash, gzip, digest, put.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_delivery::{BucketError, BucketInfo, Buckets, File, OnBehalf};
use opentrail_event::{AccountId, EventId, Head, Region};
use opentrail_journal::{Entry, Follower, Frame, Kind, Partition, Position, Positions, Urgency};
use opentrail_local::{Local, Settings};
use opentrail_selector::{BasicSelector, DataResource, EventSelectors, ReadWrite};
use opentrail_trail::{Config, Delivery, NewTrail, Parts, Trails};
use opentrail_world::World;
use tokio::sync::watch;

use crate::corpus::Corpus;
use crate::measure::Process;
use crate::rows::Bench;
use crate::table::{Figure, Goal};

/// Events that are read from the corpus before they are applied, so that reading them is not measured.
const CHUNK: usize = 20_000;
/// Frames applied at once, about as many as the pump reads.
const STEP: usize = 2_500;
/// One of so many chunks is packed by the peer too.
const PEER_EVERY: u64 = 8;

/// Buckets that count.
#[derive(Default)]
struct Sink {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Buckets for Sink {
    fn describe<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<BucketInfo, BucketError>> {
        let account = "000000000001".parse().expect("an account id");
        async move { Ok(BucketInfo { account, region: Region::us_east_1() }) }.boxed()
    }

    fn read_acl<'a>(&'a self, _: &'a OnBehalf, _: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        async { Ok(()) }.boxed()
    }

    fn put<'a>(&'a self, _: &'a OnBehalf, _: &'a str, file: File) -> BoxFuture<'a, Result<(), BucketError>> {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(file.bytes.len() as u64, Ordering::Relaxed);
        async { Ok(()) }.boxed()
    }
}

/// How delivering went.
#[derive(Default)]
struct Run {
    events: u64,
    raw_bytes: u64,
    cpu_s: f64,
    put_bytes: u64,
    files: u64,
    peer_cpu_s: f64,
    peer_events: u64,
}

impl Run {
    fn per_second(&self) -> f64 {
        self.events as f64 / self.cpu_s
    }
}

/// What the trails of an account select.
#[derive(Clone, Copy)]
enum Selections {
    /// Each everything: what they select is packed once for all.
    Alike,
    /// Each something else, as people do who keep one trail for security, one for operations, one for data: nothing
    /// can be packed for two.
    Different,
}

impl Selections {
    fn of_trail(self, number: u64) -> EventSelectors {
        use ReadWrite::{All, ReadOnly, WriteOnly};
        let kms = || vec!["kms.amazonaws.com".into()];
        match (self, number) {
            (Self::Alike, _) | (Self::Different, 0) => selector(All, true, data_events(), Vec::new()),
            (Self::Different, 1) => selector(All, true, Vec::new(), Vec::new()),
            (Self::Different, 2) => selector(WriteOnly, true, data_events(), Vec::new()),
            (Self::Different, 3) => selector(ReadOnly, true, Vec::new(), kms()),
            (Self::Different, _) => selector(All, false, data_events(), Vec::new()),
        }
    }
}

fn selector(
    read_write: ReadWrite,
    include_management: bool,
    data_resources: Vec<DataResource>,
    exclude_sources: Vec<String>,
) -> EventSelectors {
    EventSelectors::Basic(vec![BasicSelector { read_write, include_management, data_resources, exclude_sources }])
}

/// The data events of the three types that basic selectors know.
fn data_events() -> Vec<DataResource> {
    let all = |kind: &str, value: &str| DataResource { kind: kind.into(), values: vec![value.into()] };
    vec![
        all("AWS::S3::Object", "arn:aws:s3"),
        all("AWS::Lambda::Function", "arn:aws:lambda"),
        all("AWS::DynamoDB::Table", "arn:aws:dynamodb"),
    ]
}

struct House {
    runtime: tokio::runtime::Runtime,
    trails: Arc<Trails>,
    delivery: Arc<Delivery>,
    sink: Arc<Sink>,
    known: BTreeSet<AccountId>,
    stop: watch::Sender<bool>,
    publisher: tokio::task::JoinHandle<()>,
    /// Trails of each account, and what they select.
    count: u64,
    selections: Selections,
    offset: u64,
}

impl House {
    fn open(folder: &Path, count: u64, selections: Selections) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start tasks")?;
        let world = World::real();
        let local = Local::open(folder, Settings::default(), world.clone()).context("open the engines")?;
        let sink = Arc::new(Sink::default());
        let (_ends, watch) = watch::channel(Positions::default());
        let (trails, delivery) = runtime.block_on(async {
            let trails = Trails::open(local.catalog.clone(), watch, world.clone()).await?;
            let parts = Parts {
                upstreams: None,
                world,
                catalog: local.catalog.clone(),
                blobs: local.blobs.clone(),
                buckets: sink.clone(),
                seal: local.seal.clone(),
                trails: trails.clone(),
                journal_start: Positions::default(),
            };
            anyhow::Ok((trails, Delivery::open(parts, Default::default()).await?))
        })?;
        let (stop, stops) = watch::channel(false);
        let publishing = delivery.clone();
        let publisher = runtime.spawn(async move { publishing.run(stops).await });
        let (known, offset) = (BTreeSet::new(), 0);
        Ok(Self { runtime, trails, delivery, sink, known, stop, publisher, count, selections, offset })
    }

    fn welcome(&mut self, account: AccountId) -> Result<()> {
        if !self.known.insert(account) {
            return Ok(());
        }
        for n in 0..self.count {
            let config = Config {
                bucket: "logs".into(),
                prefix: None,
                include_global_service_events: true,
                multi_region: true,
                log_file_validation: true,
                recursive_logging: true,
            };
            let (home, name) = (Region::us_east_1(), format!("trail-{n}"));
            let new = NewTrail { account, home, name, config, tags: Default::default() };
            self.runtime.block_on(async {
                let trail = self.trails.create(new).await?;
                self.trails.put_selectors(&trail.id, self.selections.of_trail(n), None).await?;
                self.trails.start_logging(&trail.id).await
            })?;
        }
        Ok(())
    }

    fn deliver(&mut self, chunk: Vec<Frame>) -> Result<f64> {
        let before = Process::me().cpu_s()?;
        self.runtime.block_on(async {
            for step in chunk.chunks(STEP) {
                self.delivery.apply(step).await.map_err(|e| anyhow!("{e}"))?;
                if self.delivery.due() {
                    self.delivery.commit().await.map_err(|e| anyhow!("{e}"))?;
                }
            }
            anyhow::Ok(())
        })?;
        Ok(Process::me().cpu_s()? - before)
    }

    /// Everything that is left, put.
    fn finish(self) -> Result<(f64, u64, u64)> {
        let before = Process::me().cpu_s()?;
        self.runtime.block_on(async {
            self.delivery.commit().await.map_err(|e| anyhow!("{e}"))?;
            let mut last = u64::MAX;
            while last != self.sink.files.load(Ordering::Relaxed) {
                last = self.sink.files.load(Ordering::Relaxed);
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            }
            self.stop.send(true).context("stop the publisher")?;
            self.publisher.await.context("the publisher ends")
        })?;
        let cpu = Process::me().cpu_s()? - before;
        Ok((cpu, self.sink.files.load(Ordering::Relaxed), self.sink.bytes.load(Ordering::Relaxed)))
    }
}

fn run(bench: &Bench, name: &str, trails: u64, selections: Selections, with_peer: bool) -> Result<Run> {
    let corpus = Corpus::open(bench.corpus.as_deref(), bench.events, &bench.folder()?)?;
    let mut house = House::open(&bench.scratch(name)?, trails, selections)?;
    let (mut run, mut chunk) = (Run::default(), Vec::with_capacity(CHUNK));
    let began = std::time::Instant::now();
    let mut chunks = 0;
    let mut step = |house: &mut House, run: &mut Run, chunk: &mut Vec<Frame>| -> Result<()> {
        chunks += 1;
        if with_peer && chunks % PEER_EVERY == 1 {
            let before = Process::me().cpu_s()?;
            let mut packed = GzEncoder::new(std::io::sink(), Compression::new(6));
            for frame in chunk.iter() {
                packed.write_all(&frame.entry.bytes).context("pack")?;
            }
            packed.finish().context("pack")?;
            run.peer_cpu_s += Process::me().cpu_s()? - before;
            run.peer_events += chunk.len() as u64;
        }
        run.cpu_s += house.deliver(std::mem::take(chunk))?;
        Ok(())
    };
    corpus.each(|account, record| {
        house.welcome(account)?;
        run.raw_bytes += record.len() as u64;
        run.events += 1;
        bench.progress(name, run.events, bench.events, began);
        chunk.push(frame(&mut house.offset, account, record)?);
        if chunk.len() == CHUNK { step(&mut house, &mut run, &mut chunk) } else { Ok(()) }
    })?;
    step(&mut house, &mut run, &mut chunk)?;
    let (cpu, files, bytes) = house.finish()?;
    run.cpu_s += cpu;
    (run.files, run.put_bytes) = (files, bytes);
    ensure!(files > 0, "nothing was delivered");
    Ok(run)
}

fn frame(offset: &mut u64, account: AccountId, bytes: Bytes) -> Result<Frame> {
    let region: Region = {
        let head = Head::parse(&bytes).map_err(|e| anyhow!("{e}"))?;
        head.region.parse().map_err(|_| anyhow!("a region"))?
    };
    let position = Position { partition: Partition(0), offset: *offset };
    *offset += 1;
    let event_id = EventId::from_bytes([0; 16]);
    let entry = Entry { kind: Kind::Record, urgency: Urgency::Normal, account, region, event_id, bytes };
    Ok(Frame { position, appended_at: jiff::Timestamp::UNIX_EPOCH, entry })
}

/// One trail of everything in each account, beside gzip alone; then five that select alike, and five that do not.
pub(crate) fn deliver(bench: &Bench) -> Result<Vec<Figure>> {
    let one = run(bench, "deliver-one", 1, Selections::Alike, true)?;
    let peak = Process::me().rss_mb_max()?;
    let five = run(bench, "deliver-five", 5, Selections::Alike, false)?;
    let different = run(bench, "deliver-different", 5, Selections::Different, false)?;
    let peer = one.peer_events as f64 / one.peer_cpu_s;
    let stored = one.put_bytes as f64 / one.events as f64;
    Ok(vec![
        Figure::new(
            format!("deliver {} events by one trail", one.events),
            one.per_second(),
            "events/CPU s",
            Goal::AtLeast(70e3),
        )
        .beside("gzip -6 alone", peer)
        .cpu(one.cpu_s),
        Figure::new("  most memory", peak, "MB", Goal::AtMost(300.0)),
        Figure::new("  put per event", stored, "B", Goal::None)
            .beside("raw JSON", one.raw_bytes as f64 / one.events as f64),
        Figure::new("  files and digests", one.files as f64, "files", Goal::None),
        Figure::new("by five trails, CPU beside one", five.cpu_s / one.cpu_s, "×", Goal::AtMost(2.5)).cpu(five.cpu_s),
        Figure::new("by five that select differently", different.cpu_s / one.cpu_s, "×", Goal::AtMost(2.5))
            .cpu(different.cpu_s),
    ])
}
