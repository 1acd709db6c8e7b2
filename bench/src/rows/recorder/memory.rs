//! What a recorder that nobody used yet holds in memory, and what the first call adds: the atlas is unpacked by it.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Behind, LIST, LIST_TABLES};
use crate::load::{Client, dynamodb};
use crate::rows::Bench;
use crate::server::Server;
use crate::table::{Figure, Goal};

/// What the table of all of AWS may take, in MB.
const ATLAS_MB: f64 = 20.0;
/// Until allocations of the start have been given back, and the timers have come round.
const SETTLE: Duration = Duration::from_secs(3);

pub(crate) fn memory(bench: &Bench) -> Result<Vec<Figure>> {
    let without = Server::start(&bench.scratch("recorder-none")?)?;
    std::thread::sleep(SETTLE);
    let plain_mb = without.process().rss_mb()?;
    let plain_start = without.ready_after;
    drop(without);
    let behind = Behind::start(bench, "recorder-memory")?;
    let server = behind.server.process();
    std::thread::sleep(SETTLE);
    let idle_mb = server.rss_mb()?;
    let mut client = Client::connect(&behind.server.endpoint, &behind.keys)?;
    let mut once = || -> Result<()> {
        ensure!(client.call(&dynamodb(LIST_TABLES, LIST))?.status == 200, "a call failed");
        Ok(())
    };
    let began = std::time::Instant::now();
    once()?;
    let first = began.elapsed();
    std::thread::sleep(SETTLE);
    let loaded_mb = server.rss_mb()?;
    let ms = |span: Duration| span.as_secs_f64() * 1e3;
    Ok(vec![
        Figure::new("start to ready with an upstream", ms(behind.server.ready_after), "ms", Goal::None)
            .beside("without", ms(plain_start)),
        Figure::new("idle memory with an upstream", idle_mb, "MB", Goal::None).beside("without", plain_mb),
        Figure::new("  the first call adds", loaded_mb - idle_mb, "MB", Goal::AtMost(ATLAS_MB)),
        Figure::new("  and takes", ms(first), "ms", Goal::None),
    ])
}
