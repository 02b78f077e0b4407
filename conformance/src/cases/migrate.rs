//! Whole runs that go well.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use whimbrel_core::{
    Applied, BackendErrorKind, Backups, BoxError, CodeSource, Event, HistoryDetail, Hooks, Migrator, OutOfOrder,
    Pending, Report, RowState, RustMigration, Seed, Sql, SqlSession, TransactionMode, async_trait,
};

use super::{Outcome, need};
use crate::bench::Bench;
use crate::op::OpKind;
use crate::record::{Call, Recording};

/// `marks` counts how often each migration ran.
const FIRST: &str = "create table marks (version integer);\ninsert into marks values (1)";

/// Three migrations, each with three statements of which one marks that it ran.
pub(super) fn three() -> CodeSource {
    CodeSource::new()
        .sql("0001", "one", format!("{FIRST};\ncreate table one (id integer primary key)"))
        .sql("0002", "two", middle())
        .sql(
            "0003",
            "three",
            "create table three (id integer);\ninsert into three values (3);\ninsert into marks values (3)",
        )
}

fn middle() -> &'static str {
    "create table two (id integer);\ninsert into marks values (2);\ninsert into two values (7)"
}

/// The marks in order: each migration ran so often.
pub(super) async fn marks(bench: &Bench) -> String {
    if !bench.has_table("marks").await {
        return String::new();
    }
    let rows = bench.query("select version from marks order by version").await;
    rows.into_iter().map(|mut row| row.remove(0).expect("a version")).collect::<Vec<_>>().join(" ")
}

fn versions(report: &Report) -> Vec<String> {
    report.applied.iter().map(|applied| applied.id.to_string()).collect()
}

pub(super) async fn a_fresh_database_gets_everything(bench: &Bench) -> Outcome {
    let report = bench.migrator(three()).migrate().await.expect("it goes well");
    assert_eq!((versions(&report), report.planned), (["0001", "0002", "0003"].map(str::to_owned).to_vec(), 3));
    assert_eq!(marks(bench).await, "1 2 3");
    let rows = bench.rows().await;
    assert_eq!(rows.len(), 3);
    for (row, applied) in rows.iter().zip(&report.applied) {
        assert_eq!((row.state, row.fence, row.statements_done, row.statements_total), (RowState::Applied, 1, 3, 3));
        assert_eq!((&row.id, &*row.name, row.finished_at), (&applied.id, &*applied.name, Some(applied.at)));
        assert_eq!((row.duration_ms, &*row.origin), (Some(applied.duration_ms), "applied"));
        assert!(row.tool_version.starts_with("whimbrel ") && row.run_by.contains("pid "), "{row:?}");
    }
    Outcome::Passed
}

pub(super) async fn a_second_run_reads_the_history_and_nothing_else(bench: &Bench) -> Outcome {
    bench.migrator(three()).migrate().await.expect("it goes well");
    let recording = Recording::new(bench.client());
    let report = Migrator::new(recording.clone()).source(three()).migrate().await.expect("nothing is pending");
    assert_eq!((report.applied.len(), report.planned), (0, 0));
    assert_eq!(recording.calls(), [Call::Connect, Call::History(HistoryDetail::Check), Call::Close]);
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}

pub(super) async fn each_migration_is_one_program(bench: &Bench) -> Outcome {
    use OpKind::{Begin, Claim, Commit, CreateHistory, Finish, Query, Seal, Statement, Unseal};
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let recording = Recording::new(bench.client());
    Migrator::new(recording.clone()).source(three()).migrate().await.expect("it goes well");
    let migration = vec![Begin, Claim, Seal, Statement, Statement, Statement, Unseal, Finish, Commit];
    // Whether a database without a history has tables.
    let mut expected = if bench.capabilities().catalog.is_some() { vec![vec![Query]] } else { Vec::new() };
    expected.extend([vec![Begin, CreateHistory, Commit], migration.clone(), migration.clone(), migration]);
    assert_eq!(recording.programs(), expected);
    Outcome::Passed
}

pub(super) async fn new_migrations_come_after_applied_ones(bench: &Bench) -> Outcome {
    bench.migrator(CodeSource::new().sql("1", "one", FIRST)).migrate().await.expect("it goes well");
    let more = CodeSource::new().sql("1", "one", FIRST).sql("2", "two", middle());
    let report = bench.migrator(more).migrate().await.expect("it goes well");
    assert_eq!(versions(&report), ["2"]);
    assert_eq!(marks(bench).await, "1 2");
    Outcome::Passed
}

pub(super) async fn a_target_stops_the_run_after_it(bench: &Bench) -> Outcome {
    let seed = Seed::text("seed", "insert into marks values (99)");
    let to_two = bench.migrator(three()).seed(seed.clone()).to("2".parse().expect("a version"));
    assert_eq!(versions(&to_two.migrate().await.expect("it goes well")), ["0001", "0002"]);
    assert_eq!(marks(bench).await, "1 2", "a seed is left for a run without a target");
    let recording = Recording::new(bench.client());
    let again = Migrator::new(recording.clone()).source(three()).to("1".parse().expect("a version"));
    assert!(again.migrate().await.expect("it goes well").applied.is_empty(), "nothing is taken back");
    assert!(recording.programs().is_empty());
    bench.migrator(three()).seed(seed).migrate().await.expect("it goes well");
    assert_eq!(marks(bench).await, "1 2 3 99");
    Outcome::Passed
}

pub(super) async fn all_in_one_transaction_is_one_commit(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let recording = Recording::new(bench.client());
    let migrator = Migrator::new(recording.clone()).source(three()).transaction(TransactionMode::All);
    let report = migrator.migrate().await.expect("it goes well");
    assert_eq!(versions(&report), ["0001", "0002", "0003"]);
    let begins = recording.ops().iter().filter(|op| **op == OpKind::Begin).count();
    assert_eq!(begins, 2, "one for the history table, one for everything");
    assert_eq!(marks(bench).await, "1 2 3");
    assert_eq!(bench.rows().await.len(), 3);
    Outcome::Passed
}

pub(super) async fn an_empty_migration_is_recorded(bench: &Bench) -> Outcome {
    let source = CodeSource::new().sql("1", "comment", "-- nothing to do here\n").sql("2", "empty", "");
    let report = bench.migrator(source).migrate().await.expect("it goes well");
    assert_eq!(report.applied.len(), 2);
    assert_eq!(bench.rows().await.iter().map(|row| row.statements_total).collect::<Vec<_>>(), [0, 0]);
    Outcome::Passed
}

pub(super) async fn a_seed_runs_once_and_when_it_changed(bench: &Bench) -> Outcome {
    let migrator = || bench.migrator(CodeSource::new().sql("1", "one", FIRST));
    let seed = |text: &'static str| Seed::text("seed", text);
    let first = "insert into marks values (10)";
    assert_eq!(versions(&migrator().seed(seed(first)).migrate().await.expect("it goes well")), ["1", "seed seed"]);
    assert!(migrator().seed(seed(first)).migrate().await.expect("it goes well").applied.is_empty());
    let changed = "insert into marks values (11)";
    assert_eq!(versions(&migrator().seed(seed(changed)).migrate().await.expect("it goes well")), ["seed seed"]);
    let left_out = migrator().seed(seed("insert into marks values (12)")).without_seeds();
    assert!(left_out.migrate().await.expect("it goes well").applied.is_empty());
    assert_eq!(marks(bench).await, "1 10 11");
    assert_eq!(bench.rows().await.last().map(|row| row.fence), Some(2));
    Outcome::Passed
}

pub(super) async fn namespaces_have_versions_of_their_own(bench: &Bench) -> Outcome {
    let app = CodeSource::new().sql("5", "app", FIRST);
    let library = || CodeSource::new().sql("1", "library", "insert into marks values (50)");
    let migrator = bench.migrator(app.clone()).source_in("library", library());
    assert_eq!(versions(&migrator.migrate().await.expect("it goes well")), ["5", "library:1"]);
    assert!(migrator.migrate().await.expect("it goes well").applied.is_empty());
    let status = bench.migrator(app).status().await.expect("it can be read");
    assert!(status.up_to_date, "another's rows are not this program's business");
    assert_eq!(status.other_namespaces, [("library".into(), 1)]);
    Outcome::Passed
}

struct Fill;

#[async_trait]
impl RustMigration for Fill {
    async fn run(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        let rows = sql.query("select version from marks order by version").await?;
        for row in rows {
            let version: i64 = row[0].as_deref().unwrap_or("0").parse()?;
            let changed = sql.execute(&format!("insert into marks values ({})", version + 10)).await?;
            assert!(changed <= 1);
        }
        Ok(())
    }
}

pub(super) async fn a_migration_may_be_written_in_rust(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let source = || three().rust("0004", "fill", "1", Fill);
    let report = bench.migrator(source()).migrate().await.expect("it goes well");
    assert_eq!(versions(&report), ["0001", "0002", "0003", "0004"]);
    assert_eq!(marks(bench).await, "1 2 3 11 12 13");
    assert!(bench.migrator(source()).migrate().await.expect("it goes well").applied.is_empty());
    Outcome::Passed
}

/// Writes down its calls, and can read the database in each.
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, text: String) {
        self.0.lock().expect("nobody panicked").push(text);
    }
}

#[async_trait]
impl Hooks for Diary {
    async fn on_connect(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        let rows = sql.query("select 1").await?;
        self.note(format!("connect {}", rows.len()));
        Ok(())
    }

    async fn before_run(&self, pending: &[Pending], sql: &mut dyn Sql) -> Result<(), BoxError> {
        sql.execute("create table of_hook (id integer)").await?;
        self.note(format!("before run {}", pending.len()));
        Ok(())
    }

    async fn after_run(&self, report: &Report, sql: &mut dyn Sql) -> Result<(), BoxError> {
        let rows = sql.query("select version from marks").await?;
        self.note(format!("after run {} {}", report.applied.len(), rows.len()));
        Ok(())
    }

    async fn before_migration(&self, migration: &Pending, sql: &mut dyn Sql) -> Result<(), BoxError> {
        sql.query("select id from of_hook").await?;
        self.note(format!("before {}", migration.id));
        Ok(())
    }

    async fn after_migration(&self, applied: &Applied, sql: &mut dyn Sql) -> Result<(), BoxError> {
        let rows = sql.query("select version from marks").await?;
        self.note(format!("after {} {}", applied.id, rows.len()));
        Ok(())
    }
}

pub(super) async fn hooks_are_called_at_the_turns_of_a_run(bench: &Bench) -> Outcome {
    let diary = Arc::new(Mutex::new(Vec::new()));
    let source = || CodeSource::new().sql("1", "one", FIRST).sql("2", "two", middle());
    let migrator = || bench.migrator(source()).hooks(Diary(Arc::clone(&diary)));
    migrator().migrate().await.expect("it goes well");
    let expected = ["connect 1", "before run 2", "before 1", "after 1 1", "before 2", "after 2 2", "after run 2 2"];
    assert_eq!(*diary.lock().expect("nobody panicked"), expected);
    diary.lock().expect("nobody panicked").clear();
    migrator().migrate().await.expect("nothing is pending");
    assert_eq!(*diary.lock().expect("nobody panicked"), ["connect 1"], "nothing pending: nothing but the connection");
    Outcome::Passed
}

pub(super) async fn events_come_in_order(bench: &Bench) -> Outcome {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let migrator = || {
        let heard = Arc::clone(&heard);
        let source = CodeSource::new().sql("1", "one", FIRST).sql("2", "two", middle());
        bench.migrator(source).on_event(move |event| {
            let text = match event {
                Event::Connected { server } => {
                    assert!(!server.is_empty());
                    "connected".to_owned()
                }
                Event::RunStarted { pending } => format!("run {pending}"),
                Event::MigrationStarted { id, number, of, .. } => format!("start {id} {number}/{of}"),
                Event::StatementsDone { done, of } => format!("done {done}/{of}"),
                Event::MigrationApplied(applied) => format!("applied {}", applied.id),
                Event::NothingPending => "nothing".to_owned(),
                other => format!("{other:?}"),
            };
            heard.lock().expect("nobody panicked").push(text);
        })
    };
    migrator().migrate().await.expect("it goes well");
    let expected = [
        "connected",
        "run 2",
        "start 1 1/2",
        "done 1/2",
        "done 2/2",
        "applied 1",
        "start 2 2/2",
        "done 1/3",
        "done 2/3",
        "done 3/3",
        "applied 2",
    ];
    assert_eq!(*heard.lock().expect("nobody panicked"), expected);
    heard.lock().expect("nobody panicked").clear();
    migrator().migrate().await.expect("nothing is pending");
    assert_eq!(*heard.lock().expect("nobody panicked"), ["connected", "nothing"]);
    Outcome::Passed
}

pub(super) async fn a_late_migration_is_applied_where_allowed(bench: &Bench) -> Outcome {
    let without = CodeSource::new().sql("1", "one", FIRST).sql("3", "three", "insert into marks values (3)");
    bench.migrator(without.clone()).migrate().await.expect("it goes well");
    let migrator = bench.migrator(without.sql("2", "two", middle())).out_of_order(OutOfOrder::Allow);
    let report = migrator.migrate().await.expect("it is allowed");
    assert_eq!((versions(&report), report.notes.len()), (vec!["2".to_owned()], 1));
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}

pub(super) async fn its_directives_hold_for_it_alone(bench: &Bench) -> Outcome {
    need!(bench.capabilities().statement_timeout, "there is no statement timeout");
    let slow = bench.snippets().slow;
    let source = CodeSource::new()
        .sql("1", "quick", format!("-- whimbrel: statement-timeout 200ms\n-- whimbrel: lock-timeout 1s\n{FIRST}"))
        .sql("2", "slow", format!("-- whimbrel: statement-timeout 300ms\n{slow}"));
    let error = bench.migrator(source).migrate().await.expect_err("the second takes too long");
    assert_eq!(error.report().applied.len(), 1);
    let failed = error.failed().expect("a migration failed");
    assert_eq!((failed.id.to_string(), failed.statement.as_ref().map(|s| s.number)), ("2".to_owned(), Some(1)));
    Outcome::Passed
}

pub(super) async fn a_thousand_cost_no_more_each_than_ten(bench: &Bench) -> Outcome {
    let source = |count: u32| {
        let first = CodeSource::new().sql("0", "marks", "create table marks (version integer)");
        (1..=count)
            .fold(first, |source, n| source.sql(&n.to_string(), "mark", format!("insert into marks values ({n})")))
    };
    let recording = Recording::new(bench.client());
    let migrate = |count| Migrator::new(recording.clone()).source(source(count)).migrate_owned();
    assert_eq!(migrate(10).await, 11);
    let few = recording.take();
    assert_eq!(migrate(1_010).await, 1_000);
    let many = recording.take();
    let programs = |calls: &[Call]| calls.iter().filter(|call| matches!(call, Call::Run(_))).count();
    let reads = |calls: &[Call]| calls.iter().filter(|call| matches!(call, Call::History(_))).count();
    // The first run asks whether there are tables, and makes the history's.
    let asked = usize::from(bench.capabilities().catalog.is_some());
    assert_eq!((programs(&few), reads(&few)), (12 + asked, 1));
    assert_eq!((programs(&many), reads(&many)), (1_000, 1), "one program each, one look at the history");
    assert_eq!(bench.value("select count(*) from marks").await, "1010");
    assert_eq!(bench.value("select count(distinct version) from marks").await, "1010");
    assert_eq!(migrate(1_010).await, 0);
    assert_eq!(recording.take().len(), 3);
    Outcome::Passed
}

/// Runs a migrator that is made on the spot.
trait MigrateOwned {
    async fn migrate_owned(self) -> usize;
}

impl MigrateOwned for Migrator {
    async fn migrate_owned(self) -> usize {
        self.migrate().await.expect("it goes well").applied.len()
    }
}

pub(super) async fn foreign_keys_off_keeps_rows_of_children(bench: &Bench) -> Outcome {
    need!(bench.capabilities().foreign_keys_switch, "foreign keys cannot be switched");
    let tables = "create table parent (id integer primary key, old text);\n\
        create table child (id integer primary key, parent_id integer references parent (id) on delete cascade);\n\
        insert into parent values (1, 'a'), (2, 'b');\ninsert into child values (1, 1), (2, 2), (3, 2)";
    let rebuild = "-- whimbrel: foreign-keys off\ncreate table parent_new (id integer primary key, new text);\n\
        insert into parent_new select id, old from parent;\ndrop table parent;\nalter table parent_new rename to parent";
    let source = CodeSource::new().sql("1", "tables", tables).sql("2", "rebuild", rebuild);
    bench.migrator(source).migrate().await.expect("it goes well");
    assert_eq!(bench.value("select count(*) from child").await, "3");
    assert_eq!(bench.value("select new from parent where id = 2").await, "b");
    Outcome::Passed
}

pub(super) async fn a_session_of_ones_own_reads_and_leaves_nothing_behind(bench: &Bench) -> Outcome {
    bench.migrator(three()).migrate().await.expect("it goes well");
    let client = bench.client();
    let mut sql = SqlSession::connect(&*client).await.expect("it gets a session");
    assert_eq!(sql.query("select count(*) from marks").await.expect("it reads"), [[Some("3".to_owned())]]);
    sql.execute("insert into marks values (4)").await.expect("it writes, in a transaction of the statement's own");
    let refused = sql.execute("begin").await.expect_err("its transactions are its own");
    assert_eq!(refused.kind(), BackendErrorKind::Unsupported);
    sql.close().await.expect("it ends");
    assert_eq!(bench.value("select count(*) from marks").await, "4");
    Outcome::Passed
}

pub(super) async fn waiting_for_a_database_ends_when_it_is_there(bench: &Bench) -> Outcome {
    let faulty = crate::Faulty::new(bench.client());
    for _ in 0..3 {
        faulty.fail_connect(whimbrel_core::BackendErrorKind::Unreachable);
    }
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let migrator = Migrator::new(faulty.clone()).source(three()).connect_wait(Duration::from_secs(20));
    let migrator = migrator.on_event(move |event| {
        *count.lock().expect("nobody panicked") += usize::from(matches!(event, Event::WaitingForDatabase { .. }));
    });
    migrator.migrate().await.expect("the fourth try gets through");
    assert_eq!(faulty.fired(), 3);
    assert!(*told.lock().expect("nobody panicked") >= 1, "it says that it waits");
    Outcome::Passed
}

pub(super) async fn a_backup_comes_before_anything_is_changed(bench: &Bench) -> Outcome {
    need!(bench.capabilities().backups == Backups::Beside, "it makes no backups");
    let source = |count: u32| {
        (1..=count).fold(CodeSource::new(), |source, n| {
            source.sql(&n.to_string(), "some", format!("create table t{n} (id integer)"))
        })
    };
    let recording = Recording::new(bench.client());
    let migrate = async |count| {
        let run = Migrator::new(recording.clone()).source(source(count)).backup_first();
        run.migrate().await.expect("it goes well").backup
    };
    migrate(1).await;
    recording.take();
    let backup = migrate(3).await.expect("there is something to copy");
    assert_eq!(backup.version, Some("1".parse().expect("a version")));
    assert_eq!(std::fs::metadata(&backup.file).expect("it is a file").len(), backup.bytes);
    let calls = recording.take();
    let first = calls.iter().position(|call| matches!(call, Call::Run(_))).expect("something was applied");
    let copied: Vec<usize> = (0..calls.len()).filter(|at| calls[*at] == Call::Backup).collect();
    assert!(copied.len() == 1 && copied[0] < first, "{calls:?}");
    assert_eq!(migrate(3).await, None, "nothing is pending");
    assert!(!recording.take().contains(&Call::Backup));
    std::fs::remove_file(&backup.file).expect("it can be removed");
    Outcome::Passed
}
