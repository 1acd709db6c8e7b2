//! The tables of `spec/policy.md`, and what must not take long.
