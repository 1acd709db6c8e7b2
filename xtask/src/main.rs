//! One door to everything that is done to the project: `cargo xtask demo|test|check|bench|codegen`.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod bench;
mod check;
mod codegen;
mod demo;
mod python;
mod run;
mod test;
#[cfg(test)]
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  demo            build, start a server on embedded defaults, let a small company work, show what to try
  demo --stop     stop the server that a demo left running
  test            all tests: unit, property, crash, tidy, and scenarios through the aws CLI and boto3
  test PATTERN    only the scenarios whose name contains PATTERN
  check           what a change must pass before it is committed: format, clippy, docs, tests
  bench           measure the figures that the project promises, beside a peer in the same run
  bench ROW…      only these rows (bench --help lists them)
  codegen         derive the tables of service models from botocore's model files
  codegen --check fail if the committed tables differ from what codegen would write
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let done = match args.first().map(String::as_str) {
        Some("demo") => demo::run(rest),
        Some("test") => test::run(rest),
        Some("check") => check::run(),
        Some("bench") => bench::run(rest),
        Some("codegen") => codegen::run(rest),
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(other) => Err(anyhow::anyhow!("there is no command {other:?}\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}
