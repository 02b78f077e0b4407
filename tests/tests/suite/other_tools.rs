//! Folders of other tools, read as they are: what they lead to is what their own tools made.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use whimbrel::split::split;
use whimbrel::{AsFresh, DirectorySource, Event, Format, MigrateError, MigrateErrorKind};
use whimbrel_tests::database::TestDatabase;

use super::corpora::{Corpus, corpora, fixtures, has_dump, has_sqlite_schema};
use super::on_both;

on_both! {
    what_cannot_share_a_transaction_is_seen_from_the_statements
    a_file_that_ends_its_runners_transaction_runs_as_meant
    a_failure_in_such_a_file_is_never_called_rolled_back
    down_parts_are_kept_and_never_run
    what_a_text_rolls_back_stays_undone
    what_stands_before_a_commit_is_one_transaction
    a_chained_transaction_is_recorded_as_far_as_it_is_committed
    a_text_that_speaks_of_its_tools_own_table_finds_it
}

/// The format of a folder of another project, where it is one that is read as it is.
fn format(corpus: &Corpus) -> Option<&'static str> {
    match corpus.meta["format"].as_str()? {
        "drizzle" => Some("drizzle"),
        "sqlx" | "sqlx (reversible)" => Some("sqlx"),
        _ => None,
    }
}

/// `whimbrel migrate` as a process; what it says where it fails.
fn migrate(database: &TestDatabase, folder: &Path, format: &str) -> Result<(), String> {
    let output = Command::new(env!("CARGO_BIN_EXE_whimbrel-command"))
        .current_dir(database.folder("empty"))
        .args(["migrate", "--url", database.url(), "--format", format, "--dir"])
        .arg(folder)
        .output()
        .expect("the command starts");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Rows of each table, as the corpora say them.
async fn row_counts(database: &TestDatabase, expected: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in expected.lines() {
        let table = line.rsplit_once(' ').expect("a table and a number").0;
        // Those of Postgres are quoted where that is needed.
        let quoted = if database.server().is_some() { table.to_owned() } else { whimbrel::quote_identifier(table) };
        let count = database.column(&format!("select count(*) from {quoted}")).await.remove(0);
        found.push(format!("{table} {count}"));
    }
    found
}

async fn same_rows(database: &TestDatabase, folder: &Path, name: &str) {
    let expected =
        std::fs::read_to_string(folder.join("expected_rowcounts.txt")).expect("numbers of rows are expected");
    assert_eq!(row_counts(database, &expected).await, expected.lines().collect::<Vec<_>>(), "{name}");
}

#[test]
fn sqlite_folders_give_what_their_tools_gave() {
    let Some(folders) = corpora("sqlite") else { return };
    crate::block_on(async {
        let mut applied = Vec::new();
        for folder in &folders {
            let (corpus, database) = (Corpus::load(folder), TestDatabase::sqlite());
            let Some(format) = format(&corpus) else { continue };
            corpus.set_up(&database).await;
            migrate(&database, &folder.join("migrations"), format)
                .unwrap_or_else(|told| panic!("{}: {told}", corpus.name()));
            let expected = std::fs::read_to_string(folder.join("expected.sql")).expect("a schema is expected");
            has_sqlite_schema(&database, &expected, corpus.name()).await;
            same_rows(&database, folder, corpus.name()).await;
            applied.push(corpus.name().to_owned());
        }
        println!("{} SQLite folders of Drizzle and sqlx applied: {applied:?}", applied.len());
        assert!(applied.len() >= 2, "{applied:?}");
    });
}

#[test]
fn postgres_folders_give_what_their_tools_gave() {
    crate::needs_postgres!();
    let Some(folders) = corpora("postgres") else { return };
    crate::block_on(async {
        let (mut applied, mut compared, mut too_new) = (Vec::new(), 0, 0);
        for folder in &folders {
            let (corpus, database) = (Corpus::load(folder), TestDatabase::postgres().await);
            let Some(format) = format(&corpus) else { continue };
            corpus.set_up(&database).await;
            let plain = database.url().to_owned();
            let database = corpus.with_settings(database);
            if !corpus.runs_on(&database) {
                println!("{} DID NOT RUN: the server is too old", corpus.name());
                too_new += 1;
                continue;
            }
            if let Err(told) = migrate(&database, &folder.join("migrations"), format) {
                // The test server has no contributed modules.
                assert!(told.contains("extension"), "{}: {told}", corpus.name());
                println!("{} DID NOT RUN to its end: {}", corpus.name(), told.lines().next().unwrap_or_default());
                continue;
            }
            applied.push(corpus.name().to_owned());
            let expected = std::fs::read_to_string(folder.join("expected.sql")).expect("a schema is expected");
            compared += usize::from(has_dump(&plain, &expected, corpus.name()));
            same_rows(&database, folder, corpus.name()).await;
        }
        println!("{} Postgres folders of Drizzle and sqlx applied, {compared} compared: {applied:?}", applied.len());
        assert!(applied.len() + too_new >= 6, "{applied:?}");
    });
}

/// A folder of sqlx with these files.
fn folder(database: &TestDatabase, files: &[(&str, &str)]) -> PathBuf {
    let folder = database.folder("migrations");
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("a file is written");
    }
    folder
}

fn source(database: &TestDatabase, folder: &Path) -> DirectorySource {
    let lexer = database.migrator().backend().dialect().lexer;
    DirectorySource::open(folder, Some(Format::readable("sqlx").expect("it is read")), Some(lexer)).expect("it is read")
}

#[test]
fn hostile_files_do_what_they_should() {
    let folder = fixtures().join("nasty");
    let Ok(index) = std::fs::read_to_string(folder.join("index.json")) else {
        return println!("DID NOT RUN: no hostile files in {} (set WHIMBREL_FIXTURES)", folder.display());
    };
    let index: Value = serde_json::from_str(&index).expect("the index is JSON");
    crate::block_on(async {
        let mut tried = 0;
        for entry in index.as_array().expect("a list").iter().filter(|entry| entry["dialect"] == "sqlite") {
            hostile(&folder, entry).await;
            tried += 1;
        }
        println!("{tried} hostile SQLite files tried");
    });
}

async fn hostile(folder: &Path, entry: &Value) {
    let file = entry["file"].as_str().expect("a file");
    let path = folder.parent().expect("it is among the fixtures").join(file);
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let state = |what: &str| std::fs::read_to_string(folder.join("sqlite/state").join(format!("{name}.{what}"))).ok();
    let database = TestDatabase::sqlite();
    for what in ["before.sql", "seed.sql"] {
        let text = state(what).unwrap_or_default();
        let statements = split(whimbrel::Dialect::SQLITE.lexer, &text).expect("it is SQL");
        let own =
            statements.iter().map(|it| it.text).filter(|sql| !sql.to_lowercase().contains("create table sqlite_"));
        let in_any_order: Vec<&str> = ["pragma defer_foreign_keys = on"].into_iter().chain(own).collect();
        database.transact(&in_any_order).await.unwrap_or_else(|halted| panic!("{file}: {}", halted.error));
    }
    let text = std::fs::read_to_string(&path).expect("the file is there");
    let migrations = self::folder(&database, &[("1_hostile.sql", &text)]);
    // What is there before is none of the file's, and the file runs as the first.
    let migrator = database.migrator().source(source(&database, &migrations)).untracked(AsFresh);
    let result = migrator.migrate().await;
    let functions = entry["custom_functions"].as_array().map(Vec::len).unwrap_or_default();
    if functions > 0 {
        let error = result.expect_err("the function is not there");
        let MigrateError::Load { error, .. } = &error else {
            panic!("{file}: it is missed before anything runs: {error}")
        };
        let [problem] = error.problems() else { panic!("{file}: {error}") };
        return assert!(problem.message.contains("calls normalize") && problem.line == Some(5), "{problem}");
    }
    result.unwrap_or_else(|error| panic!("{file}: {error}"));
    let after = state("after.sql").expect("a schema is expected");
    has_sqlite_schema(&database, &after, file).await;
    if let Some(rows) = state("rows_expected.txt") {
        assert_eq!(row_counts(&database, &rows).await, rows.lines().collect::<Vec<_>>(), "{file}");
    }
}

async fn what_cannot_share_a_transaction_is_seen_from_the_statements(database: TestDatabase) {
    let outside = match database.dialect() {
        "postgres" => {
            "create index concurrently notes_by_text on notes (text);\nalter system reset work_mem;\nvacuum notes;"
        }
        _ => "create index notes_by_text on notes (text);\nvacuum;",
    };
    let folder =
        folder(&database, &[("1_notes.sql", "create table notes (text varchar(9));"), ("2_index.sql", outside)]);
    let report = database.migrator().source(source(&database, &folder)).migrate().await.expect("both are applied");
    assert_eq!(report.applied.len(), 2);
}

#[test]
fn an_index_whose_build_failed_is_not_taken_for_done() {
    crate::needs_postgres!();
    crate::block_on(async {
        let database = TestDatabase::postgres().await;
        let files = [
            ("1_notes.sql", "create table notes (text varchar(9));\ninsert into notes values ('a'), ('a');"),
            (
                "2_once.sql",
                "create unique index concurrently if not exists \"Once\" on public.notes (text);\nselect 1;",
            ),
        ];
        let folder = folder(&database, &files);
        let migrator = database.migrator().source(source(&database, &folder));
        let failed = async || match migrator.migrate().await.expect_err("the index cannot be had") {
            MigrateError::Migration { failed, .. } => format!("{:?}", failed.cause),
            other => panic!("{other}"),
        };
        let told = failed().await;
        assert!(told.contains("23505"), "{told}");
        // Two rows are still the same: the index is there, and no index.
        let told = failed().await;
        assert!(told.contains("is there and invalid") && told.contains("`DROP INDEX CONCURRENTLY public."), "{told}");

        database.query("delete from notes where ctid = (select min(ctid) from notes) returning 1").await;
        assert!(failed().await.contains("is there and invalid"), "nobody has dropped it yet");
        database.query("drop index concurrently public.\"Once\"").await;
        migrator.migrate().await.expect("it is built now");
        let valid = "select indisvalid::text from pg_index where indexrelid = to_regclass('public.\"Once\"')";
        assert_eq!(database.column(valid).await, ["true"]);
        // One that is there and valid is passed over, as its author meant.
        std::fs::write(
            folder.join("3_again.sql"),
            "create unique index concurrently if not exists \"Once\" on notes (text);",
        )
        .expect("it is written");
        migrator.migrate().await.expect("it is there");
    });
}

async fn a_file_that_ends_its_runners_transaction_runs_as_meant(database: TestDatabase) {
    let text = "create table a (x integer);\nCOMMIT;\ncreate table b (x integer);\nBEGIN;\ninsert into b values (1);";
    let folder =
        folder(&database, &[("1_own.sql", text), ("2_whole.sql", "BEGIN;\ncreate table c (x integer);\nCOMMIT;")]);
    database.migrator().source(source(&database, &folder)).migrate().await.expect("they are applied");
    assert_eq!(database.column("select count(*) from b").await, ["1"], "what was open at the end is committed");
    assert_eq!(database.column("select count(*) from c").await, ["0"]);
}

async fn a_failure_in_such_a_file_is_never_called_rolled_back(database: TestDatabase) {
    let text = "create table a (x integer);\nCOMMIT;\ncreate table b (x integer);\ninsert into nowhere values (1);";
    let folder = folder(&database, &[("1_own.sql", text)]);
    let migrator = database.migrator().source(source(&database, &folder));
    let error = migrator.migrate().await.expect_err("a table is not there");
    assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention, "{error}");
    let MigrateError::Migration { failed, .. } = &error else { panic!("{error}") };
    let statement = failed.statement.as_ref().expect("a statement failed");
    assert_eq!(
        (statement.line, failed.aftermath.to_string().contains("rolled back")),
        (4, false),
        "{}",
        failed.aftermath
    );
    // The tables are there, and the next run goes on at the statement.
    std::fs::write(folder.join("1_own.sql"), text.replace("nowhere", "b")).expect("the file is corrected");
    migrator.migrate().await.expect("it goes on");
    assert_eq!(database.column("select count(*) from b").await, ["1"]);
}

async fn down_parts_are_kept_and_never_run(database: TestDatabase) {
    let folder = folder(
        &database,
        &[
            ("1_notes.up.sql", "create table notes (text varchar(9));"),
            ("1_notes.down.sql", "drop table notes;"),
            ("2_more.sql", "create table more (text varchar(9));"),
        ],
    );
    let migrator = database.migrator().source(source(&database, &folder));
    migrator.migrate().await.expect("they are applied");
    assert!(migrator.status().await.expect("it can be read").up_to_date);
    assert!(database.tables().await.iter().any(|table| table == "notes"));
}

#[test]
fn child_rows_stay_when_a_table_is_rebuilt() {
    crate::block_on(async {
        for format in ["sqlx", "drizzle"] {
            let database = TestDatabase::sqlite();
            let rebuild = "PRAGMA foreign_keys=OFF;\ncreate table new_p (id integer primary key, name text);\n\
                insert into new_p select id, name from p;\ndrop table p;\nalter table new_p rename to p;\n\
                PRAGMA foreign_keys=ON;";
            let files = [
                (
                    "0_all.sql",
                    "create table p (id integer primary key, name text);\ncreate table c (p integer references p on delete cascade);",
                ),
                ("1_rows.sql", "insert into p values (1, 'a');\ninsert into c values (1);"),
                ("2_rebuild.sql", rebuild),
                (
                    "3_unmarked.sql",
                    "create table new_p (id integer primary key, name text);\ninsert into new_p select * from p;\n\
                    drop table p;\nalter table new_p rename to p;",
                ),
            ];
            let folder = folder(&database, &files);
            let entry = |(at, (name, _)): (usize, &(&str, &str))| {
                format!(
                    r#"{{"idx":{at},"version":"6","when":{at},"tag":"{}","breakpoints":true}}"#,
                    name.trim_end_matches(".sql")
                )
            };
            if format == "drizzle" {
                let entries: Vec<String> = files.iter().enumerate().map(entry).collect();
                std::fs::create_dir(folder.join("meta")).expect("a folder is made");
                let journal = format!(r#"{{"version":"7","dialect":"sqlite","entries":[{}]}}"#, entries.join(","));
                std::fs::write(folder.join("meta/_journal.json"), journal).expect("a file is written");
            }
            migrate(&database, &folder, format).unwrap_or_else(|told| panic!("{format}: {told}"));
            assert_eq!(database.column("select count(*) from c").await, ["1"], "{format}");
        }
    });
}

async fn rows_of_a(database: &TestDatabase) -> String {
    database.column("select count(*) from a").await.remove(0)
}

const A: (&str, &str) =
    ("1_a.sql", "create table a (x integer);\ninsert into a values (1);\ninsert into a values (2);");

async fn a_text_that_speaks_of_its_tools_own_table_finds_it(database: TestDatabase) {
    let own = "-- `_sqlx_migrations` in a comment\ncreate table a (x integer);\ninsert into a select 1 where '_sqlx_migrations' = '';";
    let edits = "delete from \"_sqlx_migrations\" where version = 7;\n\
        create index sqlx_by_time on _SQLX_migrations (installed_on);";
    let folder = folder(&database, &[("1_a.sql", own)]);
    let migrator = database.migrator().source(source(&database, &folder));
    migrator.migrate().await.expect("it is applied");
    let is_there = async || database.tables().await.iter().any(|table| table == "_sqlx_migrations");
    assert!(!is_there().await, "nothing uses it");
    std::fs::write(folder.join("2_edits.sql"), edits).expect("a file is written");
    let told = Arc::new(Mutex::new(Vec::new()));
    let listening = Arc::clone(&told);
    let tell = move |event: &Event<'_>| {
        if let Event::OtherHistoryMade { tool, table } = event {
            listening.lock().unwrap().push(format!("{table} of {tool}"));
        }
    };
    let migrator = database.migrator().source(source(&database, &folder)).on_event(tell);
    let report = migrator.migrate().await.expect("its table is there");
    assert_eq!(report.other_history_made.as_deref(), Some("_sqlx_migrations"));
    assert_eq!(*told.lock().unwrap(), ["_sqlx_migrations of sqlx"], "it is not made silently");
    assert_eq!(database.column("select count(*) from _sqlx_migrations").await, ["0"], "nobody records anything in it");
    // It is no history to go on with, and nothing to make again.
    std::fs::write(folder.join("3_drops.sql"), "drop table _sqlx_migrations;").expect("a file is written");
    let migrator = database.migrator().source(source(&database, &folder));
    assert_eq!(migrator.migrate().await.expect("it goes on").applied.len(), 1);
    assert!(migrator.status().await.expect("it can be read").up_to_date);
    assert!(!is_there().await);
}

async fn what_a_text_rolls_back_stays_undone(database: TestDatabase) {
    let folder = folder(&database, &[A, ("2_b.sql", "delete from a;\nROLLBACK;")]);
    database.migrator().source(source(&database, &folder)).migrate().await.expect("they are applied");
    assert_eq!(rows_of_a(&database).await, "2");
}

async fn what_stands_before_a_commit_is_one_transaction(database: TestDatabase) {
    let folder = folder(&database, &[A, ("2_b.sql", "delete from a;\ninsert into nowhere values (1);\nCOMMIT;")]);
    let error =
        database.migrator().source(source(&database, &folder)).migrate().await.expect_err("nowhere is not there");
    assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention, "{error}");
    assert_eq!(rows_of_a(&database).await, "2", "what stands before it is not done either");
}

async fn a_chained_transaction_is_recorded_as_far_as_it_is_committed(database: TestDatabase) {
    if database.server().is_none() {
        return; // SQLite has none.
    }
    let text = "BEGIN;\ninsert into a values (3);\nCOMMIT AND CHAIN;\ninsert into nowhere values (1);\nCOMMIT;";
    let folder = folder(&database, &[A, ("2_b.sql", text)]);
    let migrator = database.migrator().source(source(&database, &folder));
    migrator.migrate().await.expect_err("nowhere is not there");
    database.transact(&["create table nowhere (x integer)"]).await.unwrap_or_else(|halted| panic!("{}", halted.error));
    migrator.migrate().await.expect("it goes on behind what is committed");
    assert_eq!(rows_of_a(&database).await, "3", "nothing is done twice");
}

#[test]
fn a_broken_journal_does_not_make_a_folder_another_tools() {
    crate::block_on(async {
        for journal in ["", "[]", "null", r#"{"version":"7","dial"#, r#"{"version":"7","entries":[]}"#] {
            let database = TestDatabase::sqlite();
            let folder = folder(&database, &[A, ("2_draft.sql", "drop table a;")]);
            std::fs::create_dir(folder.join("meta")).expect("a folder is made");
            std::fs::write(folder.join("meta/_journal.json"), journal).expect("a file is written");
            let refused =
                DirectorySource::open(&folder, None, None).map(|source| source.format()).expect("it is known");
            assert_eq!(refused, "drizzle", "{journal:?}");
            let output = Command::new(env!("CARGO_BIN_EXE_whimbrel-command"))
                .current_dir(database.folder("empty"))
                .args(["migrate", "--url", database.url(), "--dir"])
                .arg(&folder)
                .output()
                .expect("the command starts");
            assert_eq!(output.status.code(), Some(1), "{journal:?}");
            assert!(database.tables().await.is_empty(), "nothing runs: {journal:?}");
        }
    });
}

#[test]
fn broken_references_are_found_and_nothing_is_done_twice() {
    crate::block_on(async {
        let database = TestDatabase::sqlite();
        let first = "create table p (id integer primary key);\n\
            create table c (k text primary key, p integer references p) without rowid;\ncreate table a (x integer);\n\
            insert into p values (1);\ninsert into c values ('a', 1);\ninsert into a values (100);";
        let second = "-- no-transaction\nPRAGMA foreign_keys = OFF;\ndelete from p;\nupdate a set x = x + 10;";
        let folder = folder(&database, &[("1_first.sql", first), ("2_second.sql", second)]);
        let migrator = database.migrator().source(source(&database, &folder));
        let error = migrator.migrate().await.expect_err("a reference is broken");
        let MigrateError::Migration { failed, .. } = &error else { panic!("{error}") };
        assert_eq!(failed.aftermath.to_string(), "stopped part-way: 2 of 2 statements are done and recorded");
        migrator.migrate().await.expect_err("it still is");
        database.transact(&["insert into p values (1)"]).await.unwrap_or_else(|halted| panic!("{}", halted.error));
        migrator.migrate().await.expect("it is mended");
        assert_eq!(database.column("select x from a").await, ["110"], "nothing is done twice");
        // What was broken before is no reason, and what is broken more is, though rows without rowid are called the same.
        let mut files = vec![("1_first.sql", first), ("3_third.sql", "drop table if exists d;\ndelete from p;")];
        files.insert(1, ("2_second.sql", second));
        let folder = self::folder(&database, &files);
        let error = database.migrator().source(source(&database, &folder)).migrate().await.expect_err("a new one");
        assert!(error.to_string().contains("foreign key"), "{error}");
    });
}
