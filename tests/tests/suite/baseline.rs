//! Databases with tables and no history: refused, recorded once they are proved equal, or taken as they are.

mod server;
mod start;

use std::path::Path;

use whimbrel::schema::baseline::Proof;
use whimbrel::schema::model::ObjectName;
use whimbrel::schema::{Baseline, BaselineError, Baselined, Snapshot, Snapshots, dialect, read_database, scratch};
use whimbrel::{AsFresh, DirectorySource, MigrateError, MigrationState, Migrator, Refusal, Report};
use whimbrel_tests::database::TestDatabase;

use super::on_both;

on_both! {
    a_database_with_tables_is_refused_before_anything_is_touched
    what_is_nobodys_is_no_reason_to_refuse
    one_with_a_history_is_not_asked
    the_newest_equal_version_is_found_by_a_replay
    a_version_that_was_asked_for_is_proved
    every_difference_is_told_with_its_file
    one_column_changed_by_hand_is_named
    what_was_forced_is_shown_for_ever
    snapshots_need_no_scratch_database
    a_snapshot_of_another_dialect_is_refused
    a_history_that_is_there_is_kept
    nothing_is_proved_of_an_empty_database
    an_empty_history_leaves_everything_pending
    rows_alone_are_told_to_people_and_refused_to_programs
    repeatables_and_seeds_run_afterwards
    eight_at_once_record_once
    a_dry_run_shows_what_would_be_left
}

/// Four migrations: two tables, a column, an index.
pub(super) const FILES: [(&str, &str); 4] = [
    ("0000_users.sql", "create table users (id integer not null primary key, email text not null)"),
    ("0001_boards.sql", "create table boards (id integer not null primary key, owner integer references users (id))"),
    ("0002_names.sql", "alter table users add column name text"),
    ("0003_by_owner.sql", "create index boards_owner_idx on boards (owner)"),
];

/// The same, as somebody's scripts made it: the state after each version.
const BY_HAND: [&[&str]; 4] = [
    &["create table if not exists users (email text not null, id integer primary key not null)"],
    &["create table if not exists boards (id integer not null, owner integer, \
       primary key (id), foreign key (owner) references users)"],
    &["alter table users add name text"],
    &["create index if not exists boards_owner_idx on boards (owner asc)"],
];

async fn by_hand(database: &TestDatabase, upto: usize) {
    for statements in &BY_HAND[..=upto] {
        database.transact(statements).await.expect("it is made by hand");
    }
    database.transact(&["insert into users (id, email) values (1, 'ada@example.org')"]).await.expect("a row");
}

pub(super) fn folder(database: &TestDatabase, files: &[(&str, &str)]) -> std::path::PathBuf {
    let folder = database.folder("migrations");
    for (name, text) in files {
        std::fs::write(folder.join(name), format!("{text};\n")).expect("a file is written");
    }
    folder
}

fn migrator(database: &TestDatabase, folder: &Path) -> Migrator {
    database.migrator().source(DirectorySource::new(folder))
}

/// With a scratch database, and the snapshots of the folder.
fn baseline(database: &TestDatabase, folder: &Path) -> Baseline {
    let migrator = database.migrator();
    let scratch = scratch(database.dialect(), Some(database.url())).expect("the URL is right");
    without_scratch(&migrator, folder).scratch(scratch)
}

fn without_scratch(migrator: &Migrator, folder: &Path) -> Baseline {
    let snapshots = Snapshots::of_folder(folder).expect("a folder");
    Baseline::new(migrator.backend()).expect("this build has it").snapshots(snapshots)
}

async fn recorded(database: &TestDatabase, folder: &Path, baseline: Baseline) -> Result<Baselined, BaselineError> {
    baseline.record(&migrator(database, folder)).await
}

fn different(result: Result<Baselined, BaselineError>) -> Proof {
    match result.expect_err("it differs") {
        BaselineError::Different(different) => different.proof,
        other => panic!("{other}"),
    }
}

fn told(proof: &Proof) -> Vec<String> {
    proof.differences.iter().map(ToString::to_string).collect()
}

fn refused(result: Result<Report, MigrateError>) -> String {
    match result.expect_err("it is refused") {
        MigrateError::Plan { error, .. } => {
            assert!(error.refusals().iter().all(|it| matches!(it, Refusal::Untracked(_))), "{error}");
            error.to_string()
        }
        other => panic!("{other}"),
    }
}

async fn history(database: &TestDatabase) -> Vec<String> {
    let sql =
        "select version || ' ' || state || ' ' || origin from whimbrel_history where kind = 'migration' order by id";
    database.column(sql).await
}

async fn a_database_with_tables_is_refused_before_anything_is_touched(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    by_hand(&database, 0).await;
    let before = database.tables().await;
    let message = refused(migrator(&database, &folder).migrate().await);
    assert!(message.contains("the database has tables (users) and no history"), "{message}");
    for command in ["whimbrel baseline", "whimbrel adopt", "whimbrel pull"] {
        assert!(message.contains(command), "{message}");
    }
    assert_eq!(database.tables().await, before);
    let plan = migrator(&database, &folder).plan().await.expect_err("a plan is refused for the same");
    assert!(plan.to_string().contains("no history"), "{plan}");
    let status = migrator(&database, &folder).status().await.expect("a status is not refused");
    assert_eq!((status.untracked, status.up_to_date), (vec!["users".to_owned()], false));
    let report = migrator(&database, &folder).untracked(AsFresh).migrate().await;
    let failed = report.expect_err("the table is there").to_string();
    assert!(failed.contains("already exists"), "{failed}");
}

async fn what_is_nobodys_is_no_reason_to_refuse(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    for books in ["_sqlx_migrations", "\"__drizzle_migrations\"", "schema_migrations"] {
        database.transact(&[&format!("create table {books} (version text)")]).await.expect("books");
    }
    if database.server().is_some() {
        let others = [
            "create schema elsewhere",
            "create table elsewhere.users (id integer)",
            "create table of_an_extension (id integer)",
            "create view seen_by_an_extension as select * from of_an_extension",
            "alter extension plpgsql add table of_an_extension",
            "alter extension plpgsql add view seen_by_an_extension",
            "create type mood as enum ('fine')",
            "create function one() returns integer language sql as 'select 1'",
        ];
        database.transact(&others).await.expect("what is nobody's");
    }
    let report = migrator(&database, &folder).migrate().await.expect("it counts as fresh");
    assert_eq!(report.applied.len(), 4);
}

async fn one_with_a_history_is_not_asked(database: TestDatabase) {
    let some = folder(&database, &FILES[..1]);
    migrator(&database, &some).migrate().await.expect("it is fresh");
    database.transact(&["create table by_hand (id integer)"]).await.expect("a table");
    let all = folder(&database, &FILES);
    assert_eq!(migrator(&database, &all).migrate().await.expect("it goes on").applied.len(), 3);
    // Nor is one whose first migration failed: its history is there, and empty.
    let other = if database.server().is_some() { TestDatabase::postgres().await } else { TestDatabase::sqlite() };
    let broken = folder(&other, &[("0000_broken.sql", "create table one (id integer); create table one (id integer)")]);
    migrator(&other, &broken).migrate().await.expect_err("it fails");
    let mended = folder(&other, &[("0000_broken.sql", "create table one (id integer)")]);
    assert_eq!(migrator(&other, &mended).migrate().await.expect("it goes on").applied.len(), 1);
}

async fn the_newest_equal_version_is_found_by_a_replay(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    by_hand(&database, 1).await;
    let found = recorded(&database, &folder, baseline(&database, &folder)).await.expect("it is at 0001");
    assert_eq!((found.proof.version.as_str(), found.recorded.len()), ("0001", 2));
    assert_eq!(found.proof.untold, Vec::<String>::new());
    assert_eq!(history(&database).await, ["0000 applied baseline", "0001 applied baseline"]);
    let status = migrator(&database, &folder).status().await.expect("it can be read");
    let states: Vec<MigrationState> = status.migrations.iter().map(|migration| migration.state).collect();
    use MigrationState::{Baseline, Pending};
    assert_eq!(states, [Baseline, Baseline, Pending, Pending]);
    assert!(status.migrations[0].applied_at.is_some_and(|at| at.microseconds() > 1_700_000_000_000_000));
    let report = migrator(&database, &folder).migrate().await.expect("it goes on");
    assert_eq!(report.applied.len(), 2);
    assert_eq!(database.column("select email from users where name is null").await, ["ada@example.org"]);
    let status = migrator(&database, &folder).status().await.expect("it can be read");
    assert!(status.up_to_date);
}

async fn a_version_that_was_asked_for_is_proved(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    by_hand(&database, 2).await;
    let asked = |version: &str| baseline(&database, &folder).at(version.parse().expect("a version"));
    let proof = different(recorded(&database, &folder, asked("1")).await);
    assert_eq!(told(&proof), ["column users.name is there and not expected; 0000_users.sql leaves it out"]);
    let unknown = recorded(&database, &folder, asked("0007")).await.expect_err("there is none").to_string();
    assert!(unknown.contains("there is no migration 0007"), "{unknown}");
    assert!(!database.tables().await.contains(&"whimbrel_history".to_owned()));
    let found = recorded(&database, &folder, asked("0002")).await.expect("it is at 0002");
    assert_eq!(found.recorded.len(), 3);
}

async fn every_difference_is_told_with_its_file(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    database
        .transact(&[
            "create table users (id integer not null primary key, email text)",
            "create table legacy (id integer)",
        ])
        .await
        .expect("it is made by hand");
    let at = |version: &str| baseline(&database, &folder).at(version.parse().expect("a version"));
    let proof = different(recorded(&database, &folder, at("0003")).await);
    assert_eq!(
        told(&proof),
        [
            "table boards is missing; 0001_boards.sql makes it",
            "column users.name is missing; 0002_names.sql makes it",
            "column users.email is nullable, expected NOT NULL; 0000_users.sql makes it so",
            "index boards_owner_idx is missing: on boards (owner); 0003_by_owner.sql makes it",
            "table legacy is there and not expected; no migration makes it",
        ]
    );
    let nearest = different(recorded(&database, &folder, baseline(&database, &folder)).await);
    assert_eq!((nearest.version.as_str(), nearest.differences.len()), ("0000", 2));
    assert!(!database.tables().await.contains(&"whimbrel_history".to_owned()));
}

async fn one_column_changed_by_hand_is_named(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    by_hand(&database, 2).await;
    database.transact(&["alter table users rename column name to full_name"]).await.expect("it is changed");
    let message = refused(migrator(&database, &folder).untracked(baseline(&database, &folder)).migrate().await);
    assert!(message.contains("full_name is there and not expected"), "{message}");
    assert!(message.contains("it is at no version; 0001 is the nearest"), "{message}");
    assert!(!database.tables().await.contains(&"whimbrel_history".to_owned()));
}

async fn what_was_forced_is_shown_for_ever(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    by_hand(&database, 1).await;
    database.transact(&["create table legacy (id integer)"]).await.expect("a table");
    let forced = baseline(&database, &folder).forced_at("0001".parse().expect("a version"));
    let found = recorded(&database, &folder, forced).await.expect("it is forced");
    assert_eq!(found.recorded.len(), 2);
    let expected = ["table legacy is there and not expected; no migration makes it"];
    assert_eq!(told(&found.proof), expected);
    migrator(&database, &folder).migrate().await.expect("it goes on");
    let status = migrator(&database, &folder).status().await.expect("it can be read");
    assert_eq!(status.migrations[1].differences, expected);
    assert!(status.migrations.iter().all(|migration| migration.error.is_none()));
    assert!(status.migrations[0].differences.is_empty() && status.up_to_date);
}

/// Writes the snapshot of each version, as `generate` does for those that it writes.
async fn write_snapshots(database: &TestDatabase, folder: &Path) {
    write_snapshots_of(database, folder, &FILES).await;
}

async fn write_snapshots_of(database: &TestDatabase, folder: &Path, files: &[(&str, &str)]) {
    let other = if database.server().is_some() { TestDatabase::postgres().await } else { TestDatabase::sqlite() };
    let engine = dialect(database.dialect()).expect("this build has it");
    std::fs::create_dir_all(folder.join("meta")).expect("a folder");
    for (name, _) in files {
        let version = &name[..4];
        migrator(&other, folder).to(version.parse().expect("a version")).migrate().await.expect("it goes well");
        let migrator = other.migrator();
        let ignored = [ObjectName::new("whimbrel_history")];
        let found = read_database(migrator.backend(), engine, &ignored).await.expect("it can be read");
        let snapshot = Snapshot::new(database.dialect(), version, &name[5..name.len() - 4], found.schema);
        std::fs::write(folder.join("meta").join(Snapshot::file_name(version)), snapshot.to_json()).expect("a file");
    }
}

async fn snapshots_need_no_scratch_database(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    by_hand(&database, 2).await;
    let without = |database: &TestDatabase| without_scratch(&database.migrator(), &folder);
    let unknown = recorded(&database, &folder, without(&database)).await.expect_err("nothing tells").to_string();
    assert!(unknown.contains("has no snapshot, and there is no scratch database"), "{unknown}");
    write_snapshots(&database, &folder).await;
    let asked = without(&database).at("0003".parse().expect("a version"));
    let proof = different(recorded(&database, &folder, asked).await);
    assert_eq!(told(&proof), ["index boards_owner_idx is missing: on boards (owner); 0003_by_owner.sql makes it"]);
    // With some of them, the file is one of several.
    std::fs::remove_file(folder.join("meta/0002_snapshot.json")).expect("it is there");
    let asked = without(&database).at("0003".parse().expect("a version"));
    let proof = different(recorded(&database, &folder, asked).await);
    assert_eq!(
        told(&proof),
        ["index boards_owner_idx is missing: on boards (owner); one of 0002_names.sql to 0003_by_owner.sql makes it"]
    );
    write_snapshots(&database, &folder).await;
    let found = recorded(&database, &folder, without(&database)).await.expect("it is at 0002");
    assert_eq!((found.proof.version.as_str(), found.recorded.len()), ("0002", 3));
}

async fn a_snapshot_of_another_dialect_is_refused(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    by_hand(&database, 3).await;
    let other = if database.server().is_some() { "sqlite" } else { "postgres" };
    std::fs::create_dir_all(folder.join("meta")).expect("a folder");
    let snapshot = Snapshot::new(other, "0003", "by_owner", whimbrel::schema::Schema::default());
    std::fs::write(folder.join("meta/0003_snapshot.json"), snapshot.to_json()).expect("a file");
    let wrong = recorded(&database, &folder, baseline(&database, &folder)).await.expect_err("it is wrong").to_string();
    assert!(wrong.contains(&format!("is of {other}, and the database is of {}", database.dialect())), "{wrong}");
}

async fn a_history_that_is_there_is_kept(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    migrator(&database, &folder).to("0001".parse().expect("a version")).migrate().await.expect("it is fresh");
    let before = history(&database).await;
    let error = recorded(&database, &folder, baseline(&database, &folder)).await.expect_err("it has one").to_string();
    assert!(error.contains("the database has a history already: 2 migrations are recorded"), "{error}");
    let error = migrator(&database, &folder).track(&AsFresh).await.expect_err("it has one").to_string();
    assert!(error.contains("the database has a history already"), "{error}");
    assert_eq!(history(&database).await, before);
}

async fn nothing_is_proved_of_an_empty_database(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    let error = recorded(&database, &folder, baseline(&database, &folder)).await.expect_err("it is empty").to_string();
    assert!(error.contains("there is nothing in it") && error.contains("whimbrel migrate"), "{error}");
    if database.server().is_none() {
        assert!(!database.file().exists(), "nothing is made");
    }
    let report = migrator(&database, &folder).untracked(baseline(&database, &folder)).migrate().await;
    assert_eq!(report.expect("it is fresh").applied.len(), 4);
}

async fn an_empty_history_leaves_everything_pending(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    database.transact(&["create table somebody_elses (id integer)"]).await.expect("a table");
    migrator(&database, &folder).track(&AsFresh).await.expect("it begins");
    assert_eq!(migrator(&database, &folder).migrate().await.expect("it goes on").applied.len(), 4);
}

async fn rows_alone_are_told_to_people_and_refused_to_programs(database: TestDatabase) {
    let mut files = FILES.to_vec();
    files.push(("0004_fill.sql", "update users set name = email where name is null"));
    files.push(("0005_nothing.sql", "-- nothing to do here"));
    let folder = folder(&database, &files);
    by_hand(&database, 3).await;
    let message = refused(migrator(&database, &folder).untracked(baseline(&database, &folder)).migrate().await);
    assert!(message.contains("does not tell whether 0004_fill.sql ran"), "{message}");
    let found = recorded(&database, &folder, baseline(&database, &folder)).await.expect("a person looks at it");
    assert_eq!((found.proof.version.as_str(), found.proof.untold), ("0005", vec!["0004_fill.sql".to_owned()]));
}

async fn repeatables_and_seeds_run_afterwards(database: TestDatabase) {
    let mut files = FILES.to_vec();
    files.push(("count.sql", "-- whimbrel: repeatable\ndrop view if exists counted"));
    let folder = folder(&database, &files);
    by_hand(&database, 3).await;
    let seed = whimbrel::Seed::text("seed", "insert into users (id, email) values (2, 'seed@example.org')");
    let migrator = migrator(&database, &folder).seed(seed).untracked(baseline(&database, &folder));
    let report = migrator.migrate().await.expect("it goes on");
    let applied: Vec<String> = report.applied.iter().map(|applied| applied.id.to_string()).collect();
    assert_eq!((report.recorded.len(), applied), (4, vec!["repeatable count".to_owned(), "seed seed".to_owned()]));
}

async fn eight_at_once_record_once(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    by_hand(&database, 1).await;
    let start = |_: usize| {
        let migrator = migrator(&database, &folder).untracked(baseline(&database, &folder));
        tokio::spawn(async move { migrator.migrate().await })
    };
    let runs: Vec<_> = (0..8).map(start).collect();
    let (mut recorded, mut applied) = (Vec::new(), Vec::new());
    for run in runs {
        let report = run.await.expect("no panic").expect("each start goes well");
        recorded.extend(report.recorded.into_iter().map(|id| id.to_string()));
        applied.extend(report.applied.into_iter().map(|applied| applied.id.to_string()));
    }
    applied.sort();
    assert_eq!((recorded, applied), (vec!["0000".into(), "0001".into()], vec!["0002".into(), "0003".into()]));
    assert_eq!(history(&database).await.len(), 4);
    assert_eq!(database.column("select email from users").await, ["ada@example.org"]);
}

async fn a_dry_run_shows_what_would_be_left(database: TestDatabase) {
    let folder = folder(&database, &FILES);
    by_hand(&database, 1).await;
    let preview = migrator(&database, &folder).untracked(baseline(&database, &folder)).plan().await.expect("a plan");
    let names: Vec<&str> = preview.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["names", "by_owner"]);
    assert!(!database.tables().await.contains(&"whimbrel_history".to_owned()));
}
