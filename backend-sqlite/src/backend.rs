//! The backend: where the database is, and sessions of it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use libsql::Value;
use whimbrel_core::history::DEFAULT_HISTORY_TABLE;
use whimbrel_core::{
    BackendError, BackendErrorKind, Backups, Capabilities, Catalog, Clock, Dialect, MigrationBackend, RunLock, Session,
};

use crate::config::{Access, Target, parse_url};
#[cfg(feature = "remote")]
use crate::connection::at_once;
use crate::connection::{Connection, exists, no_such_file, warn_of_caller};
use crate::history::HistoryTable;
use crate::session::{Link, Options, Owner, Single, SqliteSession, blocking, check_idle};
use crate::time::TokioClock;

/// How long a statement waits for another connection before the run asks again; core does the long waiting.
const BUSY_TIMEOUT: Duration = Duration::from_millis(100);

/// A SQLite or libSQL database.
///
/// Clones are the same backend: those of [`memory`](Self::memory) and [`from_connection`](Self::from_connection) share
/// their one connection, whose sessions take turns.
#[derive(Clone)]
pub struct SqliteBackend {
    pub(crate) place: Place,
    options: Options,
}

/// Where the connections come from.
#[derive(Clone)]
pub(crate) enum Place {
    File {
        path: PathBuf,
        access: Access,
    },
    Single {
        single: Single,
        owner: Owner,
    },
    Database(Arc<libsql::Database>),
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "made by the feature `remote` only"))]
    Remote(Remote),
}

/// A server of libSQL. The token is never shown.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) url: String,
    #[cfg(feature = "remote")]
    database: Arc<libsql::Database>,
}

impl SqliteBackend {
    /// A database file, which is made (with its directory) when something is first written to it.
    ///
    /// `:memory:` is a database in memory, as [`memory`](Self::memory) makes it. Nothing is opened yet.
    pub fn open(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        if path == Path::new(":memory:") {
            return Self::memory();
        }
        Self::at(Place::File { path: path.to_owned(), access: Access::Create })
    }

    /// The database that a URL names: `sqlite:PATH`, `sqlite://PATH`, `file:PATH`, `sqlite::memory:`, or with the feature
    /// `remote` `libsql://HOST?authToken=TOKEN` and the same with `https:` or `http:`.
    ///
    /// Paths are percent-decoded. `?mode=ro` only reads, `?mode=rw` does not make the file, `?mode=rwc` is the default and
    /// `?mode=memory` is a database in memory. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// [`Config`](BackendErrorKind::Config) for a URL or a parameter that is not known, and
    /// [`Unsupported`](BackendErrorKind::Unsupported) for a server where the feature is off. No error shows a token.
    pub fn from_url(url: &str) -> Result<Self, BackendError> {
        match parse_url(url)? {
            Target::Memory => Ok(Self::memory()),
            Target::File { path, access } => Ok(Self::at(Place::File { path, access })),
            Target::Remote { url, token } => Self::remote(url, token),
        }
    }

    #[cfg(not(feature = "remote"))]
    fn remote(_url: String, _token: String) -> Result<Self, BackendError> {
        Err(BackendError::new(BackendErrorKind::Unsupported, "this build has no libSQL over the network")
            .with_hint("build whimbrel-backend-sqlite with its feature `remote`"))
    }

    #[cfg(feature = "remote")]
    fn remote(url: String, token: String) -> Result<Self, BackendError> {
        let built = at_once(libsql::Builder::new_remote(url.clone(), token).build());
        let failed = || BackendError::new(BackendErrorKind::Config, "the libSQL server cannot be used");
        let database = built.ok_or_else(failed)?.map_err(|error| failed().with_source(error))?;
        Ok(Self::at(Place::Remote(Remote { url, database: Arc::new(database) })))
    }

    /// A new database in memory, which lives as long as this backend and its clones.
    ///
    /// There is one connection, and its sessions take turns.
    #[must_use]
    pub fn memory() -> Self {
        Self::at(Place::Single { single: Single::default(), owner: Owner::Backend })
    }

    /// A database that the caller has opened; each session is a new connection of it.
    ///
    /// A database that is private to each of its connections (`:memory:`) is refused when a session is asked for, because
    /// nobody would see what is migrated: use [`from_connection`](Self::from_connection). The caller's database makes its
    /// file by its own rules, also when only the history is read.
    #[must_use]
    pub fn from_database(database: libsql::Database) -> Self {
        Self::at(Place::Database(Arc::new(database)))
    }

    /// A connection of the caller: the only way to migrate the caller's database in memory.
    ///
    /// It is never closed, and after each session it is out of a transaction and has the settings (the busy timeout, too)
    /// that it had before; the journal mode is not touched. The caller must not use it meanwhile. A session is refused
    /// with [`Config`](BackendErrorKind::Config) while a transaction of the caller is open on it.
    ///
    /// Its handle is out of reach, so a double-quoted name that names nothing may count as a string, errors carry a place
    /// only where their message names a word that is there once, and a statement that ends the transaction is noticed
    /// after it, not before.
    #[must_use]
    pub fn from_connection(connection: libsql::Connection) -> Self {
        let connection = Arc::new(Connection::of_caller(connection));
        Self::at(Place::Single { single: Arc::new(tokio::sync::Mutex::new(Some(connection))), owner: Owner::Caller })
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            options: Options { history: HistoryTable::new(DEFAULT_HISTORY_TABLE), busy_timeout: BUSY_TIMEOUT },
        }
    }

    /// Keeps the history in this table (of the schema `main`) instead of `whimbrel_history`.
    #[must_use]
    pub fn history_table(mut self, name: impl AsRef<str>) -> Self {
        self.options.history = HistoryTable::new(name.as_ref());
        self
    }

    /// How long SQLite itself waits for another connection, 100 ms if not said. Short is good: core asks again until its
    /// own deadline, and can be stopped meanwhile.
    #[must_use]
    pub fn busy_timeout(mut self, wait: Duration) -> Self {
        self.options.busy_timeout = wait;
        self
    }

    /// Opens the file for reading only, and never makes it. Without effect on what the caller has opened.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        if let Place::File { access, .. } = &mut self.place {
            *access = Access::Read;
        }
        self
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    async fn open_place(&self) -> Result<Option<Link>, BackendError> {
        let options = self.options.clone();
        match &self.place {
            Place::File { path, access } => {
                let (path, access) = (path.clone(), *access);
                blocking(async move || match (exists(&path)?, access) {
                    (false, Access::Create) => Ok(None),
                    (false, Access::Read | Access::Write) => Err(no_such_file(&path)),
                    (true, _) => Link::own(Connection::open_file(&path, access, false).await?, &options).map(Some),
                })
                .await?
            }
            Place::Single { single, owner } => {
                if *owner == Owner::Caller {
                    warn_of_caller();
                }
                if let Ok(turn) = single.try_lock()
                    && let Some(connection) = turn.as_ref()
                {
                    check_idle(connection)?;
                }
                Ok(None)
            }
            Place::Database(database) => {
                let database = Arc::clone(database);
                blocking(async move || Link::own(open_shared(&database).await?, &options).map(Some)).await?
            }
            #[cfg(feature = "remote")]
            Place::Remote(remote) => {
                let driver = remote
                    .database
                    .connect()
                    .map_err(|error| crate::error::from_driver(error, crate::error::Place::default()))?;
                Link::own(Connection::of_remote(driver), &options).map(Some)
            }
            #[cfg(not(feature = "remote"))]
            Place::Remote(_) => Ok(None),
        }
    }
}

/// A connection of a caller's database, if a second one would see the same.
async fn open_shared(database: &libsql::Database) -> Result<Connection, BackendError> {
    let first = Connection::of_database(database).await?;
    let file = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    if !first.has_native()
        || !matches!(first.value(file, Vec::new()).await?, Some(Value::Text(file)) if file.is_empty())
    {
        return Ok(first);
    }
    // In memory: shared by name or private? Two can only write at once where they are two databases.
    let second = Connection::of_database(database).await?;
    first.execute("BEGIN IMMEDIATE").await?;
    let other = second.execute("BEGIN IMMEDIATE").await;
    first.roll_back().await?;
    match other {
        Err(error) if error.kind() == BackendErrorKind::Busy => Ok(first),
        Err(error) => Err(error),
        Ok(()) => Err(BackendError::new(
            BackendErrorKind::Config,
            "each connection of this database is a database of its own",
        )
        .with_hint("migrate the connection that you use: `SqliteBackend::from_connection`")),
    }
}

/// Left out is what [introspection](crate::SqliteSchema) leaves out too, and histories, which are known by their columns.
const CATALOG: Catalog = Catalog {
    tables: "SELECT name FROM main.sqlite_master WHERE type IN ('table', 'view') \
        AND lower(substr(name, 1, 7)) <> 'sqlite_' AND lower(substr(name, 1, 4)) <> '_cf_' \
        AND lower(name) NOT IN ('_litestream_seq', '_litestream_lock', 'libsql_wasm_func_table', \
            'libsql_vector_meta_shadow') \
        AND coalesce(sql, '') NOT LIKE '%token_checksum%prefix_checksum%fence%' ORDER BY name LIMIT 100",
    now: "SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) * 1000",
};

#[async_trait]
impl MigrationBackend for SqliteBackend {
    fn dialect(&self) -> &'static Dialect {
        &Dialect::SQLITE
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::MINIMAL;
        capabilities.transactional_ddl = true;
        capabilities.run_lock = RunLock::None;
        capabilities.foreign_keys_switch = true;
        capabilities.second_session = !matches!(self.place, Place::Single { .. });
        capabilities.backups = match &self.place {
            Place::File { .. } | Place::Database(_) | Place::Single { owner: Owner::Caller, .. } => Backups::Beside,
            Place::Single { .. } => {
                Backups::Instead("migrate without one: a database in memory ends with the program that made it")
            }
            Place::Remote(_) => Backups::Instead("make one where the server runs, then migrate without a backup"),
        };
        capabilities.catalog = Some(CATALOG);
        capabilities
    }

    fn clock(&self) -> &dyn Clock {
        &TokioClock
    }

    fn database(&self) -> String {
        match &self.place {
            Place::File { path, .. } => path.display().to_string(),
            Place::Single { owner: Owner::Caller, .. } => "a connection of the program".to_owned(),
            Place::Single { .. } => "in memory".to_owned(),
            Place::Database(_) => "a database of the program".to_owned(),
            Place::Remote(remote) => remote.url.clone(),
        }
    }

    async fn connect(&self) -> Result<Box<dyn Session>, BackendError> {
        let link = self.open_place().await?;
        Ok(Box::new(SqliteSession::new(self.place.clone(), self.options.clone(), link)))
    }
}

impl fmt::Debug for SqliteBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBackend")
            .field("database", &self.database())
            .field("history_table", &self.options.history.name())
            .field("busy_timeout", &self.options.busy_timeout)
            .finish()
    }
}
