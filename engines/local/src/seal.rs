//! Secrets at rest: AES-256-GCM under a key in a file of its own.
//!
//! ```text
//! key file   64 hexadecimal digits and a newline, mode 0600
//! sealed     0  1  format: 1
//!            1 12  nonce, random
//!           13  …  ciphertext, then the tag of 16 bytes.  Authenticated with it: "opentrail seal 1", 0, the context
//! ```
//!
//! `DIR/seal.check` (`DIR/signing.check` for the key of signing keys) holds a hash of the key, so that a lost or exchanged key file is noticed at the start and never
//! replaced in silence by a new one, under which nothing could be opened.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use opentrail_policy::{Seal, SealError};
use opentrail_world::World;
use zeroize::Zeroizing;

const FORMAT: u8 = 1;
const KEY_BYTES: usize = 32;
const CHECK_LABEL: &[u8] = b"opentrail seal key check 1\0";
const SEAL_LABEL: &str = "opentrail seal 1\0";

/// Why there is no seal.
#[derive(Debug, thiserror::Error)]
pub enum SealKeyError {
    #[error("seal key file {path} is missing, and this data was sealed with it; bring it back")]
    Missing { path: PathBuf },
    #[error("seal key file {path} is not the one that this data was sealed with; bring that one back")]
    Other { path: PathBuf },
    #[error("seal key file {path} can be read by others (mode {mode:o}); chmod 600 it")]
    Open { path: PathBuf, mode: u32 },
    #[error("seal key file {path} does not hold 64 hexadecimal digits")]
    Malformed { path: PathBuf },
    #[error("{what} {path}: {source}")]
    Io { what: &'static str, path: PathBuf, source: io::Error },
}

/// The key.
pub struct SealKey {
    key: LessSafeKey,
    world: World,
}

impl SealKey {
    /// Reads the key file, or makes it where `dir` has never seen a key.
    pub fn open(path: &Path, dir: &Path, world: World) -> Result<Self, SealKeyError> {
        Self::open_checked(path, &dir.join("seal.check"), world)
    }

    /// The same for the key under which signing keys alone lie.
    pub fn open_for_signing(path: &Path, dir: &Path, world: World) -> Result<Self, SealKeyError> {
        Self::open_checked(path, &dir.join("signing.check"), world)
    }

    fn open_checked(path: &Path, check_path: &Path, world: World) -> Result<Self, SealKeyError> {
        let io = |what, path: &Path| {
            let path = path.to_path_buf();
            move |source| SealKeyError::Io { what, path, source }
        };
        let known = match fs::read_to_string(check_path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(io("read", check_path)(e)),
        };
        let key = match read_key(path)? {
            Some(key) => key,
            None if known.is_some() => return Err(SealKeyError::Missing { path: path.into() }),
            None => {
                let key = Zeroizing::new(world.bytes::<KEY_BYTES>());
                let text = Zeroizing::new(hex(&*key) + "\n");
                write_new(path, text.as_bytes(), &world).map_err(io("make", path))?;
                key
            }
        };
        let check = fingerprint(&key);
        match known {
            Some(known) if known != check => return Err(SealKeyError::Other { path: path.into() }),
            Some(_) => {}
            None => write_new(check_path, (check + "\n").as_bytes(), &world).map_err(io("make", check_path))?,
        }
        let key = UnboundKey::new(&AES_256_GCM, &*key).expect("the key has the cipher's length");
        Ok(Self { key: LessSafeKey::new(key), world })
    }
}

impl Seal for SealKey {
    fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = self.world.bytes();
        let mut out = Vec::with_capacity(1 + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        out.push(FORMAT);
        out.extend_from_slice(&nonce);
        let mut text = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), associated(context), &mut text)
            .expect("a secret is far below the cipher's limit");
        out.extend_from_slice(&text);
        out
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (&FORMAT, rest) = sealed.split_first().ok_or(SealError)? else { return Err(SealError) };
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError)?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key.open_in_place(nonce, associated(context), &mut text).map_err(|_| SealError)?;
        let len = plain.len();
        text.truncate(len);
        Ok(text)
    }
}

fn associated(context: &str) -> Aad<Vec<u8>> {
    Aad::from([SEAL_LABEL.as_bytes(), context.as_bytes()].concat())
}

fn fingerprint(key: &[u8; KEY_BYTES]) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(CHECK_LABEL);
    hash.update(key);
    hex(hash.finish().as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The key in the file; `None` where there is none.
fn read_key(path: &Path) -> Result<Option<Zeroizing<[u8; KEY_BYTES]>>, SealKeyError> {
    let io = |source| SealKeyError::Io { what: "read", path: path.into(), source };
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(io)?,
    };
    let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SealKeyError::Open { path: path.into(), mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 2));
    let malformed = || SealKeyError::Malformed { path: path.into() };
    match file.take(2 * KEY_BYTES as u64 + 2).read_to_string(&mut text) {
        Err(e) if e.kind() == io::ErrorKind::InvalidData => return Err(malformed()),
        done => done.map_err(io)?,
    };
    let digits = text.trim_end_matches(['\n', '\r']).as_bytes();
    if digits.len() != 2 * KEY_BYTES {
        return Err(malformed());
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |d: u8| char::from(d).to_digit(16).ok_or_else(malformed);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Ok(Some(key))
}

/// Makes a file whole and durable, or not at all; never over one that is there.
fn write_new(path: &Path, bytes: &[u8], world: &World) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temporary = folder.join(format!(".opentrail-{}", hex(&world.bytes::<8>())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let done = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&temporary, path));
    let removed = fs::remove_file(&temporary);
    done.and(removed)?;
    File::open(folder)?.sync_all()
}
