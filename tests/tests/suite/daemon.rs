//! The example's daemon as real processes on both databases. What it does besides is tested beside it.

#[path = "../../../examples/daemon/tests/daemon/instance.rs"]
pub(crate) mod instance;

use std::process::{Child, Command, Output, Stdio};

use instance::Instance;
use whimbrel::{CodeSource, DirectorySource};
use whimbrel_tests::database::TestDatabase;

use super::{on_both, root};

on_both! {
    eight_instances_start_at_once
    a_deleted_default_board_stays_deleted
    a_newer_database_is_refused
}

fn command(database: &TestDatabase) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_daemon"));
    command.args(["--database", database.url(), "--listen", "127.0.0.1:0"]).env_remove("LISTEN");
    // The files of the workspace must not be found: the daemon brings its own.
    command.current_dir(std::env::temp_dir());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn spawn(database: &TestDatabase) -> Child {
    command(database).spawn().expect("a process starts")
}

async fn eight_instances_start_at_once(database: TestDatabase) {
    let processes: Vec<Child> = (0..8).map(|_| spawn(&database)).collect();
    let instances: Vec<Instance> = processes.into_iter().map(Instance::of).collect();
    for instance in &instances {
        assert_eq!(instance.get("/healthz").0, 200);
        let (status, board) = instance.get("/board");
        assert!(status == 200 && board.contains(r#""name":"Main board""#), "{status} {board}");
    }
    let mut applied: Vec<String> = instances
        .iter()
        .flat_map(|instance| &instance.log)
        .filter_map(|line| line.strip_prefix("applied ")?.split(' ').next().map(str::to_owned))
        .collect();
    applied.sort();
    let count = applied.len();
    applied.dedup();
    assert_eq!((applied.len(), applied.first().map(String::as_str)), (count, Some("0000")), "{applied:?}");
    // Eight migrations and the seed.
    assert!(count >= 9, "{applied:?}");
    let recorded = database.query("select count(*) from whimbrel_history").await;
    assert_eq!(recorded, [[Some(count.to_string())]]);
    for instance in instances {
        assert_eq!(instance.stop().0, Some(0));
    }
}

async fn a_deleted_default_board_stays_deleted(database: TestDatabase) {
    let instance = Instance::of(spawn(&database));
    assert_eq!(instance.get("/board").0, 200);
    database.transact(&["delete from boards where is_default"]).await.expect("the board is deleted");
    assert_eq!(instance.get("/board").0, 404);
    instance.stop();
    let again = Instance::of(spawn(&database));
    assert_eq!(again.get("/board").0, 404);
    again.stop();
}

async fn a_newer_database_is_refused(database: TestDatabase) {
    let folder = if database.dialect() == "sqlite" { "migrations-sqlite" } else { "migrations-pg" };
    let newer = CodeSource::new().sql("9000", "of_tomorrow", "create table tomorrow (id integer)");
    let migrator = database.migrator().source(DirectorySource::new(root().join(folder))).source(newer);
    migrator.migrate().await.expect("it is migrated");

    let Output { status, stderr, .. } = command(&database).output().expect("a process ends");
    let message = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(3), "{message}");
    assert!(message.contains("9000 was applied, and is newer"), "{message}");
    let allowed = Instance::of(command(&database).arg("--allow-database-ahead").spawn().expect("a process starts"));
    assert_eq!(allowed.get("/board").0, 200);
    allowed.stop();
}
