//! Stores made, changed, deleted, sealed and restarted in any order: each holds exactly what it selected when it was appended.

use std::collections::BTreeMap;

use opentrail_event::{EventId, Region};
use opentrail_journal::Follower;
use opentrail_world::World;

use super::{House, all, writes};
use crate::{Change, Config, Status};

/// What a store should take, said as simply as it can be.
#[derive(Default)]
struct Expected {
    ids: Vec<EventId>,
    writes_only: bool,
    open: bool,
}

#[tokio::test]
async fn every_store_holds_exactly_what_it_selected() {
    for seed in 0..40 {
        let (chance, _) = World::simulated(seed, super::NOW.parse().expect("a time"));
        let mut house = House::new(seed).await;
        let mut expected: BTreeMap<String, Expected> = BTreeMap::new();
        let mut unapplied = Vec::new();
        for step in 0..200 {
            let ids: Vec<String> = expected.keys().cloned().collect();
            let some = |n: u64| ids.get(usize::try_from(n).unwrap_or(0) % ids.len().max(1)).cloned();
            match chance.below(20) {
                0 if ids.len() < 5 => {
                    let writes_only = chance.below(2) == 0;
                    let store = house.store(&format!("s-{step}"), if writes_only { writes() } else { all() }).await;
                    expected.insert(store.id.clone(), Expected { ids: Vec::new(), writes_only, open: true });
                }
                1 => {
                    let Some(id) = some(chance.below(99)) else { continue };
                    let store = house.lake.stores().find(super::account(), &id).expect("a store");
                    match store.status() {
                        Status::Enabled if chance.below(2) == 0 => {
                            house.lake.stores().delete(&id).await.expect("deleted");
                        }
                        Status::PendingDeletion => drop(house.lake.stores().restore(&id).await.expect("restored")),
                        status => {
                            let on = status != Status::Enabled;
                            house.lake.stores().set_ingests(&id, on).await.expect("switched");
                        }
                    }
                    let now = house.lake.stores().find(super::account(), &id).expect("a store");
                    expected.get_mut(&id).expect("known").open = now.status() == Status::Enabled;
                }
                2 => {
                    let Some(id) = some(chance.below(99)) else { continue };
                    let store = house.lake.stores().find(super::account(), &id).expect("a store");
                    if store.status() == Status::PendingDeletion {
                        continue;
                    }
                    let writes_only = !expected[&id].writes_only;
                    let selectors = if writes_only { writes() } else { all() };
                    let config = Config { selectors, ..store.config.clone() };
                    let change = Change { name: store.name.clone(), config };
                    house.lake.stores().update(&store, change).await.expect("updated");
                    expected.get_mut(&id).expect("known").writes_only = writes_only;
                }
                3 => {
                    house.lake.commit().await.expect("sealed");
                }
                4 => {
                    unapplied.clear();
                    house.restart().await;
                }
                5 | 6 => {
                    house.lake.apply(&unapplied).await.expect("applied");
                    unapplied.clear();
                }
                _ => {
                    let read_only = chance.below(2) == 0;
                    let frame = house.append(super::account(), &Region::us_east_1(), read_only);
                    for one in expected.values_mut().filter(|one| one.open && !(one.writes_only && read_only)) {
                        one.ids.push(frame.entry.event_id);
                    }
                    unapplied.push(frame);
                }
            }
        }
        house.lake.apply(&unapplied).await.expect("applied");
        for (id, one) in &expected {
            let store = house.lake.stores().find(super::account(), id).expect("a store");
            let mut ids = one.ids.clone();
            ids.sort_unstable();
            assert_eq!(house.ids(&store), ids, "seed {seed}, store {}", store.name);
        }
    }
}
