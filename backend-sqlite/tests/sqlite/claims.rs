//! Claims, fences and leases, and two sessions after the same migration.

use std::time::Duration;

use whimbrel_core::backend::{ClaimMode, Failure, Heartbeat};
use whimbrel_core::{BackendErrorKind, MigrationBackend, Op, OpOutcome, RowState};

use crate::support::{Sample, exec, file, history, migrate, one, run};

const LEASE: Option<Duration> = Some(Duration::from_secs(30));

#[tokio::test]
async fn a_claim_is_taken_once_and_recorded_to_its_end() {
    let (_directory, backend, mut session) = file().await;
    let sample = Sample::new("1");
    let (new, checkpoint, finish) = (sample.claim(ClaimMode::New, LEASE), sample.checkpoint(1, 2), sample.finish(1));
    run(&mut session, &[Op::Claim(&new)]).await.unwrap();
    let mut other = backend.connect().await.unwrap();
    let halted = run(&mut other, &[Op::Claim(&new)]).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::AlreadyClaimed);
    let takeover = sample.claim(ClaimMode::Takeover { fence: 1 }, LEASE);
    let halted = run(&mut other, &[Op::Claim(&takeover)]).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::AlreadyClaimed, "its lease has not ended");
    run(&mut session, &[Op::Checkpoint(&checkpoint)]).await.unwrap();
    let row = history(&mut other).await.unwrap().remove(0);
    assert_eq!((row.state, row.statements_done, row.prefix_checksum.is_some()), (RowState::Running, 2, true));
    let left = row.lease_left.unwrap();
    assert!(left > Duration::from_secs(25) && left <= Duration::from_secs(30), "{left:?}");
    tokio::time::sleep(Duration::from_millis(30)).await;
    let outcome = run(&mut session, &[Op::Finish(&finish)]).await.unwrap();
    let [OpOutcome::Finished { at, duration_ms }] = outcome.as_slice() else { panic!("{outcome:?}") };
    assert!((30..5_000).contains(duration_ms), "{duration_ms}");
    let row = history(&mut other).await.unwrap().remove(0);
    assert_eq!((row.state, row.finished_at, row.duration_ms), (RowState::Applied, Some(*at), Some(*duration_ms)));
    assert_eq!(
        (row.lease_left, &*row.run_by, &*row.origin, row.token_checksum.is_some()),
        (None, "tests", "applied", true)
    );
    let check = other.history(whimbrel_core::HistoryDetail::Check).await.unwrap().unwrap().remove(0);
    assert_eq!(
        (check.state, &*check.name, check.fence, &check.checksum),
        (RowState::Applied, "sample", 1, &row.checksum)
    );
    let halted = run(&mut session, &[Op::Finish(&finish)]).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::LostClaim, "it is not running any more");
}

#[tokio::test]
async fn an_ended_lease_is_taken_over_and_the_first_runner_finds_out() {
    let (_directory, backend, mut session) = file().await;
    let sample = Sample::new("1");
    let new = sample.claim(ClaimMode::New, Some(Duration::from_millis(50)));
    run(&mut session, &[Op::Claim(&new)]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(80)).await;
    let mut other = backend.connect().await.unwrap();
    assert_eq!(history(&mut other).await.unwrap()[0].lease_left, None);
    let wrong = sample.claim(ClaimMode::Takeover { fence: 7 }, LEASE);
    let right = sample.claim(ClaimMode::Takeover { fence: 1 }, LEASE);
    assert_eq!(run(&mut other, &[Op::Claim(&wrong)]).await.unwrap_err().error.kind(), BackendErrorKind::AlreadyClaimed);
    run(&mut other, &[Op::Claim(&right)]).await.unwrap();
    let (checkpoint, finish) = (sample.checkpoint(1, 1), sample.finish(1));
    let failure = Failure { row: sample.fenced(1), error: "boom" };
    let heartbeat = Heartbeat { row: sample.fenced(1), lease: Duration::from_secs(9) };
    let fenced = sample.fenced(1);
    for op in [
        Op::Checkpoint(&checkpoint),
        Op::Finish(&finish),
        Op::Fail(&failure),
        Op::Heartbeat(&heartbeat),
        Op::Remove(&fenced),
    ] {
        let halted = run(&mut session, &[op]).await.unwrap_err();
        assert_eq!(halted.error.kind(), BackendErrorKind::LostClaim, "{op:?}");
    }
    let failure = Failure { row: sample.fenced(2), error: "it's broken" };
    run(&mut other, &[Op::Fail(&failure)]).await.unwrap();
    let row = history(&mut other).await.unwrap().remove(0);
    assert_eq!((row.state, row.error.as_deref(), row.lease_left), (RowState::Failed, Some("it's broken"), None));
    let again = sample.claim(ClaimMode::Takeover { fence: 2 }, LEASE);
    let heartbeat = Heartbeat { row: sample.fenced(3), lease: Duration::from_secs(90) };
    let fenced = sample.fenced(3);
    run(&mut session, &[Op::Claim(&again), Op::Heartbeat(&heartbeat)]).await.unwrap();
    assert!(history(&mut other).await.unwrap()[0].lease_left.unwrap() > Duration::from_secs(60));
    run(&mut session, &[Op::Remove(&fenced)]).await.unwrap();
    assert!(history(&mut other).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_applied_row_is_run_again_only_by_its_fence() {
    let (_directory, _backend, mut session) = file().await;
    migrate(&mut session, "1", &[]).await.unwrap();
    let sample = Sample::new("1");
    let takeover = sample.claim(ClaimMode::Takeover { fence: 1 }, None);
    let rerun = sample.claim(ClaimMode::Rerun { fence: 1 }, None);
    let finish = sample.finish(2);
    assert_eq!(
        run(&mut session, &[Op::Claim(&takeover)]).await.unwrap_err().error.kind(),
        BackendErrorKind::AlreadyClaimed
    );
    run(&mut session, &[Op::Begin, Op::Claim(&rerun), Op::Finish(&finish), Op::Commit]).await.unwrap();
    assert_eq!(
        run(&mut session, &[Op::Claim(&rerun)]).await.unwrap_err().error.kind(),
        BackendErrorKind::AlreadyClaimed
    );
    assert_eq!(history(&mut session).await.unwrap()[0].fence, 2);
}

#[tokio::test]
async fn whole_rows_are_recorded_all_or_none() {
    let (_directory, _backend, mut session) = file().await;
    migrate(&mut session, "1", &[]).await.unwrap();
    let mut row = history(&mut session).await.unwrap().remove(0);
    let sample = Sample::new("2");
    row.id = sample.id;
    row.origin = "adopted:drizzle".into();
    row.error = Some("O'Neil \u{1F980}".into());
    row.started_at = Some(whimbrel_core::Timestamp::from_microseconds(1_795_363_115_854_123));
    let first = history(&mut session).await.unwrap().remove(0);
    let rows = [row.clone(), first];
    let halted = run(&mut session, &[Op::Record(&rows)]).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::AlreadyClaimed);
    assert_eq!(history(&mut session).await.unwrap().len(), 1, "none");
    run(&mut session, &[Op::Record(&rows[..1])]).await.unwrap();
    let read = history(&mut session).await.unwrap().into_iter().find(|read| read.id == row.id).unwrap();
    assert_eq!(format!("{read:?}"), format!("{row:?}"));
    run(&mut session, &[Op::Begin]).await.unwrap();
    assert!(run(&mut session, &[Op::Record(&rows)]).await.is_err());
    exec(&mut session, &["create table same_transaction (a)"]).await;
    run(&mut session, &[Op::Commit]).await.unwrap();
    assert_eq!(one(&mut session, "select count(*) from sqlite_schema where name = 'same_transaction'").await, "1");
}

/// Sixteen sessions on threads of their own want the same ten migrations: each is applied exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_sessions_apply_each_migration_once() {
    let (_directory, backend, mut session) = file().await;
    exec(&mut session, &["create table log (version)"]).await;
    let racers: Vec<_> = (0..16).map(|_| tokio::spawn(race(backend.clone()))).collect();
    let mut won = 0;
    for racer in racers {
        won += racer.await.unwrap();
    }
    assert_eq!(won, 10);
    assert_eq!(
        one(&mut session, "select group_concat(version, ' ') from (select version from log order by version)").await,
        "0 1 2 3 4 5 6 7 8 9"
    );
    assert!(history(&mut session).await.unwrap().iter().all(|row| row.state == RowState::Applied));
}

async fn race(backend: whimbrel_backend_sqlite::SqliteBackend) -> u32 {
    let mut session = backend.connect().await.unwrap();
    let mut won = 0;
    for version in 0..10 {
        let insert = format!("insert into log values ({version})");
        loop {
            match migrate(&mut session, &version.to_string(), &[&insert]).await {
                Ok(_) => won += 1,
                Err(halted) if halted.error.kind() == BackendErrorKind::Busy => continue,
                Err(halted) => assert_eq!(halted.error.kind(), BackendErrorKind::AlreadyClaimed, "{}", halted.error),
            }
            break;
        }
    }
    won
}
