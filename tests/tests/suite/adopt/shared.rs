//! One database, migrated by programs of Drizzle and by ours.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use whimbrel::split::split;
use whimbrel::{Checksum, DirectorySource, Event, FindingKind, Migrator, Op};
use whimbrel_tests::database::{TestDatabase, run};

use crate::on_both;

on_both! {
    either_goes_on_where_the_other_stopped
    what_runs_outside_of_a_transaction_is_recorded_too
    both_may_start_at_once
    a_database_that_drizzle_never_saw_is_one_that_it_goes_on_with
    adopting_is_a_policy_at_start_up
    sharing_may_begin_late
    both_may_start_at_once_on_a_fresh_database
    nothing_is_said_of_what_is_there_already
    two_of_one_text_and_one_time_are_not_shared
    a_pair_of_one_text_and_one_time_is_adopted_in_order
    a_row_without_a_file_is_accepted_once
    a_row_without_a_file_is_accepted_where_nothing_is_recorded_besides
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

async fn both_may_start_at_once_on_a_fresh_database(database: TestDatabase) {
    let folder = folder(&database, &TEXTS, 4);
    // The tables are made anew for every meeting: the first moments are what this is about.
    for meeting in 0..30 {
        let ours = || async { migrator(&database, &folder).share_other_history().migrate().await };
        let theirs = || drizzle(&database, &TEXTS, 4);
        let (a, b, c, _, _) = tokio::join!(ours(), ours(), ours(), theirs(), theirs());
        for ours in [a, b, c] {
            ours.unwrap_or_else(|error| panic!("meeting {meeting}: {error}"));
        }
        assert_eq!(balance(&database).await, "110", "it is paid once");
        assert_eq!(rows(&database).await, expected(&TEXTS));
        let schema = database.server().map(|_| "DROP SCHEMA drizzle CASCADE".to_owned());
        let table = database.server().is_none().then(|| format!("DROP TABLE {}", table(&database)));
        let drops = ["DROP TABLE accounts", "DROP TABLE whimbrel_history"].map(str::to_owned);
        let drops: Vec<String> = drops.into_iter().chain(schema).chain(table).collect();
        let drops: Vec<&str> = drops.iter().map(|it| &**it).collect();
        database.transact(&drops).await.unwrap_or_else(|halted| panic!("{}", halted.error));
    }
}

async fn nothing_is_said_of_what_is_there_already(database: TestDatabase) {
    for listed in 1..=3 {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listening = Arc::clone(&told);
        let tell = move |event: &Event<'_>| match event {
            Event::Notice(notice) => listening.lock().unwrap().push(notice.message.clone()),
            Event::OtherHistoryMade { tool, table } => {
                listening.lock().unwrap().push(format!("made {table} of {tool}"))
            }
            _ => {}
        };
        let migrator = migrator(&database, &folder(&database, &TEXTS, listed)).share_other_history().on_event(tell);
        let report = migrator.migrate().await.expect("one is applied");
        let made = (listed == 1).then(|| table(&database).to_owned());
        let expected: Vec<String> = made.iter().map(|table| format!("made {table} of Drizzle")).collect();
        assert_eq!((&*told.lock().unwrap(), report.other_history_made), (&expected, made));
    }
}

/// Two entries of a journal with the same text and the same time.
fn folder_of_twins(database: &TestDatabase) -> PathBuf {
    let texts = [TEXTS[0], TEXTS[1], TEXTS[2], TEXTS[2]];
    let folder = folder(database, &texts, 4);
    let journal = folder.join("meta").join("_journal.json");
    let text = std::fs::read_to_string(&journal).expect("the journal is there");
    std::fs::write(&journal, text.replace(&(WHEN + 3).to_string(), &(WHEN + 2).to_string())).expect("it is written");
    folder
}

async fn two_of_one_text_and_one_time_are_not_shared(database: TestDatabase) {
    let folder = folder_of_twins(&database);
    let error =
        migrator(&database, &folder).share_other_history().migrate().await.expect_err("the rows would be equal");
    let told = error.to_string();
    assert!(told.contains("0002_step.sql and ") && told.contains("0003_step.sql have the same text"), "{told}");
    assert!(error.report().applied.is_empty() && !database.tables().await.contains(&"accounts".to_owned()), "{told}");
    migrator(&database, &folder).migrate().await.expect("alone it applies each");
    assert_eq!(balance(&database).await, "120");
}

async fn a_pair_of_one_text_and_one_time_is_adopted_in_order(database: TestDatabase) {
    let folder = folder_of_twins(&database);
    drizzle(&database, &TEXTS, 3).await.expect("Drizzle applies three");
    let again =
        format!("insert into {} (hash, created_at) values ('{}', {})", table(&database), sha256(TEXTS[2]), WHEN + 2);
    database.transact(&[&again, TEXTS[2]]).await.unwrap_or_else(|halted| panic!("{}", halted.error));
    let adoption = migrator(&database, &folder).adopt(&[]).await.expect("each has its row");
    assert_eq!((adoption.recorded, adoption.in_the_way().count()), (4, 0), "{adoption:?}");
    assert!(migrator(&database, &folder).status().await.expect("it can be read").up_to_date);
}

/// Writes a row of a migration whose file is on another branch.
async fn of_another_branch(database: &TestDatabase, text: &str, when: i64) {
    let row = format!("insert into {} (hash, created_at) values ('{}', {when})", table(database), sha256(text));
    database.transact(&[&row]).await.unwrap_or_else(|halted| panic!("{}", halted.error));
}

async fn a_row_without_a_file_is_accepted_once(database: TestDatabase) {
    drizzle(&database, &TEXTS, 2).await.expect("Drizzle applies two");
    of_another_branch(&database, "gone", WHEN + 1_000).await;
    let shared = |listed| migrator(&database, &folder(&database, &TEXTS, listed)).share_other_history();
    let refused = shared(2).migrate().await.expect_err("nobody said that the row may be there");
    assert!(refused.to_string().contains("stands for no file"), "{refused}");
    shared(2).adopt(&[FindingKind::MissingFile]).await.expect("it is accepted");
    shared(3).migrate().await.expect("and is not asked about again");
    shared(4).migrate().await.expect("nor a second time");
    assert_eq!(shared(4).adopt(&[]).await.expect("nor by the command").in_the_way().count(), 0);
    let status = shared(4).status().await.expect("it can be read");
    let told: Vec<&String> = status.migrations.iter().flat_map(|it| &it.differences).collect();
    assert!(status.up_to_date && matches!(&*told, [line] if line.contains("stands for no file")), "{told:?}");
    of_another_branch(&database, "another", WHEN + 2_000).await;
    shared(4).migrate().await.expect_err("another row is another matter");
}

async fn a_row_without_a_file_is_accepted_where_nothing_is_recorded_besides(database: TestDatabase) {
    let shared = |listed| migrator(&database, &folder(&database, &TEXTS, listed)).share_other_history();
    shared(2).migrate().await.expect("ours applies two");
    for (at, text) in (1..).zip(["gone", "gone too"]) {
        of_another_branch(&database, text, WHEN - at * 1_000).await;
        shared(3).migrate().await.expect_err("nobody said that the row may be there");
        let adoption = shared(3).adopt(&[FindingKind::MissingFile]).await.expect("it is accepted");
        assert_eq!((adoption.recorded, &*adoption.notes), (0, &[] as &[String]));
        assert_eq!(shared(3).adopt(&[]).await.expect("once for all").in_the_way().count(), 0);
    }
    assert_eq!(shared(3).migrate().await.expect("it goes on").applied.len(), 1);
    assert_eq!(balance(&database).await, "110");
}

/// In Postgres `IF NOT EXISTS` fails for the slower of two that make the same thing at the same moment.
#[test]
fn the_table_may_be_made_by_drizzle_at_the_same_moment() {
    crate::needs_postgres!();
    crate::block_on(async {
        let database = TestDatabase::postgres().await;
        let folder = folder(&database, &TEXTS, 3);
        let server = database.server().expect("it is Postgres");
        for making in [
            "CREATE SCHEMA drizzle",
            "CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, \
            hash text NOT NULL, created_at bigint)",
        ] {
            let theirs = server.connect().await;
            theirs.batch_execute(&format!("BEGIN; {making}")).await.expect("Drizzle begins to make it");
            let told = Arc::new(Mutex::new(Vec::new()));
            let listening = Arc::clone(&told);
            let tell = move |event: &Event<'_>| {
                if let Event::OtherHistoryMade { table, .. } = event {
                    listening.lock().unwrap().push((*table).to_owned());
                }
            };
            let ours = migrator(&database, &folder).share_other_history().on_event(tell);
            let commit = async {
                let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
                while database.column(waits).await != ["1"] {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
                theirs.batch_execute("COMMIT").await.expect("Drizzle has made it");
            };
            let (ours, ()) = tokio::join!(ours.migrate(), commit);
            ours.unwrap_or_else(|error| panic!("{making}: {error}"));
            let made: &[&str] = if making.contains("TABLE") { &[] } else { &["drizzle.__drizzle_migrations"] };
            assert_eq!(*told.lock().unwrap(), made, "{making}");
            assert_eq!(rows(&database).await, expected(&TEXTS[..3]), "{making}");
            let drops =
                ["DROP TABLE accounts", "DROP TABLE whimbrel_history", "DROP TABLE drizzle.__drizzle_migrations"];
            database.transact(&drops).await.unwrap_or_else(|halted| panic!("{}", halted.error));
        }
    });
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
