//! The daemon as a user runs it: real processes, on SQLite, from a folder that holds nothing else.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it should be")]

mod instance;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use instance::Instance;
use whimbrel::sqlite::{SqliteBackend, libsql};
use whimbrel::{CodeSource, DirectorySource, MigrationState, Migrator};

const INSTANCES: usize = 8;

/// A folder with the program alone in it, as in an image.
struct Image {
    folder: tempfile::TempDir,
}

impl Image {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (program, place) = (env!("CARGO_BIN_EXE_example-daemon"), folder.path().join(PROGRAM));
        // A copy could not be started while a process that another test starts just then has it open for writing.
        #[cfg(unix)]
        std::os::unix::fs::symlink(program, place).unwrap();
        #[cfg(not(unix))]
        std::fs::copy(program, place).unwrap();
        Self { folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.folder.path().join(PROGRAM));
        command.current_dir(self.folder.path()).env_remove("DATABASE_URL").env_remove("LISTEN");
        command.args(["--database", "sqlite:data/app.db", "--listen", "127.0.0.1:0"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self) -> Instance {
        Instance::of(self.command(&[]).spawn().unwrap())
    }

    fn refused(&self) -> Output {
        self.command(&[]).output().unwrap()
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data/app.db")
    }

    async fn execute(&self, sql: &str) {
        let database = libsql::Builder::new_local(self.database()).build().await.unwrap();
        let connection = database.connect().unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection.execute(sql, ()).await.unwrap();
    }

    /// The migrator of these files over the same database, and one version that no file has where it is asked for.
    fn migrator(&self, newer: bool) -> Migrator {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let migrator = Migrator::new(SqliteBackend::open(self.database()))
            .source(DirectorySource::new(root.join("migrations-sqlite")));
        if newer {
            migrator.source(CodeSource::new().sql("9000", "of_tomorrow", "CREATE TABLE tomorrow (id integer)"))
        } else {
            migrator
        }
    }
}

const PROGRAM: &str = if cfg!(windows) { "daemon.exe" } else { "daemon" };

#[tokio::test]
async fn eight_instances_start_at_once_on_an_empty_database() {
    let image = Image::new();
    let started = Instant::now();
    let processes: Vec<Child> = (0..INSTANCES).map(|_| image.command(&[]).spawn().unwrap()).collect();
    let instances: Vec<Instance> = processes.into_iter().map(Instance::of).collect();
    for instance in &instances {
        assert_eq!(instance.get("/healthz"), (200, r#"{"status":"ok"}"#.to_owned()));
        let (status, board) = instance.get("/board");
        assert_eq!((status, board.contains(r#""name":"Main board""#)), (200, true), "{board}");
    }
    assert!(started.elapsed() < Duration::from_secs(60), "took {:?}", started.elapsed());

    let status = image.migrator(false).status().await.unwrap();
    let versioned: Vec<_> = status.migrations.iter().filter(|m| m.id.version().is_some()).collect();
    assert!(versioned.len() >= 8 && versioned.iter().all(|m| m.state == MigrationState::Applied), "{versioned:#?}");
    // Together they applied each migration, and the seed, exactly once.
    for migration in versioned {
        let line = format!("applied {} {} ", migration.id, migration.name);
        let times = instances.iter().flat_map(|i| &i.log).filter(|logged| logged.starts_with(&line)).count();
        assert_eq!(times, 1, "{line}");
    }
    let seeds = instances.iter().flat_map(|i| &i.log).filter(|logged| logged.contains("seed")).count();
    assert_eq!(seeds, 1);
    for instance in instances {
        assert_eq!(instance.stop(), (Some(0), "stopped\n".to_owned()));
    }
}

#[tokio::test]
async fn a_deleted_default_board_stays_deleted_after_a_restart() {
    let image = Image::new();
    let instance = image.start();
    assert_eq!(instance.get("/board").0, 200);
    image.execute("DELETE FROM boards WHERE is_default").await;
    let gone = (404, r#"{"error":"there is no default board"}"#.to_owned());
    assert_eq!(instance.get("/board"), gone);
    instance.stop();

    let again = image.start();
    assert_eq!(again.log, ["the database is up to date"]);
    assert_eq!(again.get("/board"), gone);
    assert_eq!(again.get("/healthz").0, 200);
    assert_eq!(again.get("/elsewhere").0, 404);
    again.stop();
}

#[tokio::test]
async fn a_database_that_is_ahead_is_refused_unless_it_is_allowed() {
    let image = Image::new();
    std::fs::create_dir(image.folder.path().join("data")).unwrap();
    image.migrator(true).migrate().await.unwrap();

    let refused = image.refused();
    let message = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(3), "{message}");
    assert!(message.contains("9000 was applied, and is newer than everything this program knows"), "{message}");
    assert_eq!(refused.stdout, b"");

    let allowed = Instance::of(image.command(&["--allow-database-ahead"]).spawn().unwrap());
    // Nobody has run the seed yet, and an allowed start does.
    assert_eq!(allowed.get("/board").0, 200);
    allowed.stop();
}

#[test]
fn a_wrong_call_says_what_to_write() {
    let image = Image::new();
    let output = image.command(&["--listen"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: --listen needs a value\n\nusage:"));

    let mut command = image.command(&[]);
    let output = command.args(["--database", "mysql://user:s3cret@host/db"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!message.contains("s3cret") && message.contains("sqlite:"), "{message}");
}
