//! Large objects: how fast they go through, and that the server does not grow with them.

use std::time::Instant;

use anyhow::{Result, ensure};
use aws_lc_rs::digest;
use http::Method;
use opentrail_policy::Secret;

use super::Behind;
use crate::load::{Client, Keys, s3};
use crate::measure::Process;
use crate::rows::Bench;
use crate::server::Server;
use crate::table::{Figure, Goal};

const PIECE_BYTES: usize = 256 * 1024;
const PIECES: u64 = 2048;
/// Of a first, small object.
const FEW: u64 = 8;
const OBJECT_BYTES: u64 = PIECE_BYTES as u64 * PIECES;
/// Each way, direct and through in turn.
const ROUNDS: u32 = 4;
/// Of the rate of the same upstream called directly.
const PROMISED_PART: f64 = 0.8;
/// "Flat": what half a gigabyte at a time may add to the most memory that there was, in MB.
const GROWN_MB: f64 = 16.0;

/// One way of moving an object.
#[derive(Clone, Copy)]
enum Way {
    PutSigned,
    Put,
    Get,
}

pub(crate) fn large(bench: &Bench) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    // A real store: our own S3, which hashes and syncs what it is given.
    let key = Keys {
        id: "AKIABENCHRECORDERKEY".into(),
        secret: Secret::new("a-secret-of-the-benchs-root-0123456789".into()),
    };
    let keys = format!(
        r#"keys=[{{"account":"123456789012","access_key_id":"{}","secret_access_key":"{}"}}]"#,
        key.id,
        key.secret.expose()
    );
    let store = Server::start_with(&bench.scratch("recorder-store")?, &[&keys])?;
    let made = Client::connect(&store.endpoint, &key)?.call(&s3(Method::PUT, "/bench", "", b""))?;
    ensure!(made.status == 200, "a bucket was not made");
    let behind = [keys, format!("upstream.s3={}", store.endpoint)];
    let server = Server::start_with(&bench.scratch("recorder-large")?, &behind.each_ref().map(String::as_str))?;
    figures.extend(moved("our own S3", &server, &store.endpoint, store.process(), &key)?);
    drop((server, store));
    // And one that costs next to nothing: what the copying itself costs.
    let behind = Behind::start(bench, "recorder-large")?;
    let Behind { upstream, server, keys } = &behind;
    figures.extend(moved("an upstream that forgets", server, &upstream.endpoint, upstream.process(), keys)?);
    Ok(figures)
}

fn moved(store: &str, server: &Server, direct: &str, upstream: Process, keys: &Keys) -> Result<Vec<Figure>> {
    let process = server.process();
    let mut mover = Mover::new(direct, &server.endpoint, keys)?;
    // Small ones first: what is loaded once, and the buffers of a connection, are not growth.
    for way in [Way::Put, Way::PutSigned, Way::Get] {
        mover.move_one(way, false, FEW)?;
        mover.move_one(way, true, FEW)?;
    }
    let before_mb = process.rss_mb_max()?;
    let mut figures = Vec::new();
    for (way, what) in
        [(Way::PutSigned, "put, signed by its hash"), (Way::Put, "put, body not signed"), (Way::Get, "get")]
    {
        let (mut direct_s, mut through_s, mut cpu_s, mut theirs_s) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..ROUNDS {
            direct_s += mover.move_one(way, false, PIECES)?;
            let cpu = (process.cpu_s()?, upstream.cpu_s()?);
            through_s += mover.move_one(way, true, PIECES)?;
            cpu_s += process.cpu_s()? - cpu.0;
            theirs_s += upstream.cpu_s()? - cpu.1;
        }
        let mb = OBJECT_BYTES as f64 * f64::from(ROUNDS) / 1e6;
        let (direct, through) = (mb / direct_s, mb / through_s);
        let what = format!("{} MiB through to {store}: {what}", OBJECT_BYTES >> 20);
        let goal = Goal::AtLeast(PROMISED_PART * direct);
        figures.push(Figure::new(what, through, "MB/s", goal).beside("directly", direct).cpu(cpu_s));
        figures.push(Figure::new("  the upstream's CPU meanwhile", theirs_s, "s", Goal::None));
    }
    let grown_mb = process.rss_mb_max()? - before_mb;
    figures.push(Figure::new("  the server's memory grew by", grown_mb, "MB", Goal::AtMost(GROWN_MB)));
    Ok(figures)
}

/// Moves objects directly and through the recorder.
struct Mover {
    direct: Client,
    through: Client,
    /// Of pieces, by how many there are.
    hashes: [(u64, String); 2],
    piece: Vec<u8>,
    scratch: Vec<u8>,
}

impl Mover {
    fn new(direct: &str, through: &str, keys: &Keys) -> Result<Self> {
        let piece = vec![b'x'; PIECE_BYTES];
        let hash = |pieces: u64| {
            let mut hash = digest::Context::new(&digest::SHA256);
            (0..pieces).for_each(|_| hash.update(&piece));
            hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        };
        Ok(Self {
            hashes: [FEW, PIECES].map(|pieces| (pieces, hash(pieces))),
            direct: Client::connect(direct, keys)?,
            through: Client::connect(through, keys)?,
            piece,
            scratch: vec![0; PIECE_BYTES],
        })
    }

    /// Moves one object of so many pieces. Seconds it took.
    fn move_one(&mut self, way: Way, is_through: bool, pieces: u64) -> Result<f64> {
        let bytes = PIECE_BYTES as u64 * pieces;
        let path = format!("/bench/{bytes}");
        let client = if is_through { &mut self.through } else { &mut self.direct };
        let hash = self.hashes.iter().find(|(of, _)| *of == pieces).map(|(_, hash)| hash.as_str());
        let began = Instant::now();
        let answer = match way {
            Way::Put => client.put(&s3(Method::PUT, &path, "", b""), &self.piece, pieces, None)?,
            Way::PutSigned => client.put(&s3(Method::PUT, &path, "", b""), &self.piece, pieces, hash)?,
            Way::Get => client.get(&s3(Method::GET, &path, "", b""), &mut self.scratch)?,
        };
        let took = began.elapsed().as_secs_f64();
        ensure!(answer.status == 200, "an object was not moved: status {}", answer.status);
        ensure!(!matches!(way, Way::Get) || answer.length == bytes, "an object of {} bytes", answer.length);
        Ok(took)
    }
}
