//! Every kind of connection that a program may have already.

use whimbrel::postgres::PostgresBackend;
use whimbrel::postgres::deadpool_postgres::Pool;
use whimbrel::postgres::tokio_postgres::Config;
use whimbrel::sqlite::{SqliteBackend, libsql};
use whimbrel::{BackendError, Database, DirectorySource, MigrateError, Migrator, Report};

/// A database by its URL, of whichever kind.
///
/// # Errors
///
/// A URL that is wrong, without showing it.
// ANCHOR: url
pub fn by_url(url: &str) -> Result<Migrator, BackendError> {
    let database = Database::from_url(url)?;
    Ok(Migrator::shared(database.backend).source(DirectorySource::new("migrations")))
}
// ANCHOR_END: url

/// A driver's configuration.
///
/// # Errors
///
/// A configuration that names no host.
// ANCHOR: config
pub fn by_config(config: &Config) -> Result<Migrator, BackendError> {
    Ok(Migrator::new(PostgresBackend::from_config(config)?))
}
// ANCHOR_END: config

/// A pool, which loses one client to the run.
// ANCHOR: pool
#[must_use]
pub fn by_pool(pool: &Pool) -> Migrator {
    Migrator::new(PostgresBackend::from_pool(pool.clone()))
}
// ANCHOR_END: pool

/// A database that the program has opened.
// ANCHOR: database
#[must_use]
pub fn by_database(database: libsql::Database) -> Migrator {
    Migrator::new(SqliteBackend::from_database(database))
}
// ANCHOR_END: database

/// The program's own connection: the only way to a database in memory that it goes on to use.
///
/// # Errors
///
/// As [`Migrator::migrate`].
// ANCHOR: connection
pub async fn by_connection(connection: &libsql::Connection) -> Result<Report, MigrateError> {
    let backend = SqliteBackend::from_connection(connection.clone());
    Migrator::new(backend).source(whimbrel::embed_migrations!("migrations")).migrate().await
}
// ANCHOR_END: connection
