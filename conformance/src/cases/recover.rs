//! Runners that went away: leases end, others take over where that is safe, and a person decides where it is not.

use std::time::Duration;

use whimbrel_core::{
    Aftermath, CodeSource, MigrateError, MigrateErrorKind, MigrationState, Migrator, Refusal, Resolution, RowState,
};

use super::Outcome;
use super::migrate::marks;
use super::stepwise::steps;
use crate::bench::Bench;
use crate::fault::{Fault, Faulty};
use crate::op::OpKind;

/// The least that core takes.
const LEASE: Duration = Duration::from_secs(3);

/// The runner goes away while the third of four statements is under way, before or after it took effect.
async fn cut_off(bench: &Bench, source: CodeSource, fault: Fault) {
    let faulty = Faulty::new(bench.client());
    // The first statement is that of the first migration.
    faulty.fail_kind(OpKind::Statement, 3, fault);
    let error = Migrator::new(faulty).source(source).lease(LEASE).migrate().await.expect_err("the connection is lost");
    assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention, "{error}");
    assert_eq!(error.failed().map(|failed| failed.aftermath), Some(Aftermath::Unclear { done: 2, total: 4 }));
    let row = bench.rows().await.remove(1);
    assert_eq!((row.state, row.statements_done), (RowState::Running, 2));
}

async fn lease_ends(bench: &Bench) {
    bench.client().clock().sleep(LEASE + Duration::from_millis(300)).await;
}

fn version() -> whimbrel_core::Version {
    "2".parse().expect("a version")
}

async fn is_refused_naming_the_statement(bench: &Bench) {
    let error = bench.migrator(steps(None)).migrate().await.expect_err("a person must look");
    assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention, "{error}");
    let MigrateError::Plan { error: refused, .. } = &error else { panic!("{error}") };
    let [Refusal::Interrupted { next, total: 4, .. }] = refused.refusals() else { panic!("{error}") };
    assert_eq!((next.number, next.line, &*next.text), (3, 4, "insert into marks values (3)"));
    let status = bench.migrator(steps(None)).status().await.expect("it can be read");
    assert_eq!(status.migrations[1].state, MigrationState::Interrupted);
}

pub(super) async fn a_statement_that_took_effect_is_resolved_as_done(bench: &Bench) -> Outcome {
    cut_off(bench, steps(None), Fault::LostAfter).await;
    lease_ends(bench).await;
    is_refused_naming_the_statement(bench).await;
    assert_eq!(marks(bench).await, "1 2 3");
    bench.migrator(steps(None)).resolve(&version(), Resolution::Done).await.expect("a person looked");
    bench.migrator(steps(None)).migrate().await.expect("it goes on after it");
    assert_eq!(marks(bench).await, "1 2 3 4");
    Outcome::Passed
}

pub(super) async fn a_statement_that_took_no_effect_is_resolved_as_retry(bench: &Bench) -> Outcome {
    cut_off(bench, steps(None), Fault::LostBefore).await;
    lease_ends(bench).await;
    is_refused_naming_the_statement(bench).await;
    bench.migrator(steps(None)).resolve(&version(), Resolution::Retry).await.expect("a person looked");
    bench.migrator(steps(None)).migrate().await.expect("it goes on with it");
    assert_eq!(marks(bench).await, "1 2 3 4");
    Outcome::Passed
}

pub(super) async fn a_migration_that_was_undone_is_forgotten(bench: &Bench) -> Outcome {
    cut_off(bench, steps(None), Fault::LostAfter).await;
    lease_ends(bench).await;
    bench.execute("delete from marks").await;
    bench.migrator(steps(None)).resolve(&version(), Resolution::Forget).await.expect("a person undid it");
    assert_eq!(bench.rows().await.len(), 1);
    bench.migrator(steps(None)).migrate().await.expect("it begins anew");
    assert_eq!(marks(bench).await, "1 2 3 4");
    Outcome::Passed
}

pub(super) async fn the_last_statement_is_resolved_as_done(bench: &Bench) -> Outcome {
    let faulty = Faulty::new(bench.client());
    faulty.fail_kind(OpKind::Statement, 4, Fault::LostAfter);
    let migrator = Migrator::new(faulty).source(steps(None)).lease(LEASE);
    migrator.migrate().await.expect_err("the connection is lost");
    lease_ends(bench).await;
    bench.migrator(steps(None)).resolve(&version(), Resolution::Done).await.expect("a person looked");
    assert_eq!(bench.rows().await.remove(1).state, RowState::Applied);
    let report = bench.migrator(steps(None)).migrate().await.expect("nothing is pending");
    assert!(report.applied.is_empty());
    assert_eq!(marks(bench).await, "1 2 3 4");
    Outcome::Passed
}

pub(super) async fn nothing_is_resolved_that_did_not_stop(bench: &Bench) -> Outcome {
    bench.migrator(steps(None)).migrate().await.expect("it goes well");
    for resolution in [Resolution::Done, Resolution::Retry, Resolution::Forget] {
        bench.migrator(steps(None)).resolve(&version(), resolution).await.expect_err("it is applied");
    }
    assert_eq!(bench.rows().await.len(), 2);
    Outcome::Passed
}

pub(super) async fn a_live_runner_is_left_alone(bench: &Bench) -> Outcome {
    cut_off(bench, steps(None), Fault::LostBefore).await;
    // Nobody but the clock knows that the runner is gone.
    let resolved = bench.migrator(steps(None)).resolve(&version(), Resolution::Retry).await;
    resolved.expect_err("its lease lasts");
    let migrator = bench.migrator(steps(None)).lock_wait(Duration::from_millis(300));
    let error = migrator.migrate().await.expect_err("its lease lasts");
    let MigrateError::LockWait { holder, .. } = &error else { panic!("{error}") };
    assert!(holder.as_deref().is_some_and(|holder| holder.contains("pid ")), "it says who: {holder:?}");
    assert_eq!(marks(bench).await, "1 2");
    Outcome::Passed
}

pub(super) async fn a_statement_that_is_safe_to_repeat_is_repeated(bench: &Bench) -> Outcome {
    let text = "-- whimbrel: no-transaction\ninsert into marks values (1);\ninsert into marks values (2);\n\
        create table if not exists safe (id integer);\ninsert into marks values (4)";
    let source = || CodeSource::new().sql("1", "start", "create table marks (version integer)").sql("2", "steps", text);
    cut_off(bench, source(), Fault::LostAfter).await;
    // It waits for the end of the lease, and then goes on by itself.
    let report = bench.migrator(source()).migrate().await.expect("it is taken over");
    assert_eq!(report.applied.len(), 1);
    assert_eq!(marks(bench).await, "1 2 4");
    let row = bench.rows().await.remove(1);
    assert_eq!((row.state, row.fence), (RowState::Applied, 2));
    Outcome::Passed
}

pub(super) async fn a_long_statement_keeps_its_lease(bench: &Bench) -> Outcome {
    super::need!(bench.capabilities().second_session, "there is but one connection");
    let slow = bench.snippets().slow;
    let text = format!("-- whimbrel: no-transaction\ninsert into marks values (1);\n{slow}");
    let source = CodeSource::new().sql("1", "start", "create table marks (version integer)").sql("2", "slow", text);
    let (token, client) = (whimbrel_core::CancelToken::new(), bench.client());
    let migrator = bench.migrator(source).lease(LEASE).cancel(token.clone());
    let watch = async {
        client.clock().sleep(LEASE + Duration::from_millis(1_500)).await;
        let row = bench.rows().await.remove(1);
        token.cancel();
        row
    };
    let (result, row) = futures_util::future::join(migrator.migrate(), watch).await;
    result.expect_err("it was cancelled");
    assert!(row.lease_left.is_some(), "its runner gave signs of life");
    Outcome::Passed
}
