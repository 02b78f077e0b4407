//! A database with everything that the kit asks for: SQLite, with a lock, roles and timeouts that it does not have, and,
//! where a test wants it, one defect.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use whimbrel_backend_sqlite::SqliteBackend;
use whimbrel_conformance::{FreshDatabase, Line, Snippets, Subject};
use whimbrel_core::backend::Notice;
use whimbrel_core::{
    BackendError, BackendErrorKind, Backups, BoxFuture, Capabilities, Clock, Dialect, MigrationBackend, Observer, Op,
    OpOutcome, RunLock, Session, async_trait,
};

use crate::defects::Defect;
use crate::line::{ModelLine, Way};
use crate::session::ModelSession;

/// What no client may show.
const SECRET: &str = "hunter2";

/// The kind of database.
pub(crate) struct Model {
    pub(crate) defect: Option<Defect>,
    /// Its databases can be copied.
    pub(crate) copies: bool,
}

#[async_trait]
impl Subject for Model {
    fn snippets(&self) -> Snippets {
        Snippets {
            tables: "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
            slow: "with recursive n (i) as (select 1 union all select i + 1 from n where i < 4000000000) \
                select max(i) from n",
        }
    }

    async fn fresh(&self) -> Box<dyn FreshDatabase> {
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a folder for a test");
        let file = folder.path().join("app.db");
        let mut session = SqliteBackend::open(&file).connect().await.expect("a file can be made");
        // Readers and a writer side by side, as a server has them.
        let wal = [Op::Statement("pragma journal_mode = wal")];
        session.run(&wal, &mut Deaf).await.expect("it can be in WAL mode");
        session.close().await.expect("a session closes");
        let (defect, copies) = (self.defect, self.copies);
        Box::new(ModelDatabase { file, _folder: folder, shared: Arc::default(), defect, copies })
    }
}

/// Hears nothing.
pub(crate) struct Deaf;

impl Observer for Deaf {
    fn done(&mut self, _: usize, _: OpOutcome) {}
    fn notice(&mut self, _: Notice) {}
}

/// What all sessions of a database share.
#[derive(Default)]
pub(crate) struct Shared {
    sessions: AtomicU64,
    /// The session that has the run's lock.
    pub(crate) lock: Mutex<Option<u64>>,
    /// Sessions that were dropped and live on, which is a defect.
    pub(crate) leaked: Mutex<Vec<Box<dyn Session>>>,
}

struct ModelDatabase {
    file: PathBuf,
    _folder: TempDir,
    shared: Arc<Shared>,
    defect: Option<Defect>,
    copies: bool,
}

impl ModelDatabase {
    fn of(&self, inner: SqliteBackend) -> Client {
        let way = Way::default();
        Client { inner, shared: Arc::clone(&self.shared), defect: self.defect, copies: self.copies, way, answers: true }
    }

    fn plain(&self) -> Client {
        self.of(SqliteBackend::open(&self.file))
    }
}

#[async_trait]
impl FreshDatabase for ModelDatabase {
    fn client(&self) -> Arc<dyn MigrationBackend> {
        Arc::new(self.plain())
    }

    fn client_with_history(&self, table: &str) -> Option<Arc<dyn MigrationBackend>> {
        let ascii: String = table.chars().filter(char::is_ascii_alphanumeric).collect();
        let table = if self.defect == Some(Defect::TableNameIsChanged) { &ascii } else { table };
        Some(Arc::new(self.of(SqliteBackend::open(&self.file).history_table(table))))
    }

    async fn reader(&self) -> Option<Arc<dyn MigrationBackend>> {
        Some(Arc::new(self.of(SqliteBackend::open(&self.file).read_only())))
    }

    fn unreachable(&self) -> Option<Arc<dyn MigrationBackend>> {
        Some(Arc::new(Client { answers: false, ..self.plain() }))
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned()]
    }

    async fn line(&self) -> Option<Box<dyn Line>> {
        Some(Box::new(ModelLine(self.plain())))
    }
}

/// A client of the model.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) inner: SqliteBackend,
    pub(crate) shared: Arc<Shared>,
    pub(crate) defect: Option<Defect>,
    /// It can be copied.
    pub(crate) copies: bool,
    pub(crate) way: Way,
    answers: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = if self.is(Defect::DebugHoldsSecret) { SECRET } else { "…" };
        f.debug_struct("Client").field("inner", &self.inner).field("password", &password).finish()
    }
}

impl Client {
    pub(crate) fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }
}

impl Clock for Client {
    fn now(&self) -> Duration {
        let now = self.inner.clock().now();
        if self.is(Defect::ClockGoesBack) { Duration::from_secs(1_000_000).saturating_sub(now) } else { now }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let short = self.is(Defect::SleepsShort);
        self.inner.clock().sleep(if short { duration / 10 } else { duration })
    }
}

#[async_trait]
impl MigrationBackend for Client {
    fn dialect(&self) -> &'static Dialect {
        self.inner.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.run_lock = RunLock::Session;
        capabilities.roles = !self.is(Defect::LacksAndAccepts);
        let connected = self.shared.sessions.load(Ordering::SeqCst) > 0;
        capabilities.lock_timeout = !(self.is(Defect::CapabilitiesChange) && connected);
        capabilities.statement_timeout = true;
        if let Some(catalog) = &mut capabilities.catalog {
            catalog.tables = match self.defect {
                Some(Defect::CatalogIsBlind) => "select 'x' where 0",
                Some(Defect::CatalogNamesEverything) => "select name from sqlite_master union select 'sqlite_master'",
                _ => catalog.tables,
            };
            if self.is(Defect::ClockTellsSeconds) {
                catalog.now = "select unixepoch('now')";
            }
        }
        if !self.copies {
            capabilities.backups = Backups::Instead("make one by hand");
        }
        capabilities
    }

    fn clock(&self) -> &dyn Clock {
        self
    }

    fn database(&self) -> String {
        let secret = if self.is(Defect::NameHoldsSecret) { SECRET } else { "" };
        format!("model{secret}")
    }

    async fn connect(&self) -> Result<Box<dyn Session>, BackendError> {
        if !self.answers {
            let wrong = self.is(Defect::UnreachableIsConfig);
            let kind = if wrong { BackendErrorKind::Config } else { BackendErrorKind::Unreachable };
            return Err(BackendError::new(kind, "nothing answers"));
        }
        let mut inner = self.inner.connect().await?;
        if self.is(Defect::ConnectMakesHistory) {
            inner.run(&[Op::CreateHistory], &mut Deaf).await.map_err(|halted| halted.error)?;
        }
        let number = self.shared.sessions.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(ModelSession::new(self.clone(), inner, number)))
    }
}
