//! `cargo xtask test`: everything that can fail, and one line at the end that says how it went.

use std::process::Command;

use anyhow::{Result, bail};

use crate::python::Python;
use crate::{codegen, run};

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut tally = Tally::default();
    if args.is_empty() {
        rust(&mut tally)?;
    }
    // The same packages and features as the tests just built, so that nothing is compiled a second time.
    run::ok(run::cargo().args(["build", "--workspace", "--bins"]))?;
    let python = Python::ready()?;
    if args.is_empty() {
        count(&mut tally, "generated tables are fresh", codegen::check(&python.botocore()?));
    }
    scenarios(&mut tally, &python, args)?;
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed > 0 || tally.passed == 0 {
        bail!("not everything passed");
    }
    Ok(())
}

fn count(tally: &mut Tally, what: &str, done: Result<()>) {
    match done {
        Ok(()) => tally.passed += 1,
        Err(e) => {
            println!("FAILED {what}: {e:#}");
            tally.failed += 1;
        }
    }
}

/// Unit, property, crash and tidy tests; by nextest where it is installed.
fn rust(tally: &mut Tally) -> Result<()> {
    let nextest = Command::new("cargo-nextest").arg("--version").output().is_ok_and(|out| out.status.success());
    let (fine, out) = if nextest {
        // Nextest reports on standard error; only there is its summary.
        let mut command = run::cargo();
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail"]);
        command.args(["--final-status-level", "fail"]);
        let mut shell = Command::new("sh");
        shell.current_dir(run::root()).args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(command.get_program());
        shell.args(command.get_args());
        run::teed(&mut shell)?
    } else {
        run::teed(run::cargo().args(["test", "--workspace", "--no-fail-fast"]))?
    };
    let before = tally.failed;
    for line in out.lines() {
        let line = line.trim_start();
        if line.starts_with("Summary [") || line.starts_with("test result:") {
            tally.passed += number_before(line, " passed");
            tally.failed += number_before(line, " failed") + number_before(line, " timed out");
        }
    }
    if !fine && tally.failed == before {
        bail!("the Rust tests did not run to their end");
    }
    Ok(())
}

/// Black-box tests through the unmodified aws CLI and boto3.
fn scenarios(tally: &mut Tally, python: &Python, args: &[String]) -> Result<()> {
    let mut command = Command::new(python.program("python"));
    command.current_dir(run::root().join("scenarios"));
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"]);
    if let Some(pattern) = args.first() {
        command.args(["-k", pattern]);
    }
    command.env("OPENTRAIL_BIN", run::target().join("debug/opentrail"));
    command.env("AWS_BIN", python.program("aws"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let (fine, out) = run::teed(&mut command)?;
    let summary = out.lines().rev().find(|l| l.contains(" passed") || l.contains(" failed") || l.contains(" error"));
    let summary = summary.unwrap_or_default();
    let failed = number_before(summary, " failed") + number_before(summary, " error");
    tally.passed += number_before(summary, " passed");
    tally.failed += failed;
    if !fine && failed == 0 {
        bail!("the scenarios did not run to their end");
    }
    Ok(())
}

/// The number that stands right before `what`, 0 if there is none.
fn number_before(line: &str, what: &str) -> usize {
    line.find(what)
        .and_then(|at| line[..at].rsplit(|c: char| !c.is_ascii_digit()).next())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::number_before;

    #[test]
    fn summaries_are_read_as_the_runners_write_them() {
        let nextest = "Summary [  12.1s] 412 tests run: 410 passed (1 slow), 2 failed, 0 skipped";
        assert_eq!((number_before(nextest, " passed"), number_before(nextest, " failed")), (410, 2));
        let cargo = "test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!((number_before(cargo, " passed"), number_before(cargo, " failed")), (7, 0));
        assert_eq!(number_before("3 failed, 20 passed in 4.2s", " passed"), 20);
        assert_eq!(number_before("no tests ran", " passed"), 0);
    }
}
