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

mod scratch;

use whimbrel_core::{BackendError, MigrationBackend, SqlSession};
pub use whimbrel_schema::*;

#[cfg(feature = "sqlite")]
pub use scratch::MemoryScratch;
#[cfg(feature = "postgres")]
pub use scratch::ServerScratch;

use model::ObjectName;

/// The dialect of this name, where this build has it: `sqlite`, `postgres`.
#[must_use]
pub fn dialect(name: &str) -> Option<&'static dyn SchemaDialect> {
    #[cfg(feature = "sqlite")]
    static SQLITE: whimbrel_backend_sqlite::SqliteSchema = whimbrel_backend_sqlite::SqliteSchema::new();
    #[cfg(feature = "postgres")]
    static POSTGRES: whimbrel_backend_postgres::PostgresSchema = whimbrel_backend_postgres::PostgresSchema::new();
    let known: &[&'static dyn SchemaDialect] = &[
        #[cfg(feature = "sqlite")]
        &SQLITE,
        #[cfg(feature = "postgres")]
        &POSTGRES,
    ];
    known.iter().copied().find(|dialect| dialect.dialect().name == name)
}

/// Reads the schema of a database, without what `ignored` names: its history table.
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
    let introspected = dialect.introspect(&mut sql, ignored).await;
    sql.close().await?;
    introspected
}
