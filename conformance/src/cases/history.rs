//! The history table: made when asked, read without a trace, and what goes in comes out.

use std::time::Duration;

use futures_util::future::join_all;
use whimbrel_core::backend::{ClaimMode, Fenced};
use whimbrel_core::{
    BackendErrorKind, Checksum, HistoryDetail, HistoryRow, MigrationKey, Op, RowState, Session, Timestamp,
    TransactionState,
};

use super::{Outcome, need};
use crate::bench::{Bench, Draft, run};

/// Makes the history table, in a transaction of its own as core does.
pub(super) async fn create(session: &mut dyn Session) {
    run(session, &[Op::Begin, Op::CreateHistory, Op::Commit]).await.expect("the history table can be made");
}

/// A row as it can be recorded without running anything.
pub(super) fn row(version: &str) -> HistoryRow {
    let draft = Draft::new(version);
    HistoryRow {
        id: draft.id,
        name: "a_name".into(),
        checksum: Checksum::of_text("content"),
        token_checksum: Some(Checksum::of_text("tokens")),
        state: RowState::Applied,
        statements_done: 2,
        statements_total: 2,
        prefix_checksum: None,
        fence: 1,
        lease_left: None,
        started_at: Some(Timestamp::from_microseconds(1_700_000_000_123_000)),
        finished_at: Some(Timestamp::from_microseconds(1_700_000_001_456_000)),
        duration_ms: Some(1_333),
        origin: "baseline".into(),
        tool_version: "conformance 1".into(),
        run_by: "someone".into(),
        error: None,
    }
}

pub(super) async fn is_none_before_its_table_is_made(bench: &Bench) -> Outcome {
    for detail in [HistoryDetail::Check, HistoryDetail::Full] {
        let mut session = bench.session().await;
        assert!(session.history(detail).await.expect("an empty database can be read").is_none());
    }
    Outcome::Passed
}

pub(super) async fn is_empty_once_its_table_is_made(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    create(&mut *session).await;
    let rows = session.history(HistoryDetail::Check).await.expect("it can be read");
    assert_eq!(rows.expect("the table is there").len(), 0);
    Outcome::Passed
}

pub(super) async fn reading_it_creates_nothing(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    session.history(HistoryDetail::Full).await.expect("an empty database can be read");
    session.close().await.expect("a session closes");
    assert_eq!(bench.tables().await, Vec::<String>::new());
    Outcome::Passed
}

pub(super) async fn reading_it_needs_no_right_to_write(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    create(&mut *session).await;
    run(&mut *session, &[Op::Begin, Op::Record(&[row("1")]), Op::Commit]).await.expect("a row is recorded");
    session.close().await.expect("a session closes");
    let Some(reader) = bench.reader().await else {
        return Outcome::Skipped("there is no client that may only read");
    };
    let mut session = reader.connect().await.expect("a reader is let in");
    for detail in [HistoryDetail::Check, HistoryDetail::Full] {
        let rows = session.history(detail).await.expect("to read is enough").expect("the table is there");
        assert_eq!(rows.len(), 1);
    }
    let write = [Op::Begin, Op::Record(&[row("2")]), Op::Commit];
    let halted = run(&mut *session, &write).await.expect_err("this client was to be one that cannot write");
    if halted.transaction == TransactionState::Open {
        run(&mut *session, &[Op::Rollback]).await.expect("it is rolled back");
    }
    Outcome::Passed
}

pub(super) async fn reading_it_leaves_no_transaction_open(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    for made in [false, true] {
        session.history(HistoryDetail::Check).await.expect("it can be read");
        run(&mut *session, &[Op::Begin, Op::Rollback]).await.expect("a transaction begins after a read");
        if !made {
            create(&mut *session).await;
        }
    }
    Outcome::Passed
}

pub(super) async fn making_it_twice_succeeds(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    create(&mut *session).await;
    run(&mut *session, &[Op::Begin, Op::Record(&[row("1")]), Op::Commit]).await.expect("a row is recorded");
    create(&mut *session).await;
    assert_eq!(bench.rows().await.len(), 1, "making it again loses nothing");
    Outcome::Passed
}

pub(super) async fn making_it_can_be_rolled_back(bench: &Bench) -> Outcome {
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let mut session = bench.session().await;
    run(&mut *session, &[Op::Begin, Op::CreateHistory, Op::Rollback]).await.expect("it can be rolled back");
    assert!(session.history(HistoryDetail::Check).await.expect("it can be read").is_none());
    Outcome::Passed
}

pub(super) async fn making_it_at_the_same_moment_succeeds(bench: &Bench) -> Outcome {
    let makers = (0..8).map(|_| async {
        let client = bench.client();
        let mut session = client.connect().await.expect("a client is let in");
        for _ in 0..200 {
            match run(&mut *session, &[Op::Begin, Op::CreateHistory, Op::Commit]).await {
                Ok(_) => return,
                Err(halted) => {
                    assert_eq!(halted.error.kind(), BackendErrorKind::Busy, "{}", halted.error);
                    if halted.transaction == TransactionState::Open {
                        run(&mut *session, &[Op::Rollback]).await.expect("it is rolled back");
                    }
                    client.clock().sleep(Duration::from_millis(20)).await;
                }
            }
        }
        panic!("the database was busy for too long");
    });
    join_all(makers).await;
    assert!(bench.rows().await.is_empty());
    Outcome::Passed
}

pub(super) async fn rows_come_back_as_they_were_recorded(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let strange = "it's a \"quoted\" \\ back\\slash, $1 ? :name -- /* é 漢字 🦆\nsecond line;\ttab";
    let mut failed = row("0012");
    failed.name = "naïve_ñame".into();
    failed.state = RowState::Failed;
    (failed.statements_done, failed.statements_total, failed.fence) = (1, 3, 7);
    failed.prefix_checksum = Some(Checksum::of_text("prefix"));
    (failed.finished_at, failed.duration_ms) = (None, None);
    (failed.origin, failed.error, failed.run_by) = ("applied".into(), Some(strange.into()), strange.into());
    let mut repeatable = row("1");
    repeatable.id.key = MigrationKey::Repeatable("views of the 'house'".into());
    repeatable.name = "views of the 'house'".into();
    let mut seed = row("1");
    seed.id.key = MigrationKey::Seed("seed".into());
    (seed.name, seed.id.namespace, seed.token_checksum) = ("seed".into(), "a \"library\"".into(), None);
    let mut rows = vec![failed, repeatable, seed, row("20260102030405.7")];
    let mut session = bench.session().await;
    create(&mut *session).await;
    run(&mut *session, &[Op::Begin, Op::Record(&rows), Op::Commit]).await.expect("rows are recorded");
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let read = bench.rows().await;
    assert_eq!(format!("{read:#?}"), format!("{rows:#?}"));
    Outcome::Passed
}

pub(super) async fn a_check_tells_what_planning_needs(bench: &Bench) -> Outcome {
    let mut failed = row("2");
    (failed.state, failed.statements_done, failed.fence) = (RowState::Failed, 1, 4);
    failed.error = Some("why".into());
    let rows = vec![row("1"), failed];
    let mut session = bench.session().await;
    create(&mut *session).await;
    run(&mut *session, &[Op::Begin, Op::Record(&rows), Op::Commit]).await.expect("rows are recorded");
    let mut read = session.history(HistoryDetail::Check).await.expect("it can be read").expect("the table is there");
    read.sort_by(|a, b| a.id.cmp(&b.id));
    for (read, row) in read.iter().zip(&rows) {
        let of = |row: &HistoryRow| {
            let common = (row.id.clone(), row.name.clone(), row.checksum.clone(), row.state, row.fence, row.lease_left);
            (common, row.statements_done, row.statements_total)
        };
        assert_eq!(of(read), of(row));
    }
    assert_eq!((&*read[1].run_by, read[1].error.as_deref()), ("someone", Some("why")));
    Outcome::Passed
}

pub(super) async fn a_check_reads_no_more_than_planning_needs(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    create(&mut *session).await;
    run(&mut *session, &[Op::Begin, Op::Record(&[row("1")]), Op::Commit]).await.expect("a row is recorded");
    let rows = session.history(HistoryDetail::Check).await.expect("it can be read").expect("the table is there");
    let read = &rows[0];
    let moments = [read.started_at, read.finished_at];
    let less = read.token_checksum.is_none() && moments == [None, None] && read.duration_ms.is_none();
    // A wish, not a duty: it costs time at every start, and nothing else.
    need!(less && read.run_by.is_empty(), "the backend reads whole rows where planning needs a part of them");
    Outcome::Passed
}

pub(super) async fn recording_is_all_or_none(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    create(&mut *session).await;
    run(&mut *session, &[Op::Record(&[row("2")])]).await.expect("a row is recorded");
    let clash = [row("1"), row("2"), row("3")];
    let halted = run(&mut *session, &[Op::Record(&clash)]).await.expect_err("a row is there already");
    assert_ne!(halted.transaction, TransactionState::InDoubt);
    run(&mut *session, &[Op::Rollback]).await.expect("it is rolled back");
    let keys: Vec<_> = bench.rows().await.iter().map(|row| row.id.to_string()).collect();
    assert_eq!(keys, ["2"]);
    Outcome::Passed
}

pub(super) async fn versions_that_are_equal_have_one_row(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    create(&mut *session).await;
    run(&mut *session, &[Op::Record(&[row("0007")])]).await.expect("a row is recorded");
    let twice = Draft::new("7");
    let claim = twice.claim(ClaimMode::New);
    let halted = run(&mut *session, &[Op::Begin, Op::Claim(&claim)]).await.expect_err("0007 and 7 are one version");
    assert_eq!(halted.error.kind(), BackendErrorKind::AlreadyClaimed);
    run(&mut *session, &[Op::Rollback]).await.expect("it is rolled back");
    assert_eq!(bench.rows().await[0].id.to_string(), "0007", "it prints as it was written first");
    Outcome::Passed
}

pub(super) async fn a_row_is_removed_by_its_fence(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    create(&mut *session).await;
    let (one, two) = (row("1"), row("2"));
    run(&mut *session, &[Op::Record(&[one.clone(), two])]).await.expect("rows are recorded");
    run(&mut *session, &[Op::Remove(&Fenced { id: &one.id, fence: one.fence })]).await.expect("it is removed");
    let keys: Vec<_> = bench.rows().await.iter().map(|row| row.id.to_string()).collect();
    assert_eq!(keys, ["2"]);
    Outcome::Passed
}

pub(super) async fn its_table_may_have_any_name(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let name = "weird \"name\" ü 'x' -- ; 漢";
    let Some(client) = bench.client_with_history(name) else {
        return Outcome::Skipped("the backend has no option for the table's name");
    };
    let mut session = client.connect().await.expect("a client is let in");
    assert!(session.history(HistoryDetail::Full).await.expect("it can be read").is_none());
    create(&mut *session).await;
    let draft = Draft::new("1");
    let claim = draft.claim(ClaimMode::New);
    let row = Fenced { id: &draft.id, fence: 1 };
    let finish = whimbrel_core::backend::Finish { row };
    let program = [Op::Begin, Op::Claim(&claim), Op::Seal, Op::Unseal, Op::Finish(&finish), Op::Commit];
    run(&mut *session, &program).await.expect("a migration is recorded");
    assert_eq!(session.history(HistoryDetail::Full).await.expect("it can be read").expect("it is there").len(), 1);
    assert_eq!(bench.tables().await, [name]);
    Outcome::Passed
}

pub(super) async fn another_table_of_its_name_is_refused(bench: &Bench) -> Outcome {
    let Some(client) = bench.client_with_history("of_someone_else") else {
        return Outcome::Skipped("the backend has no option for the table's name");
    };
    bench.execute("create table of_someone_else (id integer primary key, note integer)").await;
    let mut session = client.connect().await.expect("a client is let in");
    for detail in [HistoryDetail::Check, HistoryDetail::Full] {
        let error = session.history(detail).await.expect_err("it is no history");
        assert_eq!(error.kind(), BackendErrorKind::HistoryFormat, "{error}");
    }
    run(&mut *session, &[Op::Begin, Op::Rollback]).await.expect("the session can be used again");
    Outcome::Passed
}
