//! Which event data stores a statement may be about: asked before anybody has planned it.

use std::sync::Arc;

use opentrail_event::Arn;
use opentrail_lake::EventDataStore;
use opentrail_wire::Cx;

use super::QueryDesk;

impl QueryDesk {
    /// The stores of the caller's account and region whose id occurs in the statement; if there is but one store, that one,
    /// for it needs no id. The statement sees these and no others, however it may spell a name.
    pub(crate) fn named_in(&self, cx: &Cx, statement: &str) -> Vec<Arc<EventDataStore>> {
        let mut stores = self.stores.lake.stores().list(cx.account(), &cx.region);
        if stores.len() > 1 {
            let statement = statement.to_ascii_lowercase();
            stores.retain(|store| statement.contains(&store.id));
        }
        stores
    }

    /// What the decider is asked about.
    pub(crate) fn arns_in(&self, cx: &Cx, statement: &str) -> Vec<Arn> {
        self.named_in(cx, statement).iter().map(|store| store.arn()).collect()
    }
}
