//! A fresh, migrated database for each test of a program, in milliseconds.
//!
//! The migrations run once, into a template that is named after the content of all of them; each test gets a copy of it:
//! of a file in SQLite, by `CREATE DATABASE … TEMPLATE` in Postgres. Whoever comes first makes the template, in whatever
//! process or thread; the others wait for it. A change of any migration or seed gives another template.
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # mod tests {
//! use whimbrel::DirectorySource;
//! use whimbrel::test_support::Template;
//!
//! #[tokio::test]
//! async fn a_board_is_there() {
//!     let template = Template::new(|migrator| migrator.source(DirectorySource::new("migrations")));
//!     let database = template.sqlite().await.unwrap();
//!     // The program under test opens `database.url()`.
//! }
//! # }
//! ```
//!
//! A test's database goes when its value is dropped, also when the test panics. What a killed process left is removed by
//! later ones: databases of tests after an hour, templates after a week without use.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use whimbrel_core::{BackendError, MigrateError, MigrationBackend, Migrator};

#[cfg(feature = "postgres")]
pub use postgres::PostgresTest;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteTest;

/// How long a database of a test is kept whose process is gone.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// How long a template is kept that nobody uses.
const UNUSED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

type Configure = dyn Fn(Migrator) -> Migrator + Send + Sync;

/// What every test's database holds: a migrator's sources and seeds, applied to an empty database.
///
/// Cheap to clone and to make: keep one in a `static`, or make it in each test.
#[derive(Clone)]
pub struct Template {
    configure: Arc<Configure>,
    #[cfg(feature = "sqlite")]
    folder: Option<std::path::PathBuf>,
}

impl Template {
    /// A template from what `configure` adds to a migrator: sources, seeds, roles, settings.
    pub fn new(configure: impl Fn(Migrator) -> Migrator + Send + Sync + 'static) -> Self {
        Self {
            configure: Arc::new(configure),
            #[cfg(feature = "sqlite")]
            folder: None,
        }
    }

    fn migrator(&self, backend: Arc<dyn MigrationBackend>) -> Migrator {
        (self.configure)(Migrator::shared(backend))
    }

    /// What tells this template from others: 16 hexadecimal digits.
    fn key(&self, backend: Arc<dyn MigrationBackend>) -> Result<String, MigrateError> {
        let fingerprint = self.migrator(backend).fingerprint()?.to_string();
        let digits = fingerprint.rsplit(':').next().unwrap_or_default();
        Ok(digits.chars().take(16).collect())
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").finish_non_exhaustive()
    }
}

/// Why a test got no database.
#[derive(Debug)]
#[non_exhaustive]
pub enum TestDatabaseError {
    /// The migrations could not be loaded or applied.
    Migrate(Box<MigrateError>),
    /// The server refused to make the database or the template.
    Backend(BackendError),
    /// A file could not be made, copied or removed.
    Io(std::io::Error),
}

impl fmt::Display for TestDatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Migrate(error) => write!(f, "the template could not be migrated: {error}"),
            Self::Backend(error) => write!(f, "the database of the test could not be made: {error}"),
            Self::Io(error) => write!(f, "the file of the test could not be made: {error}"),
        }
    }
}

impl std::error::Error for TestDatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Migrate(error) => Some(&**error),
            Self::Backend(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<MigrateError> for TestDatabaseError {
    fn from(error: MigrateError) -> Self {
        Self::Migrate(Box::new(error))
    }
}

impl From<BackendError> for TestDatabaseError {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

impl From<std::io::Error> for TestDatabaseError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// A name that nobody else has: when, by which process, the how many-th.
fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}_{:x}_{:x}_{count}", now.as_secs(), std::process::id(), now.subsec_nanos())
}

/// How long ago a name of [`unique`] was given; `None` for another name.
fn age(name: &str) -> Option<Duration> {
    let seconds = name.split('_').next()?.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(now.saturating_sub(Duration::from_secs(seconds)))
}
