//! What is in force where.

use opentrail_event::Region;
use opentrail_journal::Partition;
use proptest::prelude::*;

use super::*;
use crate::Config;

fn place(offsets: [u64; 2]) -> Positions {
    Positions(offsets.into_iter().enumerate().map(|(p, offset)| (Partition(p as u32), offset)).collect())
}

fn at(partition: u32, offset: u64) -> Position {
    Position { partition: Partition(partition), offset }
}

fn revision(account: &str, id: &str, revision: u64, from: [u64; 2], deleted: bool) -> Arc<Trail> {
    Arc::new(Trail {
        id: id.to_owned(),
        revision,
        account: account.parse().unwrap(),
        name: format!("trail-{id}"),
        home: Region::us_east_1(),
        config: Config {
            bucket: "logs".into(),
            prefix: None,
            include_global_service_events: true,
            multi_region: false,
            log_file_validation: false,
            recursive_logging: true,
        },
        selectors: None,
        logging: None,
        started_s: None,
        stopped_s: None,
        tags: BTreeMap::new(),
        deleted,
        from: place(from),
    })
}

/// `id:revision` of each trail.
fn shown(snapshot: &Snapshot) -> String {
    let each = snapshot.trails.iter().map(|trail| format!("{}:{}", trail.id, trail.revision));
    each.collect::<Vec<_>>().join(" ")
}

const ONE: &str = "111111111111";
const TWO: &str = "222222222222";

#[test]
fn each_entry_sees_the_trails_of_its_place() {
    let timeline = Timeline::of(vec![], vec![]);
    assert_eq!(shown(&timeline.at(at(0, 0))), "");
    timeline.change(revision(TWO, "a", 1, [5, 0], false), None);
    timeline.change(revision(ONE, "b", 1, [5, 3], false), None);
    timeline.change(revision(TWO, "a", 2, [9, 3], false), None);
    timeline.change(revision(ONE, "b", 2, [9, 7], true), None);
    for (partition, offset, expect) in [
        (0, 4, ""),
        (0, 5, "b:1 a:1"),
        (0, 8, "b:1 a:1"),
        (0, 9, "a:2"),
        // The first change was made while partition 1 was empty.
        (1, 0, "a:1"),
        (1, 2, "a:1"),
        (1, 3, "b:1 a:2"),
        (1, 7, "a:2"),
    ] {
        assert_eq!(shown(&timeline.at(at(partition, offset))), expect, "{partition}:{offset}");
    }
    assert_eq!(shown(&timeline.current()), "a:2");
    assert_eq!(timeline.leaving().len(), 1);
    timeline.forget("b");
    assert!(timeline.leaving().is_empty());
}

#[test]
fn what_was_passed_goes_and_what_was_not_stays() {
    let timeline = Timeline::of(vec![], vec![]);
    timeline.change(revision(ONE, "a", 1, [5, 5], false), None);
    timeline.change(revision(ONE, "a", 2, [10, 5], false), None);
    timeline.passed(&place([9, 40]));
    assert_eq!(shown(&timeline.at(at(0, 9))), "a:1");
    assert_eq!(shown(&timeline.at(at(0, 0))), "a:1", "the empty beginning is gone");
    timeline.passed(&place([10, 40]));
    assert_eq!(shown(&timeline.at(at(0, 9))), "a:2");
    timeline.passed(&place([100, 100]));
    assert_eq!(shown(&timeline.current()), "a:2", "the newest never goes");
}

#[test]
fn changes_at_one_place_are_one() {
    let timeline = Timeline::of(vec![], vec![]);
    let mut watch = timeline.watch();
    timeline.change(revision(ONE, "a", 1, [5, 5], false), None);
    timeline.change(revision(ONE, "a", 2, [5, 5], true), None);
    timeline.change(revision(ONE, "b", 1, [5, 5], false), None);
    assert_eq!(shown(&timeline.at(at(0, 5))), "b:1");
    assert_eq!(shown(&timeline.at(at(0, 4))), "");
    assert!(watch.has_changed().unwrap());
    assert_eq!(*watch.borrow_and_update(), 3);
}

#[test]
fn an_account_sees_its_own() {
    let timeline = Timeline::of(vec![], vec![]);
    for (account, id) in [(TWO, "c"), (ONE, "d"), (TWO, "a"), (ONE, "b")] {
        timeline.change(revision(account, id, 1, [1, 1], false), None);
    }
    let current = timeline.current();
    let ids = |account: &str| current.of(account.parse().unwrap()).iter().map(|t| t.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(ONE), ["b", "d"]);
    assert_eq!(ids(TWO), ["a", "c"]);
    assert!(ids("333333333333").is_empty());
    assert_eq!(current.by_id("c").unwrap().name, "trail-c");
}

proptest! {
    /// A restart reads the revisions back in any order and finds the same trails at every place.
    #[test]
    fn a_restart_makes_the_same_timeline(
        steps in prop::collection::vec((0..3usize, 0..2u64, 0..3u64, prop::bool::weighted(0.2)), 0..20),
        turn in any::<prop::sample::Index>(),
    ) {
        let live = Timeline::of(vec![], vec![]);
        let mut revisions = Vec::new();
        let (mut count, mut generation, mut ends) = ([0u64; 3], [0; 3], [0u64; 2]);
        for (who, grow, other, deleted) in steps {
            ends = [ends[0] + grow, ends[1] + other];
            count[who] += 1;
            let id = format!("{who}{}", generation[who]);
            let next = revision(ONE, &id, count[who], ends, deleted);
            if deleted {
                (generation[who], count[who]) = (generation[who] + 1, 0);
            }
            live.change(next.clone(), None);
            revisions.push(next);
        }
        if !revisions.is_empty() {
            let mid = turn.index(revisions.len());
            revisions.rotate_left(mid);
        }
        let again = Timeline::of(revisions, vec![]);
        for partition in 0..2 {
            for offset in 0..=ends[partition as usize] {
                let (a, b) = (live.at(at(partition, offset)), again.at(at(partition, offset)));
                prop_assert_eq!(shown(&a), shown(&b));
            }
        }
        prop_assert_eq!(live.leaving(), again.leaving());
    }
}
