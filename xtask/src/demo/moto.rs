//! moto's server, which answers for the services that are not ours. It lives as long as the demo's server does and no longer: it
//! looks after that process itself, so that it ends with it however that or this program ends.

use std::fmt;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::python::Python;
use crate::run;

/// Loading it takes seconds, on a busy machine more.
const START_MAX: Duration = Duration::from_secs(120);

/// Where moto answers. Shown as its address.
pub(super) struct Moto {
    port: u16,
}

impl fmt::Display for Moto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://127.0.0.1:{}", self.port)
    }
}

impl Moto {
    /// A free port for it.
    pub(super) fn choose() -> Result<Self> {
        let free = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
        Ok(Self { port: free.local_addr().context("a port's number")?.port() })
    }

    /// Starts it, to end with the process `server`, and waits until it answers.
    pub(super) fn start(&self, python: &Python, house: &Path, server: u32) -> Result<()> {
        let log = house.join("moto.log");
        let out = File::create(&log).context("create moto's log")?;
        let mut moto = Command::new(python.program("python"))
            .arg(run::root().join("scenarios/moto_beside.py"))
            .args(["--port", &self.port.to_string(), "--beside", &server.to_string()])
            // It looks for keys when it starts, and asks nobody when it has some.
            .envs([("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("PYTHONDONTWRITEBYTECODE", "1")])
            .stdin(Stdio::null())
            .stdout(out.try_clone().context("share moto's log")?)
            .stderr(out)
            .spawn()
            .context("start moto's server")?;
        let answers = self.answers(&mut moto);
        if answers.is_err() {
            // One that has ended cannot be killed, and is not to be.
            let _ = moto.kill();
            let _ = moto.wait();
            let said = fs::read_to_string(&log).unwrap_or_default();
            bail!("moto's server did not start; it said\n{said}");
        }
        answers
    }

    fn answers(&self, moto: &mut Child) -> Result<()> {
        let give_up = Instant::now() + START_MAX;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if moto.try_wait().context("look after moto")?.is_some() || Instant::now() > give_up {
                bail!("no answer");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}
