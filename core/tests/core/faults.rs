//! Every fault at every operation: the database is as the run says, and the next run brings it to its end.

use std::sync::Arc;
use std::time::Duration;

use whimbrel_core::{
    Aftermath, BackendErrorKind, CodeSource, MigrateError, MigrateErrorKind, Migrator, Report, Resolution, RowState,
    TransactionMode,
};

use crate::fake::{Fake, Fault};
use crate::long::{Part, seed};
use crate::schedule::{block_on, interleave};

const STEPWISE: &str = "-- whimbrel: no-transaction\nc one; c two; c three";

fn source(stepwise: bool) -> CodeSource {
    let source =
        CodeSource::new().sql("1", "a", "a one; a two").sql("2", "b", "-- whimbrel: lock-timeout 5s\nb one; b two");
    if stepwise { source.sql("3", "c", STEPWISE).sql("4", "d", "d one") } else { source }
}

fn migrator(fake: &Fake, stepwise: bool, mode: TransactionMode) -> Migrator {
    Migrator::new(fake.clone()).source(source(stepwise)).transaction(mode).lease(Duration::from_secs(3))
}

const FAULTS: [Fault; 8] = [
    Fault::Refused(BackendErrorKind::Statement),
    Fault::Refused(BackendErrorKind::Busy),
    Fault::Refused(BackendErrorKind::Conflict),
    Fault::Refused(BackendErrorKind::Interrupted),
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::Lingers { seconds: 7, commits: true },
    Fault::Lingers { seconds: 7, commits: false },
];

fn all(stepwise: bool) -> Vec<&'static str> {
    let every = ["a one", "a two", "b one", "b two", "c one", "c two", "c three", "d one"];
    every[..if stepwise { 8 } else { 4 }].to_vec()
}

/// The effects of a migration: they begin with its name.
fn effects_of(fake: &Fake, name: &str) -> Vec<String> {
    fake.effects().into_iter().filter(|effect| effect.starts_with(name)).collect()
}

fn check_applied(fake: &Fake, report: &Report, what: &str) {
    let rows = fake.rows();
    let done: Vec<String> = rows.iter().filter(|r| r.state == RowState::Applied).map(|r| r.id.to_string()).collect();
    let told: Vec<String> = report.applied.iter().map(|applied| applied.id.to_string()).collect();
    assert_eq!(told, done, "{what}: the report tells what is recorded");
    for row in rows.iter().filter(|row| row.state == RowState::Applied) {
        let effects = effects_of(fake, &row.name);
        assert_eq!(effects.len(), usize::try_from(row.statements_total).unwrap(), "{what}: {} {effects:?}", row.id);
    }
}

/// The aftermath is what the database shows.
fn check_aftermath(fake: &Fake, error: &MigrateError, what: &str) {
    let Some(failed) = error.failed() else { return };
    let effects = effects_of(fake, &failed.name).len();
    let row = fake.rows().into_iter().find(|row| row.id == failed.id);
    match failed.aftermath {
        Aftermath::RolledBack => {
            assert!(row.is_none(), "{what}: rolled back, and there is {row:?}");
            assert_eq!(effects, 0, "{what}: rolled back");
        }
        Aftermath::PartWay { done, .. } => {
            let row = row.unwrap();
            assert_eq!((row.state, row.statements_done), (RowState::Failed, done), "{what}");
            assert_eq!(effects, usize::try_from(done).unwrap(), "{what}");
        }
        Aftermath::Unclear { done, .. } => {
            let done = usize::try_from(done).unwrap();
            assert!((done..=done + 1).contains(&effects), "{what}: {done} done, {effects} effects");
            assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention, "{what}");
        }
        Aftermath::InDoubt => panic!("{what}: the database answers, so nothing is in doubt"),
    }
}

/// What a person does: looks at the one statement, says what it did, and runs again.
fn recover(fake: &Fake, migrator: &Migrator, what: &str) {
    for _ in 0..3 {
        let error = match block_on(fake, migrator.migrate()) {
            Ok(_) => return,
            Err(error) => error,
        };
        assert_eq!(error.kind(), MigrateErrorKind::NeedsAttention, "{what}: {error}");
        let row = fake.rows().into_iter().find(|row| row.state != RowState::Applied).unwrap();
        let ran = effects_of(fake, &row.name).len() > usize::try_from(row.statements_done).unwrap();
        let resolution = if ran { Resolution::Done } else { Resolution::Retry };
        block_on(fake, migrator.resolve(row.id.version().unwrap(), resolution)).unwrap();
    }
    panic!("{what}: it does not come to an end");
}

fn sweep(make: impl Fn() -> Fake, stepwise: bool, mode: TransactionMode) {
    let clean = make();
    block_on(&clean, migrator(&clean, stepwise, mode).migrate()).unwrap();
    assert_eq!(clean.effects(), all(stepwise));
    for at in 0..clean.operations() {
        for fault in FAULTS {
            let fake = make();
            fake.fault(at, fault);
            let what = format!("{fault:?} at operation {at}");
            match block_on(&fake, migrator(&fake, stepwise, mode).migrate()) {
                Ok(report) => check_applied(&fake, &report, &what),
                Err(error) => {
                    check_applied(&fake, error.report(), &what);
                    check_aftermath(&fake, &error, &what);
                }
            }
            recover(&fake, &migrator(&fake, stepwise, mode), &what);
            assert_eq!(fake.effects(), all(stepwise), "{what}: each statement once, in order");
        }
    }
}

#[test]
fn each_in_its_own_transaction() {
    sweep(Fake::new, false, TransactionMode::Each);
}

#[test]
fn all_in_one_transaction() {
    sweep(Fake::new, false, TransactionMode::All);
}

#[test]
fn one_message_for_a_transaction() {
    sweep(|| Fake { one_message: true, ..Fake::without_lock() }, false, TransactionMode::Each);
}

#[test]
fn statement_by_statement() {
    sweep(Fake::new, true, TransactionMode::Each);
}

#[test]
fn a_database_without_transactional_ddl() {
    let make = || {
        let mut fake = Fake::without_lock();
        fake.capabilities.transactional_ddl = false;
        fake
    };
    sweep(make, true, TransactionMode::Each);
}

#[test]
fn runners_side_by_side_apply_each_migration_once() {
    let first = seed();
    let mut part = Part::begin("schedules", 1_500, Some(100_000));
    while part.has_another() {
        let seed = first.wrapping_add(part.done());
        let make = if seed.is_multiple_of(2) { Fake::new } else { Fake::without_lock };
        let fake = make();
        let runners: Vec<Migrator> = (0..2 + seed % 2).map(|_| migrator(&fake, true, TransactionMode::Each)).collect();
        let results: Vec<Result<Report, MigrateError>> = interleave(
            &fake,
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            runners.iter().map(|m| Box::pin(m.migrate()) as _).collect(),
        );
        let mut applied = 0;
        for result in results {
            applied += result.unwrap_or_else(|error| panic!("seed {seed}: {error}")).applied.len();
        }
        assert_eq!((applied, fake.effects()), (4, all(true).into_iter().map(str::to_owned).collect()), "seed {seed}");
    }
    part.tell();
}

#[test]
fn a_dropped_run_leaves_what_the_next_one_can_go_on_with() {
    for polls in 0..60 {
        let fake = Fake::new();
        let runner = migrator(&fake, false, TransactionMode::Each);
        {
            let mut future = Box::pin(runner.migrate());
            let waker = std::task::Waker::from(Arc::new(Quiet));
            for _ in 0..polls {
                if future.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_ready() {
                    break;
                }
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        assert_eq!(fake.state().lock, None, "a dropped session holds no lock");
        block_on(&fake, runner.migrate()).unwrap();
        assert_eq!(fake.effects(), all(false), "dropped after {polls} polls");
    }
}

struct Quiet;

impl std::task::Wake for Quiet {
    fn wake(self: Arc<Self>) {}
}
