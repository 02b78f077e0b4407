//! How the command ends. Scripts depend on these numbers: none changes its meaning, and none is used again.

use whimbrel::{BackendError, BackendErrorKind, MigrateErrorKind};

/// Done.
pub const DONE: u8 = 0;
/// Failed: the files or the plan are refused, or the database refused something besides a migration.
pub const FAILED: u8 = 1;
/// The arguments or the configuration are wrong. Nothing was touched.
pub const USAGE: u8 = 2;
/// Checked, and not in the asked state (`status --check`).
pub const NOT_AS_ASKED: u8 = 3;
/// A migration failed and was rolled back.
pub const ROLLED_BACK: u8 = 4;
/// A migration failed part-way or is in doubt: a person must look.
pub const NEEDS_ATTENTION: u8 = 5;
/// The lock could not be had in time.
pub const LOCK_WAIT: u8 = 6;
/// The database cannot be reached.
pub const UNREACHABLE: u8 = 7;
/// Interrupted by a signal.
pub const INTERRUPTED: u8 = 130;

/// The exit code for the end that a run came to.
#[must_use]
pub fn of_run(kind: MigrateErrorKind) -> u8 {
    match kind {
        MigrateErrorKind::Config => USAGE,
        MigrateErrorKind::Unreachable => UNREACHABLE,
        MigrateErrorKind::LockWait => LOCK_WAIT,
        MigrateErrorKind::RolledBack => ROLLED_BACK,
        MigrateErrorKind::NeedsAttention => NEEDS_ATTENTION,
        MigrateErrorKind::Cancelled => INTERRUPTED,
        // Refused, failed, and what a later release of the library adds.
        _ => FAILED,
    }
}

/// The exit code for a database error outside of a run.
#[must_use]
pub fn of_database(error: &BackendError) -> u8 {
    match error.kind() {
        BackendErrorKind::Config | BackendErrorKind::Unsupported => USAGE,
        BackendErrorKind::Unreachable
        | BackendErrorKind::ConnectionLost
        | BackendErrorKind::Authentication
        | BackendErrorKind::NoSuchDatabase => UNREACHABLE,
        BackendErrorKind::Busy => LOCK_WAIT,
        _ => FAILED,
    }
}
