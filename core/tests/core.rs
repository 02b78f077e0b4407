//! The crate's one integration test binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it fails")]

#[path = "core/backup.rs"]
mod backup;
#[path = "core/fake.rs"]
mod fake;
#[path = "core/faults.rs"]
mod faults;
#[path = "core/fixtures.rs"]
mod fixtures;
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
