//! What a start puts on record, on the embedded engines.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail::settings::{Environment, Settings, Source, load};
use opentrail::{House, Parts, ShownSettings};
use opentrail_catalog::{Catalog, Error as CatalogError, From as ListFrom, Key, Txn, Versioned};
use opentrail_event::AccountId;
use opentrail_federation::NoIssuers;
use opentrail_history::Ask;
use opentrail_local::{JournalSettings, Local};
use opentrail_table::Order;
use opentrail_world::World;

fn settings(data: &Path, more: &[&str]) -> (Settings, ShownSettings) {
    let mut set = vec![format!("data={}", data.display()), "listen=127.0.0.1:0".into()];
    set.extend(more.iter().map(|&s| s.to_owned()));
    let loaded = load(&Source { file: None, environment: Environment::default(), set }).expect("good settings");
    let retention = loaded.values["history.retention_days"].text.clone();
    let shown = ShownSettings {
        values: BTreeMap::from([("history.retention_days".to_owned(), retention)]),
        security: vec!["history.retention_days".into()],
    };
    (loaded.settings, shown)
}

/// The engines in a folder, and what stands on them.
fn parts(data: &Path) -> (Parts, Local) {
    let world = World::real();
    let holders = House::HOLDERS.map(str::to_owned).to_vec();
    let engines = opentrail_local::Settings {
        journal: JournalSettings { holders, ..JournalSettings::default() },
        ..opentrail_local::Settings::default()
    };
    let local = Local::open(data, engines, world.clone()).expect("the folder opens");
    let parts = Parts {
        upstreams: None,
        remote_buckets: Vec::new(),
        world,
        journal: local.journal.clone(),
        catalog: local.catalog.clone(),
        blobs: local.blobs.clone(),
        seal: local.seal.clone(),
        signing_seal: local.signing_seal.clone(),
        issuers: Arc::new(NoIssuers),
        space: None,
        metrics: None,
    };
    (parts, local)
}

/// Opens the house, lets `look` see it, closes it.
async fn live<T>(data: &Path, more: &[&str], look: impl AsyncFnOnce(&House) -> T) -> T {
    let (parts, _local) = parts(data);
    let (settings, shown) = settings(data, more);
    let house = House::open(parts, &settings, &shown).await.expect("the house opens");
    let seen = look(&house).await;
    house.stop().await;
    seen
}

/// Event names and details of an account's record, oldest first.
async fn events(house: &House, account: AccountId) -> Vec<(String, serde_json::Value)> {
    let ask = Ask {
        account: Some(account),
        region: None,
        attributes: Vec::new(),
        words: Vec::new(),
        from_s: i64::MIN,
        to_s: i64::MAX,
        order: Order::OldestFirst,
        after: None,
        limit: 100,
        bytes_max: 8 << 20,
    };
    let page = house.history().lookup(ask).await.expect("history answers");
    let read = |row: opentrail_table::Row| {
        let record: serde_json::Value = serde_json::from_slice(&row.record).expect("a record is JSON");
        (record["eventName"].as_str().unwrap_or_default().to_owned(), record)
    };
    page.rows.into_iter().map(read).collect()
}

fn names(events: &[(String, serde_json::Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_is_on_record_and_so_is_each_changed_security_setting() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let operators = async |house: &House| events(house, AccountId::OPERATOR).await;
    let first = live(&data, &[], operators).await;
    assert_eq!(names(&first), ["StartServer"]);
    let hash = first[0].1["serviceEventDetails"]["configurationHash"].clone();
    assert_eq!(hash.as_str().map(str::len), Some(64));

    let second = live(&data, &[], operators).await;
    assert_eq!(names(&second), ["StartServer", "StartServer"]);
    assert_eq!(second[1].1["serviceEventDetails"]["configurationHash"], hash);

    let third = live(&data, &["history.retention_days=30"], operators).await;
    assert_eq!(names(&third[2..]), ["StartServer", "ChangeSetting"]);
    assert_ne!(third[2].1["serviceEventDetails"]["configurationHash"], hash);
    let change = &third[3].1["serviceEventDetails"];
    assert_eq!((change["before"].as_str(), change["after"].as_str()), (Some("90"), Some("30")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_key_is_on_its_accounts_record_too_and_its_secret_on_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let account: AccountId = "111122223333".parse().expect("an account");
    let key = r#"keys=[{"account":"111122223333","access_key_id":"ci","secret_access_key":"hush-hush"}]"#;
    let both = async |house: &House| (events(house, AccountId::OPERATOR).await, events(house, account).await);
    let (operators, owns) = live(&data, &[key], both).await;
    assert_eq!(names(&operators), ["StartServer", "ApplyConfiguredKey", "ApplyConfiguredKey"]);
    assert_eq!(names(&owns), ["ApplyConfiguredKey", "ApplyConfiguredKey"]);
    let shared = |events: &[(String, serde_json::Value)]| -> Vec<String> {
        events.iter().filter_map(|(_, e)| e["sharedEventID"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(shared(&operators), shared(&owns));
    assert!(!format!("{operators:?}{owns:?}").contains("hush"));

    let (_, again) = live(&data, &[key], both).await;
    assert_eq!(again.len(), 2, "nothing changed");
    let (_, gone) = live(&data, &[], both).await;
    assert_eq!(gone.last().map(|(_, e)| e["serviceEventDetails"]["change"].clone()), Some("removed key".into()));
}

/// A catalog whose process dies at a transaction: it and all that follow fail, the first of them landed or not.
struct Dying {
    catalog: Arc<dyn Catalog>,
    /// Transactions that go through.
    left: AtomicU64,
    landed: bool,
}

impl Catalog for Dying {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, CatalogError>> {
        self.catalog.get(key)
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: ListFrom,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, CatalogError>> {
        self.catalog.list(prefix, from, limit)
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), CatalogError>> {
        let dead = || Err(CatalogError::Unavailable("the process died".into()));
        async move {
            match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
                Ok(1) if self.landed => self.catalog.txn(txn).await.and(dead()),
                Ok(1) | Err(_) => dead(),
                Ok(_) => self.catalog.txn(txn).await,
            }
        }
        .boxed()
    }
}

/// One life of a process: whatever still runs at its end dies.
fn life<T>(run: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let done = runtime.block_on(run);
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    done
}

#[test]
fn a_start_that_dies_anywhere_loses_no_event_and_repeats_none() {
    const KEYS: &str = r#"keys=[{"account":"111122223333","user":"ci","policy":"admin","access_key_id":"ci","secret_access_key":"hush-hush"}]"#;
    let account: AccountId = "111122223333".parse().expect("an account");
    let mut died_in_announcing = 0;
    // Each start makes five transactions until its door is open; the last rounds do not die.
    for (n, landed) in (1..8).flat_map(|n| [(n, false), (n, true)]) {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        life(live(&data, &[], async |_: &House| ()));
        let died = life(async {
            let (mut parts, _local) = parts(&data);
            parts.catalog = Arc::new(Dying { catalog: parts.catalog, left: AtomicU64::new(n), landed });
            let (settings, shown) = settings(&data, &[KEYS, "history.retention_days=30"]);
            match House::open(parts, &settings, &shown).await {
                Ok(house) => {
                    house.stop().await;
                    false
                }
                Err(_) => true,
            }
        });
        let more = [KEYS, "history.retention_days=30"];
        life(live(&data, &more, async |house: &House| {
            let key = house.directory().access_key("ci").await.expect("an answer").expect("the key");
            assert_eq!((key.account, key.user.as_deref()), (account, Some("ci")));
        }));
        // One more start, which waits until what the one before has recorded is found.
        let (operators, owns) = life(live(&data, &more, async |house: &House| {
            (events(house, AccountId::OPERATOR).await, events(house, account).await)
        }));
        let count =
            |events: &[(String, serde_json::Value)], name: &str| names(events).iter().filter(|n| **n == name).count();
        let told = format!("dies at {n}, landed {landed}: {:?} {:?}", names(&operators), names(&owns));
        assert_eq!(count(&operators, "ApplyConfiguredKey"), 3, "account, user, key: {told}");
        assert_eq!(count(&owns, "ApplyConfiguredKey"), 3, "{told}");
        assert_eq!(count(&operators, "ChangeSetting"), 1, "{told}");
        died_in_announcing += usize::from(died && count(&operators, "StartServer") == 4);
    }
    assert!(died_in_announcing > 4, "only {died_in_announcing} starts died after they were on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_its_address_leaves_nothing_on_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let listen = format!("listen={}", taken.local_addr().expect("an address"));
    let refused = {
        let (parts, _local) = parts(&data);
        let (settings, shown) = settings(&data, &[&listen]);
        House::open(parts, &settings, &shown).await.err().expect("refused")
    };
    assert!(refused.to_string().starts_with("listen on 127.0.0.1:"), "{refused}");
    drop(taken);
    let operators = live(&data, &[], async |house: &House| events(house, AccountId::OPERATOR).await).await;
    assert_eq!(names(&operators), ["StartServer"]);
    assert!(operators[0].1["serviceEventDetails"]["firstStart"]["accountId"].is_string());
}
