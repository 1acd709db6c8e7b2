//! The one who delivers: follows the journal, keeps the spool, puts files and digests.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentrail_delivery::Buckets;
use opentrail_digest::{KeyError, SigningKey};
use opentrail_event::{AccountId, Region};
use opentrail_journal::{Backlog, Positions};
use tokio::sync::{Mutex, Notify, watch};

use crate::chains::Chains;
use crate::follow::{Committer, Course, Standing};
use crate::keys::{KeyInfo, Keys};
use crate::spool::row::Delivered;
use crate::spool::{Limits, Spool, SpoolError};
use crate::status::Statuses;
use crate::{Parts, Settings, Status, Trails};

/// One log file for each chain, by trail id, run and region.
pub(crate) type Noted = BTreeMap<(String, u64, Region), Delivered>;

/// Delivery of all trails. A [`Follower`](opentrail_journal::Follower), to be pumped; and a task, [`Delivery::run`].
pub struct Delivery {
    pub(crate) settings: Settings,
    pub(crate) world: opentrail_world::World,
    pub(crate) trails: Arc<Trails>,
    pub(crate) buckets: Arc<dyn Buckets>,
    pub(crate) spool: Spool,
    pub(crate) statuses: Statuses,
    pub(crate) course: Course,
    pub(crate) standing: Standing,
    pub(crate) committer: Mutex<Committer>,
    /// Held while a file is between cut and staged.
    pub(crate) staging: Mutex<()>,
    pub(crate) keys: Keys,
    pub(crate) chains: Mutex<Chains>,
    /// Chains that log files were delivered for since they were last looked at.
    pub(crate) noted: std::sync::Mutex<Noted>,
    /// Something happened that chains of digests may wait for.
    pub(crate) chains_moved: Notify,
}

impl Delivery {
    /// As the follower is called, and as it holds the journal.
    pub const HOLDER: &'static str = "trail";

    /// Reads what is stored.
    pub async fn open(parts: Parts, settings: Settings) -> Result<Arc<Self>, SpoolError> {
        Self::open_with(parts, settings, SigningKey::generate).await
    }

    /// The same with signing keys that `make` makes.
    pub(crate) async fn open_with(
        parts: Parts,
        settings: Settings,
        make: fn() -> Result<SigningKey, KeyError>,
    ) -> Result<Arc<Self>, SpoolError> {
        let Parts { world, catalog, blobs, buckets, seal, trails, journal_start } = parts;
        let committer = Committer::open(&*catalog, &journal_start).await?;
        let limits = Limits { account_bytes: settings.spool_account_bytes, bytes: settings.spool_bytes };
        let spool = Spool::open(catalog.clone(), blobs, world.clone(), limits).await?;
        let chains = Chains::open(&*catalog, world.monotonic()).await?;
        let standing = Standing::default();
        standing.set(committer.positions());
        Ok(Arc::new(Self {
            course: Course::new(committer.positions()),
            standing,
            committer: Mutex::new(committer),
            staging: Mutex::new(()),
            chains_moved: Notify::new(),
            chains: Mutex::new(chains),
            noted: std::sync::Mutex::default(),
            keys: Keys::new(catalog.clone(), seal, make),
            statuses: Statuses::new(catalog),
            spool,
            buckets,
            trails,
            world,
            settings,
        }))
    }

    /// Puts files and makes digests, until `stop` shows true or its sender is gone.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        match self.spool.sweep().await {
            Ok(0) => {}
            Ok(swept) => tracing::info!(swept, "swept staged files that no commit names"),
            Err(error) => tracing::warn!(%error, "sweep staged files; the next start tries again"),
        }
        tokio::join!(self.publish(&stop), self.digest(&stop));
    }

    /// Where the follower stands durably.
    pub(crate) fn committed(&self) -> Positions {
        self.standing.get()
    }

    /// A trail as its owner knows it, for lines that people read: its ARN, or its id where it is gone.
    pub(crate) fn spoken(&self, id: &str) -> String {
        let timeline = self.trails.timeline();
        let leaving = || timeline.leaving().into_iter().find(|trail| trail.id == id);
        let found = timeline.current().by_id(id).cloned().or_else(leaving);
        found.map_or_else(|| id.to_owned(), |trail| trail.arn().to_string())
    }

    /// How delivery of a trail stands in `region`. A region that nothing was delivered from has nothing to tell.
    pub async fn status(&self, trail: &str, region: &Region) -> Result<Status, SpoolError> {
        self.statuses.status(trail, region).await
    }

    /// The keys that digests of `region` were signed with between two times, in seconds since 1970, either of them open;
    /// where neither is given, the ones that are valid now.
    pub async fn public_keys(
        &self,
        region: &Region,
        from_s: Option<i64>,
        to_s: Option<i64>,
    ) -> Result<Vec<KeyInfo>, SpoolError> {
        let now_s = self.world.now().as_second();
        let (from_s, to_s) = match (from_s, to_s) {
            (None, None) => (now_s, now_s),
            (from_s, to_s) => (from_s.unwrap_or(i64::MIN), to_s.unwrap_or(i64::MAX)),
        };
        self.keys.list(region, from_s, to_s).await
    }
}

impl Backlog for Delivery {
    fn over(&self, account: AccountId) -> Option<String> {
        self.spool.over(account)
    }
}
