//! Operations on event data stores: one file each.

mod create;
mod delete;
mod get;
mod get_configuration;
mod list;
mod put_configuration;
mod restore;
mod settings;
mod start_ingestion;
mod stop_ingestion;
mod update;

use std::sync::Arc;

use opentrail_wire::Operation;

use crate::desk::Desk;
use crate::lake::LakeDesk;
use create::CreateEventDataStore;
use delete::DeleteEventDataStore;
use get::GetEventDataStore;
use get_configuration::GetEventConfiguration;
use list::ListEventDataStores;
use put_configuration::PutEventConfiguration;
use restore::RestoreEventDataStore;
use start_ingestion::StartEventDataStoreIngestion;
use stop_ingestion::StopEventDataStoreIngestion;
use update::UpdateEventDataStore;

/// The operations that are built.
pub(super) fn table(trails: &Arc<Desk>, lake: &Arc<LakeDesk>) -> Vec<Box<dyn Operation>> {
    let (trails, lake) = (trails.clone(), lake.clone());
    vec![
        Box::new(CreateEventDataStore(lake.clone())),
        Box::new(DeleteEventDataStore(lake.clone())),
        Box::new(GetEventConfiguration { trails: trails.clone(), lake: lake.clone() }),
        Box::new(GetEventDataStore(lake.clone())),
        Box::new(ListEventDataStores(lake.clone())),
        Box::new(PutEventConfiguration { trails, lake: lake.clone() }),
        Box::new(RestoreEventDataStore(lake.clone())),
        Box::new(StartEventDataStoreIngestion(lake.clone())),
        Box::new(StopEventDataStoreIngestion(lake.clone())),
        Box::new(UpdateEventDataStore(lake)),
    ]
}
