//! The conformance kit: every engine behind [`Catalog`] passes it.
//!
//! Each check opens a catalog of its own by name. Opening the same name again, after the first was dropped, is a
//! restart: what was committed is there.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;

use crate::{Catalog, Check, Error, From, Key, Txn, Versioned};

/// Runs all checks; panics where the engine breaks the contract.
pub async fn conforms<F, Fut>(open: F)
where
    F: Fn(&'static str) -> Fut,
    Fut: Future<Output = Arc<dyn Catalog>>,
{
    versions_count_changes(&*open("versions").await).await;
    any_bytes_can_be_stored(&*open("bytes").await).await;
    checks_decide_for_all_writes(&*open("checks").await).await;
    counts_are_taken_before_the_writes(&*open("counts").await).await;
    listings_go_on_where_they_stopped(&*open("list").await).await;
    racers_never_lose_a_change(open("race").await).await;
    one_failure_never_fails_another(&*open("group").await).await;
    what_was_committed_outlives_a_restart(&open).await;
}

fn key(n: u64) -> Key {
    Key::family("kit").number(n)
}

async fn put(catalog: &dyn Catalog, key: Key, value: impl Into<Bytes>) {
    catalog.txn(Txn::new().put(key, value)).await.expect("a put without checks");
}

async fn get(catalog: &dyn Catalog, key: &Key) -> Option<Versioned> {
    catalog.get(key).await.expect("a get")
}

async fn versions_count_changes(catalog: &dyn Catalog) {
    assert_eq!(get(catalog, &key(1)).await, None);
    for version in 1..=3 {
        put(catalog, key(1), format!("value {version}")).await;
        let value = Bytes::from(format!("value {version}"));
        assert_eq!(get(catalog, &key(1)).await, Some(Versioned { version, value }));
    }
    // The same value again is a change too.
    put(catalog, key(1), "value 3").await;
    assert_eq!(get(catalog, &key(1)).await.map(|v| v.version), Some(4));
    catalog.txn(Txn::new().delete(key(1)).delete(key(2))).await.expect("a delete of what is not there is no error");
    assert_eq!(get(catalog, &key(1)).await, None);
    put(catalog, key(1), "anew").await;
    assert_eq!(get(catalog, &key(1)).await.map(|v| v.version), Some(1));
    // Writes of one transaction follow each other.
    catalog.txn(Txn::new().put(key(3), "a").put(key(3), "b").delete(key(1))).await.expect("a transaction");
    assert_eq!(get(catalog, &key(3)).await, Some(Versioned { version: 2, value: "b".into() }));
    catalog.txn(Txn::new()).await.expect("an empty transaction");
}

async fn any_bytes_can_be_stored(catalog: &dyn Catalog) {
    let odd = [vec![], vec![0], vec![0, 255], vec![255; 300], b"'; DROP TABLE record; --".to_vec(), vec![0x80, 0xfe]];
    for (n, bytes) in odd.iter().enumerate() {
        let key = Key::family("odd").part(bytes).number(n as u64);
        put(catalog, key.clone(), bytes.clone()).await;
        assert_eq!(get(catalog, &key).await.map(|v| v.value), Some(Bytes::from(bytes.clone())));
    }
    let large = vec![7; 1024 * 1024];
    put(catalog, key(1), large.clone()).await;
    assert!(get(catalog, &key(1)).await.is_some_and(|v| v.value == large));
}

async fn check(catalog: &dyn Catalog, check: Check, holds: bool) {
    let marker = Key::family("marker").part(format!("{check:?}"));
    let txn = Txn::new().check(Check::Absent(marker.clone())).check(check.clone()).put(marker.clone(), "done");
    match catalog.txn(txn).await {
        Ok(()) => assert!(holds, "{check:?} should not hold"),
        Err(Error::Conflict { check: 1 }) => assert!(!holds, "{check:?} should hold"),
        other => panic!("{check:?}: {other:?}"),
    }
    assert_eq!(get(catalog, &marker).await.is_some(), holds, "a failed check changes nothing");
}

async fn checks_decide_for_all_writes(catalog: &dyn Catalog) {
    put(catalog, key(1), "a").await;
    put(catalog, key(1), "b").await;
    check(catalog, Check::Is(key(1), 2), true).await;
    check(catalog, Check::Is(key(1), 1), false).await;
    check(catalog, Check::Is(key(2), 1), false).await;
    check(catalog, Check::Is(key(2), 0), false).await;
    check(catalog, Check::Absent(key(2)), true).await;
    check(catalog, Check::Absent(key(1)), false).await;
    check(catalog, Check::Empty { prefix: Key::family("nothing") }, true).await;
    check(catalog, Check::Empty { prefix: Key::family("kit") }, false).await;
    check(catalog, Check::AtMost { prefix: Key::family("kit"), max: 1 }, true).await;
    check(catalog, Check::AtMost { prefix: Key::family("kit"), max: 0 }, false).await;
    check(catalog, Check::AtMost { prefix: Key::family("kit"), max: u64::MAX }, true).await;
}

async fn counts_are_taken_before_the_writes(catalog: &dyn Catalog) {
    let room_for_five = |n| {
        let at_most = Check::AtMost { prefix: Key::family("kit"), max: 4 };
        catalog.txn(Txn::new().check(at_most).put(key(n), "x"))
    };
    let done = join_all((0..20).map(room_for_five)).await;
    assert_eq!(done.iter().filter(|result| result.is_ok()).count(), 5, "a quota holds against racers");
    assert!(done.iter().all(|result| matches!(result, Ok(()) | Err(Error::Conflict { check: 0 }))));
    // A prefix ends where the next family begins.
    put(catalog, Key::family("kit2").number(1), "x").await;
    check(catalog, Check::AtMost { prefix: Key::family("kit"), max: 5 }, true).await;
}

async fn listings_go_on_where_they_stopped(catalog: &dyn Catalog) {
    let mut txn = Txn::new();
    for n in 0..300 {
        txn = txn.put(key(n), n.to_string());
    }
    let (before, after) = (Key::family("kis").number(1), Key::family("kiu").number(1));
    catalog.txn(txn.put(before.clone(), "x").put(after.clone(), "x")).await.expect("a transaction");
    let prefix = Key::family("kit");
    for limit in [1, 7, 64, 65, 299, 300, 1000] {
        let (mut from, mut seen) = (From::Start, Vec::new());
        loop {
            let page = catalog.list(&prefix, from, limit).await.expect("a listing");
            assert!(page.len() <= limit);
            let Some((last, _)) = page.last() else { break };
            from = From::After(last.clone());
            seen.extend(page);
        }
        assert!(seen.iter().map(|(key, _)| key.clone()).eq((0..300).map(key)), "pages of {limit}");
        assert!(seen.iter().enumerate().all(|(n, (_, v))| v.value == n.to_string() && v.version == 1));
    }
    let first = async |from, limit| {
        let page = catalog.list(&prefix, from, limit).await.expect("a listing");
        page.first().map(|(key, _)| key.clone())
    };
    assert_eq!(first(From::Start, 0).await, None);
    assert_eq!(first(From::At(key(17)), 2).await, Some(key(17)));
    assert_eq!(first(From::At(before.clone()), 2).await, Some(key(0)));
    assert_eq!(first(From::After(before), 2).await, Some(key(0)));
    assert_eq!(first(From::After(key(299)), 2).await, None);
    assert_eq!(first(From::At(after.clone()), 2).await, None);
    assert_eq!(first(From::After(after), 2).await, None);
    let all = catalog.list(&Key::from_stored(Bytes::new()), From::Start, 1000).await.expect("a listing of everything");
    assert_eq!(all.len(), 302);
}

async fn racers_never_lose_a_change(catalog: Arc<dyn Catalog>) {
    put(&*catalog, key(1), "0").await;
    let racer = async |catalog: &dyn Catalog| {
        let mut done = 0;
        while done < 10 {
            let Some(now) = get(catalog, &key(1)).await else { panic!("the counter is there") };
            let n: u64 = String::from_utf8_lossy(&now.value).parse().expect("a number");
            let txn = Txn::new().check(Check::Is(key(1), now.version)).put(key(1), (n + 1).to_string());
            match catalog.txn(txn).await {
                Ok(()) => done += 1,
                Err(Error::Conflict { check: 0 }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    };
    join_all((0..8).map(|_| racer(&*catalog))).await;
    let now = get(&*catalog, &key(1)).await;
    assert_eq!(now, Some(Versioned { version: 81, value: "80".into() }));
}

async fn one_failure_never_fails_another(catalog: &dyn Catalog) {
    let txns = (0..100).map(|n| {
        let txn = Txn::new().put(key(n), "x");
        catalog.txn(if n % 2 == 0 { txn } else { txn.check(Check::Is(key(1000), 1)) })
    });
    for (n, result) in join_all(txns).await.into_iter().enumerate() {
        let there = get(catalog, &key(n as u64)).await.is_some();
        match result {
            Ok(()) => assert!(n % 2 == 0 && there),
            Err(Error::Conflict { check: 0 }) => assert!(n % 2 == 1 && !there),
            Err(other) => panic!("{other}"),
        }
    }
}

async fn what_was_committed_outlives_a_restart<F, Fut>(open: &F)
where
    F: Fn(&'static str) -> Fut,
    Fut: Future<Output = Arc<dyn Catalog>>,
{
    for life in 0..4_u64 {
        let catalog = open("restart").await;
        for n in 0..life {
            assert_eq!(get(&*catalog, &key(n)).await.map(|v| v.version), Some(life - n));
        }
        for n in 0..=life {
            put(&*catalog, key(n), format!("life {life}")).await;
        }
    }
}
