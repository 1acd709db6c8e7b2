//! Data events are wanted where anybody wants them: a trail, or an event data store.

use std::sync::Arc;

use opentrail_selector::{DataEvent, Interest};

/// All who select.
pub(super) struct Anybody(pub(super) Vec<Arc<dyn Interest>>);

impl Interest for Anybody {
    fn wants(&self, event: &DataEvent<'_>) -> bool {
        self.0.iter().any(|one| one.wants(event))
    }
}
