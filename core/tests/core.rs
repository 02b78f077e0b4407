//! The crate's one integration test binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it fails")]

#[path = "core/backup.rs"]
mod backup;
#[path = "core/check.rs"]
mod check;
#[path = "core/fake.rs"]
mod fake;
#[path = "core/faults.rs"]
mod faults;
#[path = "core/fixtures.rs"]
mod fixtures;
// The suite has it too.
#[path = "../../tests/src/long.rs"]
#[expect(unreachable_pub, reason = "it is a module of another crate's library")]
mod long;
#[path = "core/migrator.rs"]
mod migrator;
#[path = "core/refusals.rs"]
mod refusals;
#[path = "core/schedule.rs"]
mod schedule;
#[path = "core/settings.rs"]
mod settings;
#[path = "core/split.rs"]
mod split;
#[path = "core/split_fuzz.rs"]
mod split_fuzz;
