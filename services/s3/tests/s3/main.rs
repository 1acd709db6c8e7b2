//! The service as the door drives it: requests in, answers and faults out, over engines in memory that fail when told to.

#![allow(clippy::unwrap_used)]

mod buckets;
mod copies;
mod crash;
mod deliver;
mod door;
mod engines;
mod guards;
mod hostile;
mod listing;
mod local;
mod model;
mod objects;
mod policies;
mod record;
mod tagging;
mod uploads;
mod uploads_crash;
