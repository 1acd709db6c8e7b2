//! The conformance kit: every engine behind [`Table`](crate::Table) passes it.
