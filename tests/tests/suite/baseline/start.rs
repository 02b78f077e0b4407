//! The example's daemon on databases from before there was a history: made by scripts, with rows, at every version.

use std::collections::BTreeMap;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use whimbrel::Dialect;
use whimbrel::split::split;
use whimbrel_tests::database::TestDatabase;
use whimbrel_tests::long::Part;

use crate::daemon::instance::Instance;
use crate::{on_both, root};

on_both! {
    eight_start_from_0000 eight_start_from_0001 eight_start_from_0002 eight_start_from_0003
    eight_start_from_0004 eight_start_from_0005 eight_start_from_0006 eight_start_from_0007
    one_column_changed_by_hand_stops_every_start
    fifty_rounds_over_every_state
}

/// How many daemons start at once.
const DAEMONS: usize = 8;
/// How many rounds the long form takes.
const ROUNDS: u64 = 50;
/// How many migrations there are, and their seed.
const MIGRATIONS: usize = 8;

fn spawn(database: &TestDatabase) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_daemon"));
    command.args(["--database", database.url(), "--listen", "127.0.0.1:0"]).env_remove("LISTEN");
    command.current_dir(std::env::temp_dir());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("a process starts")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join("tests/data").join(path)).expect("the data are there")
}

async fn run(database: &TestDatabase, text: &str) {
    let dialect = if database.server().is_some() { Dialect::POSTGRES } else { Dialect::SQLITE };
    let statements = split(dialect.lexer, text).expect("they are SQL");
    let statements: Vec<&str> = statements.iter().map(|statement| statement.text).collect();
    let done = database.transact(&statements).await;
    done.unwrap_or_else(|halted| panic!("{}: {}", halted.error, statements[halted.at - 1]));
}

/// The tables as scripts made them, and rows in every one.
async fn made_by_scripts(database: &TestDatabase, version: &str) {
    let file = format!("{}/{version}.sql", database.dialect());
    run(database, &read(&format!("adhoc/{file}"))).await;
    run(database, &read(&format!("upgrade/{file}"))).await;
}

/// The rows of every table, as one text each.
async fn rows(database: &TestDatabase, version: &str, when: &str) -> BTreeMap<String, Vec<String>> {
    let expected: Value = serde_json::from_str(&read("upgrade/expected.json")).expect("they are JSON");
    let tables = expected["starts"][version]["tables"].as_object().expect("tables");
    let mut rows = BTreeMap::new();
    for (table, queries) in tables {
        rows.insert(table.clone(), database.column(queries[when].as_str().expect("a query")).await);
    }
    rows
}

/// The versions that some line of an instance's log names behind this word, from all of them.
fn logged(instances: &[Instance], word: &str) -> Vec<String> {
    let lines = instances.iter().flat_map(|instance| &instance.log);
    let named = |line: &String| Some(line.strip_prefix(word)?.trim().split(' ').next()?.to_owned());
    let mut versions: Vec<String> = lines.filter_map(named).collect();
    versions.sort();
    versions
}

async fn eight_start_from(database: TestDatabase, version: &str) {
    made_by_scripts(&database, version).await;
    let before = rows(&database, version, "before").await;
    assert!(before.values().map(Vec::len).sum::<usize>() > 20, "there are rows to lose");
    let processes: Vec<Child> = (0..DAEMONS).map(|_| spawn(&database)).collect();
    let instances: Vec<Instance> = processes.into_iter().map(Instance::of).collect();
    for instance in &instances {
        assert_eq!(instance.get("/healthz").0, 200);
    }
    let versions: Vec<String> = (0..MIGRATIONS).map(|number| format!("{number:04}")).collect();
    let (known, left): (Vec<String>, Vec<String>) = versions.into_iter().partition(|it| it.as_str() <= version);
    assert_eq!(logged(&instances, "recorded "), known, "each is recorded once");
    let applied = logged(&instances, "applied ");
    let migrations: Vec<&String> = applied.iter().filter(|it| it.as_str() != "seed").collect();
    assert_eq!(migrations, left.iter().collect::<Vec<_>>(), "each is run once");
    let history =
        "select version || ' ' || state || ' ' || origin from whimbrel_history where kind = 'migration' order by 1";
    let row = |version: &String| {
        format!("{version} applied {}", if known.contains(version) { "baseline" } else { "applied" })
    };
    let expected: Vec<String> = known.iter().chain(&left).map(row).collect();
    assert_eq!(database.column(history).await, expected);
    assert_eq!(rows(&database, version, "after").await, before, "every row is there");
    for instance in instances {
        assert_eq!(instance.stop().0, Some(0));
    }
}

macro_rules! states {
    ($($name:ident $version:literal)*) => {
        $(async fn $name(database: TestDatabase) {
            eight_start_from(database, $version).await;
        })*
    };
}

states! {
    eight_start_from_0000 "0000"
    eight_start_from_0001 "0001"
    eight_start_from_0002 "0002"
    eight_start_from_0003 "0003"
    eight_start_from_0004 "0004"
    eight_start_from_0005 "0005"
    eight_start_from_0006 "0006"
    eight_start_from_0007 "0007"
}

async fn one_column_changed_by_hand_stops_every_start(database: TestDatabase) {
    made_by_scripts(&database, "0004").await;
    database.transact(&["alter table sessions rename column title to headline"]).await.expect("it is changed");
    let before = database.tables().await;
    let processes: Vec<Child> = (0..DAEMONS).map(|_| spawn(&database)).collect();
    for process in processes {
        let Output { status, stderr, .. } = process.wait_with_output().expect("a process ends");
        let message = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(1), "{message}");
        assert!(message.contains("0004 is the nearest: 2 differences"), "{message}");
        assert!(message.contains("column sessions.headline is there and not expected"), "{message}");
        assert!(message.contains("column sessions.title is missing; 0000_initial_schema.sql makes it"), "{message}");
    }
    assert_eq!(database.tables().await, before, "nothing was touched");
}

async fn fifty_rounds_over_every_state(first: TestDatabase) {
    let mut part = Part::begin("rounds", 1, Some(ROUNDS));
    while part.has_another() {
        let on_server = first.server().is_some();
        let database = if on_server { TestDatabase::postgres().await } else { TestDatabase::sqlite() };
        let version = format!("{:04}", part.done() % MIGRATIONS as u64);
        eight_start_from(database, &version).await;
    }
    part.tell();
}
