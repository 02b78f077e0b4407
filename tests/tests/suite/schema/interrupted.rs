//! Commands that a signal stops while they prove something on a throw-away database of a server.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use whimbrel_tests::database::TestDatabase;

/// Longer than a test waits, so that a command which goes on is seen.
const SLOW: &str = "create table a (id integer primary key);\nselect pg_sleep(60);\n";

fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whimbrel-command"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("a process starts")
}

/// A project whose migration takes long.
fn project(database: &TestDatabase, migration: &str) -> std::path::PathBuf {
    let folder = database.folder("project");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file is written");
    let url = database.url();
    write("whimbrel.toml", &format!("[target.app]\nurl = \"{url}\"\nscratch-url = \"{url}\"\ndir = \"m\"\n"));
    write("schema.sql", "CREATE TABLE a (id integer PRIMARY KEY, b text);\n");
    std::fs::create_dir_all(folder.join("m")).expect("a folder is made");
    write("m/0001_slow.sql", migration);
    folder
}

/// The throw-away databases of a process.
async fn scratches(database: &TestDatabase, process: u32) -> Vec<String> {
    let like =
        format!("select datname::text from pg_database where datname like 'whimbrel\\_scratch\\_%\\_{process}\\_%'");
    database.column(&like).await
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_signal_takes_the_throw_away_database_along() {
    crate::needs_postgres!();
    crate::block_on(async {
        let commands: [&[&str]; 4] = [&["generate"], &["generate"], &["baseline"], &["baseline"]];
        for (arguments, signal) in commands.into_iter().zip(["INT", "TERM", "INT", "TERM"]) {
            let database = TestDatabase::postgres().await;
            let folder = project(&database, SLOW);
            database.transact(&["create table a (id integer primary key)"]).await.expect("there is a table");
            let process = start(&folder, arguments);
            until("it sleeps", async || {
                let sleeping = "select datname::text from pg_stat_activity where wait_event = 'PgSleep'";
                let (sleeping, own) = (database.column(sleeping).await, scratches(&database, process.id()).await);
                own.iter().any(|name| sleeping.contains(name))
            })
            .await;
            let id = process.id();
            let sent = Command::new("kill").args([format!("-{signal}"), id.to_string()]).status().expect("kill runs");
            assert!(sent.success());
            let output = process.wait_with_output().expect("it ends");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(130), "{arguments:?}: {told}");
            assert!(told.contains("interrupted"), "{arguments:?}: {told}");
            assert_eq!(scratches(&database, id).await, [] as [String; 0], "{arguments:?}: {told}");
        }
    });
}

#[test]
fn what_a_killed_process_left_is_removed_by_a_later_one() {
    crate::needs_postgres!();
    crate::block_on(async {
        let database = TestDatabase::postgres().await;
        let folder = project(&database, "create table a (id integer primary key);\n");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_micros();
        let process = std::process::id();
        let (old, young) = (format!("whimbrel_scratch_1_{process}_0"), format!("whimbrel_scratch_{now}_{process}_0"));
        let (other, used) = (format!("whimbrel_scratch_x_{process}_0"), format!("whimbrel_scratch_2_{process}_0"));
        let server = database.server().expect("it is Postgres").connect().await;
        for name in [&old, &young, &other, &used] {
            server.batch_execute(&format!("create database {name}")).await.expect("it is made");
        }
        let url = database.server().expect("it is Postgres").server().url(&used);
        let backend = whimbrel::Database::from_url(&url).expect("a URL").backend;
        let session = backend.connect().await.expect("somebody uses it");
        let output = start(&folder, &["generate", "more"]).wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut left = scratches(&database, process).await;
        left.sort();
        let mut expected = [young.clone(), other.clone(), used.clone()];
        expected.sort();
        assert_eq!(left, expected);
        session.close().await.expect("it ends");
        for name in expected {
            server.batch_execute(&format!("drop database {name} with (force)")).await.expect("it is dropped");
        }
    });
}
