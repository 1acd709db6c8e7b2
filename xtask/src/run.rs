//! Running other programs, with their output where the reader sees it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

/// Cargo's target folder, wherever it was moved to.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Cargo, as it was called, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs to the end; fails if the program does.
pub(crate) fn ok(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {}", name(command)))?;
    if !status.success() {
        bail!("{} failed: {status}", name(command));
    }
    Ok(())
}

/// Runs to the end, copies its standard output through line by line, and gives it back with whether it succeeded.
pub(crate) fn teed(command: &mut Command) -> Result<(bool, String)> {
    use std::io::{BufRead, BufReader};
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("start {}", name(command)))?;
    let mut seen = String::new();
    for line in BufReader::new(child.stdout.take().expect("stdout is piped")).split(b'\n') {
        let line = String::from_utf8_lossy(&line.context("read output")?).into_owned();
        println!("{line}");
        seen.push_str(&line);
        seen.push('\n');
    }
    Ok((child.wait().context("wait for the program")?.success(), seen))
}

/// The output of a short program; fails if the program does.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command.stderr(Stdio::inherit()).output().with_context(|| format!("start {}", name(command)))?;
    if !out.status.success() {
        bail!("{} failed: {}", name(command), out.status);
    }
    String::from_utf8(out.stdout).context("output is not UTF-8")
}

fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
