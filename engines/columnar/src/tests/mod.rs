//! The table against the kit, against failing writes, and against damaged bytes.

mod crash;
mod damage;
mod format;
mod ingest;
mod kit;
mod limits;
mod old;
mod removal;
mod scan;
mod shapes;
mod stores;
