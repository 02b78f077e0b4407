//! The copy that a run begins with: when it is made, when it is not, and what a failure of it leaves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use whimbrel_core::{
    BackendErrorKind, Backups, BoxError, CancelToken, CodeSource, Event, Hooks, MigrateError, MigrateErrorKind,
    Migrator, Pending, Report, Sql, async_trait,
};

use crate::fake::{Fake, Fault};
use crate::schedule::{block_on, interleave};

fn source(count: usize) -> CodeSource {
    (1..=count).fold(CodeSource::new(), |source, n| source.sql(&n.to_string(), "m", format!("m {n}")))
}

fn run(fake: &Fake, count: usize) -> Migrator {
    Migrator::new(fake.clone()).source(source(count)).backup_first()
}

/// A database with one migration.
fn with_one() -> Fake {
    let fake = Fake::new();
    block_on(&fake, Migrator::new(fake.clone()).source(source(1)).migrate()).unwrap();
    fake.take_log();
    fake
}

#[test]
fn it_is_made_once_before_anything_is_changed() {
    let fake = with_one();
    let told = Arc::new(Mutex::new(Vec::new()));
    let listening = Arc::clone(&told);
    let run = run(&fake, 3).on_event(move |event| match event {
        Event::BackupStarted => listening.lock().unwrap().push("started".to_owned()),
        Event::BackedUp(backup) => listening.lock().unwrap().push(backup.file.display().to_string()),
        Event::MigrationStarted { id, .. } => listening.lock().unwrap().push(id.to_string()),
        _ => {}
    });
    let report = block_on(&fake, run.migrate()).unwrap();
    let backup = report.backup.unwrap();
    assert_eq!((backup.version, backup.bytes, report.applied.len()), (Some("1".parse().unwrap()), 1, 2));
    let log = fake.take_log();
    assert_eq!(log[..3], ["Backup main", "Begin", "Claim 2 New"]);
    assert_eq!(log.iter().filter(|op| op.starts_with("Backup")).count(), 1);
    assert_eq!(*told.lock().unwrap(), ["started", "fake.backup", "2", "3"]);
}

struct StopsWriters;

#[async_trait]
impl Hooks for StopsWriters {
    async fn before_run(&self, _: &[Pending], sql: &mut dyn Sql) -> Result<(), BoxError> {
        Ok(sql.execute("stop").await.map(drop)?)
    }
}

#[test]
fn a_hook_may_stop_those_who_write_before_it() {
    let fake = with_one();
    block_on(&fake, run(&fake, 2).hooks(StopsWriters).migrate()).unwrap();
    assert_eq!(fake.take_log()[..3], ["stop", "Backup main", "Begin"]);
}

#[test]
fn the_version_is_of_the_first_namespace() {
    let fake = with_one();
    let run = Migrator::new(fake.clone()).source_in("library", source(2)).source(source(2)).backup_first();
    let report = block_on(&fake, run.migrate()).unwrap();
    assert_eq!((report.backup.unwrap().version, fake.take_log()[0].as_str()), (None, "Backup library"));
}

#[test]
fn nothing_pending_or_everything_refused_makes_none() {
    let fake = with_one();
    assert_eq!(block_on(&fake, run(&fake, 1).migrate()).unwrap().backup, None);
    let refused = Migrator::new(fake.clone()).source(source(1).sql("2", "c", "commit")).backup_first();
    assert_eq!(block_on(&fake, refused.migrate()).unwrap_err().report().backup, None);
    block_on(&fake, run(&fake, 2).plan()).unwrap();
    assert!(fake.take_log().is_empty());
}

#[test]
fn a_database_that_is_not_there_has_none_and_that_is_told() {
    let fake = Fake::new();
    let told = Arc::new(Mutex::new(false));
    let listening = Arc::clone(&told);
    let run = run(&fake, 1).on_event(move |event| {
        *listening.lock().unwrap() |= matches!(event, Event::NothingToBackUp);
    });
    let report = block_on(&fake, run.migrate()).unwrap();
    assert_eq!((report.backup, report.applied.len(), *told.lock().unwrap()), (None, 1, true));
}

#[test]
fn a_database_that_cannot_be_copied_is_refused_before_it_is_asked() {
    let mut fake = with_one();
    fake.capabilities.backups = Backups::Instead("use another tool");
    fake.state().down_until = Duration::from_secs(9_999);
    for count in [1, 2] {
        let error = block_on(&fake, run(&fake, count).migrate()).unwrap_err();
        assert_eq!(error.kind(), MigrateErrorKind::Config, "{error}");
        assert!(error.to_string().contains("hint: use another tool"), "{error}");
    }
}

#[test]
fn a_failure_of_it_stops_the_run_before_anything_is_changed() {
    for fault in [Fault::Refused(BackendErrorKind::Permission), Fault::LostBefore] {
        let fake = with_one();
        fake.fault(fake.operations(), fault);
        let error = block_on(&fake, run(&fake, 2).migrate()).unwrap_err();
        assert!(matches!(error, MigrateError::Backend { doing: "back up the database", .. }), "{error}");
        assert_eq!((fake.take_log(), error.report().planned), (vec!["Backup main".to_owned()], 1));
        assert_eq!(fake.effects(), ["m 1"]);
    }
}

#[test]
fn a_busy_database_is_tried_again() {
    let fake = with_one();
    let first = fake.operations();
    [first, first + 1].into_iter().for_each(|at| fake.fault(at, Fault::Refused(BackendErrorKind::Busy)));
    assert!(block_on(&fake, run(&fake, 2).migrate()).unwrap().backup.is_some());
    assert_eq!(fake.take_log()[..4], ["Backup main", "Backup main", "Backup main", "Begin"]);
}

#[test]
fn the_error_of_a_run_tells_of_it() {
    let fake = with_one();
    let failing = Migrator::new(fake.clone()).source(source(1).sql("2", "f", "fail")).backup_first();
    let error = block_on(&fake, failing.migrate()).unwrap_err();
    assert_eq!((error.kind(), error.report().backup.is_some()), (MigrateErrorKind::RolledBack, true));
}

#[test]
fn a_cancellation_stops_it() {
    let fake = with_one();
    fake.state().backup_takes = Duration::from_secs(60);
    let token = CancelToken::new();
    let run = run(&fake, 2).cancel(token.clone());
    let stop = async {
        whimbrel_core::Clock::sleep(&fake, Duration::from_secs(3)).await;
        token.cancel();
        Ok(Report::default())
    };
    let mut results = interleave(&fake, 1, vec![Box::pin(run.migrate()), Box::pin(stop)]);
    let error: MigrateError = results.remove(0).unwrap_err();
    assert!(matches!(error, MigrateError::Cancelled { during: None, .. }), "{error}");
    assert_eq!((fake.state().now.as_secs(), error.report().backup.clone()), (3, None));
    assert_eq!(fake.effects(), ["m 1"]);
}
