//! Claims: a compare-and-set on a migration's row, its fence, its lease.

use std::time::Duration;

use whimbrel_core::backend::{Checkpoint, ClaimMode, Failure, Fenced, Finish, Heartbeat};
use whimbrel_core::{
    BackendErrorKind, Checksum, Halted, HistoryDetail, HistoryRow, MigrationBackend, MigrationKey, Op, OpOutcome,
    RowState, Session, TransactionState,
};

use super::history::{create, row};
use super::{Outcome, need};
use crate::bench::{Bench, Draft, run};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

async fn with_history(bench: &Bench) -> Box<dyn Session> {
    let mut session = bench.session().await;
    create(&mut *session).await;
    session
}

async fn claim(
    session: &mut dyn Session,
    draft: &Draft,
    mode: ClaimMode,
    lease: Option<Duration>,
) -> Result<(), Halted> {
    let mut claim = draft.claim(mode);
    claim.lease = lease;
    run(session, &[Op::Claim(&claim)]).await.map(|_| ())
}

async fn is_refused(session: &mut dyn Session, draft: &Draft, mode: ClaimMode, why: &str) {
    let halted = claim(session, draft, mode, Some(LONG)).await.expect_err(why);
    assert_eq!(halted.error.kind(), BackendErrorKind::AlreadyClaimed, "{why}: {}", halted.error);
    assert_eq!(halted.transaction, TransactionState::None);
}

async fn sleep(bench: &Bench, time: Duration) {
    bench.client().clock().sleep(time).await;
}

async fn only_row(bench: &Bench) -> HistoryRow {
    let mut rows = bench.rows().await;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

pub(super) async fn a_new_one_takes_a_free_row_once(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let draft = Draft::new("0001");
    claim(&mut *session, &draft, ClaimMode::New, Some(LONG)).await.expect("nobody has it");
    is_refused(&mut *session, &draft, ClaimMode::New, "it is taken").await;
    let mut other = bench.session().await;
    is_refused(&mut *other, &draft, ClaimMode::New, "another has it").await;
    let row = only_row(bench).await;
    assert_eq!((row.state, row.fence, row.statements_done, row.statements_total), (RowState::Running, 1, 0, 3));
    assert_eq!((&*row.name, &*row.run_by, &*row.tool_version), ("some_name", "someone on some host", "conformance 1"));
    assert_eq!((&row.checksum, row.token_checksum.as_ref()), (&draft.checksum, Some(&draft.checksum)));
    assert!(row.started_at.is_some() && row.finished_at.is_none());
    let left = row.lease_left.expect("its lease lasts");
    assert!(left <= LONG && left > LONG - Duration::from_secs(20), "{left:?}");
    Outcome::Passed
}

pub(super) async fn one_in_a_transaction_goes_with_it(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let draft = Draft::new("1");
    let new = draft.claim(ClaimMode::New);
    run(&mut *session, &[Op::Begin, Op::Claim(&new), Op::Rollback]).await.expect("it is rolled back");
    assert!(bench.rows().await.is_empty());
    let finish = Finish { row: Fenced { id: &draft.id, fence: 1 } };
    run(&mut *session, &[Op::Begin, Op::Claim(&new), Op::Finish(&finish), Op::Commit]).await.expect("it is free again");
    let row = only_row(bench).await;
    assert_eq!((row.state, row.statements_done, &*row.origin), (RowState::Applied, 3, "applied"));
    Outcome::Passed
}

async fn row_of(session: &mut dyn Session, draft: &Draft) -> HistoryRow {
    let rows = session.history(HistoryDetail::Full).await.expect("it can be read").expect("it is there");
    rows.into_iter().find(|row| row.id == draft.id).expect("it has a row")
}

/// What an earlier run left, in every field that a claim writes or clears.
fn left_behind(version: &str, state: RowState) -> HistoryRow {
    let mut before = row(version);
    (before.state, before.fence, before.name) = (state, 7, "old_name".into());
    (before.statements_done, before.statements_total) = (2, 2);
    (before.origin, before.error) = ("baseline".into(), Some("an old error".into()));
    before
}

pub(super) async fn every_mode_writes_every_field(bench: &Bench) -> Outcome {
    let mut session = with_history(bench).await;
    let (failed, applied) = (left_behind("7", RowState::Failed), left_behind("8", RowState::Applied));
    run(&mut *session, &[Op::Record(&[failed.clone(), applied.clone()])]).await.expect("what was there");
    for (mode, version, before) in [
        (ClaimMode::New, "006", None),
        (ClaimMode::Takeover { fence: 7 }, "007", Some(failed)),
        (ClaimMode::Rerun { fence: 7 }, "008", Some(applied)),
    ] {
        let (draft, token) = (Draft::new(version), Checksum::of_text("tokens of today"));
        let mut claim = draft.claim(mode);
        (claim.token_checksum, claim.lease) = (&token, Some(LONG));
        (claim.statements_total, claim.statements_done) = (9, u32::from(before.is_some()));
        run(&mut *session, &[Op::Claim(&claim)]).await.expect("it is as the mode expects");
        let row = row_of(&mut *session, &draft).await;
        assert_eq!((row.id.to_string().as_str(), &*row.name), (version, "some_name"), "{mode:?}");
        assert_eq!((&row.checksum, row.token_checksum.as_ref()), (&draft.checksum, Some(&token)), "{mode:?}");
        assert_eq!((row.state, row.fence), (RowState::Running, claim.fence_after()), "{mode:?}");
        assert_eq!((row.statements_done, row.statements_total), (claim.statements_done, 9), "{mode:?}");
        assert_eq!((&*row.tool_version, &*row.run_by), ("conformance 1", "someone on some host"), "{mode:?}");
        assert!(row.lease_left.is_some_and(|left| left <= LONG), "{mode:?}: {:?}", row.lease_left);
        let began = before.and_then(|before| before.started_at);
        assert!(row.started_at > began, "{mode:?}: the clock of the migration starts anew");
        assert_eq!(
            (row.finished_at, row.duration_ms, row.error),
            (None, None, None),
            "{mode:?}: nothing of an earlier end"
        );
        assert_eq!(&*row.origin, "applied", "{mode:?}");
    }
    Outcome::Passed
}

pub(super) async fn an_open_one_refuses_others_at_once(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection");
    let mut session = with_history(bench).await;
    let (draft, client) = (Draft::new("1"), bench.client());
    let new = draft.claim(ClaimMode::New);
    run(&mut *session, &[Op::Begin, Op::Claim(&new)]).await.expect("nobody has it");
    let mut other = client.connect().await.expect("a client is let in");
    for program in [vec![Op::Begin, Op::Claim(&new), Op::Rollback], vec![Op::Begin, Op::Probe, Op::Rollback]] {
        let before = client.clock().now();
        let halted = run(&mut *other, &program).await.expect_err("another has it");
        let waited = client.clock().now().saturating_sub(before);
        assert!(waited < Duration::from_secs(2), "it waited in the server for {waited:?}");
        // A database with one writer at a time says so at Begin already.
        let expected = if halted.at == 0 { BackendErrorKind::Busy } else { BackendErrorKind::AlreadyClaimed };
        assert_eq!(halted.error.kind(), expected, "{}", halted.error);
        if halted.transaction == TransactionState::Open {
            run(&mut *other, &[Op::Rollback]).await.expect("it is rolled back");
        }
    }
    run(&mut *session, &[Op::Rollback]).await.expect("it is rolled back");
    run(&mut *other, &[Op::Begin, Op::Probe, Op::Rollback]).await.expect("no claim is open any more");
    run(&mut *other, &[Op::Begin, Op::Claim(&new), Op::Rollback]).await.expect("it is free");
    Outcome::Passed
}

pub(super) async fn a_probe_passes_where_no_claim_is_open(bench: &Bench) -> Outcome {
    let mut session = with_history(bench).await;
    run(&mut *session, &[Op::Begin, Op::Probe, Op::Rollback]).await.expect("there is none");
    claim(&mut *session, &Draft::new("1"), ClaimMode::New, Some(LONG)).await.expect("nobody has it");
    run(&mut *session, &[Op::Begin, Op::Probe, Op::Rollback]).await.expect("a committed one is not open");
    Outcome::Passed
}

pub(super) async fn a_takeover_waits_for_the_end_of_the_lease(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let draft = Draft::new("1");
    claim(&mut *session, &draft, ClaimMode::New, Some(Duration::from_secs(3))).await.expect("nobody has it");
    is_refused(&mut *session, &draft, ClaimMode::Takeover { fence: 1 }, "its lease lasts").await;
    sleep(bench, Duration::from_millis(3_300)).await;
    assert_eq!(only_row(bench).await.lease_left, None, "it has ended");
    is_refused(&mut *session, &draft, ClaimMode::Takeover { fence: 2 }, "the fence is another").await;
    is_refused(&mut *session, &draft, ClaimMode::New, "its row is there").await;
    claim(&mut *session, &draft, ClaimMode::Takeover { fence: 1 }, Some(LONG)).await.expect("it is abandoned");
    let row = only_row(bench).await;
    assert_eq!((row.fence, row.state), (2, RowState::Running));
    assert!(row.lease_left.is_some());
    is_refused(&mut *session, &draft, ClaimMode::Takeover { fence: 1 }, "it was taken over").await;
    Outcome::Passed
}

pub(super) async fn a_takeover_keeps_what_is_done(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let draft = Draft::new("1");
    let prefix = Checksum::of_text("one statement");
    claim(&mut *session, &draft, ClaimMode::New, Some(LONG)).await.expect("nobody has it");
    let fenced = Fenced { id: &draft.id, fence: 1 };
    let checkpoint = Checkpoint { row: fenced, statements_done: 1, prefix_checksum: &prefix, lease: LONG };
    let failure = Failure { row: fenced, error: "it's wrong" };
    run(&mut *session, &[Op::Checkpoint(&checkpoint), Op::Fail(&failure)]).await.expect("they are recorded");
    let mut again = draft.claim(ClaimMode::Takeover { fence: 1 });
    (again.statements_done, again.lease, again.statements_total) = (1, Some(LONG), 4);
    run(&mut *session, &[Op::Claim(&again)]).await.expect("a failed one is free");
    let row = only_row(bench).await;
    assert_eq!((row.state, row.fence, row.statements_done, row.statements_total), (RowState::Running, 2, 1, 4));
    assert_eq!(row.prefix_checksum, Some(prefix), "after another crash this tells what was done");
    assert_eq!(row.error, None, "the old error is over");
    Outcome::Passed
}

pub(super) async fn a_takeover_from_the_start_forgets_what_was_done(bench: &Bench) -> Outcome {
    let mut session = with_history(bench).await;
    let (draft, mut before) = (Draft::new("7"), left_behind("7", RowState::Failed));
    (before.statements_done, before.prefix_checksum) = (1, Some(Checksum::of_text("one statement")));
    run(&mut *session, &[Op::Record(&[before])]).await.expect("a row is recorded");
    claim(&mut *session, &draft, ClaimMode::Takeover { fence: 7 }, Some(LONG)).await.expect("it failed");
    let row = row_of(&mut *session, &draft).await;
    assert_eq!((row.statements_done, row.prefix_checksum), (0, None));
    Outcome::Passed
}

pub(super) async fn a_takeover_never_takes_an_applied_row(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    run(&mut *session, &[Op::Record(&[row("1")])]).await.expect("a row is recorded");
    is_refused(&mut *session, &Draft::new("1"), ClaimMode::Takeover { fence: 1 }, "it is applied").await;
    is_refused(&mut *session, &Draft::new("2"), ClaimMode::Takeover { fence: 1 }, "there is none").await;
    assert_eq!(only_row(bench).await.state, RowState::Applied);
    Outcome::Passed
}

pub(super) async fn a_rerun_starts_an_applied_row_anew(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let draft = Draft::keyed(MigrationKey::Repeatable("views".into()), "views");
    let mut before = row("1");
    (before.id, before.name, before.fence) = (draft.id.clone(), "views".into(), 5);
    run(&mut *session, &[Op::Record(&[before])]).await.expect("a row is recorded");
    is_refused(&mut *session, &draft, ClaimMode::Rerun { fence: 4 }, "the fence is another").await;
    let rerun = draft.claim(ClaimMode::Rerun { fence: 5 });
    let finish = Finish { row: Fenced { id: &draft.id, fence: rerun.fence_after() } };
    let program = [Op::Begin, Op::Claim(&rerun), Op::Finish(&finish), Op::Commit];
    run(&mut *session, &program).await.expect("it is applied, with that fence");
    let row = only_row(bench).await;
    assert_eq!((row.state, row.fence, &row.checksum), (RowState::Applied, 6, &draft.checksum));
    assert_eq!(&*row.origin, "applied");
    Outcome::Passed
}

pub(super) async fn a_rerun_never_takes_a_row_that_is_not_applied(bench: &Bench) -> Outcome {
    let mut session = with_history(bench).await;
    let draft = Draft::new("1");
    claim(&mut *session, &draft, ClaimMode::New, Some(LONG)).await.expect("nobody has it");
    is_refused(&mut *session, &draft, ClaimMode::Rerun { fence: 1 }, "it is running").await;
    Outcome::Passed
}

/// Every write of a runner that lost its claim fails, and changes nothing.
pub(super) async fn a_lost_one_cannot_write(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let draft = Draft::new("1");
    claim(&mut *session, &draft, ClaimMode::New, Some(SHORT)).await.expect("nobody has it");
    sleep(bench, SHORT * 3).await;
    claim(&mut *session, &draft, ClaimMode::Takeover { fence: 1 }, Some(LONG)).await.expect("it is abandoned");
    let before = only_row(bench).await;
    let prefix = Checksum::of_text("");
    let lost = Fenced { id: &draft.id, fence: 1 };
    let checkpoint = Checkpoint { row: lost, statements_done: 2, prefix_checksum: &prefix, lease: LONG * 2 };
    let (finish, heartbeat) = (Finish { row: lost }, Heartbeat { row: lost, lease: LONG * 2 });
    let failure = Failure { row: lost, error: "late" };
    let writes = [
        Op::Checkpoint(&checkpoint),
        Op::Finish(&finish),
        Op::Fail(&failure),
        Op::Heartbeat(&heartbeat),
        Op::Remove(&lost),
    ];
    for write in writes {
        for program in [vec![write], vec![Op::Begin, write, Op::Commit]] {
            let halted = run(&mut *session, &program).await.expect_err("the fence is another");
            assert_eq!(halted.error.kind(), BackendErrorKind::LostClaim, "{write:?}: {}", halted.error);
            assert_eq!(halted.at, program.len() / 2);
            if halted.transaction == TransactionState::Open {
                run(&mut *session, &[Op::Rollback]).await.expect("it is rolled back");
            }
        }
    }
    let mut after = only_row(bench).await;
    assert!(after.lease_left <= before.lease_left);
    after.lease_left = before.lease_left;
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
    Outcome::Passed
}

pub(super) async fn a_checkpoint_records_progress_and_extends_the_lease(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let (draft, prefix) = (Draft::new("1"), Checksum::of_text("two"));
    claim(&mut *session, &draft, ClaimMode::New, Some(Duration::from_secs(5))).await.expect("nobody has it");
    let row = Fenced { id: &draft.id, fence: 1 };
    let checkpoint = Checkpoint { row, statements_done: 2, prefix_checksum: &prefix, lease: LONG };
    run(&mut *session, &[Op::Checkpoint(&checkpoint)]).await.expect("it is recorded");
    let row = only_row(bench).await;
    assert_eq!((row.state, row.statements_done, row.prefix_checksum), (RowState::Running, 2, Some(prefix)));
    assert!(row.lease_left.is_some_and(|left| left > Duration::from_secs(30)), "{:?}", row.lease_left);
    Outcome::Passed
}

pub(super) async fn a_heartbeat_extends_the_lease(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let draft = Draft::new("1");
    claim(&mut *session, &draft, ClaimMode::New, Some(Duration::from_secs(5))).await.expect("nobody has it");
    let heartbeat = Heartbeat { row: Fenced { id: &draft.id, fence: 1 }, lease: LONG };
    let mut other = bench.session().await;
    run(&mut *other, &[Op::Heartbeat(&heartbeat)]).await.expect("another session of the runner gives it");
    let row = only_row(bench).await;
    assert!(row.lease_left.is_some_and(|left| left > Duration::from_secs(30)), "{:?}", row.lease_left);
    Outcome::Passed
}

pub(super) async fn a_late_heartbeat_changes_nothing(bench: &Bench) -> Outcome {
    let mut session = with_history(bench).await;
    let draft = Draft::new("1");
    let fenced = Fenced { id: &draft.id, fence: 1 };
    let (failure, heartbeat) = (Failure { row: fenced, error: "why" }, Heartbeat { row: fenced, lease: LONG });
    claim(&mut *session, &draft, ClaimMode::New, Some(LONG)).await.expect("nobody has it");
    run(&mut *session, &[Op::Fail(&failure)]).await.expect("it is recorded");
    let before = row_of(&mut *session, &draft).await;
    if let Err(halted) = run(&mut *session, &[Op::Heartbeat(&heartbeat)]).await {
        assert_eq!(halted.error.kind(), BackendErrorKind::LostClaim, "{}", halted.error);
    }
    assert_eq!(format!("{:?}", row_of(&mut *session, &draft).await), format!("{before:?}"));
    let again = claim(&mut *session, &draft, ClaimMode::Takeover { fence: 1 }, Some(LONG)).await;
    again.expect("a row that failed is free, whoever gave a sign of life");
    Outcome::Passed
}

pub(super) async fn its_finish_tells_when_and_how_long(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let draft = Draft::new("1");
    claim(&mut *session, &draft, ClaimMode::New, Some(LONG)).await.expect("nobody has it");
    sleep(bench, Duration::from_millis(150)).await;
    let finish = Finish { row: Fenced { id: &draft.id, fence: 1 } };
    let answers = run(&mut *session, &[Op::Finish(&finish)]).await.expect("it is recorded");
    let OpOutcome::Finished { at, duration_ms } = answers[0] else { panic!("a finish answers with its time") };
    assert!((100..10_000).contains(&duration_ms), "{duration_ms} ms");
    let row = only_row(bench).await;
    assert_eq!((row.state, row.statements_done, row.lease_left), (RowState::Applied, 3, None));
    assert_eq!((row.finished_at, row.duration_ms), (Some(at), Some(duration_ms)));
    let apart = at.microseconds() - row.started_at.expect("it tells when it began").microseconds();
    let duration = i64::try_from(duration_ms).expect("a short time") * 1_000;
    assert!((apart - duration).abs() < 2_000, "it began and ended {apart} µs apart and took {duration} µs");
    assert_eq!(row.prefix_checksum, None, "a finished one has no part");
    Outcome::Passed
}

pub(super) async fn its_failure_ends_the_lease(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let draft = Draft::new("1");
    claim(&mut *session, &draft, ClaimMode::New, Some(LONG)).await.expect("nobody has it");
    let error = "it's \"wrong\" \\ é 漢 $1 \n and more";
    let failure = Failure { row: Fenced { id: &draft.id, fence: 1 }, error };
    run(&mut *session, &[Op::Fail(&failure)]).await.expect("it is recorded");
    let row = only_row(bench).await;
    assert_eq!((row.state, row.lease_left, row.error.as_deref()), (RowState::Failed, None, Some(error)));
    is_refused(&mut *session, &draft, ClaimMode::New, "its row is there").await;
    claim(&mut *session, &draft, ClaimMode::Takeover { fence: 1 }, Some(LONG)).await.expect("it is free at once");
    Outcome::Passed
}

pub(super) async fn its_texts_may_hold_anything(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let strange = "it's \"x\" \\'; drop table t; -- é 漢 🦆 $1 %s {} \u{7}";
    let mut draft = Draft::keyed(MigrationKey::Seed(strange.into()), strange);
    draft.run_by = strange.to_owned();
    draft.id.namespace = strange.into();
    claim(&mut *session, &draft, ClaimMode::New, Some(LONG)).await.expect("nobody has it");
    is_refused(&mut *session, &draft, ClaimMode::New, "it is taken").await;
    let row = only_row(bench).await;
    assert_eq!((&row.id, &*row.name, &*row.run_by), (&draft.id, strange, strange));
    Outcome::Passed
}

pub(super) async fn namespaces_do_not_meet(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = with_history(bench).await;
    let (one, mut two) = (Draft::new("1"), Draft::new("1"));
    two.id.namespace = "library".into();
    claim(&mut *session, &one, ClaimMode::New, Some(LONG)).await.expect("nobody has it");
    claim(&mut *session, &two, ClaimMode::New, Some(LONG)).await.expect("it is another's");
    assert_eq!(bench.rows().await.len(), 2);
    Outcome::Passed
}

async fn attempt(client: &dyn MigrationBackend, draft: &Draft) -> bool {
    let mut session = client.connect().await.expect("a client is let in");
    let new = draft.claim(ClaimMode::New);
    let finish = Finish { row: Fenced { id: &draft.id, fence: 1 } };
    for _ in 0..300 {
        let program = [Op::Begin, Op::Claim(&new), Op::Finish(&finish), Op::Commit];
        let Err(halted) = run(&mut *session, &program).await else { return true };
        if halted.transaction == TransactionState::Open {
            run(&mut *session, &[Op::Rollback]).await.expect("it is rolled back");
        }
        match halted.error.kind() {
            BackendErrorKind::AlreadyClaimed => return false,
            BackendErrorKind::Busy => client.clock().sleep(Duration::from_millis(10)).await,
            other => panic!("{other:?}: {}", halted.error),
        }
    }
    panic!("the database was busy for too long");
}

pub(super) async fn sixteen_at_once_have_one_winner(bench: &Bench) -> Outcome {
    drop(with_history(bench).await);
    let draft = Draft::new("1");
    let clients: Vec<_> = (0..16).map(|_| bench.client()).collect();
    let won = futures_util::future::join_all(clients.iter().map(|client| attempt(&**client, &draft))).await;
    // All may lose at the same moment where each saw another at work; then the next one wins.
    let winners = won.iter().filter(|won| **won).count();
    let later = usize::from(winners == 0 && attempt(&*clients[0], &draft).await);
    assert_eq!(winners + later, 1);
    assert_eq!(only_row(bench).await.fence, 1);
    Outcome::Passed
}
