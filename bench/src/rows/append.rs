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

use crate::measure::{Process, Spans};
use crate::rows::{Bench, store::Engines};
use crate::table::{Figure, Goal};

const BATCH: usize = 100;
const CALLERS: usize = 8;

/// Records shaped like real ones, each batch with ids of its own.
struct Source {
    account: AccountId,
    templates: Vec<Bytes>,
}

impl Source {
    fn new() -> Self {
        let account: AccountId = "111122223333".parse().expect("twelve digits");
        let templates = (0..64).map(|i| template(account, i).into()).collect();
        Self { account, templates }
    }

    /// A hundred records whose ids follow from `n`.
    fn batch(&self, n: u64) -> Vec<Bytes> {
        (0..BATCH as u64)
            .map(|i| {
                let mut record = self.templates[((n + i) % 64) as usize].to_vec();
                let id = format!("{:016x}", n.wrapping_mul(BATCH as u64) + i);
                let at = record.windows(11).position(|w| w == b"\"eventID\":\"").expect("a template has an id") + 11;
                // xxxxxxxx-xxxx-4xxx-8xxx-…: the number goes into the first twelve digits and the last eight.
                record[at..at + 8].copy_from_slice(&id.as_bytes()[8..16]);
                record[at + 28..at + 36].copy_from_slice(&id.as_bytes()[0..8]);
                record.into()
            })
            .collect()
    }
}

fn template(account: AccountId, i: usize) -> String {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let tags: String = (0..6).map(|t| format!(r#"{{"key":"tag-{t}","value":"value {t} of template {i}"}},"#)).collect();
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE{i:010}","arn":"arn:aws:iam::{account}:user/user-{i}","accountId":"{account}","accessKeyId":"AKIAEXAMPLE{i:09}","userName":"user-{i}"}},"eventTime":"{now}","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.{i}","userAgent":"aws-cli/2.36.28 md/awscrt#0.29.1 ua/2.1 os/linux#6.12 md/arch#x86_64 lang/python#3.13.9","requestParameters":{{"instancesSet":{{"items":[{{"imageId":"ami-0{i:015x}","minCount":1,"maxCount":1,"keyName":"key-{i}"}}]}},"instanceType":"m7i.large","blockDeviceMapping":{{}},"tagSpecificationSet":{{"items":[{tags}{{"key":"last","value":"one"}}]}}}},"responseElements":{{"requestId":"5f0c9a1e-{i:04x}-4b61-9d3e-2a6f4c8b7d10","reservationId":"r-0{i:015x}","instancesSet":{{"items":[{{"instanceId":"i-0{i:015x}","imageId":"ami-0{i:015x}","instanceState":{{"code":0,"name":"pending"}},"privateDnsName":"ip-10-0-0-{i}.ec2.internal"}}]}}}},"requestID":"5f0c9a1e-{i:04x}-4b61-9d3e-2a6f4c8b7d10","eventID":"00000000-0000-4000-8000-000000000000","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{account}","eventCategory":"Management"}}"#
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

/// As fast as it goes, journal alone.
pub(crate) fn flat_out(bench: &Bench) -> Result<Vec<Figure>> {
    let folder = bench.scratch("append")?;
    let source = Arc::new(Source::new());
    let batch_bytes: usize = source.batch(0).iter().map(Bytes::len).sum();
    let (raw_rate, mut raw_syncs) = raw(&folder, batch_bytes, bench.span.min(Duration::from_secs(5)))?;
    let engines = Engines::open(&folder.join("data"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start tasks")?;
    let (rate, cpu, mut spans) = runtime.block_on(async {
        let recorder = engines.recorder().await?;
        let stop_at = Instant::now() + bench.span;
        let (began, cpu) = (Instant::now(), Process::me().cpu_s()?);
        let callers: Vec<_> = (0..CALLERS as u64)
            .map(|caller| {
                let (recorder, source) = (recorder.clone(), source.clone());
                tokio::spawn(async move {
                    let (mut spans, mut n) = (Spans::default(), caller << 40);
                    while Instant::now() < stop_at {
                        append(&recorder, &source, n, &mut spans).await?;
                        n += 1;
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
        anyhow::Ok((rate, Process::me().cpu_s()? - cpu, all))
    })?;
    let sync_p99 = raw_syncs.ms(0.99);
    Ok(vec![
        Figure::new("append, batches of 100", rate, "events/s", Goal::AtLeast(60_000.0))
            .beside("write + fdatasync", raw_rate)
            .cpu(cpu),
        Figure::new("  p99 of a batch", spans.ms(0.99), "ms", Goal::AtMost(3.0 * sync_p99 + 2.0))
            .beside("p99 of fdatasync", sync_p99),
        Figure::new("  p50 of a batch", spans.ms(0.5), "ms", Goal::None).beside("p50 of fdatasync", raw_syncs.ms(0.5)),
    ])
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
    let source = Source::new();
    let span = bench.span * 2;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start tasks")?;
    runtime.block_on(async {
        let recorder = engines.recorder().await?;
        let mut follower = engines.follow().await?;
        let (began, cpu) = (Instant::now(), Process::me().cpu_s()?);
        let (mut spans, mut n, mut worst) = (Spans::default(), 0u64, Duration::ZERO);
        while began.elapsed() < span {
            let due = Duration::from_secs_f64((n * BATCH as u64) as f64 / RATE as f64);
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
            append(&recorder, &source, n, &mut spans).await?;
            n += 1;
            worst = worst.max(follower.status.borrow().lag.age);
        }
        let rate = (n * BATCH as u64) as f64 / began.elapsed().as_secs_f64();
        let cpu = Process::me().cpu_s()? - cpu;
        follower.settle().await?;
        anyhow::Ok(vec![
            // A pacing loop ends a batch short of its rate.
            Figure::new("sustained with history on", rate, "events/s", Goal::AtLeast(RATE as f64 * 0.999)).cpu(cpu),
            Figure::new("  worst lag of history", worst.as_secs_f64() * 1e3, "ms", Goal::AtMost(1000.0)),
            Figure::new("  p99 of a batch", spans.ms(0.99), "ms", Goal::None),
        ])
    })
}
