//! The house as it is shipped, on the simulated disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use opentrail::settings::Settings;
use opentrail::{House, Parts, ShownSettings};
use opentrail_federation::NoIssuers;
use opentrail_local::{Disk, JournalSettings, LocalBlobs, LocalCatalog, LocalJournal, SealKey};
use opentrail_policy::Seal;
use opentrail_world::World;

/// Opens it, and shows its catalog. Parts are sealed every few moments, so that the power is cut in the middle of that too.
pub(crate) async fn open(on_disk: Arc<dyn Disk>, folder: &Path) -> Result<(House, Arc<LocalCatalog>)> {
    let world = World::real();
    let journal = JournalSettings {
        segment_bytes: 32 * 1024,
        holders: House::HOLDERS.iter().map(|&h| h.to_owned()).collect(),
        ..JournalSettings::default()
    };
    let seal: Arc<dyn Seal> =
        Arc::new(SealKey::open(&folder.join("seal.key"), folder, world.clone()).context("seal key")?);
    let catalog = Arc::new(LocalCatalog::open(&folder.join("catalog.db")).context("catalog")?);
    let parts = Parts {
        upstreams: None,
        remote_buckets: Vec::new(),
        world: world.clone(),
        journal: Arc::new(
            LocalJournal::open(on_disk.clone(), Path::new("/journal"), journal, world.clone()).context("journal")?,
        ),
        catalog: catalog.clone(),
        blobs: Arc::new(LocalBlobs::open(on_disk, Path::new("/blobs"), world.clone()).context("blobs")?),
        seal: seal.clone(),
        signing_seal: seal,
        issuers: Arc::new(NoIssuers),
        space: None,
        metrics: None,
    };
    let mut settings = Settings::defaults();
    settings.listen = "127.0.0.1:0".parse().expect("an address");
    settings.history_seal_bytes = 16 * 1024;
    settings.history_seal_age = Duration::from_millis(40);
    Ok((House::open(parts, &settings, &ShownSettings::default()).await?, catalog))
}
