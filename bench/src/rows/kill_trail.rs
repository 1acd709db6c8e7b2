//! The plug pulled at random moments while a trail delivers: every answered call is in exactly one log file, and an
//! offline check of the chain finds nothing wrong.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use http::Method;

use crate::load::{Client, cloudtrail, s3};
use crate::rows::Bench;
use crate::rows::kill::one_round;
use crate::server::Server;
use crate::table::{Figure, Goal};

/// Rounds that share a folder, so that files and chains of many lives meet.
const ROUNDS_PER_FOLDER: u64 = 100;
/// As quick as it goes, so that a plug is pulled in mid-delivery and in mid-digest.
const SETTINGS: [&str; 2] = ["trail.delivery_interval=1s", "trail.digest_interval=3s"];
const BUCKET: &str = "/kill-logs";
/// What was answered is in a log file after so long at most.
const DELIVERED_WITHIN: Duration = Duration::from_secs(60);

/// Kills, restarts, and looks for every answered request id in the trail's log files.
pub(crate) fn kill_trail(bench: &Bench) -> Result<Vec<Figure>> {
    let (mut answered, mut files, mut slowest) = (0u64, 0u64, Duration::ZERO);
    let next = AtomicU64::new(0);
    let mut dice = 0x2545_f491_4f6c_dd1du64;
    let began = Instant::now();
    let mut round = 0;
    while round < bench.rounds {
        let data = bench.scratch("kill-trail")?;
        let mut ids: Vec<String> = Vec::new();
        let rounds = ROUNDS_PER_FOLDER.min(bench.rounds - round);
        for first in (0..rounds).map(|n| n == 0) {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let server = Server::start_with(&data, &SETTINGS)?;
            slowest = slowest.max(server.ready_after);
            if first {
                begin(&server)?;
            }
            ids.extend(one_round(server, Duration::from_millis(20 + (dice >> 33) % 1_200), &next)?);
            round += 1;
            bench.progress("kill -9 under load with a trail", round, bench.rounds, began);
        }
        let server = Server::start_with(&data, &SETTINGS)?;
        files += delivered(&server, &ids)?;
        end(&server)?;
        verify(&server)?;
        answered += ids.len() as u64;
    }
    ensure!(answered > 0, "there was no load");
    let what = format!("kill -9 with a trail, {} rounds: answered calls", bench.rounds);
    Ok(vec![
        Figure::new(what, answered as f64, "calls", Goal::None),
        Figure::new("  of them in no log file, or in two", 0.0, "calls", Goal::AtMost(0.0)),
        Figure::new("  log files, each proven by a digest", files as f64, "files", Goal::None),
        Figure::new("  slowest start to ready", slowest.as_secs_f64() * 1e3, "ms", Goal::AtMost(1000.0)),
    ])
}

fn call(client: &mut Client, what: &str, request: &crate::load::Request<'_>) -> Result<Vec<u8>> {
    let answer = client.call(request)?;
    ensure!(answer.status < 300, "{what}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(answer.body)
}

/// A bucket that welcomes the trail, and the trail, logging.
fn begin(server: &Server) -> Result<()> {
    let mut client = Client::connect(&server.endpoint, &server.keys("opentrail")?)?;
    call(&mut client, "make the bucket", &s3(Method::PUT, BUCKET, "", b""))?;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},
        "Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::kill-logs","arn:aws:s3:::kill-logs/*"]}]}"#;
    call(&mut client, "welcome the trail", &s3(Method::PUT, BUCKET, "policy=", policy.as_bytes()))?;
    let trail = br#"{"Name":"kill","S3BucketName":"kill-logs","EnableLogFileValidation":true}"#;
    call(&mut client, "make the trail", &cloudtrail("CloudTrail_20131101.CreateTrail", trail))?;
    call(&mut client, "start logging", &cloudtrail("CloudTrail_20131101.StartLogging", br#"{"Name":"kill"}"#))?;
    Ok(())
}

/// Waits until every id is in a log file, and checks that none is in two. The number of files.
fn delivered(server: &Server, ids: &[String]) -> Result<u64> {
    let mut client = Client::connect(&server.endpoint, &server.keys("opentrail")?)?;
    let mut read: HashMap<String, Vec<String>> = HashMap::new();
    let give_up = Instant::now() + DELIVERED_WITHIN;
    loop {
        for key in log_files(&mut client)? {
            if let Entry::Vacant(unread) = read.entry(key) {
                let path = format!("{BUCKET}/{}", unread.key());
                let body = call(&mut client, "get a log file", &s3(Method::GET, &path, "", b""))?;
                unread.insert(request_ids(&body)?);
            }
        }
        let mut found: HashMap<&str, u32> = HashMap::new();
        for id in read.values().flatten() {
            *found.entry(id).or_insert(0) += 1;
        }
        if let Some((id, n)) = found.iter().find(|(_, n)| **n > 1) {
            bail!("call {id} is in {n} log files");
        }
        match ids.iter().find(|id| !found.contains_key(id.as_str())) {
            None => return Ok(read.len() as u64),
            Some(id) if Instant::now() > give_up => bail!("call {id} was answered and is in no log file"),
            Some(_) => std::thread::sleep(Duration::from_millis(500)),
        }
    }
}

/// The keys of all log files.
fn log_files(client: &mut Client) -> Result<Vec<String>> {
    let (mut keys, mut marker) = (Vec::new(), String::new());
    loop {
        let query = format!("marker={}&prefix=AWSLogs", marker.replace('/', "%2F"));
        let page = call(client, "list the log files", &s3(Method::GET, BUCKET, &query, b""))?;
        let page = String::from_utf8(page).context("a listing is text")?;
        let all: Vec<&str> = page.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).collect();
        keys.extend(
            all.iter().filter(|k| k.contains("/CloudTrail/") && k.ends_with(".json.gz")).map(|k| (*k).to_owned()),
        );
        match all.last() {
            Some(last) if page.contains("<IsTruncated>true</IsTruncated>") => marker = (*last).to_owned(),
            _ => return Ok(keys),
        }
    }
}

fn request_ids(file: &[u8]) -> Result<Vec<String>> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut text).context("unpack a log file")?;
    let file: serde_json::Value = serde_json::from_slice(&text).context("read a log file")?;
    let records = file["Records"].as_array().context("a log file has Records")?;
    Ok(records.iter().filter_map(|r| r["requestID"].as_str()).map(str::to_owned).collect())
}

/// Stops logging, which closes the chain over everything that was delivered.
fn end(server: &Server) -> Result<()> {
    let mut client = Client::connect(&server.endpoint, &server.keys("opentrail")?)?;
    call(&mut client, "stop logging", &cloudtrail("CloudTrail_20131101.StopLogging", br#"{"Name":"kill"}"#))?;
    Ok(())
}

/// `opentrail verify` over the whole bucket: tries until the last digest is there.
fn verify(server: &Server) -> Result<()> {
    let program = std::env::current_exe().context("find this program")?.with_file_name("opentrail");
    let keys = server.keys("opentrail")?;
    let give_up = Instant::now() + DELIVERED_WITHIN;
    loop {
        let out = Command::new(Path::new(&program))
            .args(["verify", "s3://kill-logs"])
            .env("AWS_ENDPOINT_URL", &server.endpoint)
            .env("AWS_ACCESS_KEY_ID", &keys.id)
            .env("AWS_SECRET_ACCESS_KEY", keys.secret.expose())
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .stdin(Stdio::null())
            .output()
            .context("start opentrail verify")?;
        if out.status.success() {
            return Ok(());
        }
        if Instant::now() > give_up {
            bail!("the chain does not hold:\n{}", String::from_utf8_lossy(&out.stdout));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}
