//! The whole house on a disk whose power can be cut, and an auditor that knows only what callers were told.
//!
//! - **From** a seed, which decides what is called, when the power goes, and which unsynced writes survive.
//! - **To** the house as it is shipped, through its own door; only the disk under journal and blobs is another one.
//! - **Promises** that a run that fails says which answered call or object is missing, twice, or not as it was.
//! - **Does not promise** the same interleaving for the same seed: tasks run on real threads, so a seed narrows a failure down
//!   and does not replay it step by step.
//! - **On crash** is what all of this is about.
//! - **Absent on purpose**: torn power under the catalog. SQLite with `synchronous=FULL` is taken at its word: what it
//!   committed is there.

mod audit;
mod house;
mod power;
mod work;

use std::time::Duration;

use anyhow::{Context, Result};
use opentrail_catalog::{Catalog, Key, Txn};
use opentrail_local::SimDisk;
use opentrail_world::World;

pub use audit::Told;

/// What one run went through.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tale {
    /// Calls that were answered.
    pub answered: u64,
    /// Calls that were begun, never answered, and are on record as unknown.
    pub unknown: u64,
}

/// Several lives of one house, each ended by a power cut in the middle of its work, each begun with an audit.
pub fn run(seed: u64, lives: u32) -> Result<Tale> {
    let (dice, _) = World::simulated(seed, jiff_epoch());
    let folder = tempfile::tempdir().context("make a folder for the catalog")?;
    let disk = SimDisk::new();
    let mut told = Told::default();
    let mut tale = Tale::default();
    for life in 0..=lives {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let catalog = runtime.block_on(async {
            let power = power::Powered::new(&disk);
            let (house, catalog) =
                house::open(power.clone(), folder.path()).await.with_context(|| format!("open life {life}"))?;
            tale.unknown = audit::check(&house, &told).await.with_context(|| format!("audit life {life}"))?;
            if life == lives {
                return Ok(catalog);
            }
            let work = work::start(&house, life, seed).await?;
            World::real().sleep(Duration::from_millis(30 + dice.below(250))).await;
            power.cut(dice.below(u64::MAX));
            told.add(work.end().await);
            anyhow::Ok(catalog)
        })?;
        // Whatever still runs dies with the power.
        runtime.shutdown_timeout(Duration::from_secs(5));
        settled(&*catalog)?;
    }
    tale.answered = told.answered();
    Ok(tale)
}

/// Waits for what the dead life had sent to its catalog, whose thread writes one transaction after the other. A process takes that
/// thread with it; here it would go on beside the next life, and name blobs that the next one has swept.
fn settled(catalog: &dyn Catalog) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let last = Txn::new().put(Key::family("sim/last"), bytes::Bytes::new());
    runtime.block_on(catalog.txn(last)).context("let the catalog of a dead life come to its end")
}

fn jiff_epoch() -> jiff::Timestamp {
    jiff::Timestamp::UNIX_EPOCH
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_answered_call_survives_torn_power() {
        let mut answered = 0;
        for seed in 0..6 {
            match super::run(seed, 4) {
                Ok(tale) => answered += tale.answered,
                Err(error) => panic!("seed {seed}: {error:#}"),
            }
        }
        assert!(answered > 200, "only {answered} calls were answered: there was no load");
    }
}
