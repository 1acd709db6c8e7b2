//! Who answers: an upstream named for the service; else ourselves, if we have it at all; else the general upstream.

use std::sync::Arc;

use opentrail_delivery::Upstream;

use crate::Passage;
use crate::door::life::Hall;

/// An upstream, and the rules by which calls go there.
#[derive(Clone)]
pub(crate) struct Onward {
    pub(crate) passage: Arc<Passage>,
    pub(crate) upstream: Arc<dyn Upstream>,
}

impl Hall {
    /// Where a request goes on to, if it does. `service` is the name in its signature's scope; without one it is taken for what
    /// it looks like, and only where calls may be unsigned.
    pub(crate) fn onward(&self, service: Option<&str>, looks_like: Option<&str>) -> Option<Onward> {
        let passage = self.passage.as_ref()?;
        let name = match service {
            Some(name) => name,
            None if passage.settings.anonymous => looks_like?,
            None => return None,
        };
        let named = passage.named.iter().find(|(known, _)| known == name).map(|(_, upstream)| upstream);
        let general = || passage.general.as_ref().filter(|_| !self.is_ours(name));
        let upstream = named.or_else(general)?.clone();
        Some(Onward { passage: passage.clone(), upstream })
    }
}
