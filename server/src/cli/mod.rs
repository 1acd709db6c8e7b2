//! The command line.

mod account;
mod config;
mod connect;
mod key;
mod lookup;
mod policy;
mod public_keys;
mod serve;
mod simulate;
mod time;
mod user;
mod verify;
mod whoami;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use opentrail_world::World;

use crate::settings::Environment;

/// What every command works in.
pub(crate) struct Shell {
    pub(crate) environment: Environment,
    pub(crate) world: World,
}

#[derive(Parser)]
#[command(
    name = "opentrail",
    version,
    about = "A self-hosted AWS CloudTrail: every call on record, in full, before its answer arrives",
    after_help = "Examples:
  $ opentrail serve --data ./data &
  $ export AWS_SHARED_CREDENTIALS_FILE=$PWD/data/credentials
  $ export AWS_PROFILE=opentrail AWS_ENDPOINT_URL=http://127.0.0.1:4566
  $ aws s3 mb s3://my-first-bucket
  $ aws cloudtrail lookup-events --lookup-attributes \\
      AttributeKey=EventName,AttributeValue=CreateBucket
  $ opentrail lookup --since 1h

Commands find the server and sign as the aws CLI does: AWS_ENDPOINT_URL, AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE, \
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, AWS_CA_BUNDLE; or --data with the server's folder."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Config(config::Config),
    Account(account::AccountCommand),
    User(user::UserCommand),
    Key(key::KeyCommand),
    Whoami(whoami::WhoAmI),
    Policy(policy::PolicyCommand),
    Lookup(Box<lookup::Lookup>),
    Simulate(simulate::Simulate),
    Verify(Box<verify::Verify>),
    PublicKeys(public_keys::PublicKeysCommand),
}

/// Runs the command of this process.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let shell = Shell { environment: Environment::of_process(), world: World::real() };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&anyhow::Error::new(error).context("start the runtime")),
    };
    let done = runtime.block_on(async {
        match arguments.command {
            Command::Serve(command) => command.run(shell).await,
            Command::Config(command) => command.run(&shell),
            Command::Account(command) => command.run(&shell).await,
            Command::User(command) => command.run(&shell).await,
            Command::Key(command) => command.run(&shell).await,
            Command::Whoami(command) => command.run(&shell).await,
            Command::Policy(command) => command.run(&shell).await,
            Command::Lookup(command) => Box::pin(command.run(&shell)).await,
            Command::Simulate(command) => Box::pin(command.run(&shell)).await,
            Command::Verify(command) => return Box::pin(command.run(&shell)).await,
            Command::PublicKeys(command) => command.run(&shell).await,
        }
        .map(|()| ExitCode::SUCCESS)
    });
    done.unwrap_or_else(|error| complain(&error))
}

fn complain(error: &anyhow::Error) -> ExitCode {
    note(&causes(error));
    ExitCode::FAILURE
}

/// The error and its causes; a cause that an error above it tells already is not told again.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told {
        told if told.is_empty() => cause,
        told if told.contains(&cause) => told,
        told => format!("{told}: {cause}"),
    })
}

/// Tells people something beside the answer, on standard error.
pub(crate) fn note(text: &str) {
    // Texts of a server are shown too: they must not steer the terminal.
    let text = crate::output::for_terminal(text);
    // Nobody reads a closed standard error.
    let _ = writeln!(std::io::stderr(), "opentrail: {text}");
}

/// Writes to standard output. A reader that has gone away ends the command as success, as `head` expects.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match write_out(text) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.context("write to standard output"),
    }
}

/// Writes what cannot be shown a second time. `lost` says what was done and is not known to the reader if that fails.
pub(crate) fn print_once(text: &str, lost: impl FnOnce() -> String) -> anyhow::Result<()> {
    write_out(text).with_context(lost)
}

fn write_out(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Writes JSON for programs.
pub(crate) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print(&json_lines(value))
}

/// JSON for programs.
pub(crate) fn json_lines(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_agree_with_one_another() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_by_example() {
        let mut command = Arguments::command();
        command.build();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let help = sub.clone().render_long_help().to_string();
            assert!(help.contains("$ opentrail"), "{}", sub.get_name());
        }
    }

    #[test]
    fn examples_survive_pasting_from_a_narrow_terminal() {
        let mut command = Arguments::command().term_width(80);
        command.build();
        let subs: Vec<_> = command.get_subcommands().cloned().collect();
        for mut command in subs.into_iter().chain([command]) {
            let source = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let shown = command.render_long_help().to_string();
            for line in source.lines().filter(|line| line.starts_with("  ")) {
                assert!(shown.lines().any(|l| l == line), "{}: {line} was broken", command.get_name());
            }
        }
    }

    #[test]
    fn each_cause_is_told_once() {
        let check = |error: anyhow::Error, expect: &str| assert_eq!(causes(&error), expect);
        let gone = || std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        check(gone().into(), "no such file");
        check(anyhow::Error::new(gone()).context("open x").context("start"), "start: open x: no such file");
        check(anyhow::Error::new(gone()).context("open x: no such file"), "open x: no such file");
    }
}
