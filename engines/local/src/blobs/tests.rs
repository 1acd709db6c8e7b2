//! The port's kit, the error matrix of a put, torn power, and the sweep.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use opentrail_blobs::kit::{self, bytes, key, source};
use opentrail_blobs::{Blobs, Error};
use opentrail_world::World;

use super::{LocalBlobs, PIECE_BYTES, TEMPORARY};
use crate::disk::{Disk, Fault, RealDisk, SimDisk};
use crate::space::{ASK_PERIOD, FreeSpace};

const DIR: &str = "/data/blobs";

fn disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.create_dir(Path::new("/data")).and_then(|()| disk.sync_dir(Path::new("/"))).expect("a folder");
    disk
}

fn open(disk: &SimDisk) -> std::io::Result<LocalBlobs> {
    LocalBlobs::open(Arc::new(disk.clone()), Path::new(DIR), World::real())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

#[tokio::test]
async fn the_real_disk_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    kit::conforms(|name| async move {
        Arc::new(LocalBlobs::open(Arc::new(RealDisk), &folder.join(name), World::real()).expect("a store"))
            as Arc<dyn Blobs>
    })
    .await;
}

#[tokio::test]
async fn the_simulated_disk_conforms() {
    let disks = std::sync::Mutex::new(std::collections::HashMap::new());
    kit::conforms(|name| {
        let disk = disks.lock().expect("no panic").entry(name).or_insert_with(disk).clone();
        async move { Arc::new(open(&disk).expect("a store")) as Arc<dyn Blobs> }
    })
    .await;
}

/// What a restart may show of a blob that had `old` and was to get `new`.
async fn check(blobs: &LocalBlobs, name: &str, old: Option<u64>, new: (u64, bool), len: usize, story: &str) {
    let (new, acknowledged) = new;
    match kit::get(blobs, name).await {
        Ok(there) if there == bytes(new, len) => {}
        Ok(there) if old.is_some_and(|old| there == bytes(old, len)) => {
            assert!(!acknowledged, "{story}: the old bytes")
        }
        Ok(_) => panic!("{story}: {name} is torn"),
        Err(Error::NotFound(_)) => assert!(!acknowledged && old.is_none(), "{story}: {name} is gone"),
        Err(other) => panic!("{story}: {other}"),
    }
}

#[test]
fn each_change_of_a_put_fails_once_landed_and_not_landed() {
    const LEN: usize = 600_000;
    for fault in [Fault::Landed, Fault::NotLanded] {
        for if_absent in [true, false] {
            for replace in [false, true] {
                for nth in 1.. {
                    let story = format!("change {nth} {fault:?}, if_absent {if_absent}, replace {replace}");
                    let disk = disk();
                    let injected = run(async {
                        let blobs = open(&disk).expect("a store");
                        kit::put(&blobs, "kit/before", &bytes(1, LEN)).await;
                        let name = if replace { "kit/before" } else { "new/after" };
                        disk.fail_at(nth, fault);
                        let put = blobs.put(&key(name), source(&bytes(2, LEN), 100_000), if_absent && !replace).await;
                        let injected = !disk.fault_pending();
                        assert!(put.is_ok() || matches!(put, Err(Error::Unavailable(_))), "{story}: {put:?}");
                        // The process goes on: what it shows is whole.
                        let old = replace.then_some(1);
                        check(&blobs, name, old, (2, put.is_ok()), LEN, &story).await;
                        drop(blobs);
                        disk.power_cut(nth);
                        let blobs = open(&disk).unwrap_or_else(|e| panic!("{story}: {e}"));
                        check(&blobs, name, old, (2, put.is_ok()), LEN, &story).await;
                        if !replace {
                            check(&blobs, "kit/before", None, (1, true), LEN, &story).await;
                        }
                        let swept = disk.list(&Path::new(DIR).join("+tmp")).expect("the folder");
                        assert!(swept.is_empty(), "{story}: {swept:?} is left");
                        injected
                    });
                    if !injected {
                        assert!(nth > 5);
                        break;
                    }
                }
            }
        }
    }
}

#[test]
fn torn_power_loses_no_blob() {
    for seed in 0..300_u64 {
        let (dice, _) = World::simulated(seed, "2026-01-01T00:00:00Z".parse().expect("a time"));
        let disk = disk();
        run(async {
            let mut there: std::collections::BTreeMap<String, u64> = Default::default();
            for life in 0..4_u64 {
                let blobs = open(&disk).expect("a store");
                for (name, seed) in &there {
                    let got = kit::get(&blobs, name).await.unwrap_or_else(|e| panic!("seed {seed}, life {life}: {e}"));
                    assert!(got == bytes(*seed, 1500), "seed {seed}, life {life}: {name}");
                }
                let listed = blobs.list("", None, 1000).await.expect("a listing");
                assert!(listed.iter().map(|key| key.as_str()).eq(there.keys().map(String::as_str)));
                for n in 0..dice.below(6) {
                    let name = format!("kit/{}", dice.below(8));
                    if dice.below(3) == 0 {
                        blobs.delete(&key(&name)).await.expect("a delete");
                        there.remove(&name);
                    } else {
                        kit::put(&blobs, &name, &bytes(life * 10 + n, 1500)).await;
                        there.insert(name, life * 10 + n);
                    }
                }
                disk.power_cut(dice.below(u64::MAX));
            }
        });
    }
}

#[tokio::test]
async fn a_put_that_stopped_is_swept_and_others_are_not() {
    let disk = disk();
    let blobs = open(&disk).expect("a store");
    kit::put(&blobs, "kit/whole", &bytes(1, 10)).await;
    let at = key("kit/half");
    let endless = source(&bytes(1, 1_000_000), 100_000).chain(stream::pending()).boxed();
    let mut put = blobs.put(&at, endless, false);
    for _ in 0..50 {
        // The process dies in the midst of it: nothing of it is dropped in order.
        let _ = futures::poll!(&mut put);
        tokio::task::yield_now().await;
    }
    World::real().sleep(std::time::Duration::from_millis(20)).await;
    let temporary = Path::new(DIR).join("+tmp");
    assert_eq!(disk.list(&temporary).expect("the folder").len(), 1);
    let again = open(&disk).expect("a store");
    assert_eq!(disk.list(&temporary).expect("the folder").len(), 0);
    assert_eq!(again.list("", None, 10).await.expect("a listing"), [key("kit/whole")]);
}

#[test]
fn at_the_floor_a_put_is_refused_and_what_is_there_can_be_read_and_removed() {
    let (world, clock) = World::simulated(1, "2026-03-01T10:00:00Z".parse().expect("a time"));
    let disk = disk();
    let floor = 1 << 30;
    let space = Arc::new(FreeSpace::new(Arc::new(disk.clone()), Path::new("/data"), floor, world));
    let store = open(&disk).expect("a store").with_floor(space, vec!["mends/".into()]);
    run(async {
        let put = async |name: &str, pieces: usize| {
            let body = source(&bytes(1, pieces * PIECE_BYTES), PIECE_BYTES);
            store.put(&key(name), body, true).await
        };
        disk.set_free(floor * 2);
        put("s3/a", 1).await.expect("room");
        store.room(1).expect("room");
        disk.set_free(floor);
        clock.advance(ASK_PERIOD);
        let changes = disk.changes();
        assert!(matches!(put("s3/b", 1).await, Err(Error::Full(why)) if why.contains("disk.free_floor")));
        assert!(matches!(store.room(1), Err(Error::Full(_))));
        assert_eq!(disk.changes(), changes, "refused before a byte is written");
        put("mends/a", 1).await.expect("what mends goes on");
        store.read(&key("s3/a"), 0..1).await.expect("there");
        store.delete(&key("s3/a")).await.expect("removed");
        // The floor is met in mid-stream: nothing is left.
        disk.set_free(floor + PIECE_BYTES as u64);
        clock.advance(ASK_PERIOD);
        assert!(matches!(put("s3/c", 3).await, Err(Error::Full(_))));
        assert!(matches!(store.head(&key("s3/c")).await, Err(Error::NotFound(_))));
        assert_eq!(disk.list(&Path::new(DIR).join(TEMPORARY)).expect("a folder"), Vec::<String>::new());
        disk.set_free(floor * 2);
        clock.advance(ASK_PERIOD);
        put("s3/c", 3).await.expect("room again, without a restart");
    });
}
