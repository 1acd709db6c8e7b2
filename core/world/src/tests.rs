use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;

use crate::World;

fn start() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().expect("a timestamp")
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let ids = |seed| {
        let (world, _) = World::simulated(seed, start());
        (0..3).map(|_| world.uuid_v4()).collect::<Vec<_>>()
    };
    assert_eq!(ids(7), ids(7));
    assert_ne!(ids(7), ids(8));
    assert!(ids(7).iter().all(|id| id[6] >> 4 == 4 && id[8] >> 6 == 2));
}

#[test]
fn a_sleeper_wakes_when_its_time_has_come_and_not_before() {
    let (world, clock) = World::simulated(1, start());
    let mut sleep = world.sleep(Duration::from_secs(5));
    clock.advance(Duration::from_secs(4));
    assert!((&mut sleep).now_or_never().is_none());
    clock.advance(Duration::from_secs(1));
    assert!(sleep.now_or_never().is_some());
    assert_eq!(world.now().duration_since(start()).as_secs(), 5);
}

#[test]
fn the_wall_clock_can_step_back_and_the_monotonic_clock_cannot() {
    let (world, clock) = World::simulated(1, start());
    clock.advance(Duration::from_secs(9));
    clock.set_wall(start());
    assert_eq!(world.now(), start());
    assert_eq!(world.monotonic(), Duration::from_secs(9));
}
