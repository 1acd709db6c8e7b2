//! `opentrail public-keys`: the keys that prove digests, and the file of them.

use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use jiff::Timestamp;
use opentrail_digest::PublicKey;
use opentrail_digest::verify::{KnownKey, PublicKeys};
use serde_json::{Value, json};

use super::account::text;
use super::connect::{Connect, ROOT};
use super::time::moment;
use super::verify::read_file;
use super::{Shell, note, print_json};
use crate::client::{Client, ClientError};
use crate::settings::TABLE;

/// Largest file of keys.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// From when keys are asked for where nothing else is said: before there was a CloudTrail.
const SINCE: &str = "2013-01-01";

/// Fetch the public keys that prove digests, for `opentrail verify --keys`
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail public-keys > keys.json
  $ opentrail public-keys --region eu-west-1 --since 30d
  $ opentrail verify ./copy --keys keys.json

Keep the file where whoever can change log files cannot change it. The answer of `aws cloudtrail list-public-keys` is such \
a file too.")]
pub(crate) struct PublicKeysCommand {
    /// Of one region; may be repeated. All regions where absent
    #[arg(long, value_name = "NAME")]
    region: Vec<String>,
    /// Keys that were in use since: 30d, 2026-11-21. All keys where absent
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    connect: Connect,
}

impl PublicKeysCommand {
    pub(crate) async fn run(self, shell: &Shell) -> anyhow::Result<()> {
        let mut client = self.connect.client(shell, ROOT)?;
        let now = shell.world.now();
        let since = moment(self.since.as_deref().unwrap_or(SINCE), now).map_err(anyhow::Error::msg)?;
        let listed = fetch(&mut client, &self.region, since, now).await?;
        if listed.is_empty() {
            note("there are no keys yet: the first digest of a trail makes one");
        }
        print_json(&json!({ "PublicKeyList": listed }))
    }
}

/// The keys of regions (all that are served, where none is named), as the file has them.
pub(super) async fn fetch(
    client: &mut Client,
    regions: &[String],
    since: Timestamp,
    until: Timestamp,
) -> anyhow::Result<Vec<Value>> {
    let all: Vec<String> = TABLE
        .iter()
        .filter(|setting| setting.name == "regions")
        .flat_map(|setting| setting.default.split(',').map(str::to_owned))
        .collect();
    let mut listed = Vec::new();
    let mut refused = None;
    let mut answered = false;
    for region in if regions.is_empty() { &all } else { regions } {
        client.set_region(region.clone());
        let input = json!({ "StartTime": since.as_second(), "EndTime": until.as_second() });
        let answer = client.call_of("cloudtrail", "CloudTrail_20131101.ListPublicKeys", &input).await;
        let mut answer = match answer {
            Ok(answer) => answer,
            // A region that this server does not serve has no keys here.
            Err(error @ ClientError::Refused { .. }) if regions.is_empty() => {
                refused = Some(error);
                continue;
            }
            Err(error) => return Err(error).with_context(|| format!("ask for the keys of {region}")),
        };
        answered = true;
        for key in answer["PublicKeyList"].as_array_mut().map(std::mem::take).unwrap_or_default() {
            listed.push(json!({
                "Value": key["Value"],
                "ValidityStartTime": time(&key["ValidityStartTime"]).map(|time| time.to_string()),
                "ValidityEndTime": time(&key["ValidityEndTime"]).map(|time| time.to_string()),
                "Fingerprint": key["Fingerprint"],
                "Region": region,
            }));
        }
    }
    match refused {
        Some(error) if !answered => Err(error).context("ask for public keys"),
        _ => Ok(listed),
    }
}

/// Reads a file of keys.
pub(super) fn read(file: &Path) -> anyhow::Result<PublicKeys> {
    let shown = file.display();
    let json = read_file(file, FILE_BYTES_MAX)?;
    let json: Value = serde_json::from_slice(&json).with_context(|| format!("read {shown}: it is not JSON"))?;
    let listed = json["PublicKeyList"].as_array();
    let listed = listed.with_context(|| format!("read {shown}: it has no PublicKeyList"))?;
    known(listed).with_context(|| format!("read {shown}"))
}

/// The keys of a list as the file has it.
pub(super) fn known(listed: &[Value]) -> anyhow::Result<PublicKeys> {
    let mut keys = PublicKeys::default();
    for (n, listed) in listed.iter().enumerate() {
        keys.add(known_key(listed).with_context(|| format!("key {} of the list", n + 1))?);
    }
    Ok(keys)
}

fn known_key(listed: &Value) -> anyhow::Result<KnownKey> {
    let der = STANDARD.decode(text(listed, "Value")).context("its Value is not base64")?;
    let key = PublicKey::from_der(&der)?;
    let fingerprint = text(listed, "Fingerprint");
    anyhow::ensure!(fingerprint == key.fingerprint(), "its Fingerprint is not the MD5 of its Value");
    let time = |name: &str| time(&listed[name]).with_context(|| format!("its {name} is no time"));
    Ok(KnownKey { key, valid_from: time("ValidityStartTime")?, valid_until: time("ValidityEndTime")? })
}

/// A time as services answer it (seconds since 1970) or as the aws CLI shows it (ISO 8601).
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(seconds) => Timestamp::from_second(seconds.as_f64()? as i64).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_it_must() {
        let key = opentrail_digest::SigningKey::generate().expect("a key");
        let listed = json!({
            "Value": STANDARD.encode(key.public().der()),
            "ValidityStartTime": 1_767_225_600.5,
            "ValidityEndTime": "2026-01-31T00:00:00+00:00",
            "Fingerprint": key.public().fingerprint(),
        });
        assert_eq!(known(std::slice::from_ref(&listed)).expect("keys").len(), 1);
        let check = |name: &str, value: Value, complaint: &str| {
            let mut bad = listed.clone();
            bad[name] = value;
            let error = format!("{:#}", known(&[listed.clone(), bad]).expect_err("a bad key"));
            assert!(error.starts_with("key 2 of the list: ") && error.contains(complaint), "{error}");
        };
        check("Value", json!("!"), "base64");
        check("Value", json!("AAAA"), "PKCS#1");
        check("Fingerprint", json!("31e8b5433410dfb61a9dc45cc65b22ff"), "MD5");
        check("ValidityStartTime", json!(null), "ValidityStartTime");
        check("ValidityEndTime", json!("soon"), "ValidityEndTime");
    }
}
