//! The run's lock: it never waits, and dies with its session.

use std::time::Duration;

use whimbrel_core::backend::{ClaimMode, Fenced, Finish};
use whimbrel_core::{HistoryDetail, LockOutcome, Op, RunLock, Session, Setting, TransactionState};

use super::history::create;
use super::{Outcome, need};
use crate::bench::{Bench, Draft, run};

async fn is_acquired(session: &mut dyn Session) -> bool {
    session.try_lock().await.expect("the lock can be tried") == LockOutcome::Acquired
}

/// A session's end may take a moment to reach the database.
async fn comes_free(bench: &Bench) {
    let client = bench.client();
    let mut session = client.connect().await.expect("a client is let in");
    for _ in 0..250 {
        if is_acquired(&mut *session).await {
            return;
        }
        client.clock().sleep(Duration::from_millis(20)).await;
    }
    panic!("the lock outlived its session by 5 s");
}

pub(super) async fn is_had_by_one_session(bench: &Bench) -> Outcome {
    need!(bench.capabilities().run_lock == RunLock::Session, "the backend has no lock");
    let (mut one, mut two) = (bench.session().await, bench.session().await);
    assert!(is_acquired(&mut *one).await);
    assert!(is_acquired(&mut *one).await, "its holder has it still");
    let before = bench.client().clock().now();
    let LockOutcome::Held { holder } = two.try_lock().await.expect("the lock can be tried") else {
        panic!("two sessions have the lock");
    };
    let waited = bench.client().clock().now().saturating_sub(before);
    assert!(waited < Duration::from_secs(2), "it waited inside the server for {waited:?}");
    assert!(holder.is_none_or(|holder| !holder.trim().is_empty()), "a holder that is told is told by name");
    Outcome::Passed
}

pub(super) async fn outlives_programs(bench: &Bench) -> Outcome {
    need!(bench.capabilities().run_lock == RunLock::Session, "the backend has no lock");
    let (mut one, mut two) = (bench.session().await, bench.session().await);
    assert!(is_acquired(&mut *one).await);
    run(&mut *one, &[Op::Begin, Op::Statement("create table t (id integer)"), Op::Commit]).await.expect("it runs");
    run(&mut *one, &[Op::Begin, Op::Statement("insert into t values (1)"), Op::Rollback]).await.expect("it runs");
    let wrong = Op::Statement("insert into no_such_table values (1)");
    let halted = run(&mut *one, &[Op::Begin, wrong, Op::Commit]).await.expect_err("it fails");
    if halted.transaction == TransactionState::Open {
        run(&mut *one, &[Op::Rollback]).await.expect("it is rolled back");
    }
    run(&mut *one, &[Op::Set(&Setting::Reset)]).await.expect("settings go back");
    one.history(HistoryDetail::Check).await.expect("the history can be read");
    assert!(!is_acquired(&mut *two).await, "its holder lives");
    assert!(is_acquired(&mut *one).await, "and has it still");
    Outcome::Passed
}

pub(super) async fn does_not_stop_claims(bench: &Bench) -> Outcome {
    need!(bench.capabilities().run_lock == RunLock::Session, "the backend has no lock");
    let (mut holder, mut other) = (bench.session().await, bench.session().await);
    create(&mut *other).await;
    assert!(is_acquired(&mut *holder).await);
    let draft = Draft::new("1");
    let claim = draft.claim(ClaimMode::New);
    let finish = Finish { row: Fenced { id: &draft.id, fence: 1 } };
    run(&mut *other, &[Op::Begin, Op::Probe, Op::Rollback]).await.expect("no claim is open");
    run(&mut *other, &[Op::Begin, Op::Claim(&claim), Op::Finish(&finish), Op::Commit]).await.expect("nobody has it");
    assert_eq!(bench.rows().await.len(), 1);
    Outcome::Passed
}

pub(super) async fn ends_with_a_closed_session(bench: &Bench) -> Outcome {
    need!(bench.capabilities().run_lock == RunLock::Session, "the backend has no lock");
    let mut one = bench.session().await;
    assert!(is_acquired(&mut *one).await);
    one.close().await.expect("a session closes");
    comes_free(bench).await;
    Outcome::Passed
}

pub(super) async fn ends_with_a_dropped_session(bench: &Bench) -> Outcome {
    need!(bench.capabilities().run_lock == RunLock::Session, "the backend has no lock");
    let mut one = bench.session().await;
    assert!(is_acquired(&mut *one).await);
    drop(one);
    comes_free(bench).await;
    Outcome::Passed
}
