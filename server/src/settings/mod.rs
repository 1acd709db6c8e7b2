//! Everything that an operator can set, read once at start.
//!
//! One [table](TABLE) drives the file, `--set`, the environment and `opentrail config`. `--set` wins over the environment, that over
//! the file, that over the default.

mod buckets;
mod environment;
mod keys;
mod load;
mod nearest;
mod read;
mod table;
mod upstreams;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use opentrail_event::{AccountId, Region};
use opentrail_policy::{ConfiguredKey, Secret};
use opentrail_remote::Address;
use opentrail_wire::{Allowed, Network, OnFailure};

pub use buckets::ConfiguredBucket;
pub use environment::Environment;
pub use load::{Loaded, Origin, SettingsError, Source, Value, load};
pub use table::{Setting, TABLE};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// The settings, parsed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder that holds everything.
    pub data: PathBuf,
    pub listen: SocketAddr,
    /// Listen beyond loopback without TLS.
    pub listen_allow_plain: bool,
    /// Names under which buckets may stand in front (`BUCKET.s3.NAME`), besides `localhost`.
    pub listen_hosts: Vec<String>,
    /// Proxies whose X-Forwarded-For is believed.
    pub listen_trusted_proxies: Vec<Network>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub regions: Vec<Region>,
    pub seal_key_file: Option<PathBuf>,
    /// Host and path of each issuer of tokens, and the file with its keys.
    pub sts_issuers: Vec<(String, PathBuf)>,
    /// Audiences and recipients of SAML assertions beside AWS's own.
    pub sts_saml_audiences: Vec<String>,
    pub keys: Vec<ConfiguredKey>,
    pub journal_partitions: u32,
    pub journal_segment_bytes: u64,
    pub journal_bytes_max: u64,
    pub journal_reserve_bytes: u64,
    /// Of `journal_bytes_max`, between 0 and 1.
    pub journal_account_share: f64,
    /// Bytes; 0 is off.
    pub disk_free_floor: u64,
    pub history_retention_days: u32,
    pub history_seal_bytes: u64,
    pub history_seal_age: Duration,
    /// The clock is right, however far it is ahead of the last run.
    pub history_trust_clock: bool,
    pub history_cache_bytes: u64,
    pub trail_delivery_interval: Duration,
    pub trail_digest_interval: Duration,
    /// Bytes of undelivered files.
    pub trail_spool_account_bytes: u64,
    pub trail_spool_bytes: u64,
    pub signing_key_file: Option<PathBuf>,
    /// Denials by a statement name its policy.
    pub denials_name_policies: bool,
    /// Buckets in stores elsewhere, into which trails deliver.
    pub buckets_remote: Vec<ConfiguredBucket>,
    pub capture_on_failure: OnFailure,
    /// For services that are neither named nor ours.
    pub upstream_url: Option<Address>,
    /// By the service's name in signatures.
    pub upstream_services: Vec<(String, Address)>,
    /// Of callers whose key does not say theirs; the first account where absent.
    pub upstream_account: Option<AccountId>,
    pub upstream_anonymous: bool,
    pub upstream_body_bytes_max: usize,
    pub upstream_connections: usize,
    pub upstream_connect_timeout: Duration,
    pub upstream_answer_timeout: Duration,
    pub upstream_idle_timeout: Duration,
    pub upstream_ca_bundle: Option<PathBuf>,
    /// A file of profiles with the keys by which calls are signed anew.
    pub upstream_credentials: Option<PathBuf>,
    pub upstream_profile: String,
    /// In place of the file.
    pub upstream_access_key_id: String,
    pub upstream_secret_access_key: Secret,
    pub upstream_allow: Vec<Allowed>,
    pub limits_connections: usize,
    pub limits_head_timeout: Duration,
    pub limits_body_idle_timeout: Duration,
    pub limits_drain_timeout: Duration,
    /// A filter as `tracing` knows them: `info`, `warn,opentrail=debug`.
    pub log_level: String,
    pub log_format: LogFormat,
}

impl Settings {
    /// The defaults of the table.
    pub fn defaults() -> Self {
        let mut settings = Self::blank();
        for setting in TABLE {
            setting.read(&mut settings, setting.default).expect("the tests read every default");
        }
        settings
    }

    /// What the table's readers write into.
    fn blank() -> Self {
        Self {
            data: PathBuf::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            listen_allow_plain: false,
            listen_hosts: Vec::new(),
            listen_trusted_proxies: Vec::new(),
            tls_cert: None,
            tls_key: None,
            regions: Vec::new(),
            seal_key_file: None,
            sts_issuers: Vec::new(),
            sts_saml_audiences: Vec::new(),
            keys: Vec::new(),
            journal_partitions: 0,
            journal_segment_bytes: 0,
            journal_bytes_max: 0,
            journal_reserve_bytes: 0,
            journal_account_share: 0.0,
            disk_free_floor: 0,
            history_retention_days: 0,
            history_seal_bytes: 0,
            history_seal_age: Duration::ZERO,
            history_trust_clock: false,
            history_cache_bytes: 0,
            trail_delivery_interval: Duration::ZERO,
            trail_digest_interval: Duration::ZERO,
            trail_spool_account_bytes: 0,
            trail_spool_bytes: 0,
            signing_key_file: None,
            denials_name_policies: false,
            buckets_remote: Vec::new(),
            capture_on_failure: OnFailure::Refuse,
            upstream_url: None,
            upstream_services: Vec::new(),
            upstream_account: None,
            upstream_anonymous: false,
            upstream_body_bytes_max: 0,
            upstream_connections: 0,
            upstream_connect_timeout: Duration::ZERO,
            upstream_answer_timeout: Duration::ZERO,
            upstream_idle_timeout: Duration::ZERO,
            upstream_ca_bundle: None,
            upstream_credentials: None,
            upstream_profile: String::new(),
            upstream_access_key_id: String::new(),
            upstream_secret_access_key: Secret::new(String::new()),
            upstream_allow: Vec::new(),
            limits_connections: 0,
            limits_head_timeout: Duration::ZERO,
            limits_body_idle_timeout: Duration::ZERO,
            limits_drain_timeout: Duration::ZERO,
            log_level: String::new(),
            log_format: LogFormat::Json,
        }
    }

    /// All upstreams there are.
    pub fn upstreams(&self) -> impl Iterator<Item = &Address> {
        self.upstream_url.iter().chain(self.upstream_services.iter().map(|(_, address)| address))
    }

    /// What no single setting can see.
    fn check(&self) -> Result<(), SettingsError> {
        let refuse = |what: &str| Err(SettingsError::Together(what.to_owned()));
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return refuse("tls.cert and tls.key go together: set both or neither");
        }
        if !self.listen.ip().is_loopback() && self.tls_cert.is_none() && !self.listen_allow_plain {
            return refuse(
                "listening beyond loopback without TLS shows signatures and records to the network: \
                 set tls.cert and tls.key, or say listen.allow_plain=true if something in front speaks TLS",
            );
        }
        let key = (!self.upstream_access_key_id.is_empty(), !self.upstream_secret_access_key.expose().is_empty());
        if key.0 != key.1 {
            return refuse("upstream.access_key_id and upstream.secret_access_key go together: set both or neither");
        }
        if key.0 && self.upstream_credentials.is_some() {
            return refuse(
                "set upstream.credentials or upstream.access_key_id, not both: one of them would not be used",
            );
        }
        let signs = key.0 || self.upstream_credentials.is_some();
        if signs && self.upstream_anonymous {
            return refuse(
                "upstream.anonymous would let anybody use the keys of upstream.credentials: set one of them",
            );
        }
        if !signs && !self.upstream_allow.is_empty() {
            return refuse("upstream.allow says who may use the keys of upstream.credentials: set them too");
        }
        if !signs && self.upstreams().any(Address::is_template) {
            return refuse(
                "an upstream with {endpointPrefix} or {region} in its address knows no request that was signed for us:                  set upstream.credentials",
            );
        }
        if self.journal_reserve_bytes * 2 > self.journal_bytes_max {
            return refuse("journal.reserve_bytes may be at most half of journal.bytes_max");
        }
        Ok(())
    }
}
