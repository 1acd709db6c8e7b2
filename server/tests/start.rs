//! What a start puts on record, on the embedded engines.

use std::collections::BTreeMap;
use std::path::Path;

use opentrail::settings::{Environment, Settings, Source, load};
use opentrail::{House, Parts, ShownSettings};
use opentrail_event::AccountId;
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

/// Opens the house, lets `look` see it, closes it.
async fn live<T>(data: &Path, more: &[&str], look: impl AsyncFnOnce(&House) -> T) -> T {
    let world = World::real();
    let holders = House::HOLDERS.map(str::to_owned).to_vec();
    let engines = opentrail_local::Settings {
        journal: JournalSettings { holders, ..JournalSettings::default() },
        seal_key_file: None,
    };
    let local = Local::open(data, engines, world.clone()).expect("the folder opens");
    let (settings, shown) = settings(data, more);
    let parts = Parts {
        world,
        journal: local.journal.clone(),
        catalog: local.catalog.clone(),
        blobs: local.blobs.clone(),
        seal: local.seal.clone(),
        metrics: None,
    };
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
