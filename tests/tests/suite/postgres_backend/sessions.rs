//! Sessions: the lock, settings, notices, interrupts, figures.

use whimbrel_core::backend::{Measure, Measurement};
use whimbrel_core::{LockOutcome, Setting};

use super::*;

#[tokio::test]
async fn the_lock_is_the_sessions_and_tells_its_holder() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let pid = failures::pid_of(&mut bench).await;
    let mut other = bench.backend.connect().await.unwrap();
    assert_eq!(bench.session.try_lock().await.unwrap(), LockOutcome::Acquired);
    assert_eq!(bench.session.try_lock().await.unwrap(), LockOutcome::Acquired);
    match other.try_lock().await.unwrap() {
        LockOutcome::Held { holder: Some(holder) } => {
            assert!(
                holder.starts_with(&format!("pid {pid}, whimbrel")) && holder.contains("connected for"),
                "{holder}"
            );
        }
        other => unreachable!("{other:?}"),
    }
    // Another history has another lock, and a claim is not stopped by a run's.
    let mut elsewhere = bench.backend.clone().history_table("other").connect().await.unwrap();
    assert_eq!(elsewhere.try_lock().await.unwrap(), LockOutcome::Acquired);
    other.run(&[Op::Probe], &mut Heard::default()).await.unwrap();
    bench.session.close().await.unwrap();
    let mut waited = 0;
    while other.try_lock().await.unwrap() != LockOutcome::Acquired {
        waited += 1;
        assert!(waited < 100, "the lock outlives its session");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn settings_end_with_their_transaction_and_go_back() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let role = bench.database.server().role("").await;
    let become_role = Setting::Role(Some(role.name.clone()));
    let (lock, statement) =
        (Setting::LockTimeout(Duration::from_millis(1500)), Setting::StatementTimeout(Duration::from_secs(90)));
    let values =
        Op::Query("select current_setting('lock_timeout'), current_setting('statement_timeout'), current_user::text");
    let inside = [Op::Begin, Op::Set(&lock), Op::Set(&statement), Op::Set(&become_role), values, Op::Commit, values];
    let heard = bench.run(&inside).await.unwrap();
    let zero = Duration::ZERO;
    assert_eq!(heard.done[1].1, OpOutcome::Previous(Setting::LockTimeout(zero)));
    assert_eq!(heard.done[2].1, OpOutcome::Previous(Setting::StatementTimeout(zero)));
    assert_eq!(heard.done[3].1, OpOutcome::Previous(Setting::Role(None)));
    assert_eq!(cells(&heard.done[4].1), ["1500ms", "90s", role.name.as_str()]);
    assert_eq!(cells(&heard.done[6].1)[..2], ["0", "0"]);

    let back = Setting::LockTimeout(Duration::from_secs(5));
    let heard = bench.run(&[Op::Set(&lock), Op::Set(&become_role), Op::Set(&back), values]).await.unwrap();
    assert_eq!(heard.done[2].1, OpOutcome::Previous(lock.clone()));
    assert_eq!(cells(&heard.done[3].1), ["5s", "0", role.name.as_str()]);
    let heard = bench.run(&[Op::Set(&Setting::Role(None))]).await.unwrap();
    assert_eq!(heard.done[0].1, OpOutcome::Previous(become_role.clone()));

    let nobody = Setting::Role(Some("no\"b'ody".to_owned()));
    let halted = bench.halts(&[Op::Begin, Op::Set(&nobody), Op::Commit]).await;
    assert_eq!((halted.at, halted.error.kind()), (1, BackendErrorKind::SettingRefused));
    bench.run(&[Op::Rollback]).await.unwrap();
    let keys = Setting::ForeignKeys(false);
    assert_eq!(bench.halts(&[Op::Set(&keys)]).await.error.kind(), BackendErrorKind::Unsupported);

    // Everything that a migration left behind goes, but not the lock.
    assert_eq!(bench.session.try_lock().await.unwrap(), LockOutcome::Acquired);
    let leave = [
        "create temp table left_over (a int)",
        "set work_mem = '1MB'",
        "set role pg_monitor",
        "listen x",
        "prepare p as select 1",
    ];
    for text in leave {
        bench.run(&[Op::Statement(text)]).await.unwrap();
    }
    bench.run(&[Op::Set(&Setting::Reset)]).await.unwrap();
    let left = "select to_regclass('left_over')::text, current_setting('role'), current_setting('lock_timeout'), \
        (select count(*) from pg_prepared_statements)::text, (select count(*) from pg_listening_channels())::text, \
        current_setting('application_name'), (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())::text";
    let heard = bench.run(&[Op::Query(left)]).await.unwrap();
    assert_eq!(cells(&heard.done[0].1), ["", "none", "0", "0", "0", "whimbrel", "1"]);
}

fn cells(outcome: &OpOutcome) -> Vec<String> {
    match outcome {
        OpOutcome::Rows { rows, .. } => rows[0].iter().map(|cell| cell.clone().unwrap_or_default()).collect(),
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn a_role_without_the_right_to_it_is_refused() {
    needs_postgres!();
    let bench = Bench::new().await;
    let server = bench.database.server();
    let (low, high) = (server.role("").await, server.role("").await);
    let mut session = PostgresBackend::from_url(&bench.database.url_as(&low)).unwrap().connect().await.unwrap();
    let setting = Setting::Role(Some(high.name.clone()));
    let halted = session.run(&[Op::Begin, Op::Set(&setting)], &mut Heard::default()).await.unwrap_err();
    assert_eq!((halted.error.kind(), halted.error.code()), (BackendErrorKind::Permission, Some("42501")));
    assert!(halted.error.hint().is_some());
}

#[tokio::test]
async fn notices_are_passed_on() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let statements = [
        "do $$ begin raise notice 'hello %', 1 using hint = 'wave'; end $$",
        "create table if not exists whimbrel_history (a int)",
    ];
    let heard = bench.run(&transaction(version("1"), &statements)).await.unwrap();
    let told: Vec<_> = heard
        .notices
        .iter()
        .map(|notice| (notice.severity.as_str(), notice.message.as_str(), notice.detail.as_deref()))
        .collect();
    assert_eq!(told[0], ("NOTICE", "hello 1", Some("wave")));
    assert_eq!(
        (told[1].1, heard.notices[1].code.as_deref()),
        ("relation \"whimbrel_history\" already exists, skipping", Some("42P07"))
    );
    assert_eq!(told.len(), 2);
    // To roll back where there is nothing is no warning.
    assert!(bench.run(&[Op::Rollback]).await.unwrap().notices.is_empty());
}

#[tokio::test]
async fn an_interrupt_stops_the_statement_and_nothing_else() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let interrupt = bench.session.interrupt();
    let asked = interrupt.interrupt();
    let task = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        asked.await;
    });
    let started = std::time::Instant::now();
    let halted = bench.halts(&transaction(version("1"), &["select pg_sleep(20)"])).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(
        (halted.at, halted.error.kind(), halted.error.code()),
        (FIRST, BackendErrorKind::Interrupted, Some("57014"))
    );
    assert_eq!(halted.transaction, TransactionState::Open);
    task.await.unwrap();
    bench.run(&[Op::Rollback]).await.unwrap();
    interrupt.interrupt().await;
    bench.run(&transaction(version("1"), &["select 1"])).await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_dropped_at_work_stops_working() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let pid = failures::pid_of(&mut bench).await;
    let Bench { mut session, client, database: _database, .. } = bench;
    let program = transaction(version("1"), &["select pg_sleep(30)"]);
    let _ = tokio::time::timeout(Duration::from_millis(300), session.run(&program, &mut Heard::default())).await;
    drop(session);
    let alive = format!("select 1 from pg_stat_activity where pid = {pid}");
    let mut waited = 0;
    while first(&client, &alive).await.is_some() {
        waited += 1;
        assert!(waited < 100, "the server still works for nobody");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(first(&client, "select count(*) from whimbrel_history").await.as_deref(), Some("0"));
}

#[tokio::test]
async fn rows_are_counted_and_read() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let setup = "create table t (a int); insert into t select generate_series(1, 7); create schema \"S.x\"; \
        create table \"S.x\".\"T\" (a int); create table \"a.b\" (a int); insert into \"a.b\" values (1)";
    bench.client.batch_execute(setup).await.unwrap();
    let names = ["t", "missing", "public.t", "a.b", "T", "it's \\"].map(str::to_owned).to_vec();
    let measure = Measure::RowCounts(names);
    let program = [Op::Begin, Op::Statement("delete from t where a > 5"), Op::Measure(&measure), Op::Commit];
    let heard = bench.run(&program).await.unwrap();
    let counts = vec![Some(5), None, Some(5), Some(1), None, None];
    assert_eq!(heard.done[2], (2, OpOutcome::Measured(Measurement::RowCounts(counts))));
    assert_eq!(heard.done.len(), 4);
    let foreign = Measure::ForeignKeyViolations;
    assert_eq!(bench.halts(&[Op::Measure(&foreign)]).await.error.kind(), BackendErrorKind::Unsupported);

    let heard = bench
        .run(&[Op::Query("select 1 as one, null as none, 'ü' as two union all select 2, null, ''")])
        .await
        .unwrap();
    let columns = ["one", "none", "two"].map(str::to_owned).to_vec();
    let rows = vec![
        vec![Some("1".to_owned()), None, Some("ü".to_owned())],
        vec![Some("2".to_owned()), None, Some(String::new())],
    ];
    assert_eq!(heard.done[0].1, OpOutcome::Rows { columns, rows });
    assert!(bench.session.server().starts_with("PostgreSQL 1"));
}
