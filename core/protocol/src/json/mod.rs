//! awsJson 1.0 and 1.1.

mod decode;
mod encode;

pub(crate) use decode::depth;
pub use decode::{DEPTH_MAX, VALUES_MAX, decode};
pub use encode::encode;
pub(crate) use encode::{separate, write_plain};

#[cfg(test)]
mod tests;
