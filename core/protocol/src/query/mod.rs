//! The Query protocol: form parameters in, XML out.

mod decode;
mod encode;
mod form;

pub use decode::decode;
pub(crate) use decode::{form_name, read_scalar};
pub use encode::encode;
pub(crate) use form::unescape;
pub use form::{FORM_BYTES_MAX, PAIRS_MAX, parse_form};

#[cfg(test)]
mod tests;
