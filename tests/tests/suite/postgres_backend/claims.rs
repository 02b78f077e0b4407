//! Claims: exactly one wins, nobody waits in the server, and a fence keeps the old runner out.

use std::time::Instant;

use whimbrel_core::backend::{Checkpoint, Failure, Heartbeat};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_runners_one_wins() {
    needs_postgres!();
    let bench = Bench::new().await;
    let id = version("1");
    let mut runs = Vec::new();
    for _ in 0..16 {
        let backend = bench.backend.clone();
        runs.push(tokio::spawn(async move {
            let mut session = backend.connect().await.unwrap();
            let program = transaction(id, &["create table t (a int)", "select pg_sleep(0.3)"]);
            match session.run(&program, &mut Heard::default()).await {
                Ok(()) => true,
                Err(halted) => {
                    assert_eq!(halted.error.kind(), BackendErrorKind::AlreadyClaimed, "{:?}", halted.error);
                    assert!(matches!(program[halted.at], Op::Claim(_)));
                    false
                }
            }
        }));
    }
    let mut winners = 0;
    for run in runs {
        winners += u32::from(run.await.unwrap());
    }
    assert_eq!(winners, 1);
    assert_eq!(bench.state(id).await.as_deref(), Some("applied"));
}

#[tokio::test]
async fn a_claim_at_work_is_seen_at_once() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let mut other = bench.backend.connect().await.unwrap();
    bench.run(&[Op::Begin, claim(version("1")), Op::Seal]).await.unwrap();
    let started = Instant::now();
    for op in [claim(version("1")), claim(version("2")), Op::Probe] {
        let halted = other.run(&[op], &mut Heard::default()).await.unwrap_err();
        assert_eq!(
            (halted.error.kind(), halted.transaction),
            (BackendErrorKind::AlreadyClaimed, TransactionState::None)
        );
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    bench.run(&[Op::Unseal, finish(version("1")), Op::Commit]).await.unwrap();
    other.run(&[Op::Probe], &mut Heard::default()).await.unwrap();
    let halted = other.run(&[claim(version("1"))], &mut Heard::default()).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::AlreadyClaimed);
}

#[tokio::test]
async fn finishing_tells_the_databases_time() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let heard = bench.run(&transaction(version("1"), &["select pg_sleep(0.2)"])).await.unwrap();
    let (at, duration_ms) = match heard.done[FIRST + 2].1 {
        OpOutcome::Finished { at, duration_ms } => (at, duration_ms),
        ref other => unreachable!("{other:?}"),
    };
    assert!((200..5000).contains(&duration_ms), "{duration_ms}");
    let stored =
        bench.one("select (extract(epoch from finished_at) * 1000000)::int8 from whimbrel_history").await.unwrap();
    assert_eq!(at.microseconds().to_string(), stored);
}

#[tokio::test]
async fn a_takeover_needs_an_ended_lease_and_the_fence_that_was_read() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let id = version("1");
    let second = Duration::from_secs(1);
    let take = |fence| Op::Claim(claim_of(id, ClaimMode::Takeover { fence }, Some(second * 3600)));
    bench.run(&[Op::Claim(claim_of(id, ClaimMode::New, Some(second * 3600)))]).await.unwrap();
    assert_eq!(bench.halts(&[take(1)]).await.error.kind(), BackendErrorKind::AlreadyClaimed);

    let checksum = Checksum::of_text("prefix");
    let checkpoint = |fence| Checkpoint {
        row: fenced(id, fence),
        statements_done: 2,
        prefix_checksum: &checksum,
        lease: second * 60,
    };
    bench.run(&[Op::Checkpoint(&checkpoint(1))]).await.unwrap();
    assert_eq!(bench.one("select statements_done from whimbrel_history").await.as_deref(), Some("2"));
    let failure = |fence| Failure { row: fenced(id, fence), error: "it's \\ broken" };
    bench.run(&[Op::Fail(&failure(1))]).await.unwrap();
    assert_eq!(bench.one("select error from whimbrel_history").await.as_deref(), Some("it's \\ broken"));

    assert_eq!(bench.halts(&[take(7)]).await.error.kind(), BackendErrorKind::AlreadyClaimed);
    bench.run(&[take(1)]).await.unwrap();
    let heartbeat = |fence| Heartbeat { row: fenced(id, fence), lease: second };
    let old = Finish { row: fenced(id, 1) };
    let old_row = fenced(id, 1);
    for op in [
        Op::Checkpoint(&checkpoint(1)),
        Op::Fail(&failure(1)),
        Op::Finish(&old),
        Op::Heartbeat(&heartbeat(1)),
        Op::Remove(&old_row),
    ] {
        assert_eq!(bench.halts(&[op]).await.error.kind(), BackendErrorKind::LostClaim);
    }
    bench.run(&[Op::Heartbeat(&heartbeat(2))]).await.unwrap();
    let left = bench.one("select lease_until - clock_timestamp() <= interval '1 second' from whimbrel_history").await;
    assert_eq!(left.as_deref(), Some("t"));
    let new = Finish { row: fenced(id, 2) };
    bench.run(&[Op::Finish(&new)]).await.unwrap();
    // A late sign of life leaves a finished row alone.
    bench.run(&[Op::Heartbeat(&heartbeat(2))]).await.unwrap();
    assert_eq!(bench.one("select lease_until from whimbrel_history").await, None);
    let rerun = Op::Claim(claim_of(id, ClaimMode::Rerun { fence: 2 }, None));
    bench.run(&[rerun]).await.unwrap();
    assert_eq!(bench.halts(&[rerun]).await.error.kind(), BackendErrorKind::AlreadyClaimed);
    // A claim without a lease that its transaction left behind can be taken over.
    bench.run(&[take(3)]).await.unwrap();
    let row = fenced(id, 4);
    bench.run(&[Op::Remove(&row)]).await.unwrap();
    assert_eq!(bench.state(id).await, None);
}

#[tokio::test]
async fn an_old_fence_stops_a_transaction_before_its_end() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let id = version("1");
    let wrong = kept(Finish { row: fenced(id, 9) });
    let program = [
        Op::Begin,
        claim(id),
        Op::Seal,
        Op::Statement("create table t (a int)"),
        Op::Unseal,
        Op::Finish(wrong),
        Op::Commit,
    ];
    let halted = bench.halts(&program).await;
    assert_eq!((halted.at, halted.error.kind()), (5, BackendErrorKind::LostClaim));
    assert_eq!(halted.transaction, TransactionState::Open);
    bench.run(&[Op::Rollback]).await.unwrap();
    assert_eq!(bench.one("select to_regclass('t')").await, None);
}
