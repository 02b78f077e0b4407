//! The two databases that the daemon can keep its data in: how each is migrated, and how the board is read from it.

use std::sync::Arc;
use std::time::Duration;

use whimbrel::postgres::deadpool_postgres::{Manager, Pool};
use whimbrel::postgres::tokio_postgres::{Config, NoTls};
use whimbrel::postgres::{PostgresBackend, deadpool_postgres};
use whimbrel::schema::{Baseline, Snapshots};
use whimbrel::sqlite::{SqliteBackend, libsql};
use whimbrel::{BoxError, DatabaseAhead, Migrator, Seed, embed_migrations, embed_snapshots};

/// Both dialects keep the mark of the default board in the same way.
const DEFAULT_BOARD: &str = "SELECT CAST(id AS text), name FROM boards WHERE is_default";
/// How long another instance may be at work without progress.
const LOCK_WAIT: Duration = Duration::from_secs(60);
/// How long a database that starts beside the daemon may take.
const CONNECT_WAIT: Duration = Duration::from_secs(30);

/// A board as the endpoint gives it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Board {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Where the data is.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite(Arc<libsql::Database>),
    Postgres(Pool),
}

impl Database {
    /// The database of a URL and what migrates it.
    ///
    /// The pool has no TLS, which a server on the same machine or in the same private network does without; a program
    /// that needs it gives the pool a connector of its own.
    pub(crate) async fn open(url: &str) -> Result<(Self, Migrator), BoxError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let backend = SqliteBackend::open(path);
            let migrator = Migrator::new(backend).source(embed_migrations!("../../migrations-sqlite"));
            let migrator = from_before(migrator, embed_snapshots!("../../migrations-sqlite"))?;
            let database = libsql::Builder::new_local(path).build().await?;
            return Ok((Self::Sqlite(Arc::new(database)), migrator));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            // The driver's own error does not show the URL, which may hold a password.
            let config: Config = url.parse()?;
            let pool = Pool::builder(Manager::new(config, NoTls)).max_size(8).build()?;
            let backend = PostgresBackend::from_pool(pool.clone());
            let migrator = Migrator::new(backend).source(embed_migrations!("../../migrations-pg"));
            let migrator = from_before(migrator, embed_snapshots!("../../migrations-pg"))?;
            return Ok((Self::Postgres(pool), migrator));
        }
        Err("the database URL begins with neither `sqlite:` nor `postgres://`".into())
    }

    /// The board that new work lands on; `None` after a user has deleted it.
    pub(crate) async fn default_board(&self) -> Result<Option<Board>, BoxError> {
        match self {
            Self::Sqlite(database) => {
                let database = Arc::clone(database);
                let runtime = tokio::runtime::Handle::current();
                // libsql reads files on the thread that asks.
                tokio::task::spawn_blocking(move || runtime.block_on(from_sqlite(&database))).await?
            }
            Self::Postgres(pool) => from_postgres(pool).await,
        }
    }
}

// ANCHOR: baseline
/// An instance from before there was a history was made by scripts: its schema tells at which version it is, and it goes
/// on from there. One that somebody has changed is refused.
fn from_before(migrator: Migrator, snapshots: Snapshots) -> Result<Migrator, BoxError> {
    let baseline = Baseline::new(migrator.backend())?.snapshots(snapshots);
    Ok(migrator.untracked(baseline))
}
// ANCHOR_END: baseline

/// What every start has in common.
pub(crate) fn prepared(migrator: Migrator, allow_database_ahead: bool) -> Migrator {
    let ahead = if allow_database_ahead { DatabaseAhead::Allow } else { DatabaseAhead::Refuse };
    let seed = Seed::text("seed", include_str!("../../../seed.sql"));
    migrator.seed(seed).database_ahead(ahead).lock_wait(LOCK_WAIT).connect_wait(CONNECT_WAIT)
}

async fn from_sqlite(database: &libsql::Database) -> Result<Option<Board>, BoxError> {
    let connection = database.connect()?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let mut rows = connection.query(DEFAULT_BOARD, ()).await?;
    let Some(row) = rows.next().await? else { return Ok(None) };
    Ok(Some(Board { id: row.get(0)?, name: row.get(1)? }))
}

async fn from_postgres(pool: &Pool) -> Result<Option<Board>, BoxError> {
    let client: deadpool_postgres::Client = pool.get().await?;
    let row = client.query_opt(DEFAULT_BOARD, &[]).await?;
    row.map(|row| Ok(Board { id: row.try_get(0)?, name: row.try_get(1)? })).transpose()
}
