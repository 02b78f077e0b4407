//! The same for programs without async.
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use whimbrel::blocking;
//! use whimbrel::sqlite::SqliteBackend;
//! use whimbrel::{DirectorySource, Migrator};
//!
//! let migrator = Migrator::new(SqliteBackend::open("app.db")).source(DirectorySource::new("migrations"));
//! let report = blocking::migrate(&migrator)?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```

use whimbrel_core::{MigrateError, Migrator, Preview, Report, Status, Untracked};

/// [`Migrator::migrate`], on this thread.
///
/// # Errors
///
/// As [`Migrator::migrate`].
///
/// # Panics
///
/// On a thread that runs async tasks: use the async form there.
pub fn migrate(migrator: &Migrator) -> Result<Report, MigrateError> {
    block_on(migrator.migrate())
}

/// [`Migrator::track`], on this thread.
///
/// # Errors
///
/// As [`Migrator::track`].
///
/// # Panics
///
/// As [`migrate`].
pub fn track(migrator: &Migrator, policy: &dyn Untracked) -> Result<Report, MigrateError> {
    block_on(migrator.track(policy))
}

/// [`Migrator::adopt`], on this thread.
///
/// # Errors
///
/// As [`Migrator::adopt`].
///
/// # Panics
///
/// As [`migrate`].
#[cfg(feature = "other-tools")]
pub fn adopt(
    migrator: &Migrator,
    accept: &[whimbrel_core::FindingKind],
) -> Result<whimbrel_core::Adoption, MigrateError> {
    block_on(migrator.adopt(accept))
}

/// [`Migrator::plan`], on this thread.
///
/// # Errors
///
/// As [`Migrator::plan`].
///
/// # Panics
///
/// As [`migrate`].
pub fn plan(migrator: &Migrator) -> Result<Preview, MigrateError> {
    block_on(migrator.plan())
}

/// [`Migrator::check`], on this thread.
///
/// # Errors
///
/// As [`Migrator::check`].
///
/// # Panics
///
/// As [`migrate`].
pub fn check(migrator: &Migrator) -> Result<(), MigrateError> {
    block_on(migrator.check())
}

/// [`Migrator::status`], on this thread.
///
/// # Errors
///
/// As [`Migrator::status`].
///
/// # Panics
///
/// As [`migrate`].
pub fn status(migrator: &Migrator) -> Result<Status, MigrateError> {
    block_on(migrator.status())
}

fn block_on<T>(future: impl Future<Output = Result<T, MigrateError>>) -> Result<T, MigrateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(no_runtime)?.block_on(future)
}

fn no_runtime(error: std::io::Error) -> MigrateError {
    let kind = whimbrel_core::BackendErrorKind::Internal;
    let error = whimbrel_core::BackendError::new(kind, "no runtime could be made").with_source(error);
    MigrateError::Connect { error, report: Box::default() }
}
