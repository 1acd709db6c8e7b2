//! `cargo xtask bench`: builds the optimised bench program and hands over to it.

use anyhow::Result;

use crate::run;

pub(crate) fn run(args: &[String]) -> Result<()> {
    run::ok(run::cargo().args(["build", "--release", "--package", "opentrail-bench", "--package", "opentrail"]))?;
    let program = run::target().join("release/opentrail-bench");
    run::ok(std::process::Command::new(program).args(args).current_dir(run::root()))
}
