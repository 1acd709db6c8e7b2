//! The server: settings, the composition of the house, and the command line.
//!
//! - **From** an operator: a configuration, arguments, signals.
//! - **To** every other crate: this is the one place that knows them all.
//! - **Promises** that the house opens from the engines outwards and closes the other way round, that a second server on
//!   the same folder is refused, and that a stop lets running calls end.
//! - **Does not promise** anything that a crate below does not: it only puts them together.
//! - **On crash** the next start does what is left to do before it says that it is ready.
//! - **Absent on purpose**: behaviour of an operation, and commands that change a folder without a running server.

pub mod cli;
pub mod client;
mod credentials_file;
mod house;
mod logs;
pub mod output;
pub mod settings;

pub use house::{AskSpace, House, HouseError, Parts, ShownSettings, Space, Upstreams};
