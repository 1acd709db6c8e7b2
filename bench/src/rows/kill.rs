//! The plug pulled at random moments under load, a thousand times: every answered call is found exactly once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::load::{Client, WHO, create_bucket, lookup_events};
use crate::rows::Bench;
use crate::server::Server;
use crate::table::{Figure, Goal};

const WORKERS: usize = 8;
/// Rounds that share a folder, so that restarts meet sealed parts and long journals too, and questions stay short.
const ROUNDS_PER_FOLDER: u64 = 100;

/// Kills, restarts, and asks for every request id that was answered.
pub(crate) fn kill(bench: &Bench) -> Result<Vec<Figure>> {
    let (mut answered, mut unknown, mut slowest) = (0u64, 0u64, Duration::ZERO);
    let next = AtomicU64::new(0);
    let mut dice = 0x9e37_79b9_7f4a_7c15u64;
    let began = Instant::now();
    let mut round = 0;
    while round < bench.rounds {
        let data = bench.scratch("kill")?;
        let mut ids: Vec<String> = Vec::new();
        let rounds = ROUNDS_PER_FOLDER.min(bench.rounds - round);
        for _ in 0..rounds {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let server = Server::start(&data)?;
            slowest = slowest.max(server.ready_after);
            ids.extend(one_round(server, Duration::from_millis(20 + (dice >> 33) % 180), &next)?);
            round += 1;
            bench.progress("kill -9 under load", round, bench.rounds, began);
        }
        let server = Server::start(&data)?;
        let (found, of_unknown) = all_request_ids(&server)?;
        for id in &ids {
            match found.get(id) {
                Some(1) => {}
                Some(n) => bail!("call {id} is on record {n} times"),
                None => bail!("call {id} was answered and is not on record"),
            }
        }
        if let Some((id, n)) = found.iter().find(|(_, n)| **n > 1) {
            bail!("call {id} is on record {n} times");
        }
        answered += ids.len() as u64;
        unknown += of_unknown;
    }
    ensure!(answered > 0, "there was no load");
    Ok(vec![
        Figure::new(format!("kill -9, {} rounds: answered calls", bench.rounds), answered as f64, "calls", Goal::None),
        Figure::new("  of them lost or found twice", 0.0, "calls", Goal::AtMost(0.0)),
        Figure::new("  begun, never answered, resolved", unknown as f64, "calls", Goal::None),
        Figure::new("  slowest start to ready", slowest.as_secs_f64() * 1e3, "ms", Goal::AtMost(1000.0)),
    ])
}

/// Load until the server is killed; the request ids of what was answered with success.
pub(crate) fn one_round(server: Server, until_kill: Duration, next: &AtomicU64) -> Result<Vec<String>> {
    let keys = server.keys("opentrail")?;
    let endpoint = server.endpoint.clone();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut ids = Vec::new();
                    let Ok(mut client) = Client::connect(&endpoint, &keys) else { return ids };
                    loop {
                        let path = format!("/kill-{}", next.fetch_add(1, Ordering::Relaxed));
                        // The end of the connection is the end of the round; what was not answered promises nothing.
                        let Ok(answer) = client.call(&create_bucket(&path)) else { return ids };
                        ids.push(answer.request_id);
                        let Ok(answer) = client.call(&WHO) else { return ids };
                        ids.push(answer.request_id);
                    }
                })
            })
            .collect();
        std::thread::sleep(until_kill);
        server.kill()?;
        let mut ids = Vec::new();
        for worker in workers {
            ids.extend(worker.join().expect("a worker does not panic"));
        }
        Ok(ids)
    })
}

/// Every request id on record and how often, and how many records tell of an unknown outcome.
fn all_request_ids(server: &Server) -> Result<(HashMap<String, u32>, u64)> {
    let mut client = Client::connect(&server.endpoint, &server.keys("opentrail")?)?;
    let (mut found, mut unknown) = (HashMap::new(), 0);
    let end = jiff::Timestamp::now().as_second();
    let mut token: Option<String> = None;
    loop {
        let next = token.map(|t| format!(r#","NextToken":"{t}""#)).unwrap_or_default();
        let answer = client.call(&lookup_events(format!(r#"{{"EndTime":{end}{next}}}"#).as_bytes()))?;
        ensure!(answer.status == 200, "a lookup failed: {}", String::from_utf8_lossy(&answer.body));
        let page: serde_json::Value = serde_json::from_slice(&answer.body).context("read a page")?;
        for event in page["Events"].as_array().context("a page has events")? {
            let record = event["CloudTrailEvent"].as_str().context("an event has its record")?;
            let record: serde_json::Value = serde_json::from_str(record).context("read a record")?;
            unknown += u64::from(record["additionalEventData"]["outcome"] == "unknown");
            let id = record["requestID"].as_str().unwrap_or_default().to_owned();
            *found.entry(id).or_insert(0) += 1;
        }
        match page["NextToken"].as_str() {
            Some(next) => token = Some(next.to_owned()),
            None => return Ok((found, unknown)),
        }
    }
}
