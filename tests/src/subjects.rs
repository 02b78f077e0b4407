//! The databases that the conformance kit runs on here.

#![expect(clippy::panic, reason = "a test without its database has failed, and says why")]

use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;
use whimbrel::postgres::PostgresBackend;
use whimbrel::sqlite::SqliteBackend;
use whimbrel::{MigrationBackend, async_trait};
use whimbrel_conformance::{FreshDatabase, Line, Snippets, Subject};

use crate::line::PostgresLine;
use crate::postgres::{self, Role};

const SQLITE: Snippets = Snippets {
    tables: "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
    slow: "with recursive n (i) as (select 1 union all select i + 1 from n where i < 4000000000) select max(i) from n",
};

const POSTGRES: Snippets = Snippets {
    tables: "select table_name::text from information_schema.tables where table_schema = 'public'",
    slow: "select pg_sleep(60)",
};

/// A SQLite file in the journal mode that it has by itself.
#[derive(Debug, Clone, Copy)]
pub struct SqliteFile;

/// A SQLite file in WAL mode.
#[derive(Debug, Clone, Copy)]
pub struct SqliteWal;

/// A SQLite database in memory.
#[derive(Debug, Clone, Copy)]
pub struct SqliteMemory;

/// A database of its own on the Postgres server of the tests.
#[derive(Debug, Clone, Copy)]
pub struct Postgres;

struct File(TempDir);

#[async_trait]
impl FreshDatabase for File {
    fn client(&self) -> Arc<dyn MigrationBackend> {
        Arc::new(SqliteBackend::open(self.0.path().join("app.db")))
    }

    fn client_with_history(&self, table: &str) -> Option<Arc<dyn MigrationBackend>> {
        Some(Arc::new(SqliteBackend::open(self.0.path().join("app.db")).history_table(table)))
    }

    async fn reader(&self) -> Option<Arc<dyn MigrationBackend>> {
        Some(Arc::new(SqliteBackend::open(self.0.path().join("app.db")).read_only()))
    }
}

/// A folder of a test's own, in memory where the system has such a place: what is tested is not the disk.
///
/// # Panics
///
/// Where it cannot be made.
#[must_use]
pub fn folder() -> TempDir {
    let made = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
    made.unwrap_or_else(|error| panic!("no folder for a test: {error}"))
}

#[async_trait]
impl Subject for SqliteFile {
    fn snippets(&self) -> Snippets {
        SQLITE
    }

    async fn fresh(&self) -> Box<dyn FreshDatabase> {
        Box::new(File(folder()))
    }
}

#[async_trait]
impl Subject for SqliteWal {
    fn snippets(&self) -> Snippets {
        SQLITE
    }

    async fn fresh(&self) -> Box<dyn FreshDatabase> {
        let folder = folder();
        let made = async {
            let database = libsql::Builder::new_local(folder.path().join("app.db")).build().await?;
            database.connect()?.query("pragma journal_mode = wal", ()).await?.next().await
        };
        made.await.unwrap_or_else(|error| panic!("no database in WAL mode: {error}"));
        Box::new(File(folder))
    }
}

#[async_trait]
impl Subject for SqliteMemory {
    fn snippets(&self) -> Snippets {
        SQLITE
    }

    async fn fresh(&self) -> Box<dyn FreshDatabase> {
        Box::new(InMemory(SqliteBackend::memory()))
    }
}

struct InMemory(SqliteBackend);

impl FreshDatabase for InMemory {
    fn client(&self) -> Arc<dyn MigrationBackend> {
        Arc::new(self.0.clone())
    }

    fn client_with_history(&self, table: &str) -> Option<Arc<dyn MigrationBackend>> {
        Some(Arc::new(self.0.clone().history_table(table)))
    }
}

#[async_trait]
impl Subject for Postgres {
    fn snippets(&self) -> Snippets {
        POSTGRES
    }

    async fn fresh(&self) -> Box<dyn FreshDatabase> {
        Box::new(OnServer { database: postgres::fresh_database().await, roles: Mutex::default() })
    }
}

struct OnServer {
    database: postgres::Database,
    /// They go with the database.
    roles: Mutex<Vec<Role>>,
}

fn backend(url: &str) -> PostgresBackend {
    PostgresBackend::from_url(url).unwrap_or_else(|error| panic!("the test's own URL is wrong: {error}"))
}

#[async_trait]
impl FreshDatabase for OnServer {
    fn client(&self) -> Arc<dyn MigrationBackend> {
        Arc::new(backend(&self.database.url()))
    }

    fn client_with_history(&self, table: &str) -> Option<Arc<dyn MigrationBackend>> {
        Some(Arc::new(backend(&self.database.url()).history_table(table)))
    }

    async fn reader(&self) -> Option<Arc<dyn MigrationBackend>> {
        let role = self.database.server().role("NOSUPERUSER").await;
        let sql = format!(
            "revoke create on schema public from public; grant select on all tables in schema public to {}",
            role.name
        );
        let granted = self.database.connect().await.batch_execute(&sql).await;
        granted.unwrap_or_else(|error| panic!("a reader gets no rights: {error}"));
        let url = self.database.url_as(&role);
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).push(role);
        Some(Arc::new(backend(&url)))
    }

    fn unreachable(&self) -> Option<Arc<dyn MigrationBackend>> {
        let server = self.database.server();
        // Nobody listens on the port of TCP's own test service.
        let url = self.database.url().replace(&format!(":{}/", server.port()), ":1/");
        Some(Arc::new(backend(&url)))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.database.server().password().to_owned()]
    }

    async fn line(&self) -> Option<Box<dyn Line>> {
        Some(Box::new(PostgresLine::to(&self.database).await))
    }
}
