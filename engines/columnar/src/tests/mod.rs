//! The table against the kit, against failing writes, and against damaged bytes.

mod crash;
mod damage;
mod format;
mod kit;
mod limits;
mod stores;
