//! Events made durable through the in-process door, flat out and sustained with history on.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use opentrail_capture::Recorder;
use opentrail_event::AccountId;
use opentrail_world::World;

use crate::measure::{Process, Spans};
use crate::rows::{Bench, store::Engines};
use crate::table::{Figure, Goal};

const BATCH: usize = 100;
const CALLERS: usize = 8;

/// Different records that a source cycles through: more than any compression window holds.
const RECORDS: u64 = 20_000;

/// Records shaped like real ones, each batch with ids of its own.
struct Source {
    account: AccountId,
    /// Each with the place of its id.
    records: Vec<(Bytes, usize)>,
}

impl Source {
    fn new() -> Self {
        let account: AccountId = "111122223333".parse().expect("twelve digits");
        let (dice, _) = World::simulated(1, jiff::Timestamp::UNIX_EPOCH);
        let placed = |record: String| {
            let at = record.find("\"eventID\":\"").expect("a record has an id") + 11;
            (record.into(), at)
        };
        let records = (0..RECORDS).map(|_| placed(record(account, &dice))).collect();
        Self { account, records }
    }

    /// A hundred records whose ids follow from `n`.
    fn batch(&self, n: u64) -> Vec<Bytes> {
        (0..BATCH as u64)
            .map(|i| {
                let (record, at) = &self.records[((n * BATCH as u64 + i) % RECORDS) as usize];
                let (mut record, at) = (record.to_vec(), *at);
                let id = format!("{:016x}", n.wrapping_mul(BATCH as u64) + i);
                // xxxxxxxx-xxxx-4xxx-8xxx-…: the number goes into the first twelve digits and the last eight.
                record[at..at + 8].copy_from_slice(&id.as_bytes()[8..16]);
                record[at + 28..at + 36].copy_from_slice(&id.as_bytes()[0..8]);
                record.into()
            })
            .collect()
    }
}

/// A record of a RunInstances, its ids and names drawn by lot: about 1.5 kB.
fn record(account: AccountId, dice: &World) -> String {
    let hex = |n| dice.text(b"0123456789abcdef", n);
    let user = dice.below(300);
    let (key, ip) = (dice.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), dice.below(250));
    let request = format!("{}-{}-4{}-9{}-{}", hex(8), hex(4), hex(3), hex(3), hex(12));
    let (instance, image, reservation) = (hex(17), hex(17), hex(17));
    let tags: String = (0..5).map(|t| format!(r#"{{"key":"tag-{t}","value":"{}"}},"#, hex(12))).collect();
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDA{key}","arn":"arn:aws:iam::{account}:user/user-{user}","accountId":"{account}","accessKeyId":"AKIA{key}","userName":"user-{user}"}},"eventTime":"{now}","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.{ip}","userAgent":"aws-cli/2.36.28 md/awscrt#0.29.1 ua/2.1 os/linux#6.12 md/arch#x86_64 lang/python#3.13.9","requestParameters":{{"instancesSet":{{"items":[{{"imageId":"ami-{image}","minCount":1,"maxCount":1,"keyName":"key-{user}"}}]}},"instanceType":"m7i.large","blockDeviceMapping":{{}},"tagSpecificationSet":{{"items":[{tags}{{"key":"last","value":"one"}}]}}}},"responseElements":{{"requestId":"{request}","reservationId":"r-{reservation}","instancesSet":{{"items":[{{"instanceId":"i-{instance}","imageId":"ami-{image}","instanceState":{{"code":0,"name":"pending"}},"privateDnsName":"ip-10-0-0-{ip}.ec2.internal"}}]}}}},"requestID":"{request}","eventID":"00000000-0000-4000-8000-000000000000","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{account}","eventCategory":"Management"}}"#
    )
}

/// What the disk itself gives: as many bytes as a batch has, written and synced by one caller.
fn raw(folder: &Path, bytes: usize, span: Duration) -> Result<(f64, Spans)> {
    std::fs::create_dir_all(folder).context("make a folder")?;
    let path = folder.join("raw");
    let mut file: File = OpenOptions::new().create(true).append(true).open(&path).context("create a file")?;
    let block = vec![b'x'; bytes];
    let (began, mut syncs, mut n) = (Instant::now(), Spans::default(), 0u64);
    while began.elapsed() < span {
        file.write_all(&block).context("write")?;
        let sync = Instant::now();
        file.sync_data().context("sync")?;
        syncs.push(sync.elapsed());
        n += 1;
    }
    std::fs::remove_file(path).context("remove the file")?;
    Ok((n as f64 * BATCH as f64 / began.elapsed().as_secs_f64(), syncs))
}

/// As fast as it goes, then at the promised rate: the journal alone.
pub(crate) fn flat_out(bench: &Bench) -> Result<Vec<Figure>> {
    const PROMISED: u64 = 60_000;
    let folder = bench.scratch("append")?;
    let source = Arc::new(Source::new());
    let batch_bytes: usize = source.batch(0).iter().map(Bytes::len).sum();
    let (raw_rate, mut raw_syncs) = raw(&folder, batch_bytes, bench.span.min(Duration::from_secs(5)))?;
    let engines = Engines::open(&folder.join("data"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start tasks")?;
    let recorder = runtime.block_on(engines.recorder())?;
    let (rate, cpu, mut full) = runtime.block_on(callers(&recorder, &source, bench.span, None))?;
    let (paced_rate, paced_cpu, mut paced) =
        runtime.block_on(callers(&recorder, &source, bench.span, Some(PROMISED)))?;
    let (sync_p50, sync_p99) = (raw_syncs.ms(0.5), raw_syncs.ms(0.99));
    Ok(vec![
        Figure::new("append flat out, batches of 100", rate, "events/s", Goal::AtLeast(PROMISED as f64))
            .beside("write + fdatasync", raw_rate)
            .cpu(cpu),
        Figure::new("  p50 of a batch", full.ms(0.5), "ms", Goal::None).beside("p50 of fdatasync", sync_p50),
        Figure::new("  p99 of a batch", full.ms(0.99), "ms", Goal::None).beside("p99 of fdatasync", sync_p99),
        // Pacing ends a few batches short of its rate.
        Figure::new("append at the promised rate", paced_rate, "events/s", Goal::AtLeast(PROMISED as f64 * 0.995))
            .cpu(paced_cpu),
        Figure::new("  p50 of a batch", paced.ms(0.5), "ms", Goal::None).beside("p50 of fdatasync", sync_p50),
        Figure::new("  p99 of a batch", paced.ms(0.99), "ms", Goal::AtMost(3.0 * sync_p99 + 2.0))
            .beside("p99 of fdatasync", sync_p99),
    ])
}

/// [`CALLERS`] at once for `span`, together at `pace` events per second where one is set. Events per second, CPU seconds of
/// this process (the callers' part included), and the span of each batch.
async fn callers(
    recorder: &Arc<Recorder>,
    source: &Arc<Source>,
    span: Duration,
    pace: Option<u64>,
) -> Result<(f64, f64, Spans)> {
    let (began, cpu) = (Instant::now(), Process::me().cpu_s()?);
    let every = pace.map(|pace| Duration::from_secs_f64((BATCH * CALLERS) as f64 / pace as f64));
    let callers: Vec<_> = (0..CALLERS as u64)
        .map(|caller| {
            let (recorder, source) = (recorder.clone(), source.clone());
            tokio::spawn(async move {
                let (mut spans, first) = (Spans::default(), caller << 40);
                for n in 0u32.. {
                    if let Some(every) = every {
                        let due = every * n + every * caller as u32 / CALLERS as u32;
                        tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
                    }
                    if began.elapsed() >= span {
                        break;
                    }
                    append(&recorder, &source, first + u64::from(n), &mut spans).await?;
                }
                anyhow::Ok(spans)
            })
        })
        .collect();
    let mut all = Spans::default();
    for caller in callers {
        all.extend(caller.await.context("a caller")??);
    }
    let rate = all.len() as f64 * BATCH as f64 / began.elapsed().as_secs_f64();
    Ok((rate, Process::me().cpu_s()? - cpu, all))
}

async fn append(recorder: &Recorder, source: &Source, n: u64, spans: &mut Spans) -> Result<()> {
    let batch = source.batch(n);
    let began = Instant::now();
    let positions = recorder.append_events(source.account, batch).await.map_err(|e| anyhow::anyhow!("{e}"))?;
    spans.push(began.elapsed());
    ensure!(positions.iter().all(Result::is_ok), "an event was not taken: {positions:?}");
    Ok(())
}

/// A steady 30,000 events/s with history following.
pub(crate) fn sustained(bench: &Bench) -> Result<Vec<Figure>> {
    const RATE: u64 = 30_000;
    let engines = Engines::open(&bench.scratch("sustained")?)?;
    let source = Arc::new(Source::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start tasks")?;
    runtime.block_on(async {
        let recorder = engines.recorder().await?;
        let mut follower = engines.follow(&recorder).await?;
        let mut status = follower.status.clone();
        let watching = tokio::spawn(async move {
            let mut worst = Duration::ZERO;
            while status.changed().await.is_ok() {
                worst = worst.max(status.borrow().lag.age);
            }
            worst
        });
        let (rate, cpu, mut spans) = callers(&recorder, &source, bench.span * 2, Some(RATE)).await?;
        follower.settle().await?;
        drop(follower);
        let worst = watching.await.context("watch the lag")?;
        anyhow::Ok(vec![
            // Pacing ends a few batches short of its rate.
            Figure::new("sustained with history on", rate, "events/s", Goal::AtLeast(RATE as f64 * 0.995)).cpu(cpu),
            Figure::new("  worst lag of history", worst.as_secs_f64() * 1e3, "ms", Goal::AtMost(1000.0)),
            Figure::new("  p99 of a batch", spans.ms(0.99), "ms", Goal::None),
        ])
    })
}
