//! What happens when others hold the file, when a program is stopped, and when its future is dropped.

use std::time::{Duration, Instant};

use whimbrel_backend_sqlite::{SqliteBackend, libsql};
use whimbrel_core::{BackendErrorKind, MigrationBackend, Op, TransactionState};

use crate::support::{Record, exec, file, history, migrate, one, run};

const ENDLESS: &str = "insert into t with recursive r (i) as (select 1 union all select i + 1 from r) select i from r";
const SLOW: &str =
    "insert into t with recursive r (i) as (select 1 union all select i + 1 from r where i < 400000) select i from r";

#[tokio::test]
async fn a_locked_file_is_busy_soon_and_free_again() {
    let (_directory, backend, mut session) = file().await;
    let mut other = backend.connect().await.unwrap();
    run(&mut other, &[Op::Begin]).await.unwrap();
    let since = Instant::now();
    let halted = migrate(&mut session, "1", &[]).await.unwrap_err();
    assert_eq!((halted.at, halted.error.kind()), (0, BackendErrorKind::Busy), "{}", halted.error);
    assert!(since.elapsed() < Duration::from_millis(1_500), "{:?}", since.elapsed());
    drop(other);
    migrate(&mut session, "1", &[]).await.unwrap();
}

#[tokio::test]
async fn a_wal_reader_is_never_held_up_and_the_mode_is_kept() {
    let (_directory, backend, mut session) = file().await;
    exec(&mut session, &["pragma journal_mode = wal", "create table t (a)"]).await;
    let mut reader = backend.connect().await.unwrap();
    run(&mut session, &[Op::Begin, Op::Statement("insert into t values (1)")]).await.unwrap();
    assert_eq!(one(&mut reader, "select count(*) from t").await, "0");
    assert_eq!(history(&mut reader).await.unwrap().len(), 0);
    run(&mut session, &[Op::Commit]).await.unwrap();
    assert_eq!(one(&mut reader, "select count(*) from t").await, "1");
    assert_eq!(one(&mut reader, "pragma journal_mode").await, "wal");
}

/// Without WAL a reader holds the commit up; it must wait for longer than a statement does.
#[tokio::test]
async fn a_commit_waits_for_readers() {
    let (directory, _backend, mut session) = file().await;
    let other = libsql::Builder::new_local(directory.path().join("app.db")).build().await.unwrap().connect().unwrap();
    other.execute("begin", ()).await.unwrap();
    other.query("select count(*) from sqlite_schema", ()).await.unwrap().next().await.unwrap();
    let (migrated, ()) = tokio::join!(migrate(&mut session, "1", &["create table t (a)"]), async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        other.execute("commit", ()).await.unwrap();
    });
    migrated.unwrap();
}

#[tokio::test]
async fn an_interrupt_stops_a_statement_and_nothing_of_it_stays() {
    let (_directory, _backend, mut session) = file().await;
    exec(&mut session, &["create table t (a)"]).await;
    let interrupt = session.interrupt();
    interrupt.interrupt().await;
    exec(&mut session, &["insert into t values (0)"]).await;
    let since = Instant::now();
    let stop = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(150)).await;
        interrupt.interrupt().await;
    });
    let halted = migrate(&mut session, "1", &[ENDLESS]).await.unwrap_err();
    stop.await.unwrap();
    assert_eq!((halted.at, halted.error.kind()), (3, BackendErrorKind::Interrupted), "{}", halted.error);
    assert_eq!(halted.transaction, TransactionState::None, "sqlite has rolled all of it back");
    assert!(since.elapsed() < Duration::from_secs(5));
    assert_eq!(one(&mut session, "select count(*) from t").await, "1");
    migrate(&mut session, "1", &["insert into t values (1)"]).await.unwrap();
}

/// Many short statements: an interrupt that comes between two of them is not lost.
#[tokio::test]
async fn an_interrupt_stops_a_long_program() {
    let (_directory, _backend, mut session) = file().await;
    exec(&mut session, &["create table t (a)"]).await;
    let interrupt = session.interrupt();
    let stop = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        interrupt.interrupt().await;
    });
    let statements = vec!["insert into t values (1)"; 300_000];
    let halted = migrate(&mut session, "1", &statements).await.unwrap_err();
    stop.await.unwrap();
    assert_eq!(halted.error.kind(), BackendErrorKind::Interrupted, "{}", halted.error);
    assert_eq!(one(&mut session, "select count(*) from t").await, "0");
}

#[tokio::test]
async fn the_runtime_goes_on_while_a_statement_runs() {
    let (_directory, _backend, mut session) = file().await;
    exec(&mut session, &["create table t (a)"]).await;
    let ticks = tokio::spawn(async {
        let mut longest = Duration::ZERO;
        for _ in 0..10 {
            let since = Instant::now();
            tokio::time::sleep(Duration::from_millis(5)).await;
            longest = longest.max(since.elapsed());
        }
        longest
    });
    let since = Instant::now();
    exec(&mut session, &[SLOW]).await;
    let statement = since.elapsed();
    let longest = ticks.await.unwrap();
    assert!(longest < statement.max(Duration::from_millis(100)), "{longest:?} in {statement:?}");
}

#[tokio::test]
async fn progress_is_told_while_the_program_runs() {
    struct Cancel(tokio::sync::mpsc::UnboundedSender<usize>);
    impl whimbrel_core::Observer for Cancel {
        fn done(&mut self, index: usize, _: whimbrel_core::OpOutcome) {
            let _ = self.0.send(index);
        }
        fn notice(&mut self, _: whimbrel_core::Notice) {}
    }
    let (_directory, _backend, mut session) = file().await;
    exec(&mut session, &["create table t (a)"]).await;
    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let interrupt = session.interrupt();
    let listener = tokio::spawn(async move {
        // Only an event of the first statement can end the second.
        assert_eq!(heard.recv().await, Some(0));
        interrupt.interrupt().await;
    });
    let halted = session
        .run(&[Op::Statement("insert into t values (1)"), Op::Statement(ENDLESS)], &mut Cancel(sender))
        .await
        .unwrap_err();
    listener.await.unwrap();
    assert_eq!((halted.at, halted.error.kind()), (1, BackendErrorKind::Interrupted));
}

#[tokio::test]
async fn a_dropped_program_leaves_no_transaction() {
    let (_directory, backend, mut session) = file().await;
    exec(&mut session, &["create table t (a)"]).await;
    let program = [Op::Begin, Op::Statement(SLOW)];
    let mut record = Record::default();
    let cut = tokio::time::timeout(Duration::from_millis(10), session.run(&program, &mut record)).await;
    assert!(cut.is_err(), "the program was too quick to be dropped");
    let error = session.history(whimbrel_core::HistoryDetail::Check).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::ConnectionLost);
    drop(session);
    let mut other = backend.busy_timeout(Duration::from_secs(20)).connect().await.unwrap();
    run(&mut other, &[Op::Begin, Op::Rollback]).await.unwrap();
    assert_eq!(one(&mut other, "select count(*) from t").await, "0");
}

#[tokio::test]
async fn a_dropped_program_leaves_a_callers_connection_out_of_a_transaction() {
    let connection = libsql::Builder::new_local(":memory:").build().await.unwrap().connect().unwrap();
    let backend = SqliteBackend::from_connection(connection.clone());
    let mut session = backend.connect().await.unwrap();
    exec(&mut session, &["create table t (a)"]).await;
    let program = [Op::Begin, Op::Statement(SLOW)];
    let mut record = Record::default();
    let cut = tokio::time::timeout(Duration::from_millis(10), session.run(&program, &mut record)).await;
    assert!(cut.is_err(), "the program was too quick to be dropped");
    drop(session);
    let mut next = backend.connect().await;
    for _ in 0..200 {
        if next.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        next = backend.connect().await;
    }
    assert_eq!(one(&mut next.unwrap(), "select count(*) from t").await, "0");
    assert!(connection.is_autocommit());
}
