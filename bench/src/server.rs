//! A server process under measurement.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use opentrail_policy::Secret;

use crate::load::Keys;
use crate::measure::Process;

/// `opentrail serve` on a folder.
pub(crate) struct Server {
    child: Child,
    pub(crate) endpoint: String,
    pub(crate) ready_after: Duration,
    data: PathBuf,
}

impl Server {
    /// Starts the `opentrail` that was built beside this program.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        Self::start_with(data, &[])
    }

    /// The same with settings, `key=value` each.
    pub(crate) fn start_with(data: &Path, settings: &[&str]) -> Result<Self> {
        let program = std::env::current_exe().context("find this program")?.with_file_name("opentrail");
        let began = Instant::now();
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--set", "log.level=warn", "--data"])
            .arg(data)
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("start opentrail serve")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line)?;
        let ready_after = began.elapsed();
        let Some(endpoint) = line.trim().strip_prefix("ready ") else { bail!("the server did not start") };
        Ok(Self { child, endpoint: endpoint.to_owned(), ready_after, data: data.to_path_buf() })
    }

    /// The process.
    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// The keys of a profile in the credentials file.
    pub(crate) fn keys(&self, profile: &str) -> Result<Keys> {
        let text = fs::read_to_string(self.data.join("credentials")).context("read the credentials file")?;
        let section = text.split(&format!("[{profile}]")).nth(1).context("the profile")?;
        let section = section.split("\n[").next().unwrap_or_default();
        let value = |name: &str| {
            section
                .lines()
                .find_map(|line| line.split_once('=').filter(|(n, _)| n.trim() == name))
                .map(|(_, value)| value.trim().to_owned())
                .with_context(|| format!("{name} in the credentials file"))
        };
        Ok(Keys { id: value("aws_access_key_id")?, secret: Secret::new(value("aws_secret_access_key")?) })
    }

    /// Stops it as the plug does.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill().context("kill the server")?;
        self.child.wait().context("wait for the server")?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Best effort: a row that failed leaves no server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
