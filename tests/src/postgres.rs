//! The Postgres servers that tests run on.
//!
//! Which server that is, the environment says, and `cargo xtask test` sets it:
//!
//! | variable | the server |
//! | --- | --- |
//! | `WHIMBREL_TEST_POSTGRES_IMAGE=name:tag` | a container of that image, started by the first test that needs it |
//! | `WHIMBREL_TEST_POSTGRES_URL=postgres://…` | a server that runs already; the user must be a superuser |
//! | `WHIMBREL_TEST_POSTGRES_BIN=folder` | beside the URL: the server's programs, for servers of a test's own |
//! | `WHIMBREL_TEST_SQLITE_ONLY=1` | none was asked for: see [`requested`] |
//!
//! Most tests use [`fresh_database`]: a database of its own on the server that all test processes share. It is fast and
//! loses its data with the machine (memory only, `fsync` off). Tests that stop, kill or freeze a server, or count what
//! it writes to disk, use [`own_server`].
//!
//! Nothing is left behind, not even by a run that was killed: the shared server stops a minute after its last client,
//! finished databases and roles are dropped by later tests.

#![expect(clippy::panic, reason = "a test without its server has failed, and says why")]

mod container;
mod local;
mod own;
mod sweep;
#[cfg(test)]
mod tests;

pub use own::OwnServer;

use std::{
    env,
    fmt::{self, Write as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio_postgres::{Client, Config, NoTls, config::Host};

/// The superuser of the servers that are started here.
const USER: &str = "whimbrel";
/// Its password; no secret, the server lives in memory and holds nothing but test data.
const PASSWORD: &str = "whimbrel-test";

/// Seconds without a client after which the shared server stops.
const SHARED_IDLE_SECONDS: u32 = 60;
/// The same for a test's own server, which a test may leave alone for longer.
const OWN_IDLE_SECONDS: u32 = 180;

/// Becomes the server, and stops it when nobody uses it: see the file.
const IDLE_EXIT: &str = include_str!("../image/idle_exit.sh");

/// Settings of the shared server: as fast as it goes, and room for many test processes.
const FAST: &[&str] =
    &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300", "max_wal_size=4GB"];

/// Whether Postgres tests are to run.
///
/// False only when SQLite alone was asked for (`cargo xtask test --sqlite-only`): then a test marks itself ignored, or
/// prints that it did not run. Without a server and without that wish, tests fail.
#[must_use]
pub fn requested() -> bool {
    env::var_os("WHIMBREL_TEST_SQLITE_ONLY").is_none_or(|value| value.is_empty() || value == "0")
}

/// Why there is no server: a sentence for the person who runs the tests.
#[derive(Debug)]
struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Unavailable {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let _ = write!(text, ": {cause}");
            source = cause.source();
        }
        Self(text)
    }
}

/// Where a server is and who may do everything there.
#[derive(Clone, Debug)]
pub struct Server {
    host: String,
    port: u16,
    user: String,
    password: String,
    /// The database every server has, for statements that need one.
    database: String,
    version: u32,
}

impl Server {
    /// Asks a server that has just been found for its version; so it has answered once.
    async fn probe(mut self) -> Result<Self, Unavailable> {
        let client = open(&self.config(&self.database)).await?;
        let row = client.query_one("SELECT current_setting('server_version_num')::int4", &[]).await?;
        self.version = u32::try_from(row.get::<_, i32>(0))?;
        Ok(self)
    }

    /// The server that a `postgres://` URL names.
    fn from_url(url: &str) -> Result<Self, Unavailable> {
        let config: Config = url.parse()?;
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "127.0.0.1".to_owned(),
        };
        let user = config.get_user().unwrap_or(USER).to_owned();
        Ok(Self {
            host,
            port: config.get_ports().first().copied().unwrap_or(5432),
            password: config
                .get_password()
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                .unwrap_or_default(),
            database: config.get_dbname().unwrap_or(&user).to_owned(),
            user,
            version: 0,
        })
    }

    /// A server that this module has started.
    fn started(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
            database: USER.to_owned(),
            version: 0,
        }
    }

    /// The version as `server_version_num` has it: `170012` for 17.12.
    #[must_use]
    pub fn version_num(&self) -> u32 {
        self.version
    }

    /// The major version: `17`.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.version / 10_000
    }

    /// The address that clients connect to.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port that clients connect to; the same for as long as the server lives, across restarts too.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The same server by another address, which something between leads to.
    #[must_use]
    pub fn at(&self, host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, ..self.clone() }
    }

    /// The superuser's password, not encoded.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The driver's configuration for the superuser in `database`.
    #[must_use]
    pub fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(&self.user)
            .password(&self.password)
            .dbname(database)
            .connect_timeout(Duration::from_secs(5));
        config
    }

    /// The URL for the superuser in `database`, with every part percent-encoded where it must be.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as(&self.user, &self.password, database)
    }

    /// The URL for another user.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { encoded(&self.host) };
        let (user, password, database) = (encoded(user), encoded(password), encoded(database));
        format!("postgres://{user}:{password}@{host}:{}/{database}", self.port)
    }

    /// A connection of the superuser to the server's own database, where no test keeps anything.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn admin(&self) -> Client {
        connect(&self.config(&self.database)).await
    }

    /// Makes an empty database; it is dropped by a later test once the value is gone.
    ///
    /// # Panics
    /// When the server does not answer or refuses.
    pub async fn fresh_database(&self) -> Database {
        self.make_database(&unique_name("t")).await
    }

    /// The same with a name of the test's choice, for names that need quoting; unlike the others it must be unique, and
    /// what is left of a killed run stays until the server stops. A database of that name that is there is dropped.
    ///
    /// # Panics
    /// When the server does not answer or refuses.
    pub async fn database_named(&self, name: &str) -> Database {
        let admin = self.admin().await;
        run(&admin, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name))).await;
        self.make_database(name).await
    }

    async fn make_database(&self, name: &str) -> Database {
        let admin = self.admin().await;
        sweep::sweep(&admin).await;
        // Twice as fast in memory; older servers always do it so.
        let strategy = if self.version >= 150_000 { " STRATEGY file_copy" } else { "" };
        run(&admin, &format!("CREATE DATABASE {} TEMPLATE template0{strategy}", quoted(name))).await;
        Database { server: self.clone(), name: name.to_owned() }
    }

    /// Makes a role that may log in, with `attributes` such as `NOSUPERUSER CREATEDB` after its name and password.
    ///
    /// It is dropped by a later test once the value is gone and the databases where it owns something are.
    ///
    /// # Panics
    /// When the server does not answer or refuses.
    pub async fn role(&self, attributes: &str) -> Role {
        let role = Role { name: unique_name("r"), password: "pässwörd '\" /@:%".to_owned() };
        let password = role.password.replace('\'', "''");
        let sql = format!("CREATE ROLE {} LOGIN PASSWORD '{password}' {attributes}", quoted(&role.name));
        run(&self.admin().await, &sql).await;
        role
    }
}

/// A role of one test's own; its password holds every character that is easily got wrong.
#[derive(Debug)]
pub struct Role {
    /// The name, as stored.
    pub name: String,
    /// The password, not encoded.
    pub password: String,
}

impl Drop for Role {
    fn drop(&mut self) {
        sweep::finished(sweep::Object::Role, &self.name);
    }
}

/// A database of one test's own.
///
/// Dropping it only marks it: `DROP DATABASE` waits 100 ms wherever a session is still closing, and a later test finds
/// it closed.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
}

impl Database {
    /// Its name, as stored.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server it is on.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The superuser's URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// The URL of `role`.
    #[must_use]
    pub fn url_as(&self, role: &Role) -> String {
        self.server.url_as(&role.name, &role.password, &self.name)
    }

    /// The superuser's configuration for the driver.
    #[must_use]
    pub fn config(&self) -> Config {
        self.server.config(&self.name)
    }

    /// A connection of the superuser.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn connect(&self) -> Client {
        connect(&self.config()).await
    }

    /// A connection of `role`.
    ///
    /// # Panics
    /// When the server does not answer or refuses the role.
    pub async fn connect_as(&self, role: &Role) -> Client {
        let mut config = self.config();
        config.user(&role.name).password(&role.password);
        connect(&config).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        sweep::finished(sweep::Object::Database, &self.name);
    }
}

/// A fresh database on the server that all tests share.
///
/// # Panics
/// When there is no server, with what to do about it.
pub async fn fresh_database() -> Database {
    shared_server().await.fresh_database().await
}

/// The server that all tests share, started if it is not running.
///
/// # Panics
/// When there is none, with what to do about it.
pub async fn shared_server() -> Server {
    static KNOWN: Mutex<Option<Server>> = Mutex::new(None);
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(server) = known
        && let Ok(server) = server.probe().await
    {
        return server;
    }
    let server = find_shared().await.unwrap_or_else(|error| panic!("no Postgres server for this test: {error}"));
    *KNOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.clone());
    server
}

async fn find_shared() -> Result<Server, Unavailable> {
    if let Some(url) = setting("WHIMBREL_TEST_POSTGRES_URL") {
        return Server::from_url(&url)?.probe().await;
    }
    match setting("WHIMBREL_TEST_POSTGRES_IMAGE") {
        Some(image) => container::shared(&image).await,
        None => Err(nothing_set()),
    }
}

/// A server that only this test uses, with its data on disk and `fsync` on, and `settings` such as
/// `"max_connections=20"` besides; it may be killed, restarted and frozen.
///
/// It takes seconds to start: share [`fresh_database`] wherever that does.
///
/// # Panics
/// When there is neither an image nor a folder of server programs to start it from.
pub async fn own_server(settings: &[&str]) -> OwnServer {
    let started = match (setting("WHIMBREL_TEST_POSTGRES_IMAGE"), setting("WHIMBREL_TEST_POSTGRES_BIN")) {
        (Some(image), _) => OwnServer::container(&image, settings).await,
        (None, Some(programs)) => OwnServer::local(&programs, settings).await,
        (None, None) => Err(nothing_set()),
    };
    started.unwrap_or_else(|error| panic!("no Postgres server of its own for this test: {error}"))
}

/// Connects, and drives the connection on a task of the current runtime.
///
/// # Panics
/// When the server refuses or does not answer within ten seconds.
pub async fn connect(config: &Config) -> Client {
    open(config).await.unwrap_or_else(|error| panic!("cannot connect to the test's Postgres server: {error}"))
}

/// The same as a value. The driver's own timeout ends with the TCP connection; a frozen server gets that far.
async fn open(config: &Config) -> Result<Client, Unavailable> {
    let (client, connection) = tokio::time::timeout(Duration::from_secs(10), config.connect(NoTls)).await??;
    tokio::spawn(connection);
    Ok(client)
}

/// Tries to reach a server that is starting, until `patience` is over.
async fn await_ready(server: &Server, patience: Duration) -> Result<Server, Unavailable> {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        match server.clone().probe().await {
            Ok(server) => return Ok(server),
            Err(error) if tokio::time::Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn run(client: &Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql).await {
        panic!("{}\n  in {sql}", Unavailable::from(error));
    }
}

/// The name of the container of `image` that all test processes share.
pub(crate) fn shared_container(image: &str) -> String {
    format!("whimbrel-{}-shared", image.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn nothing_set() -> Unavailable {
    Unavailable(
        "neither WHIMBREL_TEST_POSTGRES_IMAGE nor WHIMBREL_TEST_POSTGRES_URL is set\n  \
         hint: run `cargo xtask test`, which finds or makes a server; `cargo xtask test --sqlite-only` does without"
            .to_owned(),
    )
}

/// A name that no other test has, and that tells who made it and when: see [`sweep`].
fn unique_name(letter: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    format!("whimbrel_{letter}{seconds}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Percent-encodes everything but the characters that a URL takes anywhere.
fn encoded(part: &str) -> String {
    part.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}
