//! The table of operations: one file each.

mod lookup_events;

use std::sync::Arc;

use opentrail_history::History;
use opentrail_wire::Operation;
use opentrail_world::World;

use crate::TokenKey;
use lookup_events::LookupEvents;

/// The operations that are built.
pub(crate) fn table(history: Arc<History>, world: World, token_key: TokenKey) -> Vec<Box<dyn Operation>> {
    vec![Box::new(LookupEvents { history, world, token_key })]
}
