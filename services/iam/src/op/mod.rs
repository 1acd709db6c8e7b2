//! IAM's operations: a table, and a module for each kind of thing they are about.

pub(crate) mod account;
mod attachments;
mod boundaries;
mod details;
mod groups;
mod inline;
mod keys;
pub(crate) mod linked;
mod login;
mod mfa;
pub(crate) mod policies;
mod profiles;
pub(crate) mod providers;
mod report;
mod roles;
mod simulate;
mod table;
mod tagging;
pub(crate) mod users;

pub(crate) use table::table;
