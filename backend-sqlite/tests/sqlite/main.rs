//! The SQLite backend against real files, connections and a second process.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod backup;
mod claims;
mod files;
mod interruption;
mod programs;
#[cfg(feature = "schema")]
mod schema;
mod support;
mod sync_cost;
