//! The table of settings. A line here is all that a new one needs.

use super::buckets::read_buckets;
use super::keys::read_keys;
use super::read::{
    account, count, flag, format, fraction, issuers, level, list, on_failure, optional_path, path, regions, socket,
    span, units, uris,
};
use super::upstreams::{address, allowed, networks, services};
use super::{Settings, buckets, keys, upstreams};
use opentrail_policy::Secret;

/// One setting.
pub struct Setting {
    /// In `--set` and `opentrail config`; its dots are the tables of the TOML file.
    pub name: &'static str,
    pub default: &'static str,
    /// Empty where there is none.
    pub unit: &'static str,
    pub meaning: &'static str,
    /// A change of it is an event on the operator's record.
    pub security: bool,
    read: fn(&mut Settings, &str) -> Result<(), String>,
    /// What is shown in place of a text that holds secrets.
    mask: Option<fn(&str) -> String>,
}

impl Setting {
    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("OPENTRAIL_{}", self.name.to_ascii_uppercase().replace('.', "_"))
    }

    /// Parses `text` into its place.
    pub(super) fn read(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        (self.read)(settings, text)
    }

    /// `text` as it may be shown.
    pub fn shown(&self, text: &str) -> String {
        self.mask.map_or_else(|| text.to_owned(), |mask| mask(text))
    }
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

macro_rules! setting {
    ($name:literal, $default:literal, $unit:literal, $security:literal, $meaning:literal, $read:expr) => {
        Setting {
            name: $name,
            default: $default,
            unit: $unit,
            meaning: $meaning,
            security: $security,
            read: $read,
            mask: None,
        }
    };
}

/// All settings, in the order in which they are shown.
pub const TABLE: &[Setting] = &[
    setting!("data", "opentrail-data", "", true, "folder that holds everything", |s, t| path(t).map(|v| s.data = v)),
    setting!("listen", "127.0.0.1:4566", "address:port", true, "where to listen; port 0 picks one", |s, t| {
        socket(t).map(|v| s.listen = v)
    }),
    setting!(
        "listen.allow_plain",
        "false",
        "true or false",
        true,
        "listen beyond loopback without TLS, as where something in front speaks TLS",
        |s, t| flag(t).map(|v| s.listen_allow_plain = v)
    ),
    setting!(
        "listen.hosts",
        "",
        "names, by commas",
        false,
        "host names besides localhost before which bucket names may stand (BUCKET.s3.NAME)",
        |s, t| list(t).map(|v| s.listen_hosts = v)
    ),
    setting!(
        "listen.trusted_proxies",
        "",
        "networks, by commas",
        true,
        "proxies in front, such as 10.0.0.0/8, whose X-Forwarded-For says where a request came from",
        |s, t| networks(t).map(|v| s.listen_trusted_proxies = v)
    ),
    setting!("tls.cert", "", "PEM file", true, "certificate chain; turns TLS on, with tls.key", |s, t| {
        optional_path(t).map(|v| s.tls_cert = v)
    }),
    setting!("tls.key", "", "PEM file", true, "private key of tls.cert", |s, t| optional_path(t)
        .map(|v| s.tls_key = v)),
    setting!(
        "regions",
        "us-east-1,ap-northeast-1,ap-northeast-2,ap-northeast-3,ap-south-1,ap-southeast-1,ap-southeast-2,ca-central-1,eu-central-1,\
         eu-north-1,eu-west-1,eu-west-2,eu-west-3,sa-east-1,us-east-2,us-west-1,us-west-2",
        "names, by commas",
        true,
        "regions that are served; requests for others are refused",
        |s, t| regions(t).map(|v| s.regions = v)
    ),
    setting!(
        "seal.key_file",
        "",
        "file",
        true,
        "key that seals secrets at rest; made at first use; DATA/seal.key where not set",
        |s, t| optional_path(t).map(|v| s.seal_key_file = v)
    ),
    setting!(
        "sts.issuers",
        "",
        "https://ISSUER=FILE, by commas",
        true,
        "issuers of tokens for AssumeRoleWithWebIdentity, each with a file of its public keys (a JSON Web Key Set), read again \
         when it changes",
        |s, t| issuers(t).map(|v| s.sts_issuers = v)
    ),
    setting!(
        "sts.saml_audiences",
        "",
        "URIs, by commas",
        true,
        "audiences and recipients of assertions for AssumeRoleWithSAML besides https://signin.aws.amazon.com/saml",
        |s, t| uris(t).map(|v| s.sts_saml_audiences = v)
    ),
    Setting {
        name: "keys",
        default: "[]",
        unit: "JSON, or [[keys]] in the file",
        meaning: "access keys: account, user (root where absent), policy, access_key_id, secret_access_key",
        security: true,
        read: |s, t| read_keys(t).map(|v| s.keys = v),
        mask: Some(keys::mask),
    },
    setting!("journal.partitions", "1", "partitions", false, "fixed when the folder is made", |s, t| {
        count(t, 1, 64).map(|v| s.journal_partitions = v as u32)
    }),
    setting!("journal.segment_bytes", "8388608", "bytes", false, "size of one file of the journal", |s, t| {
        count(t, 64 * KIB, 64 * MIB).map(|v| s.journal_segment_bytes = v)
    }),
    setting!(
        "journal.bytes_max",
        "4294967296",
        "bytes",
        false,
        "most that the journal keeps for followers that lag; then calls are refused until they catch up",
        |s, t| count(t, 16 * MIB, 1024 * GIB).map(|v| s.journal_bytes_max = v)
    ),
    setting!(
        "journal.reserve_bytes",
        "67108864",
        "bytes",
        false,
        "part of journal.bytes_max kept for calls of the control plane",
        |s, t| count(t, MIB, 64 * GIB).map(|v| s.journal_reserve_bytes = v)
    ),
    setting!(
        "journal.account_share",
        "0.5",
        "fraction",
        false,
        "most of journal.bytes_max that one account may fill",
        |s, t| fraction(t).map(|v| s.journal_account_share = v)
    ),
    setting!(
        "disk.free_floor",
        "1073741824",
        "bytes",
        false,
        "kept free on the disk of data: below it calls and objects are refused until there is space again; 0 turns it off",
        |s, t| count(t, 0, 1024 * GIB).map(|v| s.disk_free_floor = v)
    ),
    setting!("history.retention_days", "90", "days", true, "how long management events are found", |s, t| {
        count(t, 1, 36_500).map(|v| s.history_retention_days = v as u32)
    }),
    setting!("history.seal_bytes", "33554432", "bytes", false, "events are written as a part at this size", |s, t| {
        count(t, 64 * KIB, GIB).map(|v| s.history_seal_bytes = v)
    }),
    setting!("history.seal_age", "60", "seconds", false, "events are written as a part at this age", |s, t| {
        span(t, 1, 86_400).map(|v| s.history_seal_age = v)
    }),
    setting!(
        "history.trust_clock",
        "false",
        "true or false",
        true,
        "let events expire at once by a clock that is more than 7 days ahead of when the server last ran",
        |s, t| flag(t).map(|v| s.history_trust_clock = v)
    ),
    setting!("history.cache_bytes", "67108864", "bytes", false, "most memory for indexes of parts", |s, t| {
        count(t, MIB, 64 * GIB).map(|v| s.history_cache_bytes = v)
    }),
    setting!(
        "trail.delivery_interval",
        "5m",
        "seconds, or 2s, 5m, 1h",
        false,
        "log files are written so often",
        |s, t| { units(t, 1, 86_400).map(|v| s.trail_delivery_interval = v) }
    ),
    setting!("trail.digest_interval", "1h", "seconds, or 10s, 5m, 1h", true, "what one digest file covers", |s, t| {
        units(t, 1, 86_400).map(|v| s.trail_digest_interval = v)
    }),
    setting!(
        "trail.spool_account_bytes",
        "536870912",
        "bytes",
        false,
        "most of undelivered log files of one account, as when a bucket is gone; then its calls are refused",
        |s, t| count(t, 64 * KIB, 1024 * GIB).map(|v| s.trail_spool_account_bytes = v)
    ),
    setting!(
        "trail.spool_bytes",
        "4294967296",
        "bytes",
        false,
        "most of undelivered log files of all accounts together",
        |s, t| count(t, 64 * KIB, 1024 * GIB).map(|v| s.trail_spool_bytes = v)
    ),
    setting!(
        "signing.key_file",
        "",
        "file",
        true,
        "key that seals the keys which sign digests; made at first use; that of seal.key_file where not set",
        |s, t| optional_path(t).map(|v| s.signing_key_file = v)
    ),
    setting!(
        "denials.name_policies",
        "true",
        "true or false",
        false,
        "a denial by a statement names the managed policy that it stands in, within an account",
        |s, t| flag(t).map(|v| s.denials_name_policies = v)
    ),
    Setting {
        name: "buckets.remote",
        default: "[]",
        unit: "JSON, or [[buckets.remote]] in the file",
        meaning: "buckets elsewhere that trails may deliver into: bucket, endpoint, region, accounts, access_key_id, \
                  secret_access_key, owner (the first of accounts where absent)",
        security: true,
        read: |s, t| read_buckets(t).map(|v| s.buckets_remote = v),
        mask: Some(buckets::mask),
    },
    setting!(
        "capture.on_failure",
        "refuse",
        "refuse or pass",
        true,
        "what becomes of a call to an upstream that cannot be recorded; pass: it goes on, and the gap is recorded later",
        |s, t| on_failure(t).map(|v| s.capture_on_failure = v)
    ),
    setting!(
        "upstream.url",
        "",
        "URL",
        true,
        "who answers for services that are neither named in upstream.services nor ours: http://HOST:PORT, or a template as \
         https://{endpointPrefix}.{region}.amazonaws.com",
        |s, t| address(t).map(|v| s.upstream_url = v)
    ),
    setting!(
        "upstream.services",
        "",
        "service=URL, by commas",
        true,
        "who answers for single services, ours among them, by their names in signatures; also written upstream.s3=URL",
        |s, t| services(t).map(|v| s.upstream_services = v)
    ),
    setting!(
        "upstream.account",
        "",
        "twelve digits",
        true,
        "whose records those are of callers whose key does not say its account; the first account where not set",
        |s, t| account(t).map(|v| s.upstream_account = v)
    ),
    setting!("upstream.anonymous", "false", "true or false", true, "pass calls on that are not signed", |s, t| flag(t)
        .map(|v| s.upstream_anonymous = v)),
    setting!(
        "upstream.body_bytes_max",
        "1048576",
        "bytes",
        false,
        "longer bodies, and those that stream, are passed on without being read into the record",
        |s, t| count(t, 64 * KIB, 64 * MIB).map(|v| s.upstream_body_bytes_max = v as usize)
    ),
    setting!("upstream.connections", "256", "connections", false, "most open at a time to one host", |s, t| {
        count(t, 1, 100_000).map(|v| s.upstream_connections = v as usize)
    }),
    setting!("upstream.connect_timeout", "5", "seconds", false, "for a connection to an upstream", |s, t| {
        span(t, 1, 3_600).map(|v| s.upstream_connect_timeout = v)
    }),
    setting!(
        "upstream.answer_timeout",
        "60",
        "seconds",
        false,
        "for an answer to begin once the call is sent; then 504",
        |s, t| span(t, 1, 3_600).map(|v| s.upstream_answer_timeout = v)
    ),
    setting!("upstream.idle_timeout", "30", "seconds", false, "for the next bytes of an answer to come", |s, t| {
        span(t, 1, 3_600).map(|v| s.upstream_idle_timeout = v)
    }),
    setting!(
        "upstream.ca_bundle",
        "",
        "PEM file",
        true,
        "certificates that upstreams are trusted by; those of the machine where not set",
        |s, t| optional_path(t).map(|v| s.upstream_ca_bundle = v)
    ),
    setting!(
        "upstream.credentials",
        "",
        "file",
        true,
        "AWS credentials file with the keys of the upstream: calls are verified by our keys, allowed by upstream.allow, and signed anew",
        |s, t| optional_path(t).map(|v| s.upstream_credentials = v)
    ),
    setting!("upstream.profile", "default", "name", true, "profile of upstream.credentials", |s, t| {
        s.upstream_profile = t.to_owned();
        Ok(())
    }),
    setting!(
        "upstream.access_key_id",
        "",
        "key id",
        true,
        "key of the upstream, in place of upstream.credentials",
        |s, t| {
            s.upstream_access_key_id = t.to_owned();
            Ok(())
        }
    ),
    Setting {
        name: "upstream.secret_access_key",
        default: "",
        unit: "secret",
        meaning: "secret of upstream.access_key_id",
        security: true,
        read: |s, t| {
            s.upstream_secret_access_key = Secret::new(t.to_owned());
            Ok(())
        },
        mask: Some(upstreams::mask),
    },
    setting!(
        "upstream.allow",
        "[]",
        "JSON, or [[upstream.allow]] in the file",
        true,
        "who may have what done with the upstream's keys: principal (an ARN), actions (service:Operation), * for anything; \
         nobody may where it is empty",
        |s, t| allowed(t).map(|v| s.upstream_allow = v)
    ),
    setting!("limits.connections", "1024", "connections", false, "most open at a time", |s, t| {
        count(t, 1, 100_000).map(|v| s.limits_connections = v as usize)
    }),
    setting!("limits.head_timeout", "10", "seconds", false, "for the head of a request to arrive", |s, t| {
        span(t, 1, 3_600).map(|v| s.limits_head_timeout = v)
    }),
    setting!("limits.body_idle_timeout", "20", "seconds", false, "for the next bytes of a body to arrive", |s, t| {
        span(t, 1, 3_600).map(|v| s.limits_body_idle_timeout = v)
    }),
    setting!("limits.drain_timeout", "20", "seconds", false, "for running calls to end after a stop", |s, t| {
        span(t, 0, 3_600).map(|v| s.limits_drain_timeout = v)
    }),
    setting!(
        "log.level",
        "info",
        "filter",
        false,
        "error, warn, info, debug or trace; also by module: warn,opentrail=debug",
        |s, t| level(t).map(|v| s.log_level = v)
    ),
    setting!("log.format", "json", "json or text", false, "how log lines are written to standard error", |s, t| {
        format(t).map(|v| s.log_format = v)
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_read() {
        let settings = Settings::defaults();
        assert_eq!((settings.regions.len(), settings.listen.port()), (17, 4566));
        settings.check().expect("the defaults agree with one another");
    }

    #[test]
    fn names_and_variables_are_unique_and_explained() {
        for (i, setting) in TABLE.iter().enumerate() {
            assert!(!setting.meaning.is_empty(), "{}", setting.name);
            for other in &TABLE[..i] {
                assert_ne!(setting.name, other.name);
                assert_ne!(setting.variable(), other.variable());
            }
        }
        let retention = TABLE.iter().find(|s| s.name == "history.retention_days").expect("a setting");
        assert_eq!(retention.variable(), "OPENTRAIL_HISTORY_RETENTION_DAYS");
    }
}
