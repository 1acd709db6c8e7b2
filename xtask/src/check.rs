//! `cargo xtask check`: what a change must pass before it is committed.

use anyhow::Result;

use crate::{run, test};

pub(crate) fn run() -> Result<()> {
    run::ok(run::cargo().args(["fmt", "--all", "--check"]))?;
    run::ok(run::cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"]))?;
    run::ok(run::cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "--deny warnings"))?;
    test::run(&[])
}
