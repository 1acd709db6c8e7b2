//! Whether somebody may, over everything that has a say: the decision procedure of `spec/policy.md` 4.

mod case;
mod rights;
mod ruling;

pub use case::{Case, ResourceKind};
pub use rights::{Attached, Holder, Rights, Source};
pub use ruling::{By, Layer, Ruling};
