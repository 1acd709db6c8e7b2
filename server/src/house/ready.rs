//! Ready means: what was recorded before the start is found again.

use std::time::Duration;

use opentrail_journal::PumpStatus;
use opentrail_world::World;
use tokio::sync::watch;

/// How long a start waits for followers. A longer way to go is gone with the door open, and shows as lag.
const CATCH_UP_MAX: Duration = Duration::from_secs(5);

/// Returns when every follower has applied all there was, or after [`CATCH_UP_MAX`].
pub(super) async fn caught_up(world: &World, followers: Vec<watch::Receiver<PumpStatus>>) {
    let all = async {
        for mut status in followers {
            // The first status comes after the first look at the journal; a pump that is gone is not waited for.
            let looked = status.changed().await;
            if looked.is_ok() {
                drop(status.wait_for(|status| status.lag.entries == 0).await);
            }
        }
    };
    tokio::select! {
        () = all => {}
        () = world.sleep(CATCH_UP_MAX) => tracing::warn!("followers are still behind; look-ups may miss the newest events"),
    }
}
