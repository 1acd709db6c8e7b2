//! The conformance kit: every engine behind [`Journal`](crate::Journal) passes it.
