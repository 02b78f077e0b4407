//! The databases that the conformance kit runs on here.

#![expect(clippy::panic, reason = "a test without its database has failed, and says why")]

use std::sync::Arc;

use tempfile::TempDir;
use whimbrel::postgres::PostgresBackend;
use whimbrel::sqlite::SqliteBackend;
use whimbrel::{MigrationBackend, async_trait};
use whimbrel_conformance::{FreshDatabase, Snippets, Subject};

use crate::postgres;

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

impl FreshDatabase for File {
    fn client(&self) -> Arc<dyn MigrationBackend> {
        Arc::new(SqliteBackend::open(self.0.path().join("app.db")))
    }

    fn client_with_history(&self, table: &str) -> Option<Arc<dyn MigrationBackend>> {
        Some(Arc::new(SqliteBackend::open(self.0.path().join("app.db")).history_table(table)))
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
        Box::new(OnServer(postgres::fresh_database().await))
    }
}

struct OnServer(postgres::Database);

impl OnServer {
    fn backend(&self) -> PostgresBackend {
        PostgresBackend::from_url(&self.0.url()).unwrap_or_else(|error| panic!("the test's own URL is wrong: {error}"))
    }
}

impl FreshDatabase for OnServer {
    fn client(&self) -> Arc<dyn MigrationBackend> {
        Arc::new(self.backend())
    }

    fn client_with_history(&self, table: &str) -> Option<Arc<dyn MigrationBackend>> {
        Some(Arc::new(self.backend().history_table(table)))
    }
}
