//! The program's own commands against a running server.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use opentrail::client::{Choice, Client, choose};
use opentrail::settings::Environment;
use opentrail_world::World;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_opentrail");

/// A server that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("it can be stopped");
        self.0.wait().expect("it ends");
    }
}

fn serve(data: &Path) -> Running {
    let mut child = command(&["serve", "--listen", "127.0.0.1:0", "--set", "log.level=error"])
        .arg("--data")
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert!(line.starts_with("ready http://"), "{line}");
    Running(child)
}

/// The program in an environment of nothing.
fn command(words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().args(words);
    command
}

fn run(data: &Path, words: &[&str]) -> Output {
    command(words).arg("--data").arg(data).output().expect("it runs")
}

/// Standard output and standard error of a command that succeeds.
fn texts(output: Output) -> (String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{err}");
    (out, err)
}

fn count(json: &str) -> usize {
    let json: Value = serde_json::from_str(json).expect("one object");
    json["Records"].as_array().expect("records").len()
}

/// Puts so many calls of the first account's root on record.
async fn call_often(data: &Path, times: usize) {
    let choice = Choice { data: Some(data.to_owned()), data_profile: "opentrail", ..Choice::default() };
    let chosen = choose(&choice, &Environment::default()).expect("the folder has credentials");
    let client = Client::new(&chosen, World::real()).expect("an address");
    let workers = (0..8).map(|worker| {
        let mut client = client.another();
        tokio::spawn(async move {
            for _ in (worker..times).step_by(8) {
                client.call("WhoAmI", &json!({})).await.expect("an answer");
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_whole_and_a_cut_one_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let _server = serve(&data);
    call_often(&data, 1_100).await;
    let who = ["lookup", "--event-name", "WhoAmI"];
    let look = |more: &[&str]| texts(run(&data, &[&who, more].concat()));

    let (json, told) = look(&["--format", "json"]);
    assert_eq!((count(&json), told.as_str()), (1_100, ""));
    let (csv, told) = look(&["--format", "csv"]);
    assert_eq!((csv.lines().count(), told.as_str()), (1_101, ""));
    let (json, told) = look(&["--format", "json", "--limit", "1000"]);
    assert_eq!(count(&json), 1_000);
    assert!(told.contains("more than these 1000"), "{told}");
    let (csv, told) = look(&["--format", "csv", "--limit", "7", "--oldest-first"]);
    assert_eq!(csv.lines().count(), 8);
    assert!(told.contains("more than these 7"), "{told}");
    let (table, told) = look(&[]);
    assert_eq!(table.lines().count(), 51);
    assert!(told.contains("more than these 50"), "{told}");

    let (json, told) = look(&["--format", "json", "--limit", "1100"]);
    assert_eq!((count(&json), told.as_str()), (1_100, ""));
}

#[test]
fn the_folder_signs_as_who_fits_and_says_what_is_not_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let _server = serve(&data);
    let look = |words: &[&str]| texts(run(&data, words));

    let (me, _) = look(&["whoami", "--format", "json"]);
    let me: Value = serde_json::from_str(&me).expect("JSON");
    assert!(me["Arn"].as_str().is_some_and(|arn| arn.ends_with(":root")), "{me}");
    let (mine, _) = look(&["lookup", "--event-source", "opentrail", "--event-name", "WhoAmI", "--format", "json"]);
    assert_eq!(count(&mine), 1);
    let (all, _) = look(&["lookup", "--all", "--event-name", "StartServer", "--format", "json"]);
    assert_eq!(count(&all), 1);

    let mut operator = command(&["whoami", "--format", "json", "--data"]);
    operator.arg(&data).env("AWS_PROFILE", "opentrail-operator");
    let (operator, _) = texts(operator.output().expect("it runs"));
    assert!(operator.contains("\"Operator\": true"), "{operator}");
    let mut account = command(&["account", "list", "--data"]);
    account.arg(&data).env("AWS_PROFILE", "opentrail");
    texts(account.output().expect("it runs"));

    let (table, told) = look(&["lookup", "--event-name", "Nothing"]);
    assert!(!table.contains("no events") && told.contains("no events") && !told.contains("--since"), "{told}");
    let (_, told) = look(&["lookup", "--event-name", "Nothing", "--since", "1h"]);
    assert!(told.contains("--since"), "{told}");
}

#[test]
fn a_key_whose_secret_was_not_shown_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let _server = serve(&data);
    let full = || File::options().write(true).open("/dev/full").expect("a device that is full");
    let failed = command(&["key", "create", "--data"]).arg(&data).stdout(full()).output().expect("it runs");
    let told = String::from_utf8(failed.stderr).expect("UTF-8");
    assert!(!failed.status.success() && told.contains("AKIA"), "{told}");
    let id = told.split_whitespace().find(|word| word.starts_with("AKIA")).expect("an id");
    texts(run(&data, &["key", "delete", id]));
}

#[test]
fn variables_that_are_no_setting_are_told() {
    let mut config = command(&["config", "--format", "json"]);
    let (out, told) = texts(config.env("OPENTRAIL_LOG_LEVLE", "x").output().expect("it runs"));
    assert!(serde_json::from_str::<Value>(&out).is_ok() && told.contains("OPENTRAIL_LOG_LEVLE"), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_told_once() {
    let done = command(&["whoami", "--data", "/nowhere/at/all"]).output().expect("it runs");
    let told = String::from_utf8(done.stderr).expect("UTF-8");
    assert!(!done.status.success());
    assert_eq!(told.matches("No such file").count(), 1, "{told}");
}

#[test]
fn a_second_server_on_a_busy_address_says_so_and_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = taken.local_addr().expect("an address").to_string();
    let output = run(&folder.path().join("data"), &["serve", "--listen", &address]);
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("opentrail: listen on {address}: Address already in use")), "{told}");
    assert!(output.stdout.is_empty());
}
