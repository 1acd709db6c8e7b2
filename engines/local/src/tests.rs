//! The folder as a whole: who may open it, what it makes, and the seal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use opentrail_catalog::{Key, Txn};
use opentrail_journal::kit;
use opentrail_policy::{Seal, SealError};
use opentrail_world::World;

use crate::{DirLock, Local, LockError, OpenError, SealKey, SealKeyError, Settings};

fn open(dir: &Path) -> Result<Local, OpenError> {
    Local::open(dir, Settings::default(), World::real())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("a/b/data");
    let local = open(&dir).expect("a data folder");
    assert_eq!((mode(&dir), mode(&dir.join("seal.key"))), (0o700, 0o600));
    assert_eq!(
        (mode(&dir.join("journal")), mode(&dir.join("blobs")), mode(&dir.join("catalog"))),
        (0o700, 0o700, 0o700)
    );
    local.journal.append(kit::entries(1, 0..3, 100)).await.expect("an append");
    let key = Key::family("k").part("1");
    local.catalog.txn(Txn::new().put(key.clone(), local.seal.seal("k/1", b"secret"))).await.expect("a transaction");
    opentrail_blobs::kit::put(&*local.blobs, "b/1", &opentrail_blobs::kit::bytes(1, 10)).await;
    drop(local);
    let local = open(&dir).expect("the data folder again");
    assert_eq!(kit::read_everything(&*local.journal, 1000).await.len(), 3);
    let sealed = local.catalog.get(&key).await.expect("a get").expect("it is there").value;
    assert_eq!(local.seal.open("k/1", &sealed), Ok(b"secret".to_vec()));
    assert_eq!(opentrail_blobs::kit::get(&*local.blobs, "b/1").await.expect("a get").len(), 10);
}

#[tokio::test]
async fn a_journal_that_is_not_the_catalogs_own_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (dir, other) = (folder.path().join("data"), folder.path().join("other"));
    for dir in [&dir, &other] {
        let local = open(dir).expect("a data folder");
        local.journal.append(kit::entries(1, 0..3, 100)).await.expect("an append");
    }
    let (journal, away) = (dir.join("journal"), folder.path().join("away"));
    fs::rename(&journal, &away).expect("moved away");
    let refused = |what: &str| {
        let why = open(&dir).err().expect(what).to_string();
        assert!(why.contains("bring that one back") && why.contains(&journal.display().to_string()), "{what}: {why}");
        why
    };
    assert!(refused("no journal").contains("is not there"));
    assert!(!journal.exists(), "none is made in its place");
    fs::rename(other.join("journal"), &journal).expect("another one in its place");
    let id = fs::read_to_string(journal.join("meta")).expect("its meta");
    let id = id.lines().find_map(|line| line.strip_prefix("id ")).expect("its id");
    assert!(refused("another journal").contains(&format!("is journal {id}")));
    fs::write(journal.join("meta"), "opentrail journal\nformat 1\npartitions 1\n").expect("an older one");
    assert!(refused("an older journal").contains("one without an id"));
    fs::remove_dir_all(&journal).expect("gone");
    fs::rename(&away, &journal).expect("brought back");
    let local = open(&dir).expect("the one it was kept with");
    assert_eq!(kit::read_everything(&*local.journal, 1000).await.len(), 3);
}

#[test]
fn a_second_opener_is_told_who_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path()).expect("a data folder");
    first.lock.serves("127.0.0.1:4566").expect("a line in the lock file");
    let refused = open(folder.path()).err().expect("refused").to_string();
    for part in ["opentrail", "127.0.0.1:4566", &format!("process {}", std::process::id()), "in use by"] {
        assert!(refused.contains(part), "{refused}");
    }
    drop(first);
    open(folder.path()).expect("it is free again");
    // A lock file that stayed behind is no lock, whatever it says.
    fs::write(folder.path().join("lock"), "process 1\n\u{1b}[31m").expect("a file");
    let lock = DirLock::take(folder.path(), "test", &World::real()).expect("it is free");
    fs::write(folder.path().join("lock"), "\u{1b}[31mred\u{7}").expect("a file");
    let refused = DirLock::take(folder.path(), "test", &World::real()).err();
    assert!(matches!(refused, Some(LockError::Held { holder, .. }) if holder == "[31mred"));
    drop(lock);
}

#[test]
fn a_seal_opens_only_what_it_sealed_to_the_same_context() {
    let folder = tempfile::tempdir().expect("a folder");
    let seal = SealKey::open(&folder.path().join("key"), folder.path(), World::real()).expect("a key");
    let sealed = seal.seal("AKIA1", b"secret");
    assert_ne!(sealed, seal.seal("AKIA1", b"secret"), "the nonce differs");
    assert_eq!(seal.open("AKIA1", &sealed), Ok(b"secret".to_vec()));
    assert_eq!(seal.open("AKIA2", &sealed), Err(SealError));
    assert!(!sealed.windows(6).any(|window| window == b"secret"));
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(seal.open("AKIA1", &changed), Err(SealError), "byte {at}");
        assert_eq!(seal.open("AKIA1", &sealed[..at]), Err(SealError), "cut at {at}");
    }
    assert_eq!(seal.open("", &seal.seal("", b"")), Ok(vec![]));
}

#[test]
fn a_key_that_is_lost_open_or_another_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (dir, key) = (folder.path(), folder.path().join("elsewhere.key"));
    let open = || SealKey::open(&key, dir, World::real());
    let sealed = open().expect("a new key").seal("c", b"secret");
    assert_eq!(open().expect("the same key").open("c", &sealed), Ok(b"secret".to_vec()));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("a change");
    assert!(matches!(open().err(), Some(SealKeyError::Open { mode: 0o640, .. })));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).expect("a change");
    open().expect("read-only is enough");
    let text = fs::read(&key).expect("the key");
    fs::remove_file(&key).expect("a loss");
    assert!(matches!(open().err(), Some(SealKeyError::Missing { .. })));
    assert!(!key.exists(), "a lost key is not replaced by a new one");
    let put = |bytes: &[u8]| {
        let _ = fs::remove_file(&key);
        fs::write(&key, bytes).expect("a file");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a change");
    };
    put(&[b'0'; 64]);
    assert!(matches!(open().err(), Some(SealKeyError::Other { .. })));
    for bad in [&b""[..], b"short", &[b'x'; 64], &[b'0'; 66], &[0xff; 64], "é".repeat(32).as_bytes()] {
        put(bad);
        assert!(matches!(open().err(), Some(SealKeyError::Malformed { .. })), "{bad:?}");
    }
    put(&text);
    open().expect("the right key is back");
}
