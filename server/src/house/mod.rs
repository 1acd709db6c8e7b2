//! The composition root: engines → recovery → followers → services → door, and back in reverse.

mod announce;
mod backlog;
mod find;
mod interest;
mod pages;
mod policies;
mod ready;
mod remote_buckets;
mod reports;
mod tokens;
mod upstreams;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics_exporter_prometheus::PrometheusHandle;
use opentrail_blobs::Blobs;
use opentrail_capture::{NotTaken, Recorder, Unfit};
use opentrail_catalog::{Catalog, Damaged};
use opentrail_columnar::ColumnarTables;
use opentrail_federation::IssuerKeys;
use opentrail_history::{Clock, History};
use opentrail_journal::{Follower, Journal, Positions, PumpStatus, Refused, pump};
use opentrail_lake::{Lake, Stores};
use opentrail_operator::TokenKey;
use opentrail_policy::{Authority, Directory, DirectoryError, Seal, SealError, Sessions, Starters};
use opentrail_protocol::Models;
use opentrail_s3::{S3Guards, S3Service, S3Settings};
use opentrail_s3_remote::RemoteBucket;
use opentrail_table::Table;
use opentrail_trail::{Delivery, RegistryError, SpoolError, Trails};
use opentrail_wire::{Door, DoorSettings, OnFailure, Running, Service};
use opentrail_world::World;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::settings::Settings;

use announce::Announcer;
pub use announce::ShownSettings;
use backlog::LaterBacklog;
use pages::HousePages;
pub use pages::{AskSpace, Space};
pub use upstreams::Upstreams;

/// The engines and the world that a house stands on. Each can be another one: the simulation brings its own.
pub struct Parts {
    pub world: World,
    pub journal: Arc<dyn Journal>,
    pub catalog: Arc<dyn Catalog>,
    pub blobs: Arc<dyn Blobs>,
    pub seal: Arc<dyn Seal>,
    /// Seals the keys that sign digests; may be the same.
    pub signing_seal: Arc<dyn Seal>,
    /// The keys of those whose tokens are taken in place of a signature.
    pub issuers: Arc<dyn IssuerKeys>,
    /// For `/health` and `/metrics`; without it they say nothing of the disk.
    pub space: Option<AskSpace>,
    /// Renders the metrics of this process; without it `/metrics` is not there.
    pub metrics: Option<PrometheusHandle>,
    /// Who answers in our place, where somebody does.
    pub upstreams: Option<Upstreams>,
    /// Buckets elsewhere, into which trails may deliver.
    pub remote_buckets: Vec<RemoteBucket>,
}

/// Why a house does not open.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    #[error("accounts and keys: {0}")]
    Directory(#[from] DirectoryError),
    #[error("tables of events: {0}")]
    Table(#[from] opentrail_table::Error),
    #[error("trails: {0}")]
    Trails(#[from] RegistryError),
    #[error("event data stores: {0}")]
    Stores(#[from] opentrail_lake::RegistryError),
    #[error("catalog: {0}")]
    Catalog(#[from] opentrail_catalog::Error),
    #[error("catalog: {0}")]
    Damaged(#[from] Damaged),
    #[error("trails: {0}")]
    Delivery(#[from] SpoolError),
    #[error("recording: {0}")]
    Refused(#[from] Refused),
    #[error("record the start: {0}")]
    NotTaken(#[from] NotTaken),
    #[error("record the start: {0}")]
    Unfit(#[from] Unfit),
    #[error("{0}; is seal.key_file the one that this folder was made with?")]
    Seal(SealError),
    #[error("listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
}

/// A running house.
pub struct House {
    door: Running,
    pages: Arc<HousePages>,
    directory: Arc<Directory>,
    history: Arc<History>,
    recorder: Arc<Recorder>,
    stop_recorder: watch::Sender<bool>,
    stop_followers: watch::Sender<bool>,
    recorder_task: JoinHandle<()>,
    /// One per follower, and those that look after the parts of the history and of the Lake.
    pumps: Vec<JoinHandle<()>>,
    stop_delivery: watch::Sender<bool>,
    delivery_task: JoinHandle<()>,
    sweep: JoinHandle<()>,
}

impl House {
    /// Names under which parts of a house hold the journal: an engine truncates nothing before each of them has spoken.
    pub const HOLDERS: [&str; 4] = ["capture", "history", Delivery::HOLDER, Lake::HOLDER];

    /// Opens the house; when this returns, calls are answered and everything recorded before is found.
    pub async fn open(parts: Parts, settings: &Settings, shown: &ShownSettings) -> Result<Self, HouseError> {
        let Parts {
            world,
            journal,
            catalog,
            blobs,
            seal,
            signing_seal,
            issuers,
            space,
            metrics,
            upstreams,
            remote_buckets,
        } = parts;

        // The address first: a start that cannot have it is none, and leaves nothing on record.
        let door_settings = door_settings(settings);
        let bound = door_settings.bind().await;
        let bound = bound.map_err(|source| HouseError::Listen { address: settings.listen, source })?;

        // Who there is.
        let directory = Directory::open(catalog.clone(), seal.clone(), world.clone()).await?;
        let sessions = Arc::new(Sessions::new(seal.clone(), directory.clone(), world.clone()));
        let [lookup_tokens, own_tokens] = tokens::secrets(&*catalog, &*seal, &world).await?;

        // Who wants which events.
        let trails = Trails::open(catalog.clone(), journal.watch(), world.clone()).await?;
        let stores = Stores::open(catalog.clone(), journal.watch(), world.clone()).await?;
        let anybody = Arc::new(interest::Anybody(vec![trails.clone(), stores.clone()]));

        // What was left open is closed before anything new begins.
        let backlog = LaterBacklog::default();
        let recorder = Recorder::new(journal.clone(), anybody, world.clone());
        let recorder = Arc::new(recorder.with_memo(catalog.clone()).with_backlog(Arc::new(backlog.clone())));
        let recovered = recorder.recover().await?;
        tracing::info!(entries = recovered.entries, resolved = recovered.resolved, "recovered the journal");

        // Where events go.
        let tables = Arc::new(ColumnarTables::new(
            catalog.clone(),
            blobs.clone(),
            world.clone(),
            opentrail_columnar::Settings {
                cache_bytes_max: usize::try_from(settings.history_cache_bytes).unwrap_or(usize::MAX),
                ..Default::default()
            },
        ));
        let table: Arc<dyn Table> = tables.open(opentrail_history::schema(), Positions::default()).await?;
        let history = Arc::new(History::new(
            table.clone(),
            catalog.clone(),
            world.clone(),
            opentrail_history::Settings {
                seal_bytes: settings.history_seal_bytes,
                seal_age: settings.history_seal_age,
                retention_days: settings.history_retention_days,
                trust_clock: settings.history_trust_clock,
            },
        ));

        let believed = history.clone();
        let lake = opentrail_lake::Parts {
            stores,
            tables: tables.clone(),
            world: world.clone(),
            clock_is_believed: Arc::new(move || believed.clock() == Clock::Believed),
        };
        let lake = Lake::open(
            lake,
            journal.watch().borrow().clone(),
            opentrail_lake::Settings { seal_bytes: settings.history_seal_bytes, seal_age: settings.history_seal_age },
        )
        .await?;

        let decide = Authority::new(directory.clone()).naming_policies(settings.denials_name_policies);
        let decide = Arc::new(decide);
        let s3 = S3Service::new(
            catalog.clone(),
            blobs.clone(),
            world.clone(),
            S3Guards { decide: decide.clone(), principals: directory.clone() },
            S3Settings { regions: settings.regions.clone() },
        );
        let buckets = remote_buckets::in_front_of(s3.buckets(recorder.clone()), remote_buckets, &world);
        let delivery = Delivery::open(
            opentrail_trail::Parts {
                world: world.clone(),
                catalog: catalog.clone(),
                blobs: blobs.clone(),
                buckets: buckets.clone(),
                seal: signing_seal,
                trails: trails.clone(),
                journal_start: journal.start(),
            },
            opentrail_trail::Settings {
                delivery_interval: settings.trail_delivery_interval,
                digest_interval: settings.trail_digest_interval,
                spool_account_bytes: settings.trail_spool_account_bytes,
                spool_bytes: settings.trail_spool_bytes,
                regions: settings.regions.clone(),
            },
        )
        .await?;
        backlog.set(delivery.clone());

        // Every follower there is.
        let (stop_followers, followers_stop) = watch::channel(false);
        let followers: Vec<Arc<dyn Follower>> = vec![history.clone(), delivery.clone(), lake.clone()];
        let mut statuses = Vec::new();
        let mut pumps = Vec::new();
        for follower in followers {
            let (tell, status) = watch::channel(PumpStatus::default());
            statuses.push((follower.name().to_owned(), status));
            pumps.push(tokio::spawn(pump(journal.clone(), follower, world.clone(), tell, followers_stop.clone())));
        }
        let caught_up = statuses.iter().map(|(_, status)| status.clone()).collect();
        ready::caught_up(&world, caught_up).await;

        // Only now that every follower holds what it needs of the journal may capture let go of what it does not.
        let (stop_recorder, recorder_stops) = watch::channel(false);
        let tending = recorder.clone();
        let recorder_task = tokio::spawn(async move { tending.run(recorder_stops).await });

        let (tended, tending_stops) = (history.clone(), followers_stop.clone());
        pumps.push(tokio::spawn(async move { tended.tend(tending_stops).await }));
        let (tended, tending_stops) = (lake.clone(), followers_stop.clone());
        pumps.push(tokio::spawn(async move { tended.tend(tending_stops).await }));

        // What the start changes is on record before it is changed. Followers run by now: they make room in a full journal.
        let announcer = Announcer { recorder: &recorder, catalog: &*catalog, history: &history, world: &world };
        let plan = directory.plan(&settings.keys).await?;
        let starters = directory.starters().await?;
        let goes_on = settings.capture_on_failure == OnFailure::Pass;
        let on_record = announcer.announce(shown, &starters, plan.changes(), goes_on).await?;
        directory.apply(plan).await?;
        if on_record {
            announcer.done(shown).await?;
        }

        // Who answers.
        let models = Models::builtin();
        let sts = opentrail_iam::StsDesk {
            directory: directory.clone(),
            sessions: sessions.clone(),
            issuers,
            saml_audiences: settings.sts_saml_audiences.clone(),
            world: world.clone(),
        };
        let [sts, iam] = opentrail_iam::services(&models, sts);
        let find = Arc::new(find::HistoryFind { history: history.clone() });
        let services: Vec<Arc<dyn Service>> = vec![
            Arc::new(opentrail_cloudtrail::service(
                &models,
                opentrail_cloudtrail::Parts {
                    history: history.clone(),
                    trails: opentrail_cloudtrail::Desk {
                        trails,
                        buckets,
                        reports: Arc::new(reports::TrailReports(delivery.clone())),
                    },
                    lake: lake.clone(),
                    world: world.clone(),
                    token_key: opentrail_cloudtrail::TokenKey::new(&lookup_tokens),
                },
            )),
            s3.clone(),
            Arc::new(sts),
            Arc::new(iam),
            Arc::new(opentrail_operator::service(
                &models,
                opentrail_operator::Parts {
                    directory: directory.clone(),
                    find,
                    authority: decide.clone(),
                    policies: Arc::new(policies::HousePolicies { directory: directory.clone(), s3: s3.clone() }),
                    world: world.clone(),
                    tokens: TokenKey::new(&own_tokens),
                },
            )),
        ];

        // The door, last.
        let pages = Arc::new(HousePages {
            ready: AtomicBool::new(true),
            journal: journal.clone(),
            history: table,
            clock: history.clone(),
            followers: statuses,
            space,
            metrics,
        });
        let door = Door {
            settings: door_settings,
            world: world.clone(),
            identities: sessions,
            decide,
            capture: recorder.clone(),
            services,
            pages: pages.clone(),
            passage: upstreams.unwrap_or_default().passage(settings, starters.account.id, &catalog, &seal, &world),
        };
        let door = door.open(bound);

        // Only now: what is put into a bucket is recorded, and the door's own calls come first.
        let (stop_delivery, delivery_stops) = watch::channel(false);
        let delivery_task = tokio::spawn(async move { delivery.run(delivery_stops).await });

        // What earlier runs staged and never used; calls are served meanwhile.
        let sweep = tokio::spawn(async move {
            match s3.sweep().await {
                Ok(0) => {}
                Ok(swept) => tracing::info!(swept, "swept objects that no bucket names"),
                Err(fault) => tracing::warn!(error = %fault, "sweep objects; the next start tries again"),
            }
        });
        Ok(Self {
            door,
            pages,
            directory,
            history,
            recorder,
            stop_recorder,
            stop_followers,
            recorder_task,
            pumps,
            stop_delivery,
            delivery_task,
            sweep,
        })
    }

    /// Where the door is, its port picked if it was 0.
    pub fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// The keys that the first start made.
    pub async fn starters(&self) -> Result<Starters, HouseError> {
        Ok(self.directory.starters().await?)
    }

    /// Accounts, users and keys.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The way in for events that somebody else recorded.
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// The events there are.
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Takes no more calls, lets running ones end, and writes down what is in memory.
    pub async fn stop(self) {
        self.pages.ready.store(false, Ordering::Release);
        self.door.stop().await;
        self.sweep.abort();
        // Whoever listens has ended only if its task has; the joins below tell.
        let _ = self.stop_delivery.send(true);
        join("delivery", self.delivery_task).await;
        let _ = self.stop_recorder.send(true);
        join("recorder", self.recorder_task).await;
        let _ = self.stop_followers.send(true);
        for pump in self.pumps {
            join("follower", pump).await;
        }
    }
}

fn door_settings(settings: &Settings) -> DoorSettings {
    let mut host_names = settings.listen_hosts.clone();
    host_names.push("localhost".into());
    DoorSettings {
        listen: settings.listen,
        tls: settings.tls_cert.clone().zip(settings.tls_key.clone()),
        regions: settings.regions.clone(),
        host_names,
        trusted_proxies: settings.listen_trusted_proxies.clone(),
        connections_max: settings.limits_connections,
        head_timeout: settings.limits_head_timeout,
        body_idle_timeout: settings.limits_body_idle_timeout,
        drain_timeout: settings.limits_drain_timeout,
    }
}

async fn join(what: &str, task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(what, %error, "a task of the house did not end well");
    }
}
