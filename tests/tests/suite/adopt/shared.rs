//! One database, migrated by programs of Drizzle and by ours.

use std::path::{Path, PathBuf};

use whimbrel::split::split;
use whimbrel::{Checksum, DirectorySource, Migrator, Op};
use whimbrel_tests::database::{TestDatabase, run};

use crate::on_both;

on_both! {
    either_goes_on_where_the_other_stopped
    what_runs_outside_of_a_transaction_is_recorded_too
    both_may_start_at_once
    a_database_that_drizzle_never_saw_is_one_that_it_goes_on_with
    adopting_is_a_policy_at_start_up
    sharing_may_begin_late
}

const WHEN: i64 = 1_795_363_428_257;

/// A folder of Drizzle, whose journal lists the first so many of its files.
fn folder(database: &TestDatabase, texts: &[&str], listed: usize) -> PathBuf {
    let folder = database.folder(&format!("drizzle-{listed}"));
    let journal = folder.join("meta");
    std::fs::create_dir_all(&journal).expect("a folder is made");
    let mut entries = Vec::new();
    for (at, text) in texts.iter().enumerate().take(listed) {
        std::fs::write(folder.join(format!("{at:04}_step.sql")), text).expect("a file is written");
        let when = WHEN + i64::try_from(at).expect("a small number");
        entries.push(format!(r#"{{"idx":{at},"version":"7","when":{when},"tag":"{at:04}_step","breakpoints":true}}"#));
    }
    let dialect = if database.server().is_some() { "postgresql" } else { "sqlite" };
    let text = format!(r#"{{"version":"7","dialect":"{dialect}","entries":[{}]}}"#, entries.join(","));
    std::fs::write(journal.join("_journal.json"), text).expect("a file is written");
    folder
}

fn migrator(database: &TestDatabase, folder: &Path) -> Migrator {
    let migrator = database.migrator();
    let lexer = migrator.backend().dialect().lexer;
    migrator.source(DirectorySource::open(folder, None, Some(lexer)).expect("it is a folder of Drizzle"))
}

fn table(database: &TestDatabase) -> &'static str {
    if database.server().is_some() { "drizzle.__drizzle_migrations" } else { "__drizzle_migrations" }
}

/// Migrates as drizzle-orm 0.x does: it asks for the newest row, outside of any lock, and runs in one transaction all that has
/// a greater time.
async fn drizzle(database: &TestDatabase, texts: &[&str], listed: usize) -> Result<(), String> {
    let mut session = database.session().await;
    let table = table(database);
    let create = if database.server().is_some() {
        vec![
            "CREATE SCHEMA IF NOT EXISTS drizzle".to_owned(),
            format!(
                "CREATE TABLE IF NOT EXISTS {table} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)"
            ),
        ]
    } else {
        vec![format!(
            "CREATE TABLE IF NOT EXISTS {table} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)"
        )]
    };
    for statement in &create {
        run(&mut *session, &[Op::Statement(statement)]).await.map_err(|halted| halted.error.to_string())?;
    }
    let newest = format!("select coalesce(max(created_at), 0) from {table}");
    let newest: i64 = database.column(&newest).await.remove(0).parse().expect("a number");
    let mut statements = Vec::new();
    let lexer = database.migrator().backend().dialect().lexer;
    for (at, text) in texts.iter().enumerate().take(listed) {
        let when = WHEN + i64::try_from(at).expect("a small number");
        if when > newest {
            statements
                .extend(split(lexer, text).expect("it is SQL").into_iter().map(|statement| statement.text.to_owned()));
            let hash = sha256(text);
            statements.push(format!("insert into {table} (hash, created_at) values ('{hash}', {when})"));
        }
    }
    let mut program = vec![Op::Begin];
    program.extend(statements.iter().map(|statement| Op::Statement(statement)));
    program.push(Op::Commit);
    run(&mut *session, &program).await.map(drop).map_err(|halted| halted.error.to_string())
}

/// The texts here have neither a mark nor line ends of Windows, for which our own checksum would be another.
fn sha256(text: &str) -> String {
    Checksum::of_text(text).to_string().rsplit(':').next().expect("an algorithm and a digest").to_owned()
}

async fn rows(database: &TestDatabase) -> Vec<String> {
    let sql = format!("select hash || ' ' || created_at from {} order by created_at", table(database));
    database.column(&sql).await
}

fn expected(texts: &[&str]) -> Vec<String> {
    texts.iter().zip(WHEN..).map(|(text, when)| format!("{} {when}", sha256(text))).collect()
}

const TEXTS: [&str; 4] = [
    "create table accounts (id integer primary key, balance integer not null);",
    "insert into accounts values (1, 100);",
    "update accounts set balance = balance + 10;",
    "alter table accounts add column note text;",
];

async fn balance(database: &TestDatabase) -> String {
    database.column("select balance from accounts").await.remove(0)
}

async fn either_goes_on_where_the_other_stopped(database: TestDatabase) {
    drizzle(&database, &TEXTS, 1).await.expect("Drizzle applies one");
    let shared = |listed| migrator(&database, &folder(&database, &TEXTS, listed)).share_other_history();
    let report = shared(2).migrate().await.expect("ours goes on");
    assert_eq!((report.recorded.len(), report.applied.len()), (1, 1), "one is taken over, one is applied");
    assert_eq!(rows(&database).await, expected(&TEXTS[..2]));
    drizzle(&database, &TEXTS, 3).await.expect("Drizzle goes on with the third alone");
    assert_eq!(balance(&database).await, "110");
    let report = shared(4).migrate().await.expect("ours goes on with the fourth");
    assert_eq!((report.recorded.len(), report.applied.len()), (1, 1));
    assert_eq!(rows(&database).await, expected(&TEXTS));
    drizzle(&database, &TEXTS, 4).await.expect("nothing is left for Drizzle");
    assert!(shared(4).migrate().await.expect("nor for ours").applied.is_empty());
    assert!(shared(4).status().await.expect("it can be read").up_to_date);
    assert_eq!(balance(&database).await, "110");
}

async fn what_runs_outside_of_a_transaction_is_recorded_too(database: TestDatabase) {
    let texts = [TEXTS[0], TEXTS[1], "COMMIT;\nupdate accounts set balance = balance + 10;\nBEGIN;"];
    drizzle(&database, &texts, 2).await.expect("Drizzle applies two");
    migrator(&database, &folder(&database, &texts, 3)).share_other_history().migrate().await.expect("ours goes on");
    assert_eq!(rows(&database).await, expected(&texts));
    drizzle(&database, &texts, 3).await.expect("nothing is left for Drizzle");
    assert_eq!(balance(&database).await, "110");
}

async fn both_may_start_at_once(database: TestDatabase) {
    drizzle(&database, &TEXTS, 2).await.expect("Drizzle applies two");
    let folder = folder(&database, &TEXTS, 4);
    let ours = || async {
        migrator(&database, &folder).share_other_history().migrate().await.map(|report| report.applied.len())
    };
    let theirs = || drizzle(&database, &TEXTS, 4);
    let (a, b, c, d, e, f) = tokio::join!(ours(), theirs(), ours(), theirs(), ours(), theirs());
    // Those of Drizzle may fail, which take no lock; ours do not, and nothing is applied twice.
    for ours in [a, c, e] {
        ours.expect("ours ends well");
    }
    let failed = [b, d, f].into_iter().filter(Result::is_err).count();
    println!("{failed} of 3 runs in the manner of Drizzle failed");
    assert_eq!(balance(&database).await, "110", "it is paid once");
    assert_eq!(rows(&database).await, expected(&TEXTS));
}

async fn a_database_that_drizzle_never_saw_is_one_that_it_goes_on_with(database: TestDatabase) {
    migrator(&database, &folder(&database, &TEXTS, 3))
        .share_other_history()
        .migrate()
        .await
        .expect("ours applies three");
    assert_eq!(rows(&database).await, expected(&TEXTS[..3]));
    drizzle(&database, &TEXTS, 4).await.expect("Drizzle goes on");
    assert_eq!((rows(&database).await, balance(&database).await), (expected(&TEXTS), "110".to_owned()));
}

async fn adopting_is_a_policy_at_start_up(database: TestDatabase) {
    drizzle(&database, &TEXTS, 3).await.expect("Drizzle applies three");
    let folder = folder(&database, &TEXTS, 4);
    let refused = migrator(&database, &folder).migrate().await.expect_err("nobody said to go on");
    assert!(refused.to_string().contains("history of Drizzle"), "{refused}");
    let adopting = || async { migrator(&database, &folder).untracked(whimbrel::Adopt).migrate().await };
    let (a, b, c) = tokio::join!(adopting(), adopting(), adopting());
    let reports = [a, b, c].map(|report| report.expect("each ends well"));
    let total = |count: fn(&whimbrel::Report) -> usize| reports.iter().map(count).sum::<usize>();
    assert_eq!((total(|it| it.recorded.len()), total(|it| it.applied.len())), (3, 1), "recorded once, applied once");
    assert_eq!(rows(&database).await, expected(&TEXTS[..3]), "its table stays as it is");
    assert_eq!(balance(&database).await, "110");
}

async fn sharing_may_begin_late(database: TestDatabase) {
    drizzle(&database, &TEXTS, 2).await.expect("Drizzle applies two");
    let folder = folder(&database, &TEXTS, 3);
    migrator(&database, &folder).adopt(&[]).await.expect("they are adopted");
    migrator(&database, &folder).migrate().await.expect("ours applies the third, and tells nobody");
    assert_eq!(rows(&database).await, expected(&TEXTS[..2]));
    migrator(&database, &folder).share_other_history().migrate().await.expect("from now on it is told");
    assert_eq!(rows(&database).await, expected(&TEXTS[..3]));
    drizzle(&database, &TEXTS, 3).await.expect("nothing is left for Drizzle");
    assert_eq!(balance(&database).await, "110");
    let plan = migrator(&database, &folder).share_other_history().plan().await.expect("a look");
    assert!(plan.steps.is_empty());
}
