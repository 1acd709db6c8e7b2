//! Looks after parts, and after stores that are to be no more. Apart from commits, so that a long merge holds up no seal.

use std::time::Duration;

use opentrail_table::{Error, Table};
use tokio::sync::watch;

use crate::Lake;

/// Parts are looked after so often.
const TEND_PERIOD: Duration = Duration::from_secs(1);
/// Events and stores that are too old are looked for so often.
const EXPIRE_PERIOD: Duration = Duration::from_secs(3_600);

impl Lake {
    /// Merges, expires and removes where it is time, until `stop` shows true or its sender is gone.
    pub async fn tend(&self, mut stop: watch::Receiver<bool>) {
        // Not at the start: a machine that boots with a wrong clock gets time to set it before anything is deleted.
        let mut expired_at = self.world.monotonic();
        // What an earlier run had begun to remove; after that only those that are forgotten here leave tables.
        self.remove_leaving().await;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                () = self.world.sleep(TEND_PERIOD) => {}
            }
            let expires = self.world.monotonic().saturating_sub(expired_at) >= EXPIRE_PERIOD;
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                () = self.look_after_tables(expires) => {}
            }
            if expires {
                expired_at = self.world.monotonic();
            }
        }
    }

    /// What fails here costs space, not events, and is tried again later.
    pub(crate) async fn look_after_tables(&self, expires: bool) {
        let expires = expires && (self.clock_is_believed)();
        for store in self.stores.now().iter() {
            let Ok(table) = self.table(store).await else { continue };
            merge_all(&*table).await;
            if expires {
                let horizon_s = store.horizon_s(self.world.now().as_second());
                if let Err(error) = table.expire(horizon_s).await {
                    tracing::warn!(%error, store = store.id, "expire parts of a store");
                }
            }
        }
        if expires {
            for id in self.stores.overdue() {
                if let Err(error) = self.stores.forget(&id).await {
                    tracing::warn!(%error, store = id, "delete a store");
                }
            }
            self.remove_leaving().await;
        }
    }

    /// Removes the tables of stores that are no more, those of earlier runs too.
    async fn remove_leaving(&self) {
        let leaving = match self.stores.leaving().await {
            Ok(leaving) => leaving,
            Err(error) => return tracing::warn!(%error, "look for tables to remove"),
        };
        for id in leaving {
            self.drop_course(&id);
            if let Err(error) = self.tables.remove(&id).await {
                tracing::warn!(%error, store = id, "remove the table of a store");
                continue;
            }
            match self.stores.left(&id).await {
                Ok(()) => tracing::info!(store = id, "removed the table of a deleted store"),
                Err(error) => tracing::warn!(%error, store = id, "note that the table of a store is removed"),
            }
        }
    }
}

async fn merge_all(table: &dyn Table) {
    loop {
        match table.merge().await {
            Ok(true) => {}
            Ok(false) | Err(Error::Removed(_)) => return,
            Err(error) => return tracing::warn!(%error, store = %table.schema().table, "merge parts of a store"),
        }
    }
}
