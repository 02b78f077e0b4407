//! Throw-away databases on which migrations are proved.

#[cfg(feature = "sqlite")]
mod ahead;
#[cfg(feature = "postgres")]
mod throw_away;

use std::sync::Arc;
#[cfg(feature = "sqlite")]
use std::sync::{Mutex, MutexGuard, PoisonError};

use whimbrel_core::history::DEFAULT_HISTORY_TABLE;
use whimbrel_core::{
    AsFresh, BackendError, CodeSource, DirectorySource, Loaded, MigrateError, Migration, MigrationBackend, Migrator,
    Problem, Source, Sql, SqlSession, async_trait,
};
use whimbrel_schema::generate::{AfterEach, Generated, Replayed, Scratch};
use whimbrel_schema::model::ObjectName;
use whimbrel_schema::{Introspected, SchemaDialect};

#[cfg(feature = "sqlite")]
use ahead::Ahead;
#[cfg(feature = "postgres")]
use throw_away::ThrowAway;

/// A new SQLite database in memory for each proof.
#[cfg(feature = "sqlite")]
#[derive(Debug, Default)]
pub struct MemoryScratch {
    begun: Mutex<Option<Ahead>>,
}

#[cfg(feature = "sqlite")]
impl MemoryScratch {
    /// Databases of their own: what was begun ahead for one is not seen by another.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn begun(&self) -> MutexGuard<'_, Option<Ahead>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The replay that began ahead, gone on with. `None`: there is none of this folder, it did not come to its end, be it that
    /// the folder has changed since, or something of it would have run behind what is new. A new replay does all in order.
    async fn begun_replay(&self, folder: &DirectorySource, more: &[Generated]) -> Option<Introspected> {
        let begun = self.begun().take_if(|begun| begun.is_of(folder))?;
        let begun = begun.applied().await.filter(|it| it.is_versions_only || more.is_empty())?;
        replay(begun.database, &super::SQLITE, Some(folder), more).await.ok()
    }
}

#[cfg(feature = "sqlite")]
#[async_trait]
impl Scratch for MemoryScratch {
    fn ahead(&self, folder: &DirectorySource) {
        *self.begun() = Ahead::begin(folder);
    }

    async fn replay(&self, folder: Option<&DirectorySource>, more: &[Generated]) -> Result<Introspected, Problem> {
        if let Some(folder) = folder
            && let Some(found) = self.begun_replay(folder, more).await
        {
            return Ok(found);
        }
        let backend = whimbrel_backend_sqlite::SqliteBackend::memory();
        replay(Arc::new(backend), &super::SQLITE, folder, more).await
    }

    async fn replay_rows(&self, folder: &DirectorySource) -> Result<Replayed, Problem> {
        let backend = Arc::new(whimbrel_backend_sqlite::SqliteBackend::memory());
        let found = replay(backend.clone(), &super::SQLITE, Some(folder), &[]).await?;
        with_rows(&*backend, found).await
    }

    async fn replay_each(&self, migrations: &[Migration], after: &mut AfterEach<'_>) -> Result<(), Problem> {
        let backend = whimbrel_backend_sqlite::SqliteBackend::memory();
        replay_each(Arc::new(backend), &super::SQLITE, migrations, after).await
    }
}

/// A new database on a Postgres server for each proof, removed after it.
///
/// The role must be allowed to make databases.
#[cfg(feature = "postgres")]
#[derive(Debug, Clone)]
pub struct ServerScratch {
    server: whimbrel_backend_postgres::PostgresBackend,
}

#[cfg(feature = "postgres")]
impl ServerScratch {
    /// On the server of this backend, whose own database is not touched.
    #[must_use]
    pub fn on(server: whimbrel_backend_postgres::PostgresBackend) -> Self {
        Self { server }
    }
}

#[cfg(feature = "postgres")]
#[async_trait]
impl Scratch for ServerScratch {
    async fn replay(&self, folder: Option<&DirectorySource>, more: &[Generated]) -> Result<Introspected, Problem> {
        Ok(self.replayed(folder, more, false).await?.found)
    }

    async fn replay_rows(&self, folder: &DirectorySource) -> Result<Replayed, Problem> {
        self.replayed(Some(folder), &[], true).await
    }

    async fn replay_each(&self, migrations: &[Migration], after: &mut AfterEach<'_>) -> Result<(), Problem> {
        let database = ThrowAway::on(&self.server).await?;
        let backend = Arc::new(database.backend.clone());
        let replayed = replay_each(backend, &super::POSTGRES, migrations, after).await;
        database.removed(replayed).await
    }
}

#[cfg(feature = "postgres")]
impl ServerScratch {
    /// On a new database, which is removed whatever comes of it.
    async fn replayed(
        &self,
        folder: Option<&DirectorySource>,
        more: &[Generated],
        rows: bool,
    ) -> Result<Replayed, Problem> {
        let database = ThrowAway::on(&self.server).await?;
        let found = replay(Arc::new(database.backend.clone()), &super::POSTGRES, folder, more).await;
        let replayed = match found {
            Ok(found) if rows => with_rows(&database.backend, found).await,
            found => found.map(|found| Replayed { found, filled: Vec::new() }),
        };
        database.removed(replayed).await
    }
}
#[cfg(feature = "postgres")]
fn refused(doing: &str, error: &BackendError) -> Problem {
    let hint = error.hint().unwrap_or("name a server where throw-away databases may be made: `scratch-url`");
    Problem::new("scratch database", format!("{doing}: {error}"), hint)
}

#[cfg(feature = "sqlite")]
#[expect(clippy::unnecessary_wraps, reason = "it stands beside ways that can fail")]
pub(super) fn in_memory(_: Option<&str>) -> Result<Option<Box<dyn Scratch>>, BackendError> {
    Ok(Some(Box::new(MemoryScratch::new())))
}

#[cfg(feature = "postgres")]
pub(super) fn on_server(url: Option<&str>) -> Result<Option<Box<dyn Scratch>>, BackendError> {
    let Some(url) = url else { return Ok(None) };
    let server = whimbrel_backend_postgres::PostgresBackend::from_url(url)?;
    Ok(Some(Box::new(ServerScratch::on(server))))
}

/// Applies the folder and what is new to an empty database, and reads what it has become.
async fn replay(
    backend: Arc<dyn MigrationBackend>,
    dialect: &dyn SchemaDialect,
    folder: Option<&DirectorySource>,
    more: &[Generated],
) -> Result<Introspected, Problem> {
    let mut migrator = scratched(&backend);
    if let Some(folder) = folder.filter(|folder| folder.path().exists()) {
        migrator = migrator.source(folder.clone());
    }
    let add = |source: CodeSource, it: &Generated| source.sql(it.version.as_str(), &it.name, it.text.clone());
    migrator = migrator.source(more.iter().fold(CodeSource::new(), add));
    migrator.migrate().await.map_err(|error| failed(&error, more))?;
    read(&*backend, dialect).await
}

/// Applies migrations one after the other to an empty database, and hands over what it has become after each.
async fn replay_each(
    backend: Arc<dyn MigrationBackend>,
    dialect: &dyn SchemaDialect,
    migrations: &[Migration],
    after: &mut AfterEach<'_>,
) -> Result<(), Problem> {
    for (at, migration) in migrations.iter().enumerate() {
        let namespace = &migration.id.namespace;
        let migrator = scratched(&backend).source_in(namespace, Given(migrations[..=at].to_vec()));
        migrator.migrate().await.map_err(|error| failed(&error, &[]))?;
        after(at, read(&*backend, dialect).await?);
    }
    Ok(())
}

/// A migrator for a database of nobody's: what the server puts into a new one is no reason to ask.
fn scratched(backend: &Arc<dyn MigrationBackend>) -> Migrator {
    Migrator::shared(Arc::clone(backend)).untracked(AsFresh)
}

/// Migrations that were loaded already.
#[derive(Debug)]
struct Given(Vec<Migration>);

impl Source for Given {
    fn load(&self, _: &Arc<str>) -> Loaded {
        Loaded { migrations: self.0.clone(), ..Loaded::default() }
    }
}

async fn read(backend: &dyn MigrationBackend, dialect: &dyn SchemaDialect) -> Result<Introspected, Problem> {
    let ignored = [ObjectName::new(DEFAULT_HISTORY_TABLE)];
    super::read_database(backend, dialect, &ignored).await.map_err(|error| {
        Problem::new(
            "scratch database",
            format!("its schema cannot be read: {error}"),
            error.hint().unwrap_or_default(),
        )
    })
}

/// Which of the tables have rows.
async fn with_rows(backend: &dyn MigrationBackend, found: Introspected) -> Result<Replayed, Problem> {
    let failed = |error: BackendError| {
        Problem::new("scratch database", format!("its rows cannot be read: {error}"), error.hint().unwrap_or_default())
    };
    let mut sql = SqlSession::connect(backend).await.map_err(failed)?;
    let mut filled = Vec::new();
    for table in &found.schema.tables {
        let rows = sql.query(&format!("SELECT 1 FROM {} LIMIT 1", table.name.quoted())).await.map_err(failed)?;
        if !rows.is_empty() {
            filled.push(table.name.clone());
        }
    }
    sql.close().await.map_err(failed)?;
    Ok(Replayed { found, filled })
}

/// The first thing that is wrong, with its place. What was generated shows its statement, since it is in no file yet.
fn failed(error: &MigrateError, more: &[Generated]) -> Problem {
    if let MigrateError::Load { error, .. } = error
        && let Some(problem) = error.problems().first()
    {
        return problem.clone();
    }
    let Some(failed) = error.failed() else {
        return Problem::new("scratch database", format!("the replay failed: {error}"), "");
    };
    let is_new = more.iter().any(|it| Some(&it.version) == failed.id.version());
    let (statement, hint) = match (&failed.statement, is_new) {
        (Some(statement), true) => (format!("\n{}", statement.text), "this is a fault of the tool: report it"),
        _ => (String::new(), "correct the migration, or the one before it that it needs"),
    };
    let problem =
        Problem::new(failed.file.clone(), format!("fails on an empty database: {}{statement}", failed.cause), hint);
    match &failed.statement {
        Some(statement) => {
            let (line, column) = statement.error_at.unwrap_or((statement.line, statement.column));
            problem.at(line, column)
        }
        None => problem,
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
