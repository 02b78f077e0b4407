//! The backend: a configured server or a caller's pool.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool, PoolError};
use tokio_postgres::Config;
use whimbrel_core::{
    BackendError, BackendErrorKind, Backups, BoxFuture, Capabilities, Catalog, Clock, Dialect, MigrationBackend,
    RunLock, Session, async_trait,
};

use crate::config::{self, CONNECT_TIMEOUT, Server};
use crate::connect::{check_version, connect, short_version};
use crate::error::of_connect;
use crate::history::HistoryTable;
use crate::interrupt::Canceller;
use crate::pooler;
use crate::session::{Connected, Link, PostgresSession};

/// A Postgres database (13 or newer) to migrate.
///
/// It connects only when it is used, so one can be made where no server runs. Every session is a connection of its
/// own. Cloning is cheap and shares nothing that changes.
///
/// ```
/// use whimbrel_backend_postgres::PostgresBackend;
/// let backend = PostgresBackend::from_url("postgres://app:secret@db.example:5433/shop?sslmode=verify-full")?
///     .history_schema("ops");
/// assert!(format!("{backend:?}").contains("db.example:5433/shop"));
/// assert!(!format!("{backend:?}").contains("secret"));
/// # Ok::<(), whimbrel_core::BackendError>(())
/// ```
#[derive(Clone)]
pub struct PostgresBackend {
    pub(crate) source: Source,
    table: Arc<HistoryTable>,
}

/// Where sessions come from.
#[derive(Clone)]
pub(crate) enum Source {
    /// Connections of our own.
    Server(Arc<Server>),
    /// Clients of a caller's pool.
    Pool(Pool, Duration),
}

impl PostgresBackend {
    /// A server by its connection string: a `postgres://` or `postgresql://` URL, or `name=value` pairs, as libpq reads
    /// them. What it does not say comes from the `PG*` variables, the password also from the password file.
    ///
    /// With no `sslmode` a connection to this machine prefers TLS and a remote one is verified in full (`verify-full`).
    /// `allow`, `prefer` and `require` do not verify who answers, as in libpq; `require` does where `sslrootcert` is
    /// given.
    ///
    /// # Errors
    ///
    /// [`Config`](BackendErrorKind::Config) for a malformed string, an unknown parameter (named) or value, a service
    /// file, or anything else of libpq that is not supported. It never shows a value.
    pub fn from_url(url: &str) -> Result<Self, BackendError> {
        let server = config::server(url, &|name| std::env::var(name).ok())?;
        Ok(Self { source: Source::Server(Arc::new(server)), table: Arc::default() })
    }

    /// A server by a driver's configuration, without the `PG*` variables and the password file.
    ///
    /// `SslMode::Prefer` verifies a remote server where it offers TLS; `SslMode::Require` verifies always.
    ///
    /// # Errors
    ///
    /// [`Config`](BackendErrorKind::Config) where it names no host, or different numbers of hosts, addresses and ports.
    pub fn from_config(config: &Config) -> Result<Self, BackendError> {
        let server = config::from_config(config)?;
        Ok(Self { source: Source::Server(Arc::new(server)), table: Arc::default() })
    }

    /// A server by a pool. Each session takes a client out of it for good, so that nothing a migration leaves behind
    /// goes back; the pool opens another in its place.
    ///
    /// The pool owns the connections, so the server's notices are not shown.
    #[must_use]
    pub fn from_pool(pool: Pool) -> Self {
        Self { source: Source::Pool(pool, CONNECT_TIMEOUT), table: Arc::default() }
    }

    /// The name of the history table; `whimbrel_history` otherwise.
    #[must_use]
    pub fn history_table(mut self, name: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.table).set_table(name.into());
        self
    }

    /// The schema of the history table, which is created with it where it is missing; `public` otherwise.
    #[must_use]
    pub fn history_schema(mut self, name: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.table).set_schema(name.into());
        self
    }

    /// Whether a missing history schema is created. Comes after [`history_schema`](Self::history_schema), which
    /// switches it on.
    #[must_use]
    pub fn create_history_schema(mut self, create: bool) -> Self {
        Arc::make_mut(&mut self.table).set_create_schema(create);
        self
    }

    /// How long connecting to one host may take in all, from the first packet to the login; 10 seconds otherwise.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        match &mut self.source {
            Source::Server(server) => {
                let server = Arc::make_mut(server);
                server.timeout = limit;
                server.base.connect_timeout(limit);
            }
            Source::Pool(_, timeout) => *timeout = limit,
        }
        self
    }

    /// The same server and settings with another database, for scratch databases.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](BackendErrorKind::Unsupported) for a backend that was made of a pool.
    pub fn with_database(&self, name: impl Into<String>) -> Result<Self, BackendError> {
        let mut server = Server::clone(self.server()?);
        server.base.dbname(name);
        Ok(Self { source: Source::Server(Arc::new(server)), table: Arc::clone(&self.table) })
    }

    /// The name of the database; `None` for a pool, which does not tell.
    #[must_use]
    pub fn database_name(&self) -> Option<&str> {
        match &self.source {
            Source::Server(server) => Some(server.database()),
            Source::Pool(..) => None,
        }
    }

    pub(crate) fn server(&self) -> Result<&Server, BackendError> {
        match &self.source {
            Source::Server(server) => Ok(server),
            Source::Pool(..) => Err(BackendError::new(
                BackendErrorKind::Unsupported,
                "a backend made of a pool knows no other database than the pool's",
            )
            .with_hint("make it of a URL or a configuration")),
        }
    }

    pub(crate) async fn session(&self, database: Option<&str>) -> Result<PostgresSession, BackendError> {
        let connected = match &self.source {
            Source::Server(server) => connect(server, database).await?,
            Source::Pool(pool, limit) => take(pool, *limit).await?,
        };
        Ok(PostgresSession::new(connected, Arc::clone(&self.table)))
    }
}

impl fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBackend")
            .field("database", &self.database())
            .field("history", &self.table.qualified())
            .finish()
    }
}

/// Takes a client out of the pool and asks for what its owner did not keep: the version, and the process to cancel.
async fn take(pool: &Pool, limit: Duration) -> Result<Connected, BackendError> {
    let late = || {
        BackendError::new(
            BackendErrorKind::Unreachable,
            format!("the pool gave no client within {} s", limit.as_secs()),
        )
        .with_hint("all of its clients may be in use: raise its size")
    };
    let object = match tokio::time::timeout(limit, pool.get()).await {
        Err(_) => return Err(late()),
        Ok(Ok(object)) => object,
        Ok(Err(PoolError::Timeout(_))) => return Err(late()),
        Ok(Err(PoolError::Backend(error))) => return Err(of_connect(error)),
        Ok(Err(error)) => {
            return Err(BackendError::new(BackendErrorKind::Config, "the pool gives no client").with_source(error));
        }
    };
    let client = Object::take(object);
    let sql = "select pg_catalog.current_setting('server_version'), pg_catalog.pg_backend_pid()";
    let asked = tokio::time::timeout(limit, client.simple_query(sql)).await.map_err(|_| late())?.map_err(of_connect)?;
    let row = asked.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some((row.get(0)?.to_owned(), row.get(1)?.parse().ok()?)),
        _ => None,
    });
    let (version, pid) =
        row.ok_or_else(|| BackendError::new(BackendErrorKind::Internal, "the server did not tell its version"))?;
    check_version(&version)?;
    let token = client.cancel_token();
    let announced = pooler::announced(&token).await;
    let canceller = match announced {
        // That process serves others next: it must not be stopped by its number.
        Some(announced) if announced != pid => Canceller::Token(token, None),
        _ => Canceller::Pool { pool: pool.clone(), pid },
    };
    Ok(Connected {
        link: Link::Pooled(client),
        version: short_version(&version),
        notices: None,
        lost: Arc::default(),
        task: None,
        canceller,
        announced,
    })
}

/// Left out are the objects of extensions, and histories, which are known by their columns.
const CATALOG: Catalog = Catalog {
    tables: "select case when n.nspname = pg_catalog.current_schema() then c.relname::pg_catalog.text \
        else n.nspname || '.' || c.relname end \
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
        where c.relkind in ('r', 'p', 'f', 'v', 'm') and c.relpersistence <> 't' \
        and n.nspname = any (pg_catalog.current_schemas(false)) \
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
        and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
            and d.objid = c.oid and d.deptype = 'e') \
        and not exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid \
            and a.attname in ('token_checksum', 'prefix_checksum', 'fence') having pg_catalog.count(*) = 3) \
        order by 1 limit 100",
    now: "select (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8",
};

#[async_trait]
impl MigrationBackend for PostgresBackend {
    fn dialect(&self) -> &'static Dialect {
        &Dialect::POSTGRES
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::MINIMAL;
        capabilities.transactional_ddl = true;
        capabilities.run_lock = RunLock::Session;
        capabilities.lock_timeout = true;
        capabilities.statement_timeout = true;
        capabilities.roles = true;
        capabilities.second_session = true;
        capabilities.backups = Backups::Instead(
            "make one with `pg_dump --format=custom --file=FILE` first, then migrate without a backup",
        );
        capabilities.catalog = Some(CATALOG);
        capabilities
    }

    fn clock(&self) -> &dyn Clock {
        &TokioClock
    }

    fn database(&self) -> String {
        match &self.source {
            Source::Server(server) => {
                let places: Vec<String> = server.endpoints.iter().map(ToString::to_string).collect();
                format!("{}/{}", places.join(","), server.database())
            }
            Source::Pool(..) => "a pool's database".to_owned(),
        }
    }

    async fn connect(&self) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(self.session(None).await?))
    }
}

/// The runtime's clock, which tests can stop.
#[derive(Debug)]
struct TokioClock;

impl Clock for TokioClock {
    fn now(&self) -> Duration {
        static START: std::sync::OnceLock<tokio::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(tokio::time::Instant::now).elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
