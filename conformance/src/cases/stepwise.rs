//! Migrations without a transaction: progress is recorded, and a repaired run goes on where it stopped.

use std::time::Duration;

use whimbrel_core::{
    Aftermath, BackendErrorKind, CancelToken, CodeSource, MigrateErrorKind, MigrationState, Migrator, Refusal, RowState,
};

use super::Outcome;
use super::migrate::marks;
use crate::bench::Bench;
use crate::fault::{Fault, Faulty};
use crate::op::OpKind;
use crate::record::Recording;

const START: &str = "create table marks (version integer)";

/// A migration without a transaction that marks 1, 2, … 4; `bad` of them fails.
pub(super) fn steps(bad: Option<usize>) -> CodeSource {
    let mut text = "-- whimbrel: no-transaction\n".to_owned();
    for n in 1..=4 {
        let table = if bad == Some(n) { "no_such_table" } else { "marks" };
        text += &format!("insert into {table} values ({n});\n");
    }
    CodeSource::new().sql("1", "start", START).sql("2", "steps", text)
}

pub(super) async fn runs_each_statement_alone_and_records_it(bench: &Bench) -> Outcome {
    use OpKind::{Checkpoint, Claim, Finish, Statement};
    bench.migrator(CodeSource::new().sql("1", "start", START)).migrate().await.expect("it goes well");
    let recording = Recording::new(bench.client());
    Migrator::new(recording.clone()).source(steps(None)).migrate().await.expect("it goes well");
    let step = [vec![Statement], vec![Checkpoint]];
    let expected = [vec![vec![Claim]], step.concat_thrice(), vec![vec![Statement], vec![Finish]]].concat();
    assert_eq!(recording.programs(), expected);
    assert_eq!(marks(bench).await, "1 2 3 4");
    let row = bench.rows().await.remove(1);
    assert_eq!((row.state, row.statements_done, row.statements_total, row.fence), (RowState::Applied, 4, 4, 1));
    Outcome::Passed
}

trait Thrice {
    fn concat_thrice(&self) -> Vec<Vec<OpKind>>;
}

impl Thrice for [Vec<OpKind>; 2] {
    fn concat_thrice(&self) -> Vec<Vec<OpKind>> {
        self.iter().cycle().take(6).cloned().collect()
    }
}

pub(super) async fn a_failure_at_every_statement_is_recorded_and_resumed(bench: &Bench) -> Outcome {
    bench.migrator(CodeSource::new().sql("1", "start", START)).migrate().await.expect("it goes well");
    for bad in 1..=4_usize {
        let error = bench.migrator(steps(Some(bad))).migrate().await.expect_err("a statement fails");
        assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention, "{error}");
        let failed = error.failed().expect("a migration failed");
        let done = u32::try_from(bad - 1).expect("few");
        assert_eq!(failed.aftermath, Aftermath::PartWay { done, total: 4 });
        let at = failed.statement.as_ref().expect("a statement failed");
        assert_eq!((at.number, at.line as usize), (bad, bad + 1));
        let row = bench.rows().await.remove(1);
        assert_eq!((row.state, row.statements_done), (RowState::Failed, done));
        assert!(row.error.is_some_and(|error| error.contains("no_such_table")));
        let status = bench.migrator(steps(Some(bad))).status().await.expect("it can be read");
        let stopped = &status.migrations[1];
        assert_eq!((stopped.state, stopped.progress), (MigrationState::Failed, Some((done, 4))));
        // The next one is repaired, and the one after it is not.
    }
    let report = bench.migrator(steps(None)).migrate().await.expect("the repaired text goes on");
    assert_eq!(report.applied.len(), 1);
    assert_eq!(marks(bench).await, "1 2 3 4", "no statement ran twice");
    assert_eq!(bench.rows().await.remove(1).state, RowState::Applied);
    Outcome::Passed
}

pub(super) async fn a_prefix_that_was_edited_is_refused(bench: &Bench) -> Outcome {
    bench.migrator(steps(Some(3))).migrate().await.expect_err("the third fails");
    let edited = CodeSource::new().sql("1", "start", START).sql(
        "2",
        "steps",
        "-- whimbrel: no-transaction\ninsert into marks values (100);\ninsert into marks values (2)",
    );
    let error = bench.migrator(edited.clone()).migrate().await.expect_err("what is done is another text");
    let whimbrel_core::MigrateError::Plan { error: refused, .. } = &error else { panic!("{error}") };
    assert!(matches!(refused.refusals(), [Refusal::PrefixEdited { done: 2, .. }]), "{error}");
    assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention);
    assert_eq!(marks(bench).await, "1 2");
    let version = "2".parse().expect("a version");
    let migrator = bench.migrator(edited);
    migrator.resolve(&version, whimbrel_core::Resolution::Forget).await.expect("a person made the database fit");
    migrator.migrate().await.expect("it runs from its beginning");
    assert_eq!(marks(bench).await, "1 2 2 100");
    Outcome::Passed
}

pub(super) async fn comments_in_the_prefix_may_change(bench: &Bench) -> Outcome {
    bench.migrator(steps(Some(3))).migrate().await.expect_err("the third fails");
    let edited = CodeSource::new().sql("1", "start", START).sql(
        "2",
        "steps",
        "-- whimbrel: no-transaction\n-- why\ninsert into marks\n  values (1);\ninsert into marks values (2);\n\
         insert into marks values (3)",
    );
    bench.migrator(edited.clone()).migrate().await.expect("the statements that are done are the same");
    assert_eq!(marks(bench).await, "1 2 3");
    let report = bench.migrator(edited).migrate().await.expect("and the new text is the recorded one");
    assert!(report.applied.is_empty());
    Outcome::Passed
}

pub(super) async fn a_statement_that_refuses_a_transaction_can_run(bench: &Bench) -> Outcome {
    let source = CodeSource::new().sql("1", "start", START).sql(
        "2",
        "vacuum",
        "-- whimbrel: no-transaction\nvacuum;\ninsert into marks values (2);\nvacuum",
    );
    bench.migrator(source).migrate().await.expect("each statement stands alone");
    assert_eq!(marks(bench).await, "2");
    Outcome::Passed
}

pub(super) async fn a_busy_statement_is_tried_again(bench: &Bench) -> Outcome {
    let faulty = Faulty::new(bench.client());
    faulty.fail_kind(OpKind::Statement, 2, Fault::Refused(BackendErrorKind::Busy));
    Migrator::new(faulty.clone()).source(steps(None)).migrate().await.expect("the second try goes well");
    assert_eq!((faulty.fired(), marks(bench).await), (1, "1 2 3 4".to_owned()));
    Outcome::Passed
}

pub(super) async fn a_cancelled_statement_is_recorded(bench: &Bench) -> Outcome {
    let slow = bench.snippets().slow;
    let text =
        format!("-- whimbrel: no-transaction\ninsert into marks values (1);\n{slow};\ninsert into marks values (3)");
    let source = CodeSource::new().sql("1", "start", START).sql("2", "slow", text);
    let (token, client) = (CancelToken::new(), bench.client());
    let migrator = bench.migrator(source).cancel(token.clone());
    let cancel = async {
        client.clock().sleep(Duration::from_millis(500)).await;
        token.cancel();
    };
    let (result, ()) = futures_util::future::join(migrator.migrate(), cancel).await;
    let error = result.expect_err("it was cancelled");
    assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention, "{error}");
    assert_eq!(error.failed().map(|failed| failed.aftermath), Some(Aftermath::PartWay { done: 1, total: 3 }));
    let row = bench.rows().await.remove(1);
    assert_eq!((row.state, row.statements_done, row.lease_left), (RowState::Failed, 1, None));
    Outcome::Passed
}

pub(super) async fn a_text_may_control_its_own_transaction(bench: &Bench) -> Outcome {
    let source = |third: &str| {
        let text = format!("-- whimbrel: no-transaction\nbegin;\ninsert into marks values (1);\n{third};\ncommit");
        CodeSource::new().sql("1", "start", START).sql("2", "own", text)
    };
    let error = bench.migrator(source("insert into no_such_table values (1)")).migrate().await.expect_err("it fails");
    assert!(error.failed().is_some_and(|failed| failed.cause.to_string().contains("no_such_table")), "{error}");
    assert_eq!(marks(bench).await, "", "its own transaction is rolled back");
    bench.migrator(source("insert into marks values (2)")).migrate().await.expect("a repaired run completes");
    assert_eq!(marks(bench).await, "1 2", "nothing of it was skipped, and nothing ran twice");
    Outcome::Passed
}
