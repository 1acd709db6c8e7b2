//! `opentrail simulate`: a small company at work, through the real door.
//!
//! The cast: the *operator* founds a few accounts; *people* and *programs* of each go about their work; an *intruder* tries wrong keys,
//! unknown keys, a disabled key and other people's buckets. [`company`] makes them, [`script`] says who does what next (the same for
//! the same seed; [`elsewhere`] the part of it that an upstream answers), [`tally`] counts what came of it.

mod company;
mod elsewhere;
mod script;
mod tally;

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use opentrail_world::World;

use super::connect::Connect;
use super::time::span;
use super::{Shell, print};
use crate::client::{Client, ClientError};
use company::Company;
use script::Script;
use tally::Tally;

/// Calls under way at a time, each on a connection of its own.
const WORKERS: u64 = 8;
/// Most calls per second that can be asked for.
const RATE_MAX: f64 = 100_000.0;

/// Let a small company work: people and programs of several accounts, and an intruder (operator)
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail simulate --data ./data
  $ opentrail simulate --seed 7 --rate 200 --for 2m --profile opentrail-operator
  $ opentrail simulate --calls 1000

Afterwards:
  $ opentrail lookup --all --since 10m --profile opentrail-operator
  $ opentrail lookup --all AccessDenied --profile opentrail-operator")]
pub(crate) struct Simulate {
    #[command(flatten)]
    connect: Connect,
    /// The same seed gives the same calls
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Calls per second
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// How long: 30s, 5m
    #[arg(long = "for", value_name = "SPAN", default_value = "30s", conflicts_with = "calls")]
    span: String,
    /// How many calls, in place of --for
    #[arg(long)]
    calls: Option<u64>,
    /// Use EC2, DynamoDB, SSM and Secrets Manager too: of a server that passes such calls on (serve --upstream URL)
    #[arg(long)]
    elsewhere: bool,
}

impl Simulate {
    pub(crate) async fn run(self, shell: &Shell) -> anyhow::Result<()> {
        anyhow::ensure!(self.rate > 0.0 && self.rate <= RATE_MAX, "--rate is above 0 and at most {RATE_MAX}");
        let calls = match self.calls {
            Some(calls) => calls,
            None => {
                let seconds = span(&self.span).map(|s| s.as_secs_f64());
                let seconds =
                    seconds.ok_or_else(|| anyhow::anyhow!("--for wants 30s, 5m or 1h, not {:?}", self.span))?;
                (seconds * self.rate).ceil() as u64
            }
        };
        let mut operator = self.connect.operator(shell)?;
        let company = Company::found(&mut operator, &shell.world).await?;
        let shown = progress(calls);
        let began = shell.world.monotonic();
        let script = Arc::new(Script::new(self.seed, company.clone(), self.elsewhere));
        let tally = work(&operator, script, &shell.world, calls, self.rate, &shown).await?;
        let took = shell.world.monotonic().saturating_sub(began);
        shown.finish_and_clear();
        print(&tally.summary(&company, took))
    }
}

/// Calls at an even pace, over a few connections.
async fn work(
    client: &Client,
    script: Arc<Script>,
    world: &World,
    calls: u64,
    rate: f64,
    shown: &ProgressBar,
) -> anyhow::Result<Tally> {
    let tally = Arc::new(Mutex::new(Tally::default()));
    let stop = Arc::new(AtomicBool::new(false));
    let start = world.monotonic();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..WORKERS {
        let (mut client, script, world, shown) = (client.another(), script.clone(), world.clone(), shown.clone());
        let (tally, stop) = (tally.clone(), stop.clone());
        workers.spawn(async move {
            for n in (worker..calls).step_by(WORKERS as usize) {
                let due = start + Duration::from_secs_f64(n as f64 / rate);
                world.sleep(due.saturating_sub(world.monotonic())).await;
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let call = script.call(n);
                client.act_as(call.keys);
                client.set_region(call.region.to_owned());
                client.set_agent(call.agent.to_owned());
                let sent = world.monotonic();
                let answered = client.send_once(&call.request).await;
                let took = world.monotonic().saturating_sub(sent);
                match answered {
                    Ok(response) => {
                        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                        tally.count(call.what, &response, took);
                    }
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        return Err(error);
                    }
                }
                shown.inc(1);
            }
            Ok::<(), ClientError>(())
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(std::mem::take(&mut *tally.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Progress, rate and time left; on a terminal only.
fn progress(calls: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} calls  {per_sec}  {eta} left");
    ProgressBar::new(calls).with_style(style.expect("the template is well formed"))
}
