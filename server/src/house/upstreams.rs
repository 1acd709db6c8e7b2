//! Upstreams: who answers in our place, as the door needs it.

use std::sync::Arc;

use opentrail_catalog::Catalog;
use opentrail_delivery::Upstream;
use opentrail_event::AccountId;
use opentrail_policy::{PassedSessions, Seal};
use opentrail_protocol::atlas::Atlas;
use opentrail_wire::{Passage, PassageSettings, Signing};
use opentrail_world::World;

use crate::settings::Settings;

/// Engines that dial out, and the keys with which calls are signed for them.
#[derive(Default)]
pub struct Upstreams {
    /// By the service's name in signatures.
    pub named: Vec<(String, Arc<dyn Upstream>)>,
    pub general: Option<Arc<dyn Upstream>>,
    pub signing: Option<Signing>,
}

impl Upstreams {
    /// What the door passes on, if anything. `first` is the account of those whose key does not say theirs, where the settings
    /// name none.
    pub(super) fn passage(
        self,
        settings: &Settings,
        first: AccountId,
        catalog: &Arc<dyn Catalog>,
        seal: &Arc<dyn Seal>,
        world: &World,
    ) -> Option<Passage> {
        let Self { named, general, signing } = self;
        if named.is_empty() && general.is_none() {
            return None;
        }
        Some(Passage {
            atlas: Atlas::builtin(),
            named,
            general,
            sessions: Arc::new(PassedSessions::new(catalog.clone(), seal.clone(), world.clone())),
            settings: PassageSettings {
                account: settings.upstream_account.unwrap_or(first),
                anonymous: settings.upstream_anonymous,
                body_bytes_max: settings.upstream_body_bytes_max,
                guests_max: (settings.upstream_connections / 4).max(1),
                on_failure: settings.capture_on_failure,
                signing,
            },
        })
    }
}
