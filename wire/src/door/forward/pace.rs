//! How slow somebody may be who is not proven: an upstream has few places, and whoever holds one without moving keeps it from all
//! others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use opentrail_world::World;

use crate::door::body::Pieces;
use crate::errors::body::BodyTrouble;

/// Time that is given to everybody.
const GRACE: Duration = Duration::from_secs(20);
/// And then so many bytes have to have gone by in each second, on the average.
const BYTES_PER_S: u64 = 16 * 1024;

/// Counts what has gone by of one call, in both directions. Clones count together.
#[derive(Clone)]
pub(super) struct Pace {
    world: World,
    began: Duration,
    bytes: Arc<AtomicU64>,
}

impl Pace {
    pub(super) fn new(world: World) -> Self {
        let began = world.monotonic();
        Self { world, began, bytes: Arc::default() }
    }

    /// So much more has gone by.
    pub(super) fn passed(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns when it has become too slow.
    pub(super) async fn lost(&self) {
        loop {
            let bytes = self.bytes.load(Ordering::Relaxed);
            let until = GRACE + Duration::from_millis(bytes.saturating_mul(1000) / BYTES_PER_S);
            let since = self.world.monotonic().saturating_sub(self.began);
            match until.checked_sub(since) {
                Some(left) if !left.is_zero() => self.world.sleep(left).await,
                _ => return,
            }
        }
    }
}

/// From now on `pieces` end in trouble where they come too slowly.
pub(super) fn keep(pace: Pace, pieces: &mut Pieces) {
    let all = std::mem::replace(pieces, stream::empty().boxed());
    *pieces = stream::unfold(Some((all, pace)), |state| async move {
        let (mut all, pace) = state?;
        tokio::select! {
            biased;
            piece = all.next() => {
                let piece = piece?;
                pace.passed(piece.as_ref().map_or(0, bytes::Bytes::len));
                Some((piece, Some((all, pace))))
            }
            () = pace.lost() => {
                metrics::counter!("opentrail_door_slow_guests_total").increment(1);
                Some((Err(BodyTrouble::Idle), None))
            }
        }
    })
    .boxed();
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::executor::block_on;
    use futures::poll;
    use opentrail_world::World;

    use super::*;

    #[test]
    fn who_is_too_slow_is_cut_off() {
        let (world, clock) = World::simulated(7, "2026-03-01T10:00:00Z".parse().expect("a time"));
        let pace = Pace::new(world);
        let first = stream::iter([Ok(Bytes::from(vec![0; 160 * 1024]))]);
        let mut pieces: Pieces = first.chain(stream::pending()).boxed();
        keep(pace, &mut pieces);
        block_on(async {
            assert!(matches!(pieces.next().await, Some(Ok(_))));
            // 160 KiB are worth ten seconds more.
            clock.advance(Duration::from_secs(29));
            assert!(poll!(pieces.next()).is_pending());
            clock.advance(Duration::from_secs(1));
            assert!(matches!(pieces.next().await, Some(Err(BodyTrouble::Idle))));
            assert!(pieces.next().await.is_none());
        });
    }
}
