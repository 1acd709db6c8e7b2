//! The table of operations: one file each.

mod add_tags;
mod create_trail;
mod delete_trail;
mod describe_trails;
mod get_event_selectors;
mod get_trail;
mod get_trail_status;
mod list_public_keys;
mod list_tags;
mod list_trails;
mod lookup_events;
mod put_event_selectors;
mod remove_tags;
mod start_logging;
mod stop_logging;
mod stores;
mod update_trail;

use std::sync::Arc;

use opentrail_history::History;
use opentrail_wire::Operation;
use opentrail_world::World;

use crate::desk::Desk;
use crate::lake::LakeDesk;
use crate::tags::Taggable;
use crate::{Parts, TokenKey};
use add_tags::AddTags;
use create_trail::CreateTrail;
use delete_trail::DeleteTrail;
use describe_trails::DescribeTrails;
use get_event_selectors::GetEventSelectors;
use get_trail::GetTrail;
use get_trail_status::GetTrailStatus;
use list_public_keys::ListPublicKeys;
use list_tags::ListTags;
use list_trails::ListTrails;
use lookup_events::LookupEvents;
use put_event_selectors::PutEventSelectors;
use remove_tags::RemoveTags;
use start_logging::StartLogging;
use stop_logging::StopLogging;
use update_trail::UpdateTrail;

/// The operations that are built.
pub(crate) fn table(parts: Parts) -> Vec<Box<dyn Operation>> {
    let Parts { history, trails, lake, world, token_key } = parts;
    let desk = Arc::new(trails);
    let lake = Arc::new(LakeDesk { lake });
    let mut table = stores::table(&desk, &lake);
    table.extend(trails_and_history(desk, lake, history, world, token_key));
    table
}

fn trails_and_history(
    desk: Arc<Desk>,
    lake: Arc<LakeDesk>,
    history: Arc<History>,
    world: World,
    token_key: TokenKey,
) -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(AddTags(Taggable { trails: desk.clone(), lake: lake.clone() })),
        Box::new(CreateTrail(desk.clone())),
        Box::new(DeleteTrail(desk.clone())),
        Box::new(DescribeTrails(desk.clone())),
        Box::new(GetEventSelectors(desk.clone())),
        Box::new(GetTrail(desk.clone())),
        Box::new(GetTrailStatus(desk.clone())),
        Box::new(ListPublicKeys(desk.clone())),
        Box::new(ListTags(Taggable { trails: desk.clone(), lake: lake.clone() })),
        Box::new(ListTrails(desk.clone())),
        Box::new(LookupEvents { history, world, token_key }),
        Box::new(PutEventSelectors(desk.clone())),
        Box::new(RemoveTags(Taggable { trails: desk.clone(), lake: lake.clone() })),
        Box::new(StartLogging(desk.clone())),
        Box::new(StopLogging(desk.clone())),
        Box::new(UpdateTrail(desk.clone())),
    ]
}
