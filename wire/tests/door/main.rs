//! The door from outside: real sockets, and behind it a house of toys that writes down what was done to it.
//!
//! The house's clock is simulated; the sockets are not, so the tests themselves wait in real time.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod across;
mod auth;
mod bearer;
mod bodies;
mod doubtful;
mod fixtures;
mod hostile;
mod house;
mod onward;
mod order;
mod pages;
mod rpc;
mod toys;
