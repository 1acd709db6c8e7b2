//! The conformance kit: every engine behind [`Catalog`](crate::Catalog) passes it.
