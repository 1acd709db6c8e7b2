//! The commands that a demo shows, run as they are shown.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::python::Python;
use crate::run;

/// Runs the commands that are shown, as shown, so that what is printed is known to work.
pub(super) struct Shell {
    variables: [(&'static str, String); 4],
    /// Where the commands are found.
    tools: String,
}

impl Shell {
    pub(super) fn new(python: &Python, program: &Path, endpoint: &str, credentials: &Path) -> Self {
        let tools = program.parent().expect("the program lies in a folder");
        Self {
            variables: [
                ("AWS_ENDPOINT_URL", endpoint.to_owned()),
                ("AWS_SHARED_CREDENTIALS_FILE", credentials.display().to_string()),
                ("AWS_PROFILE", "opentrail".to_owned()),
                ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ],
            tools: format!("{}:{}", python.folder.join("bin").display(), tools.display()),
        }
    }

    /// Prints what a shell needs before the commands work in it.
    pub(super) fn introduce(&self) {
        println!("\nWhat to try. First, in a shell:\n");
        for (name, value) in &self.variables {
            println!("  export {name}={value}");
        }
        println!("  export PATH={}:$PATH", self.tools);
    }

    pub(super) fn output(&self, command: &str) -> Result<String> {
        let path = format!("{}:{}", self.tools, std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).envs(self.variables.iter().cloned()).env("PATH", path).env("AWS_PAGER", "");
        run::output(&mut shell)
    }

    /// Prints a command, runs it, and prints its answer.
    pub(super) fn show(&self, command: &str) -> Result<()> {
        self.show_with(command, "", None)
    }

    /// The same; the answer has to hold `present` and must not hold `absent`.
    pub(super) fn show_with(&self, command: &str, present: &str, absent: Option<&str>) -> Result<()> {
        println!("\n  $ {command}");
        std::io::stdout().flush().context("flush")?;
        let answer = self.output(command)?;
        for line in answer.lines() {
            println!("  {line}");
        }
        ensure!(answer.contains(present), "{command:?} answers without {present:?}");
        let told = absent.is_some_and(|absent| answer.contains(absent));
        ensure!(!told, "{command:?} tells what has to stay hidden");
        Ok(())
    }
}
