//! The whole store: idle, started, and loaded with two million events.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use opentrail_capture::Recorder;
use opentrail_columnar::ColumnarTables;
use opentrail_event::{AccountId, EventId, Head};
use opentrail_history::{Ask, Attribute, History};
use opentrail_journal::{Follower, Positions, PumpStatus, pump};
use opentrail_local::{Local, Settings};
use opentrail_selector::NothingSelected;
use opentrail_table::Order;
use opentrail_world::World;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::corpus::Corpus;
use crate::measure::{Process, Spans};
use crate::rows::Bench;
use crate::server::Server;
use crate::table::{Figure, Goal};

/// The embedded engines on one folder, without a door.
pub(crate) struct Engines {
    local: Local,
    world: World,
}

/// A history that is being filled.
pub(crate) struct Following {
    pub(crate) history: Arc<History>,
    pub(crate) status: watch::Receiver<PumpStatus>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Engines {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let world = World::real();
        let local = Local::open(folder, Settings::default(), world.clone()).context("open the engines")?;
        Ok(Self { local, world })
    }

    pub(crate) async fn recorder(&self) -> Result<Arc<Recorder>> {
        let journal = self.local.journal.clone();
        let recorder = Recorder::new(journal, Arc::new(NothingSelected), self.world.clone());
        let recorder = Arc::new(recorder.with_memo(self.local.catalog.clone()));
        recorder.recover().await.map_err(|e| anyhow!("{e}"))?;
        Ok(recorder)
    }

    /// Starts what follows the journal, and lets the recorder hold no more of it than it needs, as the server does.
    pub(crate) async fn follow(&self, recorder: &Arc<Recorder>) -> Result<Following> {
        let Local { journal, catalog, blobs, .. } = self.local.clone();
        let settings = opentrail_columnar::Settings::default();
        let tables = ColumnarTables::new(catalog.clone(), blobs, self.world.clone(), settings);
        let table = tables.open(opentrail_history::schema(), Positions::default()).await.context("open the table")?;
        let history = Arc::new(History::new(table, catalog, self.world.clone(), Default::default()));
        let (tell, status) = watch::channel(PumpStatus::default());
        let (stop, stopped) = watch::channel(false);
        let follower: Arc<dyn Follower> = history.clone();
        let tended = history.clone();
        let tending_stops = stopped.clone();
        tokio::spawn(async move { tended.tend(tending_stops).await });
        let mut tasks = vec![tokio::spawn(pump(journal, follower, self.world.clone(), tell, stopped.clone()))];
        // The first look of the pump tells that it holds the journal.
        status.clone().changed().await.context("the follower runs")?;
        let tending = recorder.clone();
        tasks.push(tokio::spawn(async move { tending.run(stopped).await }));
        Ok(Following { history, status, stop, tasks })
    }
}

impl Following {
    /// Lets the follower take what is appended, commit it, and end.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        // The status is of the pump's last round; the next one is due within a fifth of a second.
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.status.wait_for(|status| status.lag.entries == 0).await.context("the follower runs")?;
        self.stop.send(true).context("stop the follower")?;
        for task in &mut self.tasks {
            task.await.context("the follower ends")?;
        }
        Ok(())
    }
}

/// An empty server: how soon it is ready, and what it takes to do nothing.
pub(crate) fn idle(bench: &Bench) -> Result<Vec<Figure>> {
    let folder = bench.scratch("idle")?;
    let server = Server::start(&folder)?;
    std::thread::sleep(Duration::from_secs(3));
    let first = server.ready_after.as_secs_f64() * 1e3;
    Ok(vec![
        Figure::new("first start to ready", first, "ms", Goal::AtMost(1000.0)),
        Figure::new("idle memory, empty store", server.process().rss_mb()?, "MB", Goal::AtMost(100.0)),
    ])
}

/// A store whose newest 50,000 events are not sealed: the longest start there is.
pub(crate) fn start(bench: &Bench) -> Result<Vec<Figure>> {
    const UNSEALED: u64 = 50_000;
    let folder = bench.scratch("start")?;
    let corpus = Corpus::open(bench.corpus.as_deref(), bench.events, &bench.folder()?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start tasks")?;
    let engines = Engines::open(&folder)?;
    let recorder = runtime.block_on(engines.recorder())?;
    let mut loader = Loader::new(&runtime, recorder, UNSEALED);
    let _ = corpus.each(|account, record| loader.take(account, record));
    loader.flush()?;
    let n = loader.taken;
    drop(loader);
    drop((engines, runtime));
    let server = Server::start(&folder)?;
    let ms = server.ready_after.as_secs_f64() * 1e3;
    Ok(vec![Figure::new(format!("start to ready, {n} unsealed events"), ms, "ms", Goal::AtMost(1000.0))])
}

/// The corpus appended with history on; then found by id.
pub(crate) fn load(bench: &Bench) -> Result<Vec<Figure>> {
    let folder = bench.scratch("load")?;
    let corpus = Corpus::open(bench.corpus.as_deref(), bench.events, &bench.folder()?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start tasks")?;
    let engines = Engines::open(&folder)?;
    let recorder = runtime.block_on(engines.recorder())?;
    let mut following = runtime.block_on(engines.follow(&recorder))?;
    let (began, cpu) = (Instant::now(), Process::me().cpu_s()?);
    let mut loader = Loader::new(&runtime, recorder, u64::MAX);
    let mut raw_bytes = 0u64;
    corpus.each(|account, record| {
        raw_bytes += record.len() as u64;
        bench.progress("loading", loader.taken.max(1), bench.events, began);
        loader.take(account, record)
    })?;
    loader.flush()?;
    let (n, samples) = (loader.taken, std::mem::take(&mut loader.samples));
    drop(loader);
    runtime.block_on(following.settle())?;
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), Process::me().cpu_s()? - cpu);
    let contents = following.history.table().contents();
    let mut spans = Spans::default();
    runtime.block_on(async {
        for round in 0..2 {
            for id in &samples {
                let began = Instant::now();
                let page = following.history.lookup(by_id(*id)).await.map_err(|e| anyhow!("{e}"))?;
                // The first round warms the caches, as a server that runs has them.
                if round == 1 {
                    spans.push(began.elapsed());
                }
                ensure!(page.rows.len() == 1, "{id} is found {} times", page.rows.len());
            }
        }
        anyhow::Ok(())
    })?;
    let peak = Process::me().rss_mb_max()?;
    let rows = contents.sealed_rows as f64;
    drop((following, engines, runtime));
    // What was just written is still on its way to the disk; a start has the disk to itself.
    let _ = std::process::Command::new("sync").status();
    let server = Server::start(&folder)?;
    std::thread::sleep(Duration::from_secs(2));
    Ok(vec![
        Figure::new(format!("load {n} events with history on"), n as f64 / seconds, "events/s", Goal::None).cpu(cpu),
        Figure::new("  most memory", peak, "MB", Goal::AtMost(300.0)),
        Figure::new("  management events kept", rows, "rows", Goal::None),
        Figure::new("  stored per event", contents.sealed_bytes as f64 / rows, "B", Goal::None)
            .beside("raw JSON", raw_bytes as f64 / n as f64),
        Figure::new("find by id, p50", spans.ms(0.5), "ms", Goal::AtMost(1.0)),
        Figure::new("find by id, p99", spans.ms(0.99), "ms", Goal::AtMost(1.0)),
        Figure::new("start to ready on that store", server.ready_after.as_secs_f64() * 1e3, "ms", Goal::AtMost(1000.0)),
        Figure::new("idle memory on that store", server.process().rss_mb()?, "MB", Goal::None),
    ])
}

fn by_id(id: EventId) -> Ask {
    Ask {
        account: None,
        region: None,
        attributes: vec![Attribute::EventId(id)],
        words: Vec::new(),
        from_s: 0,
        to_s: i64::MAX,
        order: Order::NewestFirst,
        after: None,
        limit: 50,
        bytes_max: 8 << 20,
    }
}

/// Gathers records into batches per account and appends them, waiting where the journal asks for it.
struct Loader<'a> {
    runtime: &'a tokio::runtime::Runtime,
    recorder: Arc<Recorder>,
    waiting: Vec<(AccountId, Vec<Bytes>)>,
    taken: u64,
    most: u64,
    /// Ids to look for: every thousandth management event.
    samples: Vec<EventId>,
}

impl<'a> Loader<'a> {
    fn new(runtime: &'a tokio::runtime::Runtime, recorder: Arc<Recorder>, most: u64) -> Self {
        Self { runtime, recorder, waiting: Vec::new(), taken: 0, most, samples: Vec::new() }
    }

    fn take(&mut self, account: AccountId, record: Bytes) -> Result<()> {
        ensure!(self.taken < self.most, "enough");
        self.taken += 1;
        if self.taken.is_multiple_of(1000) {
            let head = Head::parse(&record).map_err(|e| anyhow!("{e}"))?;
            if head.category == opentrail_event::Category::Management {
                self.samples.push(head.event_id);
            }
        }
        let at = match self.waiting.iter().position(|(a, _)| *a == account) {
            Some(at) => at,
            None => {
                self.waiting.push((account, Vec::new()));
                self.waiting.len() - 1
            }
        };
        self.waiting[at].1.push(record);
        if self.waiting[at].1.len() == 500 {
            let batch = std::mem::take(&mut self.waiting[at].1);
            self.append(account, batch)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        for (account, batch) in std::mem::take(&mut self.waiting) {
            self.append(account, batch)?;
        }
        Ok(())
    }

    fn append(&self, account: AccountId, batch: Vec<Bytes>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let positions =
            self.runtime.block_on(self.recorder.append_events(account, batch)).map_err(|e| anyhow!("{e}"))?;
        let bad = positions.iter().find_map(|p| p.as_ref().err());
        ensure!(bad.is_none(), "an event was not taken: {bad:?}");
        Ok(())
    }
}
