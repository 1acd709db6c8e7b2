//! A trivial upstream, in a process of its own so that its processor time is known: it answers at once, with as little work as an
//! answer takes. Objects it forgets, and makes them up.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::measure::Process;

/// Moved at once.
const PIECE_BYTES: usize = 256 * 1024;
/// To every call but those about objects.
const ANSWER: &[u8] = br#"{"TableNames":["orders","parts"]}"#;

/// One that runs.
pub(crate) struct Upstream {
    child: Child,
    pub(crate) endpoint: String,
}

impl Upstream {
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("find this program")?);
        // Its input ends with this process, and so does it.
        let mut child = command
            .arg("--upstream")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the upstream")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line)?;
        Ok(Self { child, endpoint: line.trim().to_owned() })
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Best effort: a row that failed leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints its address, and answers until its input ends.
pub(crate) fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listen")?;
    println!("http://{}", listener.local_addr().context("the address")?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                if let Err(error) = connection(stream) {
                    eprintln!("upstream: {error:#}");
                }
            });
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new()).context("wait for the end of input")?;
    Ok(())
}

/// What is asked for.
struct Asked {
    method: String,
    path: String,
    length: u64,
}

fn connection(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true).context("set no delay")?;
    let mut stream = BufReader::with_capacity(PIECE_BYTES, stream);
    let (mut line, piece) = (String::new(), vec![b'x'; PIECE_BYTES]);
    while let Some(Asked { method, path, length }) = head(&mut stream, &mut line)? {
        match method.as_str() {
            "PUT" => {
                forget(&mut stream, length)?;
                write!(stream.get_mut(), "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 0\r\n\r\n")?;
            }
            "GET" => {
                // The last part of the path says how many bytes.
                let mut left: u64 =
                    path.rsplit('/').next().and_then(|n| n.parse().ok()).context("a length in the path")?;
                write!(stream.get_mut(), "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: {left}\r\n\r\n")?;
                while left > 0 {
                    let n = PIECE_BYTES.min(usize::try_from(left)?);
                    stream.get_mut().write_all(&piece[..n]).context("send a piece")?;
                    left -= n as u64;
                }
            }
            _ => {
                forget(&mut stream, length)?;
                let mut out = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nx-amzn-requestid: \
                     2B7EKQCMUG7GCJUE5TS6O2P7ZJVV4KQNSO5AEMVJF66Q9ASUAAJG\r\ncontent-length: {}\r\n\r\n",
                    ANSWER.len()
                )
                .into_bytes();
                out.extend_from_slice(ANSWER);
                stream.get_mut().write_all(&out).context("answer")?;
            }
        }
    }
    Ok(())
}

/// The next request's head; nothing at the end of the connection.
fn head(stream: &mut BufReader<TcpStream>, line: &mut String) -> Result<Option<Asked>> {
    line.clear();
    // One that is closed in the middle of nothing has ended.
    if stream.read_line(line).unwrap_or(0) == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else { bail!("no request line: {line:?}") };
    let mut asked = Asked { method: method.to_owned(), path: path.to_owned(), length: 0 };
    loop {
        line.clear();
        stream.read_line(line).context("read a header")?;
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(Some(asked)) };
        if name.eq_ignore_ascii_case("content-length") {
            asked.length = value.trim().parse().context("a length")?;
        }
        ensure!(
            !name.eq_ignore_ascii_case("transfer-encoding"),
            "a chunked request, which this upstream does not read"
        );
    }
}

fn forget(stream: &mut BufReader<TcpStream>, mut left: u64) -> Result<()> {
    while left > 0 {
        let bytes = stream.fill_buf().context("read a body")?;
        ensure!(!bytes.is_empty(), "a body that ends early");
        let n = bytes.len().min(usize::try_from(left)?);
        stream.consume(n);
        left -= n as u64;
    }
    Ok(())
}
