//! History tables as releases wrote them: each format that there ever was is opened, and gone on with.
//!
//! `tests/data/README.md` tells what is in a folder, and how the next one is made.

use std::path::{Path, PathBuf};
use std::process::Command;

use whimbrel::history::{HISTORY_FORMAT, HistoryRow};
use whimbrel::split::split;
use whimbrel::{
    BackendErrorKind, Checksum, CodeSource, Dialect, DirectorySource, MigrateError, MigrationId, MigrationKey,
    Migrator, Op, RowState, Seed, Timestamp,
};
use whimbrel_conformance::{Fault, Faulty, OpKind};
use whimbrel_tests::database::{TestDatabase, run};

use super::{on_both, root};

on_both! { every_format_is_gone_on_with a_newer_format_is_refused the_fixture_of_this_format_is_written }

/// Every format with the checksum of its folder: what a release has written does not change afterwards.
const FORMATS: &[(i64, &str)] = &[(1, "v1:sha256:986b67de24e1b8ea4351ea80c3c0e967a74bdd00c571e915149dc79eff4b3f8c")];

fn folder(format: i64) -> PathBuf {
    root().join("tests/data/history").join(format.to_string())
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_fixture_is_never_edited() {
    for (format, checksum) in FORMATS {
        let mut all = String::new();
        for file in files(&folder(*format)) {
            let name = file.strip_prefix(root()).expect("it is in the workspace").display().to_string();
            all.push_str(&format!("{}\n{}\n", name.replace('\\', "/"), read(&file).replace("\r\n", "\n")));
        }
        assert_eq!(Checksum::of_text(&all).to_string(), *checksum, "the fixture of format {format} was edited");
    }
}

#[test]
fn every_format_has_its_fixture() {
    let formats: Vec<i64> = FORMATS.iter().map(|(format, _)| *format).collect();
    assert_eq!(formats, (1..=HISTORY_FORMAT).collect::<Vec<_>>(), "a new format adds its folder");
    let folders = std::fs::read_dir(root().join("tests/data/history")).expect("the fixtures are there").count();
    assert_eq!(folders, formats.len(), "every folder is a format");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The program of today, with the files of the fixture.
fn migrator(database: &TestDatabase, format: i64) -> Migrator {
    let folder = folder(format);
    let migrator = database.migrator().source(DirectorySource::new(folder.join("main")));
    migrator
        .source_in("library", DirectorySource::new(folder.join("library")))
        .seed(Seed::file(folder.join("seed.sql")))
}

/// A database as a release left it.
async fn restore(database: &TestDatabase, format: i64) {
    let text = read(&folder(format).join(format!("{}.sql", database.dialect())));
    let dialect = if database.server().is_some() { Dialect::POSTGRES } else { Dialect::SQLITE };
    let statements = split(dialect.lexer, &text).expect("a dump is SQL");
    let statements: Vec<&str> = statements.iter().map(|statement| statement.text).collect();
    database.transact(&statements).await.unwrap_or_else(|halted| panic!("{}", halted.error));
}

/// A paragraph of `expected.txt`, behind its heading.
fn expected(format: i64, heading: &str) -> Vec<String> {
    let text = read(&folder(format).join("expected.txt")).replace("\r\n", "\n");
    let paragraph = text.split("\n\n").find_map(|part| part.strip_prefix(heading));
    let paragraph = paragraph.unwrap_or_else(|| panic!("there is no `{heading}`"));
    paragraph.lines().skip(1).map(str::to_owned).collect()
}

async fn stored(database: &TestDatabase) -> Vec<Vec<Option<String>>> {
    database.query("select * from whimbrel_history order by namespace, id").await
}

async fn every_format_is_gone_on_with(database: TestDatabase) {
    for (format, _) in FORMATS {
        restore(&database, *format).await;
        let before = stored(&database).await;
        let status = migrator(&database, *format).status().await.expect("it can be read");
        let told = status.migrations.iter().map(|m| {
            let origin = m.origin.as_deref().unwrap_or("-");
            let progress = m.progress.map(|(done, of)| format!(" {done}/{of}")).unwrap_or_default();
            format!("{} {} {origin}{progress}", m.id, m.state.as_str())
        });
        assert_eq!(told.collect::<Vec<_>>(), expected(*format, "status"));
        let others: Vec<String> = status.other_namespaces.iter().map(|(name, rows)| format!("{name} {rows}")).collect();
        assert_eq!(others, expected(*format, "other namespaces"));
        assert!(status.migrations.iter().all(|m| m.run_by.as_ref().is_none_or(|who| !who.is_empty())));
        assert_eq!(stored(&database).await, before, "reading changes nothing");

        let report = migrator(&database, *format).migrate().await.expect("it goes on");
        let applied: Vec<String> = report.applied.iter().map(|applied| applied.id.to_string()).collect();
        assert_eq!(applied, expected(*format, "applied"));
        let marks = database.column("select n from marks order by n").await;
        assert_eq!(marks, expected(*format, "marks"), "each statement ran once, by the release or by this one");
        assert!(!database.tables().await.iter().any(|table| table.starts_with("never_run")));
        let status = migrator(&database, *format).status().await.expect("it can be read");
        assert!(status.up_to_date, "{:?}", status.migrations);
        assert!(migrator(&database, *format).migrate().await.expect("nothing is pending").applied.is_empty());
        drop_all(&database).await;
    }
}

async fn drop_all(database: &TestDatabase) {
    for table in database.tables().await {
        database.transact(&[&format!("drop table {table}")]).await.unwrap_or_else(|halted| panic!("{}", halted.error));
    }
}

async fn a_newer_format_is_refused(database: TestDatabase) {
    restore(&database, HISTORY_FORMAT).await;
    let newer = format!("update whimbrel_history set format = {} where version = '0002'", HISTORY_FORMAT + 1);
    database.transact(&[&newer]).await.unwrap_or_else(|halted| panic!("{}", halted.error));
    let before = stored(&database).await;
    for error in [
        migrator(&database, HISTORY_FORMAT).status().await.map(drop).expect_err("a later release wrote it"),
        migrator(&database, HISTORY_FORMAT).migrate().await.map(drop).expect_err("a later release wrote it"),
    ] {
        let MigrateError::Backend { error, .. } = &error else { panic!("{error}") };
        assert_eq!(error.kind(), BackendErrorKind::HistoryFormat, "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("newer")), "{:?}", error.hint());
    }
    assert_eq!(stored(&database).await, before, "nothing was touched");
}

/// Writes the fixture of this release's format, with `WHIMBREL_WRITE_HISTORY=1` and never over one that is there.
async fn the_fixture_of_this_format_is_written(database: TestDatabase) {
    let file = folder(HISTORY_FORMAT).join(format!("{}.sql", database.dialect()));
    if std::env::var_os("WHIMBREL_WRITE_HISTORY").is_none() || file.exists() {
        assert!(file.exists(), "write it with WHIMBREL_WRITE_HISTORY=1");
        return;
    }
    leave_behind(&database).await;
    let text = if database.server().is_some() { dump_postgres(&database) } else { dump_sqlite(&database).await };
    std::fs::write(file, text).expect("the fixture is written");
}

/// A folder as it was at some time: these files, with these texts where they were others.
fn folder_then(database: &TestDatabase, name: &str, files: &[&str], changed: &[(&str, &str)]) -> DirectorySource {
    let then = database.folder(name);
    for file in files {
        let now = read(&folder(HISTORY_FORMAT).join("main").join(file));
        let text = changed.iter().find(|(changed, _)| changed == file).map_or(now, |(_, text)| (*text).to_owned());
        std::fs::write(then.join(file), text).expect("a file is written");
    }
    DirectorySource::new(then)
}

/// Leaves rows of every kind and state, by runs of this release.
async fn leave_behind(database: &TestDatabase) {
    let library = folder(HISTORY_FORMAT).join("library");
    let repeatable = "-- whimbrel: repeatable\ninsert into marks values (900);\n";
    let words = ("0002_words.sql", "insert into marks values (2);\n");
    let files = ["0001_start.sql", "0002_words.sql", "replaced.sql", "same.sql"];
    let first = folder_then(database, "first", &files, &[words, ("replaced.sql", repeatable)]);
    let of_library = CodeSource::new().sql("1", "library", read(&library.join("1_library.sql")));
    let migrator = database.migrator().source(first).source_in("library", of_library);
    let seeded = migrator.seed(Seed::text("seed", "insert into marks values (1000);\n"));
    seeded.migrate().await.expect("it goes well");
    let other = CodeSource::new().sql("2026.1", "other", "insert into marks values (2026)");
    database.migrator().source_in("another's \"library\" ü", other).migrate().await.expect("it goes well");
    record(database, &[("0003", "baseline", "baseline"), ("0004", "adopted", "adopted:drizzle")]).await;

    let steps = read(&folder(HISTORY_FORMAT).join("main/0005_steps.sql"));
    let broken = steps.replace("marks values (52)", "\"no such 'täble'\" values (52)");
    let files = [&files[..], &["0003_baseline.sql", "0004_adopted.sql", "0005_steps.sql"]].concat();
    let changed = [words, ("replaced.sql", repeatable), ("0005_steps.sql", &broken)];
    let failing = database.migrator().source(folder_then(database, "second", &files, &changed));
    failing.migrate().await.expect_err("its second statement fails");

    let faulty = Faulty::new(whimbrel::Database::from_url(database.url()).expect("the URL is right").backend);
    faulty.fail_kind(OpKind::Statement, 1, Fault::LostAfter);
    let lease = std::time::Duration::from_secs(3);
    let killed = Migrator::new(faulty).source_in("library", DirectorySource::new(library)).lease(lease);
    killed.migrate().await.expect_err("its runner is gone while the second statement runs");
}

/// Records migrations that did not run here.
async fn record(database: &TestDatabase, migrations: &[(&str, &str, &str)]) {
    let rows: Vec<HistoryRow> = migrations
        .iter()
        .map(|(version, name, origin)| {
            let text = read(&folder(HISTORY_FORMAT).join(format!("main/{version}_{name}.sql")));
            HistoryRow {
                id: MigrationId {
                    namespace: "main".into(),
                    key: MigrationKey::Version(version.parse().expect("a version")),
                },
                name: (*name).into(),
                checksum: Checksum::of_text(&text),
                token_checksum: None,
                state: RowState::Applied,
                statements_done: 1,
                statements_total: 1,
                prefix_checksum: None,
                fence: 1,
                lease_left: None,
                started_at: None,
                finished_at: Some(Timestamp::from_microseconds(1_700_000_000_123_000)),
                duration_ms: None,
                origin: (*origin).into(),
                tool_version: "whimbrel 0.1.0".into(),
                run_by: "someone@somewhere pid 1".into(),
                error: None,
            }
        })
        .collect();
    let mut session = database.session().await;
    run(&mut *session, &[Op::Begin, Op::Record(&rows), Op::Commit])
        .await
        .unwrap_or_else(|halted| panic!("{}", halted.error));
}

/// The database as SQL: every table with its rows.
async fn dump_sqlite(database: &TestDatabase) -> String {
    let mut text = String::new();
    for table in database.tables().await {
        let made = database.column(&format!("select sql from sqlite_schema where name = '{table}'")).await;
        text.push_str(&format!("{};\n", made[0]));
        let columns = database.column(&format!("select name from pragma_table_info('{table}')")).await;
        let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        let rows = format!("select {} from {table} order by 1", quoted.join(" || ', ' || "));
        for row in database.column(&rows).await {
            text.push_str(&format!("INSERT INTO {table} ({}) VALUES ({row});\n", columns.join(", ")));
        }
    }
    text
}

/// What `pg_dump` says, without what only `psql` understands and what older servers do not know.
fn dump_postgres(database: &TestDatabase) -> String {
    let arguments = ["--no-owner", "--no-privileges", "--column-inserts", "--dbname", database.url()];
    let output = Command::new("pg_dump").args(arguments).output().expect("pg_dump is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("it is UTF-8");
    let is_noise =
        |line: &&str| ["\\", "--", "SET ", "SELECT pg_catalog.set_config"].iter().any(|start| line.starts_with(start));
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !is_noise(line)).collect();
    lines.join("\n") + "\n"
}
