//! What a run does, operation by operation and second by second, on a database with a clock of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use whimbrel_core::{
    Aftermath, Applied, BackendErrorKind, BoxError, CancelToken, CodeSource, Event, Hooks, MigrateError,
    MigrateErrorKind, MigrationId, MigrationKey, MigrationState, Migrator, Pending, Report, Resolution, RowState,
    RustMigration, Seed, Sql, TransactionMode, async_trait,
};

use crate::fake::{Fake, Fault};
use crate::schedule::{block_on, interleave};

fn two() -> CodeSource {
    CodeSource::new().sql("1", "a", "a one; a two").sql("2", "b", "b one")
}

fn migrator(fake: &Fake, source: CodeSource) -> Migrator {
    Migrator::new(fake.clone()).source(source).lease(Duration::from_secs(6))
}

fn stepwise(text: &str) -> CodeSource {
    CodeSource::new().sql("1", "a", format!("-- whimbrel: no-transaction\n{text}"))
}

/// The words for the events of a run, with the time at which they came.
fn listen(fake: &Fake, migrator: Migrator) -> (Migrator, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (events, state) = (Arc::clone(&heard), Arc::clone(&fake.state));
    let listening = migrator.on_event(move |event| {
        let word = match event {
            Event::WaitingForLock { holder, waited } => format!("waiting for {holder:?} since {waited:?}"),
            Event::MigrationApplied(applied) => format!("applied {}", applied.id),
            Event::AppliedElsewhere { id } => format!("elsewhere {id}"),
            Event::Retrying { pause, .. } => format!("retrying after {pause:?}"),
            Event::InDoubt { id } => format!("in doubt {id}"),
            Event::StatementsDone { done, of } => format!("{done} of {of}"),
            Event::NothingPending => "nothing pending".to_owned(),
            Event::HeartbeatFailed { .. } => "heartbeat failed".to_owned(),
            _ => return,
        };
        // The listener is called while nothing of the database is locked.
        assert!(state.try_lock().is_ok());
        events.lock().unwrap().push(word);
    });
    (listening, heard)
}

fn heard(events: &Mutex<Vec<String>>) -> Vec<String> {
    events.lock().unwrap().clone()
}

/// Cancels after so many seconds on the fake's clock.
async fn cancel_after(fake: &Fake, token: &CancelToken, seconds: u64) -> Result<Report, MigrateError> {
    whimbrel_core::Clock::sleep(fake, Duration::from_secs(seconds)).await;
    token.cancel();
    Ok(Report::default())
}

fn side_by_side<'a>(
    fake: &Fake,
    futures: Vec<whimbrel_core::BoxFuture<'a, Result<Report, MigrateError>>>,
) -> Vec<Result<Report, MigrateError>> {
    interleave(fake, 1, futures.into_iter().map(|future| future as _).collect())
}

#[test]
fn a_transaction_is_one_program_in_one_order() {
    let fake = Fake::new();
    let source = CodeSource::new().sql("1", "a", "-- whimbrel: lock-timeout 5s\na one; a two");
    let report = block_on(&fake, migrator(&fake, source).role("owner").migrate()).unwrap();
    assert_eq!((report.applied.len(), report.planned), (1, 1));
    let role = "Set Role(Some(\"owner\"))";
    let expected = [
        "Begin",
        role,
        "CreateHistory",
        "Commit",
        "Begin",
        role,
        "Set LockTimeout(5s)",
        "Claim 1 New",
        "Seal",
        "a one",
        "a two",
        "Unseal",
        "Finish",
        "Commit",
    ];
    assert_eq!(fake.take_log(), expected);
}

#[test]
fn all_in_one_transaction_commits_once() {
    let fake = Fake::new();
    block_on(&fake, migrator(&fake, two()).transaction(TransactionMode::All).migrate()).unwrap();
    let log = fake.take_log().split_off(3);
    let expected = [
        "Begin",
        "Claim 1 New",
        "Seal",
        "a one",
        "a two",
        "Unseal",
        "Finish",
        "Claim 2 New",
        "Seal",
        "b one",
        "Unseal",
        "Finish",
        "Commit",
    ];
    assert_eq!(log, expected);
}

#[test]
fn without_a_transaction_each_statement_is_recorded() {
    let fake = Fake::new();
    block_on(&fake, migrator(&fake, stepwise("a one; a two; a three")).role("owner").migrate()).unwrap();
    let log = fake.take_log().split_off(4);
    let expected = [
        "Set Role(Some(\"owner\"))",
        "Claim 1 New",
        "a one",
        "Checkpoint 1",
        "a two",
        "Checkpoint 2",
        "a three",
        "Finish",
        "Set Role(None)",
    ];
    assert_eq!(log, expected);
}

#[test]
fn a_transaction_of_the_text_is_not_cut_by_checkpoints() {
    let fake = Fake::new();
    let text = "a zero; begin; a one; fail; commit";
    let error = block_on(&fake, migrator(&fake, stepwise(text)).migrate()).unwrap_err();
    let log = fake.take_log().split_off(3);
    assert_eq!(log, ["Claim 1 New", "a zero", "Checkpoint 1", "begin", "a one", "fail", "Rollback", "Fail"]);
    assert_eq!(error.failed().unwrap().aftermath, Aftermath::PartWay { done: 1, total: 5 });
    assert_eq!(fake.rows()[0].statements_done, 1);
}

#[test]
fn nothing_pending_reads_and_does_nothing_else() {
    let fake = Fake::new();
    block_on(&fake, migrator(&fake, two()).migrate()).unwrap();
    fake.take_log();
    let (again, events) = listen(&fake, migrator(&fake, two()));
    assert_eq!(block_on(&fake, again.migrate()).unwrap().applied, []);
    assert_eq!(
        (fake.take_log().len(), fake.state().lock, heard(&events)),
        (0, None, vec!["nothing pending".to_owned()])
    );
    let empty = Fake::new();
    assert_eq!(block_on(&empty, migrator(&empty, two()).status()).unwrap().pending(), 2);
    assert_eq!(block_on(&empty, migrator(&empty, two()).plan()).unwrap().steps.len(), 2);
    assert!(!empty.has_history() && empty.take_log().is_empty());
}

#[test]
fn a_lock_is_waited_for_until_the_deadline_and_the_holder_is_named() {
    let fake = Fake::new();
    fake.state().lock = Some(99);
    let alone = CodeSource::new().sql("1", "a", "-- whimbrel: no-transaction\nmake a");
    let (waiting, events) = listen(&fake, migrator(&fake, alone).lock_wait(Duration::from_secs(10)));
    let error = block_on(&fake, waiting.migrate()).unwrap_err();
    let MigrateError::LockWait { holder, waited, .. } = &error else { panic!("{error}") };
    assert_eq!((holder.as_deref(), *waited), (Some("session 99"), Duration::from_secs(10)));
    assert_eq!((error.kind(), fake.state().now), (MigrateErrorKind::LockWait, Duration::from_secs(10)));
    let told = heard(&events);
    assert!((4..=6).contains(&told.len()) && told[0].starts_with("waiting for Some(\"session 99\")"), "{told:?}");
    assert!(fake.take_log().is_empty());
}

/// A pooler may keep the session of a runner that is gone, and with it the lock.
#[test]
fn a_lock_that_stays_held_does_not_stop_what_its_claims_protect() {
    let fake = Fake::new();
    fake.state().lock = Some(99);
    let (waiting, events) = listen(&fake, migrator(&fake, two()).lock_wait(Duration::from_secs(60)));
    let report = block_on(&fake, waiting.migrate()).unwrap();
    assert_eq!((report.applied.len(), fake.state().now), (2, Duration::from_secs(5)));
    assert!(heard(&events)[0].starts_with("waiting for Some(\"session 99\")"));
}

#[test]
fn a_holder_that_gets_on_is_waited_for_longer() {
    let fake = Fake::new();
    let source = (1..=10).fold(CodeSource::new(), |source, n| source.sql(&n.to_string(), "w", "wait 4"));
    let (first, second) = (migrator(&fake, source.clone()), migrator(&fake, source));
    let second = second.lock_wait(Duration::from_secs(10));
    let results = side_by_side(&fake, vec![Box::pin(first.migrate()), Box::pin(second.migrate())]);
    let applied: usize = results.into_iter().map(|result| result.unwrap().applied.len()).sum();
    assert_eq!((applied, fake.effects().len()), (10, 10));
    assert!(fake.state().now >= Duration::from_secs(40));
}

#[test]
fn cancelled_while_it_waits_for_the_lock() {
    let fake = Fake::new();
    fake.state().lock = Some(99);
    let token = CancelToken::new();
    let waiting = migrator(&fake, two()).cancel(token.clone());
    let mut results = side_by_side(&fake, vec![Box::pin(waiting.migrate()), Box::pin(cancel_after(&fake, &token, 3))]);
    let error = results.remove(0).unwrap_err();
    assert!(matches!(error, MigrateError::Cancelled { during: None, .. }), "{error}");
    assert_eq!((fake.has_history(), fake.state().now), (false, Duration::from_secs(3)));
}

#[test]
fn cancelled_in_a_statement_it_is_rolled_back_and_what_was_before_stays() {
    let fake = Fake::new();
    // The request is under way when the statement is stopped: it must not stop what comes after.
    fake.state().interrupt_latency = Duration::from_millis(100);
    let token = CancelToken::new();
    let source = CodeSource::new().sql("1", "a", "a one").sql("2", "b", "b one; wait 60");
    let run = migrator(&fake, source).cancel(token.clone());
    let mut results = side_by_side(&fake, vec![Box::pin(run.migrate()), Box::pin(cancel_after(&fake, &token, 3))]);
    let error = results.remove(0).unwrap_err();
    assert_eq!(error.kind(), MigrateErrorKind::Cancelled);
    assert_eq!(error.failed().unwrap().aftermath, Aftermath::RolledBack);
    assert_eq!(error.report().applied.len(), 1);
    assert_eq!((fake.effects(), fake.state().now), (vec!["a one".to_owned()], Duration::from_millis(3_100)));
}

#[test]
fn cancelled_without_a_transaction_it_is_known_how_far_it_came() {
    let fake = Fake::new();
    let token = CancelToken::new();
    let run = migrator(&fake, stepwise("a one; wait 60; a three")).cancel(token.clone());
    let mut results = side_by_side(&fake, vec![Box::pin(run.migrate()), Box::pin(cancel_after(&fake, &token, 3))]);
    let error = results.remove(0).unwrap_err();
    assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention);
    assert_eq!(error.failed().unwrap().aftermath, Aftermath::PartWay { done: 1, total: 3 });
    assert_eq!((fake.rows()[0].state, fake.rows()[0].statements_done), (RowState::Failed, 1));
    block_on(&fake, migrator(&fake, stepwise("a one; wait 60; a three")).migrate()).unwrap();
    assert_eq!(fake.effects(), ["a one", "wait 60", "a three"]);
}

#[test]
fn a_statement_that_ran_out_of_its_time_is_a_failure_and_no_cancellation() {
    let fake = Fake::new();
    fake.fault(6, Fault::Refused(BackendErrorKind::Interrupted));
    let error = block_on(&fake, migrator(&fake, two()).migrate()).unwrap_err();
    assert_eq!(error.kind(), MigrateErrorKind::RolledBack);
    assert_eq!(error.failed().unwrap().statement.as_ref().unwrap().number, 1);
}

#[test]
fn a_failing_statement_is_named_with_its_place() {
    let fake = Fake::new();
    let error = block_on(&fake, migrator(&fake, CodeSource::new().sql("1", "a", "a one;\n  fail it")).migrate());
    let error = error.unwrap_err();
    let statement = error.failed().unwrap().statement.clone().unwrap();
    assert_eq!((statement.number, statement.total, statement.line, statement.column), (2, 2, 2, 3));
    assert_eq!((statement.error_at, error.kind()), (Some((2, 5)), MigrateErrorKind::RolledBack));
    assert_eq!((fake.effects().len(), fake.rows().len()), (0, 0));
}

#[test]
fn a_long_statement_keeps_its_claim_and_a_second_runner_waits_for_it() {
    let fake = Fake::without_lock();
    let runner = || migrator(&fake, stepwise("wait 100; a two")).lock_wait(Duration::from_secs(300)).role("owner");
    let (first, events) = listen(&fake, runner());
    let (second, more_events) = listen(&fake, runner());
    let results = side_by_side(&fake, vec![Box::pin(first.migrate()), Box::pin(second.migrate())]);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!((fake.effects().len(), fake.state().now.as_secs()), (2, 100));
    let log = fake.take_log();
    let beats: Vec<usize> = (0..log.len()).filter(|at| log[*at] == "Heartbeat").collect();
    assert!(beats.len() >= 45, "every third of the lease: {}", beats.len());
    assert!(beats.iter().all(|at| log[*at - 1] == "Set Role(Some(\"owner\"))"), "as the owner of the history");
    assert!(![heard(&events), heard(&more_events)].concat().contains(&"heartbeat failed".to_owned()));
}

#[test]
fn without_a_second_session_a_lease_ends_and_the_first_runner_notices() {
    let mut fake = Fake::without_lock();
    fake.capabilities.second_session = false;
    let runner = || migrator(&fake, stepwise("wait 100; a two")).lock_wait(Duration::from_secs(300));
    let (first, second) = (runner(), runner());
    let mut results = side_by_side(&fake, vec![Box::pin(first.migrate()), Box::pin(second.migrate())]);
    // The statement may not run twice, so a person must judge it, and the claim is not taken over.
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let refused = results.drain(..).find_map(Result::err).unwrap();
    assert_eq!(refused.kind(), MigrateErrorKind::NeedsAttention, "{refused}");
    assert_eq!(fake.effects(), ["wait 100", "a two"]);
}

#[test]
fn a_claim_that_was_taken_over_stops_the_first_runner() {
    let mut fake = Fake::without_lock();
    fake.capabilities.second_session = false;
    let run = migrator(&fake, stepwise("wait 60; a two"));
    fake.state().loads_late = true;
    let thief = async {
        whimbrel_core::Clock::sleep(&fake, Duration::from_secs(30)).await;
        let id: whimbrel_core::Version = "1".parse().unwrap();
        migrator(&fake, stepwise("wait 60; a two")).resolve(&id, Resolution::Retry).await.unwrap();
        Ok(Report::default())
    };
    let mut results = side_by_side(&fake, vec![Box::pin(run.migrate()), Box::pin(thief)]);
    let error = results.remove(0).unwrap_err();
    let kind = error.failed().unwrap().cause.backend().unwrap().kind();
    assert_eq!((kind, error.kind()), (BackendErrorKind::LostClaim, MigrateErrorKind::NeedsAttention));
    assert_eq!(fake.effects(), ["wait 60"], "nothing ran after the claim was lost");
}

#[test]
fn a_lost_answer_is_asked_for_after_the_old_transaction_has_ended() {
    for commits in [true, false] {
        let fake = Fake::new();
        fake.fault(10, Fault::Lingers { seconds: 20, commits });
        let (run, events) = listen(&fake, migrator(&fake, two()));
        let result = block_on(&fake, run.migrate());
        assert!(fake.state().now >= Duration::from_secs(20), "the old transaction was waited for");
        assert!(heard(&events).contains(&"in doubt 1".to_owned()));
        match result {
            Ok(report) if commits => assert_eq!(report.applied.len(), 2),
            Err(error) if !commits => assert_eq!(error.failed().unwrap().aftermath, Aftermath::RolledBack),
            other => panic!("commits: {commits}: {other:?}"),
        }
        assert_eq!(fake.state().lock, None);
    }
}

#[test]
fn it_stays_in_doubt_where_nothing_answers_any_more() {
    let fake = Fake::new();
    fake.state().down_after_loss = Duration::from_secs(3_600);
    fake.fault(10, Fault::LostAfter);
    let error = block_on(&fake, migrator(&fake, two()).migrate()).unwrap_err();
    assert_eq!(
        (error.failed().unwrap().aftermath, error.kind()),
        (Aftermath::InDoubt, MigrateErrorKind::NeedsAttention)
    );
    assert_eq!(fake.state().now, Duration::from_secs(60));
}

#[test]
fn the_row_of_an_earlier_run_is_not_taken_for_the_lost_one() {
    let fake = Fake::new();
    let seeds = |text: &'static str| Migrator::new(fake.clone()).seed(Seed::text("s", text));
    block_on(&fake, seeds("a one").migrate()).unwrap();
    let before = fake.operations();
    fake.fault(before + 6, Fault::LostBefore);
    let error = block_on(&fake, seeds("a two").migrate()).unwrap_err();
    assert_eq!(fake.take_log().pop().unwrap(), "Rollback");
    assert_eq!(error.failed().unwrap().aftermath, Aftermath::RolledBack);
    assert_eq!(fake.effects(), ["a one"]);
    block_on(&fake, seeds("a two").migrate()).unwrap();
    assert_eq!((fake.effects().len(), fake.rows()[0].fence), (2, 2));
}

#[test]
fn what_passes_is_tried_again_with_growing_pauses() {
    for kind in [BackendErrorKind::Busy, BackendErrorKind::Conflict] {
        let fake = Fake::new();
        // The first statement of each of three tries: begin, claim, seal, statement, rollback.
        [6, 11, 16].into_iter().for_each(|at| fake.fault(at, Fault::Refused(kind)));
        let (run, events) = listen(&fake, migrator(&fake, two()));
        block_on(&fake, run.migrate()).unwrap();
        let retries: Vec<String> = heard(&events).into_iter().filter(|event| event.starts_with("retrying")).collect();
        assert_eq!(retries, ["retrying after 200ms", "retrying after 400ms", "retrying after 800ms"]);
        let fake = Fake::new();
        [6, 11, 16, 21].into_iter().for_each(|at| fake.fault(at, Fault::Refused(kind)));
        let error = block_on(&fake, migrator(&fake, two()).migrate()).unwrap_err();
        assert_eq!((error.kind(), fake.effects().len()), (MigrateErrorKind::RolledBack, 0));
    }
}

#[test]
fn foreign_keys_are_off_outside_of_the_transaction_and_compared() {
    let source = |text: &str| CodeSource::new().sql("2", "k", format!("-- whimbrel: foreign-keys off\n{text}"));
    let fake = Fake::new();
    fake.state().effects.push("break old".to_owned());
    block_on(&fake, migrator(&fake, source("a one")).migrate()).unwrap();
    let expected = [
        "Set ForeignKeys(false)",
        "Begin",
        "Claim 2 New",
        "Measure",
        "Seal",
        "a one",
        "Unseal",
        "Measure",
        "Finish",
        "Commit",
        "Set ForeignKeys(true)",
    ];
    assert_eq!(fake.take_log().split_off(3), expected);
    let fake = Fake::new();
    let error = block_on(&fake, migrator(&fake, source("break new")).migrate()).unwrap_err();
    assert!(error.to_string().contains("1 rows would break a foreign key\n  break new"), "{error}");
    assert_eq!((fake.effects().len(), error.kind()), (0, MigrateErrorKind::RolledBack));
    assert_eq!(fake.take_log().pop().unwrap(), "Set ForeignKeys(true)");
}

#[test]
fn a_setting_that_stays_stops_the_run_and_what_is_applied_is_told() {
    let fake = Fake::new();
    fake.state().refuse_reset = true;
    let source = CodeSource::new().sql("1", "k", "-- whimbrel: foreign-keys off\na one").sql("2", "b", "b one");
    let error = block_on(&fake, migrator(&fake, source).migrate()).unwrap_err();
    assert!(matches!(&error, MigrateError::Backend { error, .. } if error.kind() == BackendErrorKind::SettingRefused));
    assert_eq!((error.report().applied.len(), fake.effects()), (1, vec!["a one".to_owned()]));
}

struct Code(bool);

#[async_trait]
impl RustMigration for Code {
    async fn run(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        assert_eq!(sql.query("select 1").await?.len(), 1);
        for refused in ["commit", "a; b", ""] {
            let error = sql.execute(refused).await.unwrap_err();
            assert_eq!(error.kind(), BackendErrorKind::Unsupported);
        }
        sql.execute("c one").await?;
        if self.0 { Err("no".into()) } else { Ok(()) }
    }
}

#[test]
fn a_migration_in_rust_runs_within_its_transaction() {
    let fake = Fake::new();
    block_on(&fake, migrator(&fake, two().rust("3", "c", "1", Code(false))).migrate()).unwrap();
    let log = fake.take_log();
    let last = ["Begin", "Claim 3 New", "Seal", "Query", "c one", "Unseal", "Finish", "Commit"];
    assert_eq!(&log[log.len() - 8..], last);
    let error = block_on(
        &fake,
        migrator(&fake, two().rust("3", "c", "1", Code(false)).rust("4", "d", "1", Code(true))).migrate(),
    );
    let error = error.unwrap_err();
    assert_eq!((error.kind(), fake.effects().len()), (MigrateErrorKind::RolledBack, 4));
}

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Hooks for Told {
    async fn on_connect(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        self.0.lock().unwrap().push("connect".to_owned());
        sql.query("select 1").await?;
        Ok(())
    }
    async fn before_run(&self, pending: &[Pending], _: &mut dyn Sql) -> Result<(), BoxError> {
        self.0.lock().unwrap().push(format!("before {}", pending.len()));
        Ok(())
    }
    async fn after_run(&self, report: &Report, _: &mut dyn Sql) -> Result<(), BoxError> {
        self.0.lock().unwrap().push(format!("after {}", report.applied.len()));
        Ok(())
    }
    async fn before_migration(&self, pending: &Pending, _: &mut dyn Sql) -> Result<(), BoxError> {
        self.0.lock().unwrap().push(format!("before {}", pending.name));
        Ok(())
    }
    async fn after_migration(&self, applied: &Applied, _: &mut dyn Sql) -> Result<(), BoxError> {
        self.0.lock().unwrap().push(format!("after {}", applied.name));
        if applied.name == "stop" { Err("the hook says no".into()) } else { Ok(()) }
    }
}

#[test]
fn hooks_run_once_at_their_turns_even_when_a_migration_is_tried_again() {
    let fake = Fake::new();
    let told = Told::default();
    // Begin of the first migration, after the hook's query and the history: busy twice.
    [4, 5].into_iter().for_each(|at| fake.fault(at, Fault::Refused(BackendErrorKind::Busy)));
    block_on(&fake, migrator(&fake, two()).hooks(told.clone()).migrate()).unwrap();
    let expected = ["connect", "before 2", "before a", "after a", "before b", "after b", "after 2"];
    assert_eq!(*told.0.lock().unwrap(), expected);
    let source = two().sql("3", "stop", "s").sql("4", "d", "d");
    let error = block_on(&fake, migrator(&fake, source).hooks(told.clone()).migrate()).unwrap_err();
    assert!(matches!(&error, MigrateError::Hook { hook: "after_migration", .. }), "{error}");
    assert_eq!(error.report().applied.len(), 1);
    assert_eq!(fake.rows().len(), 3);
}

#[test]
fn resolve_settles_every_stop_in_every_way() {
    let version: whimbrel_core::Version = "1".parse().unwrap();
    let good = "a one; a two; a three";
    for failing in 0..3 {
        for resolution in [Resolution::Done, Resolution::Retry, Resolution::Forget] {
            let statements = ["a one", "a two", "a three"];
            let fake = Fake::new();
            // Begin, create and commit, the claim; then statement and checkpoint by turns.
            fake.fault(4 + 2 * failing, Fault::LostBefore);
            let error = block_on(&fake, migrator(&fake, stepwise(good)).migrate()).unwrap_err();
            assert!(matches!(error.failed().unwrap().aftermath, Aftermath::Unclear { .. }));
            let run = migrator(&fake, stepwise(good)).role("owner");
            let busy = block_on(&fake, run.resolve(&version, resolution)).unwrap_err();
            assert_eq!(busy.kind(), MigrateErrorKind::Config, "its lease has not ended");
            fake.pass(Duration::from_secs(10));
            assert_eq!(block_on(&fake, run.migrate()).unwrap_err().kind(), MigrateErrorKind::NeedsAttention);
            fake.take_log();
            block_on(&fake, run.resolve(&version, resolution)).unwrap();
            assert_eq!(fake.take_log()[..2], ["Begin", "Set Role(Some(\"owner\"))"]);
            block_on(&fake, run.migrate()).unwrap();
            let mut expected: Vec<&str> = statements[..failing].to_vec();
            expected.extend(match resolution {
                Resolution::Done => &statements[failing + 1..],
                Resolution::Retry => &statements[failing..],
                Resolution::Forget => &statements[..],
            });
            assert_eq!(fake.effects(), expected, "{failing} {resolution:?}");
            assert!(block_on(&fake, run.resolve(&version, resolution)).is_err(), "it is settled");
        }
    }
}

#[test]
fn resolve_refuses_a_file_that_no_longer_begins_as_it_did() {
    let (fake, version) = (Fake::new(), "1".parse().unwrap());
    block_on(&fake, migrator(&fake, stepwise("a one; fail")).migrate()).unwrap_err();
    let edited = migrator(&fake, stepwise("other; a two"));
    for resolution in [Resolution::Done, Resolution::Retry] {
        let error = block_on(&fake, edited.resolve(&version, resolution)).unwrap_err();
        assert!(error.to_string().contains("no longer begins with the statements that are done"), "{error}");
    }
    // A correction behind them is fine, and the history learns of it.
    let corrected = migrator(&fake, stepwise("a one; a two; a three"));
    block_on(&fake, corrected.migrate()).unwrap();
    assert_eq!(fake.effects(), ["a one", "a two", "a three"]);
    assert_eq!(block_on(&fake, corrected.migrate()).unwrap().applied, []);
    assert_eq!(fake.rows()[0].statements_total, 3);
}

#[test]
fn what_is_done_is_skipped_even_where_the_rest_runs_in_a_transaction_now() {
    let fake = Fake::new();
    block_on(&fake, migrator(&fake, stepwise("a one; fail")).migrate()).unwrap_err();
    let (run, events) = listen(&fake, migrator(&fake, CodeSource::new().sql("1", "a", "a one; a two")));
    block_on(&fake, run.migrate()).unwrap();
    assert_eq!(fake.effects(), ["a one", "a two"]);
    assert_eq!(heard(&events), ["2 of 2", "applied 1"]);
}

#[test]
fn a_stopped_repeatable_or_seed_can_be_resolved() {
    let fake = Fake::new();
    let seed =
        |text: &str| Migrator::new(fake.clone()).seed(Seed::text("s", format!("-- whimbrel: no-transaction\n{text}")));
    block_on(&fake, seed("a one; fail").migrate()).unwrap_err();
    let id = MigrationId { namespace: "main".into(), key: MigrationKey::Seed("s".into()) };
    block_on(&fake, seed("a one; fail").resolve_migration(&id, Resolution::Done)).unwrap();
    assert_eq!(block_on(&fake, seed("a one; fail").migrate()).unwrap().applied, []);
}

#[test]
fn an_empty_text_is_applied_in_both_ways() {
    let fake = Fake::new();
    let source = stepwise("").sql("2", "b", "-- nothing");
    assert_eq!(block_on(&fake, migrator(&fake, source).migrate()).unwrap().applied.len(), 2);
    assert!(fake.rows().iter().all(|row| row.state == RowState::Applied && row.statements_total == 0));
}

#[test]
fn a_database_that_starts_is_waited_for() {
    let fake = Fake::new();
    fake.state().down_until = Duration::from_secs(5);
    let error = block_on(&fake, migrator(&fake, two()).migrate()).unwrap_err();
    assert_eq!((error.kind(), fake.state().now), (MigrateErrorKind::Unreachable, Duration::ZERO));
    let short = migrator(&fake, two()).connect_wait(Duration::from_secs(2));
    assert_eq!(block_on(&fake, short.migrate()).unwrap_err().kind(), MigrateErrorKind::Unreachable);
    let long = migrator(&fake, two()).connect_wait(Duration::from_secs(60));
    assert_eq!(block_on(&fake, long.migrate()).unwrap().applied.len(), 2);
    assert!(fake.state().now < Duration::from_secs(6));
}

#[test]
fn what_another_runner_applied_meanwhile_is_told() {
    let fake = Fake::without_lock();
    let (first, _) = listen(&fake, migrator(&fake, CodeSource::new().sql("1", "a", "wait 5")));
    let (second, events) = listen(&fake, migrator(&fake, CodeSource::new().sql("1", "a", "wait 5")));
    let results = side_by_side(&fake, vec![Box::pin(first.migrate()), Box::pin(second.migrate())]);
    let applied: Vec<usize> = results.into_iter().map(|result| result.unwrap().applied.len()).collect();
    let waited = heard(&events).contains(&"elsewhere 1".to_owned());
    assert_eq!((applied.iter().sum::<usize>(), waited), (1, applied[1] == 0), "{:?}", heard(&events));
}

#[test]
fn settings_that_the_database_does_not_have_are_refused_before_anything() {
    let mut fake = Fake::new();
    fake.capabilities.roles = false;
    let error = block_on(&fake, migrator(&fake, two()).role("owner").migrate()).unwrap_err();
    assert_eq!((error.kind(), fake.take_log().len(), fake.state().lock), (MigrateErrorKind::Config, 0, None));
}

#[test]
fn status_shows_a_running_and_a_failed_migration() {
    let fake = Fake::new();
    block_on(&fake, migrator(&fake, stepwise("a one; fail")).migrate()).unwrap_err();
    let status = block_on(&fake, migrator(&fake, stepwise("a one; fail").sql("2", "b", "b")).status()).unwrap();
    let failed = &status.migrations[0];
    assert_eq!((failed.state, failed.progress, status.up_to_date), (MigrationState::Failed, Some((1, 2)), false));
    assert!(failed.error.as_deref().unwrap().contains("no such thing"));
    let fake = Fake::new();
    fake.fault(4, Fault::LostBefore);
    block_on(&fake, migrator(&fake, stepwise("a one")).migrate()).unwrap_err();
    let state = |fake: &Fake| block_on(fake, migrator(fake, stepwise("a one")).status()).unwrap().migrations[0].state;
    assert_eq!(state(&fake), MigrationState::Running);
    fake.pass(Duration::from_secs(10));
    assert_eq!(state(&fake), MigrationState::Interrupted);
}
