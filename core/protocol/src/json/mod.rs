//! awsJson 1.0 and 1.1.

mod decode;
mod encode;

pub use decode::{DEPTH_MAX, VALUES_MAX, decode};
pub(crate) use decode::{decode_shape, depth};
pub use encode::encode;
pub(crate) use encode::{separate, write_plain};

#[cfg(test)]
mod tests;
