//! Signed calls over the network: how many, and how soon they are found.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::load::{Client, Keys, WHO, create_bucket, lookup_events};
use crate::measure::{Process, Spans};
use crate::rows::Bench;
use crate::server::Server;
use crate::table::{Figure, Goal};

const CONNECTIONS: usize = 32;

/// Signed reads and changes per second, each durable on record before its answer.
pub(crate) fn calls(bench: &Bench) -> Result<Vec<Figure>> {
    let data = bench.scratch("calls")?;
    let server = Server::start(&data)?;
    let keys = server.keys("opentrail")?;
    let mut figures = Vec::new();
    let (rate, cpu, mut spans) = load(&server.endpoint, server.process(), &keys, bench.span, |client, _| {
        ensure!(client.call(&WHO)?.status == 200, "a read failed");
        Ok(())
    })?;
    figures.push(Figure::new("signed reads", rate, "/s", Goal::AtLeast(5000.0)).cpu(cpu));
    figures.push(Figure::new("  p99 of a read", spans.ms(0.99), "ms", Goal::None));
    let (rate, cpu, mut spans) = load(&server.endpoint, server.process(), &keys, bench.span, |client, n| {
        let answer = client.call(&create_bucket(&format!("/bench-{n}")))?;
        // Past the account's quota a change is still a signed, recorded call; it is refused by its transaction.
        ensure!(matches!(answer.status, 200 | 400), "a change failed: {}", String::from_utf8_lossy(&answer.body));
        Ok(())
    })?;
    figures.push(Figure::new("signed changes", rate, "/s", Goal::AtLeast(1000.0)).cpu(cpu));
    figures.push(Figure::new("  p99 of a change", spans.ms(0.99), "ms", Goal::None));
    Ok(figures)
}

/// Calls from [`CONNECTIONS`] clients at once, for `span`. Calls per second, the CPU seconds of `process`, their spans.
pub(super) fn load(
    endpoint: &str,
    process: Process,
    keys: &Keys,
    span: Duration,
    call: impl Fn(&mut Client, u64) -> Result<()> + Sync,
) -> Result<(f64, f64, Spans)> {
    let (stop, next) = (AtomicBool::new(false), AtomicU64::new(0));
    let cpu = process.cpu_s()?;
    let began = Instant::now();
    let all = std::thread::scope(|scope| -> Result<Spans> {
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| -> Result<Spans> {
                    let mut client = Client::connect(endpoint, keys)?;
                    let mut spans = Spans::default();
                    while !stop.load(Ordering::Relaxed) {
                        let began = Instant::now();
                        call(&mut client, next.fetch_add(1, Ordering::Relaxed))?;
                        spans.push(began.elapsed());
                    }
                    Ok(spans)
                })
            })
            .collect();
        std::thread::sleep(span);
        stop.store(true, Ordering::Relaxed);
        let mut all = Spans::default();
        for worker in workers {
            all.extend(worker.join().expect("a worker does not panic")?);
        }
        Ok(all)
    })?;
    let seconds = began.elapsed().as_secs_f64();
    Ok((all.len() as f64 / seconds, process.cpu_s()? - cpu, all))
}

/// From a call's answer until LookupEvents shows its record.
pub(crate) fn findable(bench: &Bench) -> Result<Vec<Figure>> {
    let data = bench.scratch("findable")?;
    let server = Server::start(&data)?;
    let keys = server.keys("opentrail")?;
    let mut client = Client::connect(&server.endpoint, &keys)?;
    let mut spans = Spans::default();
    for n in 0..200 {
        let bucket = format!("findable-{n}");
        ensure!(client.call(&create_bucket(&format!("/{bucket}")))?.status == 200, "a bucket was not made");
        let began = Instant::now();
        let question = format!(
            r#"{{"LookupAttributes":[{{"AttributeKey":"ResourceName","AttributeValue":"{bucket}"}}],"MaxResults":1}}"#
        );
        loop {
            let answer = client.call(&lookup_events(question.as_bytes()))?;
            ensure!(answer.status == 200, "a lookup failed: {}", String::from_utf8_lossy(&answer.body));
            if answer.body.windows(8).any(|w| w == b"EventId\"") {
                break;
            }
            ensure!(began.elapsed() < Duration::from_secs(30), "{bucket} is not found");
        }
        spans.push(began.elapsed());
    }
    Ok(vec![Figure::new("found after its answer, p99", spans.ms(0.99), "ms", Goal::AtMost(1000.0))])
}
