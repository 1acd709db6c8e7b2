//! The project's own Python environment: the unmodified aws CLI, boto3 and pytest, at pinned versions.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;

/// An environment that holds exactly what `scenarios/requirements.txt` pins.
pub(crate) struct Python {
    pub(crate) folder: PathBuf,
}

impl Python {
    /// Makes the environment if it is not there, or was made of other pins.
    pub(crate) fn ready() -> Result<Self> {
        let pins = run::root().join("scenarios/requirements.txt");
        let wanted = fs::read(&pins).context("read scenarios/requirements.txt")?;
        let python = Self { folder: run::target().join("python") };
        let stamp = python.folder.join("made-of.txt");
        if fs::read(&stamp).is_ok_and(|made_of| made_of == wanted) {
            return Ok(python);
        }
        println!("making a Python environment with the aws CLI and boto3 …");
        if python.folder.exists() {
            fs::remove_dir_all(&python.folder).context("remove the old Python environment")?;
        }
        let made = Command::new("python3").args(["-m", "venv"]).arg(&python.folder).status();
        match made {
            Ok(status) if status.success() => {}
            Ok(_) => bail!("python3 -m venv failed; on Debian and Ubuntu it needs the package python3-venv"),
            Err(e) => bail!("python3 cannot be started ({e}); install Python 3.9 or newer"),
        }
        run::ok(
            Command::new(python.program("pip"))
                .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
                .arg(&pins),
        )?;
        fs::write(&stamp, wanted).context("write the environment's stamp")?;
        Ok(python)
    }

    /// A program of the environment.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The folder of the botocore package, whose `data` holds the service models.
    pub(crate) fn botocore(&self) -> Result<PathBuf> {
        let line = "import botocore, os; print(os.path.dirname(botocore.__file__))";
        let out = run::output(Command::new(self.program("python")).args(["-c", line]))?;
        Ok(PathBuf::from(out.trim()))
    }
}
