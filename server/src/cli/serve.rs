//! `opentrail serve`: the server, from its settings to its end.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use metrics_exporter_prometheus::PrometheusBuilder;
use opentrail_delivery::Upstream;
use opentrail_local::{IssuerKeyFiles, JournalSettings, Local, Settings as LocalSettings};
use opentrail_policy::Secret;
use opentrail_protocol::atlas::Atlas;
use opentrail_remote::{Address, Remote, RemoteSettings};
use opentrail_s3_remote::{RemoteBucket, RemoteKey};
use opentrail_wire::{OnFailure, Signing};
use opentrail_world::World;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::config::From;
use super::{Shell, print};
use crate::house::{ShownSettings, Space, Upstreams};
use crate::settings::{ConfiguredBucket, Loaded, Settings, Source, TABLE, load};
use crate::{House, Parts, client, credentials_file, logs};

/// Connections to the store of one bucket at a time: deliveries are few and large.
const BUCKET_CONNECTIONS_MAX: usize = 16;

/// Run the server until it is told to stop (SIGTERM, SIGINT)
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail serve
  $ opentrail serve --data ./data --listen 127.0.0.1:4566
  $ opentrail serve --upstream http://127.0.0.1:5000
  $ opentrail serve --upstream s3=http://127.0.0.1:9000
  $ opentrail serve --config opentrail.toml --set history.retention_days=365

When ready it prints `ready http://ADDRESS` to standard output; logs go to standard error. DATA/credentials is an AWS \
credentials file with the profiles opentrail (root of the first account) and opentrail-operator. `opentrail config` shows every setting.")]
pub(crate) struct Serve {
    /// Folder that holds everything; made if it is not there
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 picks one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Who answers in our place: http://HOST:PORT, or SERVICE=URL for one service; may be repeated
    #[arg(long, value_name = "[SERVICE=]URL")]
    upstream: Vec<String>,
    #[command(flatten)]
    from: From,
}

impl Serve {
    pub(crate) async fn run(self, shell: Shell) -> anyhow::Result<()> {
        let mut set = Vec::new();
        if let Some(data) = &self.data {
            let data = data.to_str().context("--data must be UTF-8; choose another folder")?;
            set.push(format!("data={data}"));
        }
        set.extend(self.listen.iter().map(|listen| format!("listen={listen}")));
        let general = self.upstream.iter().filter(|upstream| is_general(upstream)).count();
        anyhow::ensure!(
            general < 2,
            "--upstream URL is given {general} times; all but one need a service: SERVICE=URL"
        );
        set.extend(self.upstream.iter().map(|upstream| match upstream.split_once('=') {
            Some((service, url)) if !is_general(upstream) => format!("upstream.{service}={url}"),
            _ => format!("upstream.url={upstream}"),
        }));
        set.extend(self.from.set);
        let loaded = load(&Source { file: self.from.config, environment: shell.environment, set })?;
        logs::start(&loaded.settings);
        for name in &loaded.strange_variables {
            tracing::warn!(variable = name, "no setting is called so; `opentrail config --format json` lists all");
        }
        // Heard from the start, so that a stop during start-up is one too.
        let mut stop = Stop::listen()?;
        let settings = &loaded.settings;
        let local = open_engines(&loaded, &shell.world).await?;
        let files = settings.sts_issuers.clone();
        let issuers = tokio::task::spawn_blocking(move || IssuerKeyFiles::open(files)).await?.context("sts.issuers")?;
        let house = House::open(
            Parts {
                world: shell.world.clone(),
                journal: local.journal.clone(),
                catalog: local.catalog.clone(),
                blobs: local.blobs.clone(),
                seal: local.seal.clone(),
                signing_seal: local.signing_seal.clone(),
                issuers: Arc::new(issuers),
                space: Some({
                    let space = local.space.clone();
                    Arc::new(move || Space { free_bytes: space.free(), floor_bytes: space.floor() })
                }),
                upstreams: upstreams(settings, &shell.world)?,
                remote_buckets: remote_buckets(settings, &shell.world)?,
                metrics: Some(PrometheusBuilder::new().install_recorder().context("install the metrics recorder")?),
            },
            settings,
            &shown(&loaded),
        )
        .await?;
        let address = house.address();
        let scheme = if settings.tls_cert.is_some() { "https" } else { "http" };
        let endpoint = format!("{scheme}://{address}");
        local.lock.serves(&endpoint).context("write the address into the lock file")?;
        // A wildcard is an address to listen on, not one to call.
        let own = if address.ip().is_unspecified() {
            format!("{scheme}://127.0.0.1:{}", address.port())
        } else {
            endpoint.clone()
        };
        credentials_file::write(&settings.data, &house.starters().await?, &own)
            .context("write the credentials file")?;
        tracing::info!(endpoint, data = %settings.data.display(), "ready");
        print(&format!("ready {endpoint}\n"))?;
        let signal = stop.heard().await;
        tracing::info!(signal, "stopping");
        house.stop().await;
        // The lock goes with the process, not before: a call that outlived the drain may still hold the engines.
        std::mem::forget(local.lock.clone());
        drop(local);
        tracing::info!("stopped");
        Ok(())
    }
}

/// Reading the journal's end blocks: on a thread that may.
async fn open_engines(loaded: &Loaded, world: &World) -> anyhow::Result<Local> {
    let (data, engines, world) = (loaded.settings.data.clone(), engines(loaded), world.clone());
    Ok(tokio::task::spawn_blocking(move || Local::open(&data, engines, world)).await??)
}

/// Of `--upstream`: whether it is a URL, not one for a service.
fn is_general(upstream: &str) -> bool {
    upstream.split_once('=').is_none_or(|(service, _)| service.contains(':'))
}

/// What is set and will do nothing, or nothing but refuse.
fn idle_settings(settings: &Settings) -> Vec<&'static str> {
    let has_upstream = settings.upstreams().next().is_some();
    let signs = settings.upstream_credentials.is_some() || !settings.upstream_access_key_id.is_empty();
    let mut idle = Vec::new();
    if signs && !has_upstream {
        idle.push("there are keys for an upstream, and no upstream: set upstream.url or upstream.services");
    }
    if signs && has_upstream && settings.upstream_allow.is_empty() {
        idle.push("calls to upstreams are signed anew, and upstream.allow is empty: every one is denied");
    }
    if settings.capture_on_failure == OnFailure::Pass && !has_upstream {
        idle.push("capture.on_failure=pass is for calls to upstreams, and there is none");
    }
    idle
}

/// A name by which no call will ever look for an upstream is a mistake.
fn check_names(settings: &Settings) -> anyhow::Result<()> {
    let atlas = Atlas::builtin();
    for (name, _) in &settings.upstream_services {
        if let Some(meant) = atlas.signing_name_of(name) {
            anyhow::bail!("upstream.services: calls to {name} are signed for {meant:?}; write {meant}=URL");
        }
    }
    Ok(())
}

/// The engines that dial out, where the settings name somebody to dial.
fn upstreams(settings: &Settings, world: &World) -> anyhow::Result<Option<Upstreams>> {
    for why in idle_settings(settings) {
        tracing::warn!("{why}");
    }
    if settings.upstreams().next().is_none() {
        return Ok(None);
    }
    check_names(settings)?;
    let trust = match settings.upstreams().any(Address::is_tls) {
        true => Some(client::trust(settings.upstream_ca_bundle.as_deref()).context("trust upstreams")?),
        false => None,
    };
    let engine = |address: &Address| -> Arc<dyn Upstream> {
        let timing = RemoteSettings {
            connect_timeout: settings.upstream_connect_timeout,
            answer_timeout: settings.upstream_answer_timeout,
            idle_timeout: settings.upstream_idle_timeout,
            connections_max: settings.upstream_connections,
        };
        Arc::new(Remote::new(address.clone(), trust.clone(), timing, world.clone()))
    };
    let keys = match &settings.upstream_credentials {
        Some(file) => Some(
            client::profile_of(file, &settings.upstream_profile)
                .context("read upstream.credentials; upstream.profile says which of its profiles counts")?,
        ),
        None if settings.upstream_access_key_id.is_empty() => None,
        None => Some(client::Keys {
            access_key_id: settings.upstream_access_key_id.clone(),
            secret: settings.upstream_secret_access_key.clone(),
            session_token: None,
        }),
    };
    Ok(Some(Upstreams {
        named: settings.upstream_services.iter().map(|(name, address)| (name.clone(), engine(address))).collect(),
        general: settings.upstream_url.as_ref().map(engine),
        signing: keys.map(|keys| Signing {
            access_key_id: keys.access_key_id,
            secret: keys.secret,
            token: keys.session_token.map(Secret::new),
            allowed: settings.upstream_allow.clone(),
        }),
    }))
}

fn engines(loaded: &Loaded) -> LocalSettings {
    let settings = &loaded.settings;
    LocalSettings {
        journal: JournalSettings {
            partitions: settings.journal_partitions,
            segment_bytes: settings.journal_segment_bytes,
            bytes_max: settings.journal_bytes_max,
            account_share: settings.journal_account_share,
            reserve_bytes: settings.journal_reserve_bytes,
            holders: House::HOLDERS.map(str::to_owned).to_vec(),
            ..JournalSettings::default()
        },
        seal_key_file: settings.seal_key_file.clone(),
        signing_key_file: settings.signing_key_file.clone(),
        free_floor: settings.disk_free_floor,
        // The history's parts and the trails' spool: only when they are written is the journal let go.
        mending_blobs: vec!["table/".into(), "spool/".into()],
    }
}

fn shown(loaded: &Loaded) -> ShownSettings {
    let value = |name: &'static str| loaded.values.get(name).map(|value| value.text.as_str()).unwrap_or_default();
    ShownSettings {
        values: TABLE.iter().map(|s| (s.name.to_owned(), s.shown(value(s.name)))).collect(),
        security: TABLE.iter().filter(|s| s.security).map(|s| s.name.to_owned()).collect(),
    }
}

/// The signals that ask for an end.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("listen for signals");
        Ok(Self { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? })
    }

    async fn heard(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The stores of configured buckets, each with connections of its own: a store that hangs holds up no other.
fn remote_buckets(settings: &Settings, world: &World) -> anyhow::Result<Vec<RemoteBucket>> {
    let trust = match settings.buckets_remote.iter().any(|bucket| bucket.endpoint.is_tls()) {
        true => {
            Some(client::trust(settings.upstream_ca_bundle.as_deref()).context("trust the stores of buckets.remote")?)
        }
        false => None,
    };
    let bucket = |bucket: &ConfiguredBucket| RemoteBucket {
        name: bucket.name.clone(),
        region: bucket.region.clone(),
        owner: bucket.owner,
        accounts: bucket.accounts.clone(),
        key: RemoteKey { access_key_id: bucket.access_key_id.clone(), secret: bucket.secret.clone() },
        upstream: Arc::new(Remote::new(
            bucket.endpoint.clone(),
            trust.clone(),
            RemoteSettings { connections_max: BUCKET_CONNECTIONS_MAX, ..RemoteSettings::default() },
            world.clone(),
        )),
    };
    Ok(settings.buckets_remote.iter().map(bucket).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn with(set: &[(&str, &str)]) -> Settings {
        let set = set.iter().map(|(name, text)| format!("{name}={text}")).collect();
        load(&Source { file: None, environment: Environment::default(), set }).expect("settings").settings
    }

    #[test]
    fn what_is_set_and_does_nothing_is_told() {
        const URL: (&str, &str) = ("upstream.url", "http://127.0.0.1:1");
        const KEY: (&str, &str) = ("upstream.access_key_id", "AKIA");
        const SECRET: (&str, &str) = ("upstream.secret_access_key", "s");
        let allow = ("upstream.allow", r#"[{"principal":"*","actions":["s3:*"]}]"#);
        let check = |set: &[(&str, &str)], idle: usize| assert_eq!(idle_settings(&with(set)).len(), idle, "{set:?}");
        check(&[], 0);
        check(&[URL], 0);
        check(&[KEY, SECRET], 1);
        check(&[URL, KEY, SECRET], 1);
        check(&[URL, KEY, SECRET, allow], 0);
        check(&[("capture.on_failure", "pass")], 1);
        check(&[URL, ("capture.on_failure", "pass")], 0);
    }

    #[test]
    fn a_service_goes_by_its_name_in_signatures() {
        let named = |name: &str| with(&[("upstream.services", &format!("{name}=http://127.0.0.1:1"))]);
        let error = check_names(&named("elbv2")).expect_err("refused").to_string();
        assert!(error.contains("elasticloadbalancing=URL"), "{error}");
        check_names(&named("elasticloadbalancing")).expect("right");
        check_names(&named("of-our-own")).expect("nobody knows");
    }
}
