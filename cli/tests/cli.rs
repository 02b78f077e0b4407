//! The command as people and scripts see it, on SQLite.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that finds nothing fails")]

#[path = "cli/backups.rs"]
mod backups;
#[path = "cli/branches.rs"]
mod branches;
#[path = "cli/case.rs"]
mod case;
#[path = "cli/cases.rs"]
mod cases;
#[path = "cli/processes.rs"]
mod processes;
