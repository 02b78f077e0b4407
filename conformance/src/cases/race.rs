//! Several runners at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{join, join_all};
use whimbrel_core::{
    BoxError, CodeSource, Event, Hooks, MigrateError, Migrator, OpOutcome, Pending, RunLock, Sql, async_trait,
};

use super::migrate::{marks, three};
use super::{Outcome, need};
use crate::bench::{Bench, run};

/// A folder that only adds up right when each migration runs once, in order.
fn balance() -> CodeSource {
    let first =
        CodeSource::new().sql("0", "balance", "create table balance (n integer);\ninsert into balance values (0)");
    (1..=20).fold(first, |source, n| source.sql(&n.to_string(), "add", format!("update balance set n = n * 2 + {n}")))
}

const SUM: i64 = {
    let (mut sum, mut n) = (0, 1);
    while n <= 20 {
        sum = sum * 2 + n;
        n += 1;
    }
    sum
};

async fn all_win(bench: &Bench, source: fn() -> CodeSource, runners: usize) {
    let migrators: Vec<Migrator> = (0..runners).map(|_| bench.migrator(source())).collect();
    let reports = join_all(migrators.iter().map(Migrator::migrate)).await;
    let applied = reports.into_iter().map(|report| report.expect("every runner ends well").applied.len());
    assert_eq!(applied.sum::<usize>(), bench.rows().await.len(), "each is reported by the one that applied it");
    assert!(bench.rows().await.iter().all(|row| row.fence == 1));
}

pub(super) async fn sixteen_runners_apply_each_migration_once(bench: &Bench) -> Outcome {
    all_win(bench, balance, 16).await;
    assert_eq!(bench.value("select n from balance").await, SUM.to_string());
    Outcome::Passed
}

pub(super) async fn runners_take_turns_without_a_transaction(bench: &Bench) -> Outcome {
    let source = || super::stepwise::steps(None);
    all_win(bench, source, 4).await;
    assert_eq!(marks(bench).await, "1 2 3 4");
    Outcome::Passed
}

pub(super) async fn a_waiter_is_told_who_holds_the_lock(bench: &Bench) -> Outcome {
    need!(bench.capabilities().run_lock == RunLock::Session, "the backend has no lock");
    let mut holder = bench.session().await;
    holder.try_lock().await.expect("the lock is free");
    let told = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&told);
    let migrator = bench.migrator(three()).lock_wait(Duration::from_millis(400)).on_event(move |event| {
        if let Event::WaitingForLock { holder, .. } = event {
            hear.lock().expect("nobody panicked").push(holder.map(str::to_owned));
        }
    });
    let error = migrator.migrate().await.expect_err("the lock is held");
    let MigrateError::LockWait { waited, .. } = &error else { panic!("{error}") };
    assert!(*waited >= Duration::from_millis(400) && *waited < Duration::from_secs(10), "{waited:?}");
    assert!(!told.lock().expect("nobody panicked").is_empty());
    assert!(bench.tables().await.is_empty());
    holder.close().await.expect("a session closes");
    bench.migrator(three()).migrate().await.expect("the lock is free");
    Outcome::Passed
}

/// Applies everything itself when the first run is about to begin.
struct Overtaking(Mutex<Option<Migrator>>);

#[async_trait]
impl Hooks for Overtaking {
    async fn before_migration(&self, _: &Pending, _: &mut dyn Sql) -> Result<(), BoxError> {
        let other = self.0.lock().expect("nobody panicked").take();
        if let Some(other) = other {
            other.migrate().await?;
        }
        Ok(())
    }
}

pub(super) async fn a_runner_that_was_overtaken_plans_again(bench: &Bench) -> Outcome {
    need!(bench.capabilities().run_lock == RunLock::None, "the lock keeps the other out");
    need!(bench.capabilities().second_session, "there is but one connection");
    let other = bench.migrator(three());
    let report =
        bench.migrator(three()).hooks(Overtaking(Mutex::new(Some(other)))).migrate().await.expect("it ends well");
    assert_eq!(report.applied.len(), 0, "the other did it all");
    assert_eq!(marks(bench).await, "1 2 3");
    Outcome::Passed
}

pub(super) async fn a_writer_of_the_application_is_waited_for(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection");
    bench.migrator(CodeSource::new().sql("1", "t", "create table t (id integer)")).migrate().await.expect("well");
    let client = bench.client();
    let mut writer = client.connect().await.expect("a client is let in");
    use whimbrel_core::Op;
    run(&mut *writer, &[Op::Begin, Op::Statement("insert into t values (1)")]).await.expect("it writes");
    let end = async {
        client.clock().sleep(Duration::from_millis(800)).await;
        let answers = run(&mut *writer, &[Op::Commit]).await.expect("it commits");
        assert_eq!(answers, [OpOutcome::Done]);
    };
    let more = CodeSource::new().sql("1", "t", "create table t (id integer)").sql("2", "u", "insert into t values (2)");
    let migrator = bench.migrator(more);
    let (report, ()) = join(migrator.migrate(), end).await;
    assert_eq!(report.expect("it waited").applied.len(), 1);
    assert_eq!(bench.value("select count(*) from t").await, "2");
    Outcome::Passed
}

pub(super) async fn its_futures_can_move_between_threads(bench: &Bench) -> Outcome {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let migrator = bench.migrator(three());
    is_send(migrator.plan()).await.expect("it can be planned");
    is_send(migrator.migrate()).await.expect("it goes well");
    is_send(migrator.status()).await.expect("it can be read");
    let version = "1".parse().expect("a version");
    is_send(migrator.resolve(&version, whimbrel_core::Resolution::Retry)).await.expect_err("nothing stopped");
    Outcome::Passed
}
