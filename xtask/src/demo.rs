//! `cargo xtask demo`: the main job on embedded defaults, then the server is left running to be tried.

mod moto;
mod recorder;
mod shell;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::python::Python;
use crate::run;
use moto::Moto;
use shell::Shell;

/// How the small company works: long enough to see the progress, short enough to wait for.
const SIMULATE: [&str; 6] = ["--seed", "7", "--rate", "40", "--for", "15s"];
const PORT: u16 = 4566;
/// Quick enough to see a chain grow.
const DIGEST_INTERVAL: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &[String]) -> Result<()> {
    let house = run::target().join("demo");
    match args {
        [] => {}
        [stop] if stop == "--stop" => return stop_server(&house),
        [other, ..] => bail!("demo knows --stop only, not {other:?}"),
    }
    run::ok(run::cargo().args(["build", "--workspace", "--bins"]))?;
    let python = Python::ready()?;
    stop_server(&house)?;
    if house.exists() {
        fs::remove_dir_all(&house).context("remove the last demo's data")?;
    }
    fs::create_dir_all(&house).context("make the demo's folder")?;
    let shown = show(&python, &house);
    if shown.is_err() {
        // What did not work out is not left running. moto goes with the server.
        stop_server(&house)?;
    }
    shown
}

/// The demo itself: starts the server with moto upstream, and goes through everything that is shown.
fn show(python: &Python, house: &Path) -> Result<()> {
    let program = run::target().join("debug/opentrail");
    let moto = Moto::choose()?;
    let (endpoint, server) = start_server(&program, house, &moto)?;
    moto.start(python, house, server)?;
    let credentials = house.join("data/credentials");

    let shell = Shell::new(python, &program, &endpoint, &credentials);
    println!("\nfirst, a trail into a bucket that welcomes it:");
    let account = shell.output("aws sts get-caller-identity --query Account --output text")?;
    let policy = house.join("welcome.json");
    fs::write(&policy, welcome(account.trim())).context("write the bucket's policy")?;
    shell.show("aws s3 mb s3://demo-trail-logs")?;
    let policy = policy.display();
    shell.show(&format!("aws s3api put-bucket-policy --bucket demo-trail-logs --policy file://{policy}"))?;
    shell.show(
        "aws cloudtrail create-trail --name demo --s3-bucket-name demo-trail-logs --enable-log-file-validation \
         --query TrailARN --output text",
    )?;
    shell.show("aws cloudtrail start-logging --name demo")?;

    println!(
        "\na small company goes to work at {endpoint}; EC2, DynamoDB, SSM and Secrets Manager answer from {moto}\n"
    );
    run::ok(
        Command::new(&program)
            .args(["simulate", "--elsewhere"])
            .args(SIMULATE)
            .args(["--endpoint-url", &endpoint, "--data"])
            .arg(house.join("data")),
    )?;
    shell.introduce();
    println!("\nthen, one after the other:");
    for command in COMMANDS {
        // A record is found within a second of its call's answer.
        std::thread::sleep(Duration::from_secs(1));
        shell.show(command)?;
    }
    recorder::show(&shell, &moto, house)?;
    println!("\nand the proof that nobody changed the log files:");
    shell.show("aws s3 ls --recursive s3://demo-trail-logs/AWSLogs/ | tail -n 3")?;
    // The digest of the company's last seconds is written by then.
    std::thread::sleep(DIGEST_INTERVAL);
    shell.show(
        "aws cloudtrail validate-logs --start-time $(date -u +%Y-%m-%dT00:00:00Z) \
         --trail-arn $(aws cloudtrail get-trail --name demo --query Trail.TrailARN --output text)",
    )?;
    println!("\nThe server runs on, and moto beside it. Stop both with:\n\n  cargo xtask demo --stop\n");
    Ok(())
}

/// What to try, as printed.
const COMMANDS: [&str; 6] = [
    "aws s3 mb s3://my-first-bucket",
    "aws s3api put-object --bucket my-first-bucket --key hello.txt --content-type text/plain",
    "aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=my-first-bucket \
     --query 'Events[].[EventTime,EventName,Username]' --output text",
    "aws cloudtrail lookup-events --no-paginate --max-results 1 --query 'Events[0].CloudTrailEvent' --output text",
    "aws sts get-caller-identity",
    "opentrail lookup --all --profile opentrail-operator --since 1h --limit 5 AccessDenied",
];

/// Starts a server that outlives this program, on the usual port if it is free. Returns its address and its process id.
fn start_server(program: &Path, house: &Path, upstream: &Moto) -> Result<(String, u32)> {
    let free = std::net::TcpListener::bind(("127.0.0.1", PORT)).is_ok();
    let listen = format!("127.0.0.1:{}", if free { PORT } else { 0 });
    let mut server = Command::new(program)
        .args(["serve", "--listen", &listen, "--upstream", &upstream.to_string()])
        .args(["--set", "trail.delivery_interval=2s"])
        .args(["--set", &format!("trail.digest_interval={}s", DIGEST_INTERVAL.as_secs()), "--data"])
        .arg(house.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(house.join("server.log")).context("create the server's log")?)
        .spawn()
        .context("start opentrail serve")?;
    fs::write(house.join("server.pid"), server.id().to_string()).context("write down the server's process id")?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("stdout is piped")).read_line(&mut line).context("read ready line")?;
    match line.trim().strip_prefix("ready ") {
        Some(endpoint) => Ok((endpoint.to_owned(), server.id())),
        None => bail!("the server did not start; see {}", house.join("server.log").display()),
    }
}

/// Ends the server that an earlier demo left running, if it is still the one that was started.
fn stop_server(house: &Path) -> Result<()> {
    let file = house.join("server.pid");
    let Ok(pid) = fs::read_to_string(&file) else { return Ok(()) };
    let process = PathBuf::from("/proc").join(pid.trim());
    let ours = fs::read(process.join("cmdline")).is_ok_and(|line| {
        let words: Vec<_> = line.split(|&b| b == 0).collect();
        words.contains(&b"serve".as_slice()) && words.contains(&house.join("data").as_os_str().as_encoded_bytes())
    });
    if ours {
        run::ok(Command::new("kill").arg(pid.trim()))?;
        let give_up = Instant::now() + Duration::from_secs(30);
        while process.join("fd").read_dir().is_ok_and(|mut open| open.next().is_some()) {
            if Instant::now() > give_up {
                bail!("the server of the last demo (process {}) does not end", pid.trim());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        println!("stopped the server of the last demo");
    }
    fs::remove_file(&file).context("remove the server's process id")
}

/// The policy of a bucket that lets the trails of `account` deliver into it.
fn welcome(account: &str) -> String {
    let arn = "arn:aws:s3:::demo-trail-logs";
    let who = format!(
        r#""Effect": "Allow", "Principal": {{"Service": "cloudtrail.amazonaws.com"}},
    "Condition": {{"StringEquals": {{"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:{account}:trail/demo"}}}}"#
    );
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [
  {{{who}, "Action": "s3:GetBucketAcl", "Resource": "{arn}"}},
  {{{who}, "Action": "s3:PutObject", "Resource": "{arn}/AWSLogs/{account}/*"}}
]}}
"#
    )
}
