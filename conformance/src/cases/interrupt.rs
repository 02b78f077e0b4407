//! Interrupting an operation from another task.

use std::time::Duration;

use futures_util::future::{Either, join, select};
use whimbrel_core::{BackendErrorKind, Op, TransactionState};

use super::Outcome;
use crate::bench::{Bench, run};

/// Runs the program, interrupts it after a moment, and gives the failure.
async fn interrupted(bench: &Bench, program: &[Op<'_>]) -> TransactionState {
    let client = bench.client();
    let mut session = client.connect().await.expect("a client is let in");
    let interrupt = session.interrupt();
    let before = client.clock().now();
    let stop = async {
        client.clock().sleep(Duration::from_millis(300)).await;
        interrupt.interrupt().await;
    };
    let (ended, ()) = join(run(&mut *session, program), stop).await;
    let halted = ended.expect_err("it was interrupted");
    assert_eq!(halted.error.kind(), BackendErrorKind::Interrupted, "{}", halted.error);
    let took = client.clock().now().saturating_sub(before);
    assert!(took < Duration::from_secs(10), "it took {took:?} to stop");
    if halted.transaction == TransactionState::Open {
        run(&mut *session, &[Op::Rollback]).await.expect("it is rolled back");
    }
    run(&mut *session, &[Op::Begin, Op::Query("select 1"), Op::Commit]).await.expect("the session can be used again");
    halted.transaction
}

pub(super) async fn stops_a_statement_in_a_transaction(bench: &Bench) -> Outcome {
    bench.execute("create table t (id integer primary key)").await;
    let slow = Op::Statement(bench.snippets().slow);
    interrupted(bench, &[Op::Begin, Op::Statement("insert into t values (1)"), slow, Op::Commit]).await;
    assert_eq!(bench.value("select count(*) from t").await, "0");
    Outcome::Passed
}

pub(super) async fn stops_a_lone_statement(bench: &Bench) -> Outcome {
    let state = interrupted(bench, &[Op::Statement(bench.snippets().slow)]).await;
    assert_eq!(state, TransactionState::None);
    Outcome::Passed
}

pub(super) async fn has_no_effect_when_nothing_is_under_way(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    let interrupt = session.interrupt();
    interrupt.interrupt().await;
    bench.client().clock().sleep(Duration::from_millis(50)).await;
    run(&mut *session, &[Op::Begin, Op::Statement("create table t (id integer)"), Op::Commit]).await.expect("it runs");
    session.close().await.expect("a session closes");
    interrupt.interrupt().await;
    assert!(bench.has_table("t").await);
    Outcome::Passed
}

pub(super) async fn stops_nothing_that_begins_later(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    for _ in 0..8 {
        let interrupt = session.interrupt();
        let (ended, ()) = join(run(&mut *session, &[Op::Query("select 1")]), interrupt.interrupt()).await;
        if let Err(halted) = ended {
            assert_eq!(halted.error.kind(), BackendErrorKind::Interrupted, "{}", halted.error);
        }
        for _ in 0..5 {
            let later = run(&mut *session, &[Op::Begin, Op::Query("select 1"), Op::Commit]).await;
            later.expect("a request that is complete stops nothing that begins later");
        }
    }
    Outcome::Passed
}

pub(super) async fn completes_where_nothing_answers(bench: &Bench) -> Outcome {
    let Some((line, client)) = bench.line().await else {
        return Outcome::Skipped("there is no network that could be silent");
    };
    let mut session = client.connect().await.expect("a client is let in");
    let interrupt = session.interrupt();
    let slow = [Op::Statement(bench.snippets().slow)];
    let (pause, patience) = (Duration::from_millis(300), Duration::from_secs(10));
    let running = std::pin::pin!(run(&mut *session, &slow));
    let asking = std::pin::pin!(async {
        client.clock().sleep(pause).await;
        line.fall_silent();
        matches!(select(interrupt.interrupt(), client.clock().sleep(patience)).await, Either::Left(_))
    });
    // The statement ends by itself or not at all: nobody waits for it.
    match select(running, asking).await {
        Either::Left((ended, _)) => panic!("nothing answers, and the statement ended with {ended:?}"),
        Either::Right((completed, _)) => assert!(completed, "a request to stop hung for {patience:?}"),
    }
    Outcome::Passed
}
