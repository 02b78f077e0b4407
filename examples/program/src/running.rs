//! Starting, watching and stopping a run.

use std::time::Duration;

use whimbrel::{CancelToken, DatabaseAhead, Event, MigrateError, MigrateErrorKind, Migrator, Report};

/// What an instance of a service does at its start.
// ANCHOR: deploy
#[must_use]
pub fn for_rolling_deploys(migrator: Migrator) -> Migrator {
    migrator
        // The server may be starting beside this program.
        .connect_wait(Duration::from_secs(30))
        // Another instance may be at work; this bounds the time in which it makes no progress.
        .lock_wait(Duration::from_secs(120))
        // An old instance that restarts while the new release is rolled out finds a newer database.
        .database_ahead(DatabaseAhead::Allow)
}
// ANCHOR_END: deploy

/// Keeps a copy of a SQLite file from before its migrations.
///
/// # Errors
///
/// As [`Migrator::migrate`].
// ANCHOR: backup
pub async fn with_backup(migrator: Migrator) -> Result<Report, MigrateError> {
    let result = migrator.backup_first().migrate().await;
    let report = result.as_ref().unwrap_or_else(|error| error.report());
    if let Some(backup) = &report.backup {
        println!("the database as it was: {}", backup.file.display());
    }
    result
}
// ANCHOR_END: backup

/// Prints what happens.
// ANCHOR: events
#[must_use]
pub fn with_log(migrator: Migrator) -> Migrator {
    migrator.on_event(|event| match event {
        Event::MigrationApplied(applied) => {
            println!("{}: {} ms", applied.id.called(&applied.name), applied.duration_ms)
        }
        Event::WaitingForLock { holder, .. } => println!("waiting for {}", holder.unwrap_or("another instance")),
        Event::Notice(notice) => println!("{notice:?}"),
        _ => {}
    })
}
// ANCHOR_END: events

/// Stops in good order on Ctrl-C.
///
/// # Errors
///
/// As [`Migrator::migrate`]; cancelled runs give [`MigrateError::Cancelled`].
// ANCHOR: cancel
pub async fn until_interrupted(migrator: Migrator) -> Result<Report, MigrateError> {
    let token = CancelToken::new();
    let migrator = migrator.cancel(token.clone());
    let waiting = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            token.cancel();
        }
    });
    let result = migrator.migrate().await;
    waiting.abort();
    result
}
// ANCHOR_END: cancel

/// Without async.
///
/// # Errors
///
/// As [`Migrator::migrate`].
// ANCHOR: blocking
pub fn blocking(migrator: &Migrator) -> Result<usize, MigrateError> {
    Ok(whimbrel::blocking::migrate(migrator)?.applied.len())
}
// ANCHOR_END: blocking

/// What a program may want to do about an error.
// ANCHOR: errors
#[must_use]
pub fn advice(error: &MigrateError) -> &'static str {
    match error.kind() {
        MigrateErrorKind::RolledBack => "nothing of the failed migration is left: correct it and start again",
        MigrateErrorKind::NeedsAttention => "a person must look: `whimbrel status` says where it stopped",
        MigrateErrorKind::LockWait | MigrateErrorKind::Unreachable => "try again later",
        _ => "correct the migrations or the configuration",
    }
}
// ANCHOR_END: errors
