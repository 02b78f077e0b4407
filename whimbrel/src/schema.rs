//! The schema engine with the dialects of this build: what `generate`, `verify` and `diff` are made of.
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # fn main() {
//! use whimbrel::schema::{dialect, model::Schema, Storage};
//!
//! let sqlite = dialect("sqlite").expect("this build has it");
//! assert_eq!(sqlite.lower(&Schema::default(), &Storage::default()), Ok(Schema::default()));
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```

#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[cfg(feature = "other-tools")]
mod adopted;
mod push;
mod scratch;
mod untracked;

use whimbrel_core::{BOOKKEEPING, BackendError, MigrationBackend, SqlSession};
use whimbrel_schema::generate::Scratch;
pub use whimbrel_schema::*;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use push::{Push, PushError};
pub use untracked::{Baseline, BaselineError, Baselined, Different};

#[cfg(feature = "sqlite")]
pub use scratch::MemoryScratch;
#[cfg(feature = "postgres")]
pub use scratch::ServerScratch;

use model::ObjectName;

/// Throw-away databases, where there is a place for them.
type MaybeScratch = Result<Option<Box<dyn Scratch>>, BackendError>;

/// A dialect of this build, and where its migrations can be proved.
struct Known {
    name: &'static str,
    dialect: &'static dyn SchemaDialect,
    scratch: fn(Option<&str>) -> MaybeScratch,
}

#[cfg(feature = "sqlite")]
static SQLITE: whimbrel_backend_sqlite::SqliteSchema = whimbrel_backend_sqlite::SqliteSchema::new();
#[cfg(feature = "postgres")]
static POSTGRES: whimbrel_backend_postgres::PostgresSchema = whimbrel_backend_postgres::PostgresSchema::new();

static KNOWN: &[Known] = &[
    #[cfg(feature = "sqlite")]
    Known { name: "sqlite", dialect: &SQLITE, scratch: scratch::in_memory },
    #[cfg(feature = "postgres")]
    Known { name: "postgres", dialect: &POSTGRES, scratch: scratch::on_server },
];

/// The dialect of this name, where this build has it.
#[must_use]
pub fn dialect(name: &str) -> Option<&'static dyn SchemaDialect> {
    KNOWN.iter().find(|known| known.name == name).map(|known| known.dialect)
}

/// Throw-away databases of the dialect of this name: in memory, or on the server of a URL. `None`: there is no place.
///
/// # Errors
///
/// A URL that is wrong. Nothing is connected yet.
pub fn scratch(name: &str, url: Option<&str>) -> Result<Option<Box<dyn Scratch>>, BackendError> {
    KNOWN.iter().find(|known| known.name == name).map_or(Ok(None), |known| (known.scratch)(url))
}

/// Reads the schema of a database, without what `ignored` names, its history table, and without the tables in which tools for
/// migrations keep their books ([`BOOKKEEPING`]).
///
/// Needs no right but to read, and writes nothing.
///
/// # Errors
///
/// Those of connecting, and the database's own.
pub async fn read_database(
    backend: &dyn MigrationBackend,
    dialect: &dyn SchemaDialect,
    ignored: &[ObjectName],
) -> Result<Introspected, BackendError> {
    let mut sql = SqlSession::connect(backend).await?;
    let books = BOOKKEEPING.iter().map(|name| ObjectName::new(*name));
    let ignored: Vec<ObjectName> = ignored.iter().cloned().chain(books).collect();
    let introspected = dialect.introspect(&mut sql, &ignored).await;
    sql.close().await?;
    introspected
}
