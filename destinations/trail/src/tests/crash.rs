//! Every write fails, landed or not, with and without a crash; and random lives.

use opentrail_delivery::BucketError;
use proptest::prelude::*;

use super::*;

/// A life with everything in it; returns at the first step that fails.
async fn live(house: &mut House) -> Result<(), String> {
    house.deliver().await?;
    for place in ["us-east-1", "eu-west-1", "us-east-1"] {
        house.event(1, place).await;
    }
    house.deliver().await?;
    house.advance(300);
    house.event(1, "us-east-1").await;
    house.apply().await.map_err(|e| e.to_string())?;
    house.event(1, "eu-west-1").await;
    house.advance(3300);
    house.deliver().await
}

async fn prepared() -> House {
    let mut house = House::new().await;
    house.trail("all", Config { multi_region: true, ..config(BUCKET) }).await;
    house.trail("same", Config { multi_region: true, ..config("other") }).await;
    house.trail("plain", Config { log_file_validation: false, ..config(BUCKET) }).await;
    house
}

/// Ends every run, and delivers all there is.
async fn finish(house: &mut House) {
    for _ in 0..3 {
        house.advance(3700);
        house.deliver().await.expect("all works again");
    }
    let trails = house.trails.clone();
    house.owed().await;
    for trail in trails.list(account(1)) {
        let call = house.owing(&trail);
        house.changed(trails.delete(&trail.id, Some(&call))).await;
    }
    house.deliver().await.expect("all works again");
    house.owed().await;
    house.event(1, "us-east-1").await;
    for _ in 0..4 {
        house.advance(90_000);
        house.deliver().await.expect("all works again");
    }
    house.audit.complete = true;
    house.check().await;
    assert_eq!(house.delivery.spool.ledger().held(), (0, 0), "{:?}", house.delivery.spool.ledger());
    assert!(house.trails.timeline().leaving().is_empty(), "nothing is left to be done");
    let left: Vec<_> = house.stores.catalog.rows().into_keys().map(|key| format!("{key:?}")).collect();
    let kept = |name: &&String| name.starts_with("trail/key") || name.starts_with("trail/follower");
    assert!(left.iter().all(|name| kept(&name)), "{left:?}");
}

#[tokio::test]
async fn every_write_may_fail_landed_or_not_with_and_without_a_crash() {
    let writes = {
        let mut house = prepared().await;
        let before = house.stores.writes();
        live(&mut house).await.expect("nothing fails");
        let writes = house.stores.writes() - before;
        finish(&mut house).await;
        writes
    };
    assert!(writes > 20, "{writes}");
    for nth in 0..writes {
        for (lands, crash) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut house = prepared().await;
            house.stores.fail(nth, lands, crash);
            let _ = live(&mut house).await;
            assert!(house.stores.mend(), "write {nth} was made");
            if crash {
                house.restart().await.expect("it opens again");
            }
            live(&mut house).await.expect("all works again");
            finish(&mut house).await;
            if crash {
                assert!(house.stores.blob_names().is_empty(), "write {nth} left {:?}", house.stores.blob_names());
            } else {
                house.restart().await.expect("it opens again");
                assert!(house.stores.blob_names().is_empty(), "the next start sweeps");
            }
        }
    }
}

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Event(u8),
    Apply,
    Commit,
    Publish,
    Digest,
    Advance(u16),
    StepBack(u16),
    Restart,
    Bucket(bool),
    Stop,
    Start,
    Move,
    Spread,
    Fail(u8, bool, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..3).prop_map(Step::Event),
        4 => Just(Step::Apply),
        3 => Just(Step::Commit),
        3 => Just(Step::Publish),
        3 => Just(Step::Digest),
        4 => (1_u16..5_000).prop_map(Step::Advance),
        1 => (1_u16..5_000).prop_map(Step::StepBack),
        2 => Just(Step::Restart),
        2 => any::<bool>().prop_map(Step::Bucket),
        1 => Just(Step::Stop),
        2 => Just(Step::Start),
        1 => Just(Step::Move),
        1 => Just(Step::Spread),
        2 => (0_u8..6, any::<bool>(), any::<bool>()).prop_map(|(nth, lands, gone)| Step::Fail(nth, lands, gone)),
    ]
}

async fn take(house: &mut House, step: Step) {
    let trails = house.trails.clone();
    let trail = trails.find(account(1), &region("us-east-1"), "all").expect("it is there");
    match step {
        Step::Event(n) => {
            house.owed().await;
            house.event(1, ["us-east-1", "eu-west-1", "sa-east-1"][usize::from(n)]).await;
        }
        Step::Apply => drop(house.apply().await),
        Step::Commit => drop(house.delivery.commit().await),
        Step::Publish => house.delivery.publish_due().await,
        Step::Digest => house.digests().await,
        Step::Advance(seconds) => house.advance(seconds.into()),
        Step::StepBack(seconds) => {
            let back = house.world.now() - Duration::from_secs(seconds.into());
            house.clock.set_wall(back);
        }
        Step::Restart => {
            house.stores.mend();
            house.restart().await.expect("it opens again");
        }
        Step::Bucket(works) => {
            let fault = (!works).then(|| BucketError::Unavailable("down".into()));
            house.buckets.fail(BUCKET, fault);
        }
        Step::Stop | Step::Start | Step::Move | Step::Spread => {
            house.stores.mend();
            let mut config = trail.config.clone();
            config.bucket = if config.bucket == BUCKET { "other".into() } else { BUCKET.into() };
            // A start is told in the files that it begins.
            let call = if matches!(step, Step::Start) { String::new() } else { house.owing(&trail) };
            match step {
                Step::Stop => house.changed(trails.stop_logging(&trail.id, Some(&call))).await,
                Step::Start => house.changed(trails.start_logging(&trail.id)).await,
                Step::Move => house.changed(trails.update(&trail, config, Some(&call))).await,
                _ => {
                    let config = Config { multi_region: !trail.config.multi_region, ..trail.config.clone() };
                    house.changed(trails.update(&trail, config, Some(&call))).await
                }
            };
        }
        Step::Fail(nth, lands, gone) => house.stores.fail(nth.into(), lands, gone),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_event_is_in_one_file_and_each_file_in_one_digest(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut house = prepared().await;
            for step in steps {
                take(&mut house, step).await;
            }
            house.buckets.fail(BUCKET, None);
            house.stores.mend();
            house.restart().await.expect("it opens again");
            finish(&mut house).await;
        });
    }
}
