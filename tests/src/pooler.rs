//! PgBouncer in front of the tests' Postgres server, pooling by transaction.
//!
//! Where it comes from, the environment says, and `cargo xtask test` sets it:
//!
//! | variable | the pooler |
//! | --- | --- |
//! | `WHIMBREL_TEST_PGBOUNCER_IMAGE=name:tag` | a container of that image, for a server that is a container too |
//! | `WHIMBREL_TEST_PGBOUNCER_BIN=file` | the program of this machine |
//!
//! Each value is a pooler of its own, and is gone with it. One whose test was killed stops by itself.

#![expect(clippy::panic, reason = "a test without its pooler has failed, and says why")]

use std::{
    env,
    fmt::Write as _,
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio_postgres::Config;

use crate::postgres::{Database, Server, connect, shared_container};

/// Seconds without a client after which a pooler stops.
const IDLE_SECONDS: u32 = 120;

/// Becomes the pooler, and stops it when nobody uses it.
const IDLE_EXIT: &str = include_str!("../image/idle_exit.sh");

/// Writes the files that PgBouncer reads, and becomes it. `max_prepared_statements` is known since 1.21.
const START: &str = r#"
set -eu
cd "${POOLER_FOLDER:-/tmp}"
printf '%s' "$POOLER_USERS" > users.txt
printf '%s' "$POOLER_SETTINGS" > pgbouncer.ini
version=$("$POOLER_PROGRAM" --version)
version=${version#PgBouncer 1.}
if [ "${version%%.*}" -ge 21 ]; then
  printf 'max_prepared_statements = %s\n' "$POOLER_PREPARED" >> pgbouncer.ini
fi
exec "$POOLER_PROGRAM" pgbouncer.ini
"#;

/// A running PgBouncer.
#[derive(Debug)]
pub struct Pooler {
    server: Server,
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    Container(String),
    Local(Child, #[expect(dead_code, reason = "removes the folder when it goes")] TempDir),
}

impl Pooler {
    /// Starts one in front of `database`'s server that has at most `size` connections to each database and lets a
    /// client use `prepared` prepared statements by name; before version 1.21 it knows nothing of these.
    ///
    /// # Panics
    ///
    /// Where there is none, or it does not answer within 30 seconds.
    pub async fn start(database: &Database, size: u32, prepared: u32) -> Self {
        let image = env::var("WHIMBREL_TEST_PGBOUNCER_IMAGE").ok().filter(|value| !value.is_empty());
        let program = env::var("WHIMBREL_TEST_PGBOUNCER_BIN").ok().filter(|value| !value.is_empty());
        let (machine, host, port) = match (image, program) {
            (Some(image), _) => in_container(&image, database.server(), size, prepared),
            (None, Some(program)) => local(&program, database.server(), size, prepared),
            (None, None) => panic!(
                "no PgBouncer for this test: neither WHIMBREL_TEST_PGBOUNCER_IMAGE nor WHIMBREL_TEST_PGBOUNCER_BIN is \
                 set\n  hint: run `cargo xtask test`, which finds or makes one; `cargo xtask test --sqlite-only` does \
                 without"
            ),
        };
        let pooler = Self { server: database.server().at(&host, port), machine };
        pooler.await_ready(database).await;
        pooler
    }

    /// The superuser's URL of the database, through the pooler.
    #[must_use]
    pub fn url(&self, database: &Database) -> String {
        self.server.url(database.name())
    }

    /// The superuser's configuration for the driver, through the pooler.
    #[must_use]
    pub fn config(&self, database: &Database) -> Config {
        self.server.config(database.name())
    }

    /// What PgBouncer says it is, asked on its console: `PgBouncer 1.24.1`.
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    pub async fn version(&self) -> String {
        let console = connect(&self.server.config("pgbouncer")).await;
        let answer = console.simple_query("show version").await;
        let answer = answer.unwrap_or_else(|error| panic!("the pooler does not tell its version: {error}"));
        let told = answer.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        told.unwrap_or_else(|| panic!("the pooler tells no version"))
    }

    async fn await_ready(&self, database: &Database) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let config = self.config(database);
            let connecting = tokio::time::timeout(Duration::from_secs(5), config.connect(tokio_postgres::NoTls)).await;
            match connecting {
                Ok(Ok(_)) => return,
                other if Instant::now() > deadline => {
                    let failure = other.map(|result| result.err());
                    panic!("the pooler does not answer: {failure:?}\n{}", self.log())
                }
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// What a pooler in a container has said; a local one says it on the test's own standard error.
    fn log(&self) -> String {
        let Machine::Container(name) = &self.machine else { return String::new() };
        let Ok(output) = docker(&["logs", "--tail", "20", name]) else { return String::new() };
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        match &mut self.machine {
            Machine::Container(name) => {
                let removed = docker(&["rm", "--force", name]);
                if !removed.as_ref().is_ok_and(|output| output.status.success()) {
                    eprintln!("warning: container {name} could not be removed: {removed:?}");
                }
            }
            Machine::Local(process, _) => {
                let _ = process.kill();
                let _ = process.wait();
            }
        }
    }
}

fn settings(server: &Server, (host, port): (&str, u16), listen: (&str, u16), size: u32) -> String {
    format!(
        "[databases]\n* = host={host} port={port}\n\n[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\n\
         unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = users.txt\nadmin_users = {}\n\
         pool_mode = transaction\ndefault_pool_size = {size}\nmax_client_conn = 300\nserver_login_retry = 1\n\
         query_wait_timeout = 60\nignore_startup_parameters = extra_float_digits\n",
        listen.0,
        listen.1,
        server.user(),
    )
}

/// What the script reads.
fn variables(server: &Server, settings: String, prepared: u32, program: &str) -> [(&'static str, String); 4] {
    let users = format!("\"{}\" \"{}\"\n", server.user(), server.password().replace('"', "\"\""));
    [
        ("POOLER_USERS", users),
        ("POOLER_SETTINGS", settings),
        ("POOLER_PREPARED", prepared.to_string()),
        ("POOLER_PROGRAM", program.to_owned()),
    ]
}

fn in_container(image: &str, server: &Server, size: u32, prepared: u32) -> (Machine, String, u16) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let postgres = env::var("WHIMBREL_TEST_POSTGRES_IMAGE").unwrap_or_default();
    let address = said(&[
        "inspect",
        "--format",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        &shared_container(&postgres),
    ]);
    let name = format!("whimbrel-pooler-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut run = Command::new("docker");
    run.args(["run", "--detach", "--rm", "--name", &name, "--user", "999", "--publish", "127.0.0.1::6432"]);
    let settings = settings(server, (&address, 5432), ("*", 6432), size);
    for (key, value) in variables(server, settings, prepared, "pgbouncer") {
        run.arg("--env").arg(format!("{key}={value}"));
    }
    run.args(["--entrypoint", "sh", image, "-c", IDLE_EXIT, "idle_exit", &IDLE_SECONDS.to_string(), "6432"]);
    run.args(["sh", "-c", START]);
    let started = run.stdin(Stdio::null()).output();
    match started {
        Ok(output) if output.status.success() => {}
        other => panic!("the pooler does not start from {image}: {other:?}"),
    }
    let machine = Machine::Container(name.clone());
    let published = said(&["port", &name, "6432/tcp"]);
    let port = published.lines().next().and_then(|line| line.rsplit_once(':')?.1.parse().ok());
    (machine, server.host().to_owned(), port.unwrap_or_else(|| panic!("no port is published: {published}")))
}

fn local(program: &str, server: &Server, size: u32, prepared: u32) -> (Machine, String, u16) {
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let port = port.unwrap_or_else(|error| panic!("no free port: {error}")).port();
    let folder = tempfile::Builder::new().prefix("whimbrel-pooler-").tempdir();
    let folder = folder.unwrap_or_else(|error| panic!("no folder for the pooler: {error}"));
    let mut settings = settings(server, (server.host(), server.port()), ("127.0.0.1", port), size);
    if is_root(&folder) {
        // PgBouncer refuses to be root.
        let _ = writeln!(settings, "user = nobody");
        open_to_others(&folder);
    }
    let mut command = Command::new("sh");
    command
        .args(["-c", IDLE_EXIT, "idle_exit", &IDLE_SECONDS.to_string(), &port.to_string(), "sh", "-c", START])
        .envs(variables(server, settings, prepared, program))
        .env("POOLER_FOLDER", folder.path())
        .env("WHIMBREL_OWNER", std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let process = command.spawn().unwrap_or_else(|error| panic!("the pooler does not start: {error}"));
    (Machine::Local(process, folder), "127.0.0.1".to_owned(), port)
}

/// Whether what this process makes belongs to root.
fn is_root(folder: &TempDir) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(folder.path()).is_ok_and(|metadata| metadata.uid() == 0)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}

fn open_to_others(folder: &TempDir) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if let Err(error) = fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)) {
            panic!("{}: {error}", folder.path().display());
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
}

fn docker(arguments: &[&str]) -> std::io::Result<std::process::Output> {
    Command::new("docker").args(arguments).stdin(Stdio::null()).output()
}

fn said(arguments: &[&str]) -> String {
    match docker(arguments) {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        other => panic!("docker {}: {other:?}", arguments.join(" ")),
    }
}
