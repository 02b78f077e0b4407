//! Failures at every position: the state is known, the report is right, and a repaired run completes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use whimbrel_core::{
    Aftermath, Applied, BackendErrorKind, BoxError, CancelToken, Cause, CodeSource, Event, Hooks, MigrateError,
    MigrateErrorKind, Migrator, Pending, Report, RustMigration, Sql, TransactionMode, async_trait,
};

use super::migrate::{marks, three};
use super::{Outcome, need};
use crate::bench::Bench;
use crate::fault::{Fault, Faulty};
use crate::op::OpKind;
use crate::record::Recording;

/// Three migrations of three statements, where statement `bad.1` of migration `bad.0` fails. Both count from 0.
fn broken(bad: (usize, usize)) -> CodeSource {
    let mut source = CodeSource::new();
    for migration in 0..3_usize {
        let make = if migration == 0 { "marks (version integer)" } else { &*format!("t{migration} (id integer)") };
        let mut statements =
            [format!("create table {make}"), format!("insert into marks values ({migration})"), "select 1".to_owned()];
        if bad.0 == migration {
            statements[bad.1] = "insert into no_such_table\n  values (1)".to_owned();
        }
        source = source.sql(&format!("{migration:04}"), "some", statements.join(";\n"));
    }
    source
}

fn sound() -> CodeSource {
    broken((9, 9))
}

pub(super) async fn a_statement_at_every_position(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    // The failing migration moves up: what was applied before it is what a repaired run finds.
    for migration in 0..3 {
        for statement in 0..3 {
            let error = bench.migrator(broken((migration, statement))).migrate().await.expect_err("a statement fails");
            assert_eq!(error.kind(), MigrateErrorKind::RolledBack, "{error}");
            let failed = error.failed().expect("a migration failed");
            assert_eq!((failed.id.to_string(), failed.aftermath), (format!("{migration:04}"), Aftermath::RolledBack));
            let at = failed.statement.as_ref().expect("a statement failed");
            assert_eq!((at.number, at.total), (statement + 1, 3));
            assert_eq!((at.line as usize, at.column), (statement + 1, 1), "{at:?}");
            assert!(at.text.starts_with("insert into no_such_table"));
            let cause = failed.cause.backend().expect("the database refused it");
            assert!(cause.message().contains("no_such_table"), "{cause}");
            let message = error.to_string();
            assert!(message.contains("rolled back") && message.contains(&format!("{migration:04}")), "{message}");
            assert_eq!(bench.rows().await.len(), migration, "a migration that failed leaves no row");
            assert!(!bench.has_table(&format!("t{migration}")).await, "and nothing else");
        }
        let repaired = bench.migrator(sound()).to(format!("{migration}").parse().expect("a version"));
        assert_eq!(repaired.migrate().await.expect("a repaired run completes").applied.len(), 1);
    }
    assert_eq!(marks(bench).await, "0 1 2");
    Outcome::Passed
}

pub(super) async fn what_was_applied_before_stays(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let error = bench.migrator(broken((2, 1))).migrate().await.expect_err("the last fails");
    let report = error.report();
    assert_eq!((report.applied.len(), report.planned), (2, 3));
    assert_eq!(marks(bench).await, "0 1");
    assert_eq!(bench.migrator(sound()).migrate().await.expect("it completes").applied.len(), 1);
    assert_eq!(marks(bench).await, "0 1 2");
    Outcome::Passed
}

pub(super) async fn one_transaction_for_all_is_all_or_none(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    for bad in [(0, 0), (1, 1), (2, 2)] {
        let migrator = bench.migrator(broken(bad)).transaction(TransactionMode::All);
        let error = migrator.migrate().await.expect_err("a statement fails");
        let failed = error.failed().expect("a migration failed");
        assert_eq!(failed.id.to_string(), format!("{:04}", bad.0));
        assert_eq!(failed.statement.as_ref().map(|s| s.number), Some(bad.1 + 1));
        assert_eq!(error.report().applied, [], "none of them is applied");
        assert!(bench.rows().await.is_empty() && !bench.has_table("marks").await);
    }
    let migrator = bench.migrator(sound()).transaction(TransactionMode::All);
    assert_eq!(migrator.migrate().await.expect("it completes").applied.len(), 3);
    Outcome::Passed
}

/// The operations of a whole run of [`three`] on an empty database.
const OPS_OF_A_RUN: usize = 3 + 3 * 9;

/// One fault at each operation of a run; then a second run must complete, with each migration applied exactly once.
///
/// Every failure happens on top of what the faults before it left: one database sees them all.
async fn sweep(bench: &Bench, fault: Fault) {
    let mut at = 0;
    let mut hit = 0;
    // Each round adds one migration, so that every round has something to do.
    let source = |rounds: usize| {
        (0..rounds).fold(CodeSource::new().sql("0", "marks", "create table marks (version integer)"), |source, n| {
            let text = format!("create table s{n} (id integer);\ninsert into marks values ({n})");
            source.sql(&(n + 1).to_string(), "some", text)
        })
    };
    for round in 1..=14 {
        let faulty = Faulty::new(bench.client());
        faulty.fail_number(at, fault);
        let migrator = Migrator::new(faulty.clone()).source(source(round)).lock_wait(Duration::from_secs(20));
        let before = bench.rows().await.len();
        let result = migrator.migrate().await;
        hit += faulty.fired();
        let rows = bench.rows().await;
        assert_eq!(count_marks(bench).await, rows.len().saturating_sub(1), "{fault:?} at {at}: rows and effects agree");
        match &result {
            Ok(report) => assert_eq!(report.applied.len(), round + 1 - before, "{fault:?} at {at}"),
            Err(error) => {
                let applied = error.report().applied.len();
                assert_eq!(applied, rows.len() - before, "{fault:?} at {at}: the report is right: {error}");
                if let Some(failed) = error.failed() {
                    assert_eq!(failed.aftermath, Aftermath::RolledBack, "{fault:?} at {at}: {error}");
                }
            }
        }
        let again = bench.migrator(source(round)).lock_wait(Duration::from_secs(20)).migrate().await;
        again.unwrap_or_else(|error| panic!("after {fault:?} at {at} a second run completes: {error}"));
        assert_eq!(count_marks(bench).await, round);
        // The first round has the history table and two migrations; the later ones eight operations each.
        at = if round == 1 { 0 } else { (at + 1) % 8 };
    }
    assert!(hit >= 13, "only {hit} faults came to pass");
    let distinct = bench.value("select count(distinct version) from marks").await;
    assert_eq!(distinct, "14", "each migration was applied exactly once");
}

async fn count_marks(bench: &Bench) -> usize {
    if !bench.has_table("marks").await {
        return 0;
    }
    bench.value("select count(*) from marks").await.parse().expect("a count")
}

pub(super) async fn a_refusal_of_every_operation(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    sweep(bench, Fault::Refused(BackendErrorKind::Statement)).await;
    Outcome::Passed
}

pub(super) async fn a_connection_lost_before_every_operation(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    sweep(bench, Fault::LostBefore).await;
    Outcome::Passed
}

pub(super) async fn a_connection_lost_after_every_operation(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    sweep(bench, Fault::LostAfter).await;
    Outcome::Passed
}

pub(super) async fn every_operation_of_a_first_run(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let recording = Recording::new(bench.client());
    let faulty = Faulty::new(Arc::new(recording.clone()));
    let mut losses = 0;
    // Each try gets a little further: no operation is reached twice by the fault.
    for at in 0..OPS_OF_A_RUN {
        faulty.fail_number(at.min(8), Fault::Refused(BackendErrorKind::Permission));
        let result = Migrator::new(faulty.clone()).source(three()).to_first(at).migrate().await;
        let Err(error) = result else { break };
        losses += 1;
        assert!(error.to_string().contains("injected"), "the cause is told: {error}");
        let marked = marks(bench).await;
        assert_eq!(marked.split_whitespace().count(), bench.rows().await.len(), "rows and effects agree");
    }
    assert!(losses > 2);
    bench.migrator(three()).migrate().await.expect("a repaired run completes");
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}

trait ToFirst {
    fn to_first(self, at: usize) -> Self;
}

impl ToFirst for Migrator {
    /// Only the first migration while the faults are in it, and then everything.
    fn to_first(self, at: usize) -> Self {
        if at < 12 { self.to("1".parse().expect("a version")) } else { self }
    }
}

pub(super) async fn at_the_claim(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let faulty = Faulty::new(bench.client());
    faulty.fail_kind(OpKind::Claim, 1, Fault::Refused(BackendErrorKind::Permission));
    let error = Migrator::new(faulty).source(three()).migrate().await.expect_err("the second claim fails");
    let failed = error.failed().expect("a migration failed");
    assert_eq!((failed.id.to_string(), &failed.statement), ("0002".to_owned(), &None));
    assert!(failed.cause.to_string().starts_with("claim"), "{}", failed.cause);
    assert_eq!(marks(bench).await, "1");
    bench.migrator(three()).migrate().await.expect("a second run completes");
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}

pub(super) async fn at_the_commit(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let faulty = Faulty::new(bench.client());
    // The first commit is that of the history table.
    faulty.fail_kind(OpKind::Commit, 2, Fault::Refused(BackendErrorKind::Statement));
    let error = Migrator::new(faulty).source(three()).migrate().await.expect_err("the second commit fails");
    let failed = error.failed().expect("a migration failed");
    assert_eq!((failed.id.to_string(), failed.aftermath), ("0002".to_owned(), Aftermath::RolledBack));
    assert!(failed.cause.to_string().starts_with("commit"), "{}", failed.cause);
    assert_eq!(marks(bench).await, "1");
    assert_eq!(bench.rows().await.len(), 1);
    bench.migrator(three()).migrate().await.expect("a second run completes");
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}

async fn in_doubt(bench: &Bench, fault: Fault, mode: TransactionMode) -> (Result<Report, MigrateError>, usize) {
    let faulty = Faulty::new(bench.client());
    let commit = if mode == TransactionMode::All { 1 } else { 2 };
    faulty.fail_kind(OpKind::Commit, commit, fault);
    let asked = Arc::new(std::sync::Mutex::new(0));
    let count = Arc::clone(&asked);
    let migrator = Migrator::new(faulty.clone()).source(three()).transaction(mode).on_event(move |event| {
        *count.lock().expect("nobody panicked") += usize::from(matches!(event, Event::InDoubt { .. }));
    });
    let result = migrator.migrate().await;
    assert_eq!(faulty.fired(), 1);
    let asked = *asked.lock().expect("nobody panicked");
    (result, asked)
}

pub(super) async fn a_commit_whose_answer_was_lost_counts(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let (result, asked) = in_doubt(bench, Fault::LostAfter, TransactionMode::Each).await;
    let report = result.expect("the history tells that it was committed, and the run goes on");
    assert_eq!((report.applied.len(), asked), (3, 1));
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}

pub(super) async fn a_commit_that_did_not_arrive_does_not_count(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let (result, asked) = in_doubt(bench, Fault::LostBefore, TransactionMode::Each).await;
    let error = result.expect_err("the history tells that it was not committed");
    let failed = error.failed().expect("a migration failed");
    assert_eq!((failed.id.to_string(), failed.aftermath, asked), ("0002".to_owned(), Aftermath::RolledBack, 1));
    assert_eq!(marks(bench).await, "1");
    bench.migrator(three()).migrate().await.expect("a second run completes");
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}

pub(super) async fn one_commit_for_all_whose_answer_was_lost_counts_for_all(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let (result, _) = in_doubt(bench, Fault::LostAfter, TransactionMode::All).await;
    let report = result.expect("the history tells that it was committed");
    assert_eq!(report.applied.len(), 3, "all of them are reported");
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}

pub(super) async fn a_passing_conflict_is_tried_again(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    for kind in [BackendErrorKind::Busy, BackendErrorKind::Conflict] {
        let faulty = Faulty::new(bench.client());
        faulty.fail_kind(OpKind::Statement, 1, Fault::Refused(kind));
        let name = format!("again_{kind:?}");
        let text = format!("create table {name} (id integer);\ninsert into {name} values (1)");
        let migrator = Migrator::new(faulty.clone()).source_in(&name, CodeSource::new().sql("1", "one", text));
        assert_eq!(migrator.migrate().await.expect("the second try goes well").applied.len(), 1);
        assert_eq!(faulty.fired(), 1);
        assert_eq!(bench.value(&format!("select count(*) from {name}")).await, "1");
    }
    Outcome::Passed
}

struct Halfway;

#[async_trait]
impl RustMigration for Halfway {
    async fn run(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        sql.execute("insert into marks values (40)").await?;
        sql.execute("create table halfway (id integer)").await?;
        Err("it does not like what it sees".into())
    }
}

struct Meddling(&'static str);

#[async_trait]
impl RustMigration for Meddling {
    async fn run(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        sql.execute("insert into marks values (41)").await?;
        sql.execute(self.0).await?;
        Ok(())
    }
}

pub(super) async fn of_rust_code_rolls_back(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let error = bench.migrator(three().rust("4", "halfway", "1", Halfway)).migrate().await.expect_err("it fails");
    let failed = error.failed().expect("a migration failed");
    assert_eq!((failed.id.to_string(), failed.aftermath), ("4".to_owned(), Aftermath::RolledBack));
    assert!(matches!(&failed.cause, Cause::Code(error) if error.to_string().contains("does not like")));
    assert_eq!((marks(bench).await, bench.has_table("halfway").await), ("1 2 3".to_owned(), false));
    for text in ["commit", "rollback", "select 1; select 2", "insert into no_such_table values (1)"] {
        let migrator = bench.migrator(three().rust("4", "meddling", "1", Meddling(text)));
        let error = migrator.migrate().await.expect_err(text);
        assert_eq!(error.kind(), MigrateErrorKind::RolledBack, "{error}");
        assert_eq!(marks(bench).await, "1 2 3", "{text}");
    }
    bench.migrator(three()).migrate().await.expect("nothing is pending");
    Outcome::Passed
}

struct Refusing(&'static str);

impl Refusing {
    fn at(&self, turn: &str) -> Result<(), BoxError> {
        if self.0 == turn { Err(format!("not {turn}").into()) } else { Ok(()) }
    }
}

#[async_trait]
impl Hooks for Refusing {
    async fn on_connect(&self, _: &mut dyn Sql) -> Result<(), BoxError> {
        self.at("on_connect")
    }
    async fn before_run(&self, _: &[Pending], _: &mut dyn Sql) -> Result<(), BoxError> {
        self.at("before_run")
    }
    async fn after_run(&self, _: &Report, _: &mut dyn Sql) -> Result<(), BoxError> {
        self.at("after_run")
    }
    async fn before_migration(&self, _: &Pending, _: &mut dyn Sql) -> Result<(), BoxError> {
        self.at("before_migration")
    }
    async fn after_migration(&self, _: &Applied, _: &mut dyn Sql) -> Result<(), BoxError> {
        self.at("after_migration")
    }
}

pub(super) async fn of_a_hook_stops_the_run(bench: &Bench) -> Outcome {
    let turns = [
        ("on_connect", ""),
        ("before_run", ""),
        ("before_migration", ""),
        ("after_migration", "1"),
        ("after_run", "1 2 3"),
    ];
    for (turn, expected) in turns {
        let error = bench.migrator(three()).hooks(Refusing(turn)).migrate().await.expect_err(turn);
        assert!(matches!(&error, MigrateError::Hook { hook, .. } if *hook == turn), "{turn}: {error}");
        assert_eq!(marks(bench).await, expected, "{turn}");
        let applied = error.report().applied.len();
        assert_eq!(applied, if turn == "after_run" { 2 } else { expected.split_whitespace().count() }, "{turn}");
    }
    Outcome::Passed
}

pub(super) async fn new_orphans_are_refused_with_foreign_keys_off(bench: &Bench) -> Outcome {
    need!(bench.capabilities().foreign_keys_switch, "foreign keys cannot be switched");
    let tables = "create table parent (id integer primary key);\n\
        create table child (id integer primary key, parent_id integer references parent (id))";
    let orphan = "-- whimbrel: foreign-keys off\ninsert into child values (1, 99)";
    let source = |second: &str| CodeSource::new().sql("1", "tables", tables).sql("2", "orphan", second);
    let error = bench.migrator(source(orphan)).migrate().await.expect_err("it leaves an orphan");
    let failed = error.failed().expect("a migration failed");
    assert!(matches!(&failed.cause, Cause::ForeignKeys(rows) if rows.len() == 1), "{}", failed.cause);
    assert_eq!(failed.aftermath, Aftermath::RolledBack);
    assert_eq!(bench.value("select count(*) from child").await, "0");
    let whole = "-- whimbrel: foreign-keys off\ninsert into child values (1, 99);\ninsert into parent values (99)";
    bench.migrator(source(whole)).migrate().await.expect("the end is what counts");
    Outcome::Passed
}

pub(super) async fn tables_that_lose_rows_are_kept(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let tables = "create table one (id integer primary key);\ncreate table two (id integer primary key);\n\
        insert into one values (1), (2);\ninsert into two values (1)";
    let source = |second: &str| CodeSource::new().sql("1", "tables", tables).sql("2", "change", second);
    let loss = "-- whimbrel: keep-rows one, two\ndelete from one where id = 1;\ninsert into two values (2)";
    let error = bench.migrator(source(loss)).migrate().await.expect_err("rows are lost");
    let failed = error.failed().expect("a migration failed");
    let Cause::RowsChanged(changed) = &failed.cause else { panic!("{}", failed.cause) };
    let changed: Vec<_> = changed.iter().map(ToString::to_string).collect();
    assert_eq!(changed, ["one: 2 rows before, 1 rows after", "two: 1 rows before, 2 rows after"]);
    assert_eq!(failed.aftermath, Aftermath::RolledBack);
    assert_eq!(bench.value("select count(*) from one").await, "2");
    let unknown = "-- whimbrel: keep-rows three\ninsert into two values (2)";
    let error = bench.migrator(source(unknown)).migrate().await.expect_err("there is no such table");
    assert!(error.to_string().contains("three: no such table before"), "{error}");
    assert_eq!(bench.value("select count(*) from two").await, "1");
    let kept = "-- whimbrel: keep-rows one=three, two\nalter table one rename to three;\n\
        delete from two;\ninsert into two values (7)";
    bench.migrator(source(kept)).migrate().await.expect("as many rows as before");
    assert_eq!(bench.value("select count(*) from three").await, "2");
    Outcome::Passed
}

pub(super) async fn a_cancelled_statement_is_rolled_back(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let slow = bench.snippets().slow;
    let token = CancelToken::new();
    let source = |second: &str| {
        let text = format!("insert into marks values (9);\n{second}");
        CodeSource::new().sql("1", "one", "create table marks (version integer)").sql("9", "slow", text)
    };
    let client = bench.client();
    let migrator = bench.migrator(source(slow)).cancel(token.clone());
    let cancel = async {
        client.clock().sleep(Duration::from_millis(500)).await;
        token.cancel();
    };
    let (result, ()) = join(migrator.migrate(), cancel).await;
    let error = result.expect_err("it was cancelled");
    assert_eq!(error.kind(), MigrateErrorKind::Cancelled, "{error}");
    let MigrateError::Cancelled { during: Some(failed), report } = error else { panic!("it was under way") };
    assert_eq!(
        (failed.id.to_string(), failed.aftermath, report.applied.len()),
        ("9".to_owned(), Aftermath::RolledBack, 1)
    );
    assert_eq!(marks(bench).await, "");
    bench.migrator(source("select 1")).migrate().await.expect("a second run completes");
    assert_eq!(marks(bench).await, "9");
    Outcome::Passed
}

pub(super) async fn a_cancelled_run_stops_between_migrations(bench: &Bench) -> Outcome {
    let token = CancelToken::new();
    let stop = token.clone();
    let migrator = bench.migrator(three()).cancel(token).on_event(move |event| {
        if matches!(event, Event::MigrationApplied(applied) if applied.id.to_string() == "0002") {
            stop.cancel();
        }
    });
    let error = migrator.migrate().await.expect_err("it was cancelled");
    assert_eq!(error.kind(), MigrateErrorKind::Cancelled);
    assert!(matches!(&error, MigrateError::Cancelled { during: None, report } if report.applied.len() == 2), "{error}");
    assert_eq!(marks(bench).await, "1 2");
    bench.migrator(three()).migrate().await.expect("a second run completes");
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}
