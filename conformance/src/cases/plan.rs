//! What a run is refused for, and what reading leaves alone.

use whimbrel_core::{
    Backups, CodeSource, DatabaseAhead, HistoryDetail, MigrateError, MigrateErrorKind, MigrationState, Migrator, Note,
    Refusal, TransactionMode,
};

use super::migrate::{marks, three};
use super::{Outcome, need};
use crate::bench::Bench;
use crate::op::OpKind;
use crate::record::{Call, Recording};

/// A run that must be refused, with nothing touched.
async fn refusals(bench: &Bench, source: CodeSource) -> Vec<Refusal> {
    let before = (bench.tables().await, format!("{:?}", bench.rows().await), marks(bench).await);
    let recording = Recording::new(bench.client());
    let error = Migrator::new(recording.clone()).source(source).migrate().await.expect_err("it is refused");
    assert!(recording.programs().is_empty(), "nothing is run before it is refused");
    assert_eq!(error.kind(), MigrateErrorKind::Refused, "{error}");
    assert_eq!((bench.tables().await, format!("{:?}", bench.rows().await), marks(bench).await), before);
    match error {
        MigrateError::Plan { error, .. } => error.refusals().to_vec(),
        other => panic!("it was refused otherwise: {other}"),
    }
}

pub(super) async fn an_edited_migration_is_refused(bench: &Bench) -> Outcome {
    bench.migrator(three()).migrate().await.expect("it goes well");
    let edited = CodeSource::new().sql("0001", "one", "create table other (id integer)");
    let refused = refusals(bench, edited).await;
    assert!(matches!(&refused[0], Refusal::Edited { id, .. } if id.to_string() == "0001"), "{refused:?}");
    assert_eq!(refused.len(), 3, "the two that are gone are told in the same breath");
    Outcome::Passed
}

pub(super) async fn a_comment_only_edit_is_a_note(bench: &Bench) -> Outcome {
    let text = "create table marks (version integer);\ninsert into marks values (1)";
    bench.migrator(CodeSource::new().sql("1", "one", text)).migrate().await.expect("it goes well");
    let edited = "-- a word about it\ncreate table marks (\n  version integer\n);\n\ninsert into marks values (1);\n";
    let migrator = bench.migrator(CodeSource::new().sql("1", "one", edited));
    let report = migrator.migrate().await.expect("nothing is pending");
    assert!(report.applied.is_empty());
    assert!(matches!(&report.notes[..], [Note::CommentOnlyEdit(id)] if id.to_string() == "1"), "{:?}", report.notes);
    let status = migrator.status().await.expect("it can be read");
    assert_eq!((status.up_to_date, status.migrations[0].state), (true, MigrationState::Applied));
    Outcome::Passed
}

pub(super) async fn an_accepted_checksum_is_no_edit(bench: &Bench) -> Outcome {
    bench.migrator(CodeSource::new().sql("1", "one", "create table t (id integer)")).migrate().await.expect("well");
    let recorded = bench.rows().await[0].checksum.to_string();
    let edited = format!("-- whimbrel: accept-checksum {recorded}\ncreate table t (id bigint)");
    let report = bench.migrator(CodeSource::new().sql("1", "one", edited)).migrate().await.expect("it is accepted");
    assert!(report.applied.is_empty());
    Outcome::Passed
}

pub(super) async fn a_missing_migration_is_refused(bench: &Bench) -> Outcome {
    bench.migrator(three()).migrate().await.expect("it goes well");
    let rest = CodeSource::new().sql("0004", "four", "create table four (id integer)");
    let refused = refusals(bench, rest).await;
    let missing = |refusal: &Refusal| matches!(refusal, Refusal::Missing(_));
    assert!(refused.len() == 3 && refused.iter().all(missing), "{refused:?}");
    Outcome::Passed
}

pub(super) async fn a_late_migration_is_refused(bench: &Bench) -> Outcome {
    let without = CodeSource::new().sql("1", "one", "create table marks (version integer)").sql(
        "3",
        "three",
        "insert into marks values (3)",
    );
    bench.migrator(without.clone()).migrate().await.expect("it goes well");
    let refused = refusals(bench, without.sql("2", "two", "insert into marks values (2)")).await;
    assert!(matches!(&refused[..], [Refusal::OutOfOrder(id)] if id.to_string() == "2"), "{refused:?}");
    Outcome::Passed
}

pub(super) async fn a_newer_database_is_refused_unless_allowed(bench: &Bench) -> Outcome {
    bench.migrator(three()).migrate().await.expect("it goes well");
    let older = CodeSource::new().sql(
        "0001",
        "one",
        "create table marks (version integer);\ninsert into marks values (1);\ncreate table one (id integer primary key)",
    );
    let refused = refusals(bench, older.clone()).await;
    assert!(matches!(&refused[..], [Refusal::DatabaseAhead(_), Refusal::DatabaseAhead(_)]), "{refused:?}");
    let report = bench.migrator(older).database_ahead(DatabaseAhead::Allow).migrate().await.expect("it is allowed");
    assert_eq!((report.applied.len(), report.notes.len()), (0, 2));
    Outcome::Passed
}

pub(super) async fn an_unknown_target_is_refused(bench: &Bench) -> Outcome {
    let migrator = bench.migrator(three()).to("9".parse().expect("a version"));
    let MigrateError::Plan { error, .. } = migrator.migrate().await.expect_err("there is no such version") else {
        panic!("it was refused otherwise");
    };
    assert!(matches!(error.refusals(), [Refusal::UnknownTarget(_)]));
    assert!(bench.tables().await.is_empty());
    Outcome::Passed
}

pub(super) async fn a_duplicate_is_refused_at_load(bench: &Bench) -> Outcome {
    let twice = three().sql("2", "two_again", "create table t (id integer)");
    let error = bench.migrator(twice).migrate().await.expect_err("a version stands twice");
    assert!(matches!(error, MigrateError::Load { .. }), "{error}");
    assert!(bench.tables().await.is_empty());
    Outcome::Passed
}

pub(super) async fn transaction_control_is_refused_before_anything_runs(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    for word in ["commit", "rollback", "begin", "end"] {
        let source = three().sql("0004", "control", format!("insert into marks values (4);\n{word};\nselect 1"));
        let error = bench.migrator(source).migrate().await.expect_err("it controls the transaction");
        let MigrateError::Load { error: problems, .. } = error else {
            panic!("`{word}` was refused otherwise: {error}")
        };
        assert_eq!(problems.problems().iter().map(|p| p.line).collect::<Vec<_>>(), [Some(2)], "{problems}");
        assert!(bench.tables().await.is_empty(), "not even the first three were applied");
    }
    Outcome::Passed
}

pub(super) async fn one_transaction_for_all_is_refused_where_it_cannot_be(bench: &Bench) -> Outcome {
    let source = three().sql("0004", "alone", "-- whimbrel: no-transaction\ninsert into marks values (4)");
    let migrator = bench.migrator(source).transaction(TransactionMode::All);
    let error = migrator.migrate().await.expect_err("one cannot run in a transaction");
    assert!(matches!(error, MigrateError::Load { .. }), "{error}");
    assert!(bench.tables().await.is_empty());
    Outcome::Passed
}

pub(super) async fn a_directive_that_the_database_lacks_is_refused(bench: &Bench) -> Outcome {
    let has = bench.capabilities();
    for (has, directive) in [
        (has.lock_timeout, "lock-timeout 5s"),
        (has.statement_timeout, "statement-timeout 5s"),
        (has.foreign_keys_switch, "foreign-keys off"),
    ] {
        if has {
            continue;
        }
        let source = three().sql("0004", "asks", format!("-- whimbrel: {directive}\ncreate table t (id integer)"));
        let error = bench.migrator(source).migrate().await.expect_err("it has no such thing");
        assert!(matches!(error, MigrateError::Load { .. }), "{error}");
        assert!(bench.tables().await.is_empty());
    }
    Outcome::Passed
}

pub(super) async fn a_backup_that_the_database_cannot_have_is_refused(bench: &Bench) -> Outcome {
    let Backups::Instead(instead) = bench.capabilities().backups else {
        return Outcome::Skipped("it makes backups");
    };
    let error = bench.migrator(three()).backup_first().migrate().await.expect_err("it makes none");
    assert!(error.kind() == MigrateErrorKind::Config && error.to_string().contains(instead), "{error}");
    assert!(bench.tables().await.is_empty());
    Outcome::Passed
}

pub(super) async fn a_plan_changes_nothing(bench: &Bench) -> Outcome {
    let recording = Recording::new(bench.client());
    let preview = Migrator::new(recording.clone()).source(three()).plan().await.expect("it can be planned");
    assert_eq!(preview.steps.len(), 3);
    assert_eq!(preview.steps[1].statements[1], "insert into marks values (2)");
    assert!(preview.steps.iter().all(|step| step.transactional == bench.capabilities().transactional_ddl));
    assert!(recording.ops().iter().all(|op| *op == OpKind::Query) && !recording.calls().contains(&Call::TryLock));
    assert!(bench.tables().await.is_empty());
    Outcome::Passed
}

pub(super) async fn a_status_creates_nothing(bench: &Bench) -> Outcome {
    let recording = Recording::new(bench.client());
    let migrator = Migrator::new(recording.clone()).source(three());
    let status = migrator.status().await.expect("an empty database can be read");
    assert_eq!((status.up_to_date, status.applied(), status.pending()), (false, 0, 3));
    let mut expected = vec![Call::Connect, Call::History(HistoryDetail::Full)];
    if bench.capabilities().catalog.is_some() {
        expected.push(Call::Run(vec![OpKind::Query]));
    }
    expected.push(Call::Close);
    assert_eq!(recording.calls(), expected);
    assert!(bench.tables().await.is_empty());
    Outcome::Passed
}

pub(super) async fn a_status_tells_where_each_stands(bench: &Bench) -> Outcome {
    bench.migrator(three()).to("2".parse().expect("a version")).migrate().await.expect("it goes well");
    let status = bench.migrator(three()).status().await.expect("it can be read");
    let states: Vec<_> = status.migrations.iter().map(|m| (m.id.to_string(), m.state.as_str())).collect();
    let expected = [("0001", "applied"), ("0002", "applied"), ("0003", "pending")];
    assert_eq!(states, expected.map(|(id, state)| (id.to_owned(), state)));
    assert!(status.migrations[0].applied_at.is_some() && status.migrations[2].applied_at.is_none());
    assert_eq!((status.applied(), status.pending(), status.up_to_date), (2, 1, false));
    Outcome::Passed
}
