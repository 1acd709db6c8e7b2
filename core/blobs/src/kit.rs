//! The conformance kit: every engine behind [`Blobs`](crate::Blobs) passes it.
