//! The conformance kit: every engine behind [`Blobs`] passes it.
//!
//! Each check opens a store of its own by name. Opening the same name again, after the first was dropped, is a
//! restart: what was put is there.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::{BlobKey, Blobs, Error, Source, SourceError};

/// Runs all checks; panics where the engine breaks the contract.
pub async fn conforms<F, Fut>(open: F)
where
    F: Fn(&'static str) -> Fut,
    Fut: Future<Output = Arc<dyn Blobs>>,
{
    bytes_come_back_as_they_went(&*open("bytes").await).await;
    ranges_lie_within(&*open("ranges").await).await;
    a_source_that_fails_leaves_nothing(&*open("source").await).await;
    a_put_that_is_dropped_leaves_nothing(&*open("dropped").await).await;
    one_racer_wins(&*open("race").await).await;
    a_put_replaces_whole(&*open("replace").await).await;
    listings_go_on_where_they_stopped(&*open("list").await).await;
    deletes_are_final(&*open("delete").await).await;
    what_was_put_outlives_a_restart(&open).await;
}

/// A key for tests.
pub fn key(name: &str) -> BlobKey {
    BlobKey::new(name).expect("a name of the right form")
}

/// `len` bytes that differ from place to place and from seed to seed.
pub fn bytes(seed: u64, len: usize) -> Bytes {
    (0..len as u64).map(|i| (i.wrapping_mul(seed.wrapping_mul(2) + 1) >> 3) as u8).collect()
}

/// A stream of these bytes in pieces of at most `piece`.
pub fn source(bytes: &Bytes, piece: usize) -> Source<'static> {
    let pieces: Vec<Result<Bytes, SourceError>> =
        bytes.chunks(piece.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces).boxed()
}

/// Stores bytes; panics if that fails.
pub async fn put(blobs: &dyn Blobs, name: &str, bytes: &Bytes) {
    let n = blobs.put(&key(name), source(bytes, 64 * 1024), false).await.expect("a put");
    assert_eq!(n, bytes.len() as u64);
}

/// All bytes of a blob, through the stream.
pub async fn get(blobs: &dyn Blobs, name: &str) -> Result<Bytes, Error> {
    let pieces: Vec<Bytes> = blobs.get(&key(name), None).await?.try_collect().await?;
    Ok(pieces.concat().into())
}

async fn bytes_come_back_as_they_went(blobs: &dyn Blobs) {
    let kib = 1024;
    for (n, len) in [0, 1, kib, 64 * kib, 64 * kib + 1, 256 * kib, 256 * kib + 1, 3_000_001].into_iter().enumerate() {
        for piece in [len, 1000, 300 * kib] {
            let (name, went) = (format!("kit/size-{n}/piece-{piece}"), bytes(n as u64, len));
            let took = blobs.put(&key(&name), source(&went, piece), true).await.expect("a put");
            assert_eq!(took, len as u64);
            assert_eq!(blobs.head(&key(&name)).await.expect("a head"), len as u64);
            assert!(get(blobs, &name).await.expect("a get") == went, "{len} bytes in pieces of {piece}");
            assert!(blobs.read(&key(&name), 0..len as u64).await.expect("a read") == went);
        }
    }
    let missing = key("kit/missing");
    assert!(matches!(blobs.head(&missing).await, Err(Error::NotFound(at)) if at == missing));
    assert!(matches!(blobs.get(&missing, None).await.err(), Some(Error::NotFound(_))));
    assert!(matches!(blobs.read(&missing, 0..0).await, Err(Error::NotFound(_))));
}

async fn ranges_lie_within(blobs: &dyn Blobs) {
    let all = bytes(3, 1_000_000);
    put(blobs, "kit/ranges", &all).await;
    let at = key("kit/ranges");
    for range in [0..1, 0..1_000_000, 999_999..1_000_000, 262_143..262_145, 5..5, 1_000_000..1_000_000, 100..700_000] {
        let wanted = all.slice(range.start as usize..range.end as usize);
        assert!(blobs.read(&at, range.clone()).await.expect("a read") == wanted, "{range:?}");
        let pieces: Vec<Bytes> =
            blobs.get(&at, Some(range.clone())).await.expect("a get").try_collect().await.expect("a stream");
        assert!(pieces.concat() == wanted, "{range:?}");
    }
    #[allow(clippy::reversed_empty_ranges)]
    for range in [0..1_000_001, 1_000_001..1_000_001, 7..6, u64::MAX - 1..u64::MAX] {
        let read = blobs.read(&at, range.clone()).await;
        assert!(matches!(read, Err(Error::OutOfRange { bytes: 1_000_000, .. })), "{range:?}");
        assert!(matches!(blobs.get(&at, Some(range)).await.err(), Some(Error::OutOfRange { .. })));
    }
}

async fn a_source_that_fails_leaves_nothing(blobs: &dyn Blobs) {
    for good in [0, 10, 1_000_000] {
        let fails = stream::once(async { Err("the line went dead".into()) });
        let broken = source(&bytes(1, good), 100_000).chain(fails).boxed();
        let result = blobs.put(&key("kit/broken"), broken, false).await;
        assert!(matches!(&result, Err(Error::Source(why)) if why.contains("the line went dead")), "{result:?}");
        assert!(matches!(blobs.head(&key("kit/broken")).await, Err(Error::NotFound(_))));
    }
    assert_eq!(blobs.list("", None, 10).await.expect("a listing"), []);
}

async fn a_put_that_is_dropped_leaves_nothing(blobs: &dyn Blobs) {
    let at = key("kit/dropped");
    let endless = source(&bytes(1, 1_000_000), 100_000).chain(stream::pending()).boxed();
    let mut stopped = blobs.put(&at, endless, false);
    for _ in 0..2000 {
        // Far enough for some of it to be on its way to the disk.
        assert!(futures::poll!(&mut stopped).is_pending(), "the put cannot have ended");
        tokio::task::yield_now().await;
    }
    drop(stopped);
    assert!(matches!(blobs.head(&at).await, Err(Error::NotFound(_))));
    assert_eq!(blobs.list("", None, 10).await.expect("a listing"), []);
    put(blobs, "kit/dropped", &bytes(2, 10)).await;
}

async fn one_racer_wins(blobs: &dyn Blobs) {
    for round in 0..10 {
        let at = key(&format!("kit/race-{round}"));
        let racers = join_all((0..8_u64).map(|n| {
            let mine = bytes(n, 10_000 + n as usize);
            let at = at.clone();
            async move { blobs.put(&at, source(&mine, 3000), true).await.map(|_| mine) }
        }));
        let (won, lost): (Vec<_>, Vec<_>) = racers.await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "exactly one put with if_absent succeeds");
        assert!(lost.iter().all(|result| matches!(result, Err(Error::Exists(key)) if *key == at)));
        let there = get(blobs, at.as_str()).await.expect("a get");
        assert!(won.into_iter().flatten().any(|mine| mine == there), "the winner's bytes are there");
    }
}

async fn a_put_replaces_whole(blobs: &dyn Blobs) {
    put(blobs, "kit/replaced", &bytes(1, 600_000)).await;
    let mut reading = blobs.get(&key("kit/replaced"), None).await.expect("a get");
    let first = reading.next().await.expect("a piece").expect("bytes");
    put(blobs, "kit/replaced", &bytes(2, 10)).await;
    assert!(get(blobs, "kit/replaced").await.expect("a get") == bytes(2, 10));
    // Who was reading gets the rest of what there was, or an error; never a mixture.
    let rest: Result<Vec<Bytes>, Error> = reading.try_collect().await;
    if let Ok(rest) = rest {
        assert!([&[first], rest.as_slice()].concat().concat() == bytes(1, 600_000));
    }
}

async fn listings_go_on_where_they_stopped(blobs: &dyn Blobs) {
    let mut names: Vec<String> = (0..60).map(|n| format!("b/{n:03}")).collect();
    names.extend(["a", "b", "b.c/x", "b-c/x", "b_c/x", "b/0", "b/01/x", "c/d/e/f", "bb", "0"].map(String::from));
    for name in &names {
        put(blobs, name, &Bytes::from_static(b"x")).await;
    }
    names.sort();
    for prefix in ["", "b", "b/", "b/0", "b/01", "b/01/", "c/d", "c/d/e/f", "d", "b.", "zzz/", "../", "B"] {
        let wanted: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with(prefix)).collect();
        for limit in [1, 9, 1000] {
            let (mut after, mut seen) = (None, Vec::new());
            loop {
                let page = blobs.list(prefix, after.as_ref(), limit).await.expect("a listing");
                assert!(page.len() <= limit);
                let Some(last) = page.last() else { break };
                after = Some(last.clone());
                seen.extend(page);
            }
            assert!(seen.iter().map(BlobKey::as_str).eq(wanted.iter().copied()), "{prefix:?} by {limit}: {seen:?}");
        }
    }
    assert_eq!(blobs.list("", None, 0).await.expect("a listing of none"), []);
}

async fn deletes_are_final(blobs: &dyn Blobs) {
    put(blobs, "kit/deleted", &bytes(1, 100)).await;
    for _ in 0..2 {
        blobs.delete(&key("kit/deleted")).await.expect("a delete, also of what is not there");
        assert!(matches!(blobs.head(&key("kit/deleted")).await, Err(Error::NotFound(_))));
    }
    blobs.delete(&key("never/there")).await.expect("a delete where there is no folder");
    let again = blobs.put(&key("kit/deleted"), source(&bytes(2, 5), 5), true).await;
    assert_eq!(again.expect("the name is free again"), 5);
}

async fn what_was_put_outlives_a_restart<F, Fut>(open: &F)
where
    F: Fn(&'static str) -> Fut,
    Fut: Future<Output = Arc<dyn Blobs>>,
{
    let mut went: BTreeMap<String, Bytes> = BTreeMap::new();
    for life in 0..3_u64 {
        let blobs = open("restart").await;
        for (name, bytes) in &went {
            assert!(get(&*blobs, name).await.expect("a get") == *bytes, "{name}");
        }
        let listed = blobs.list("", None, 1000).await.expect("a listing");
        assert!(listed.iter().map(BlobKey::as_str).eq(went.keys().map(String::as_str)));
        for n in 0..10 {
            let (name, bytes) = (format!("kit/{}/{n}", life % 2), bytes(life * 10 + n, 1000));
            put(&*blobs, &name, &bytes).await;
            went.insert(name, bytes);
        }
    }
}
