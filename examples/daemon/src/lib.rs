//! A small service that migrates and seeds its database when it starts, on SQLite or Postgres.
//!
//! Its migrations are in the program, so it runs from any folder. It begins to listen when the database is up to date,
//! refuses a database that is newer than itself, and may be started as many times at once as one likes.

mod database;
mod server;
mod settings;

use std::process::ExitCode;

use tokio::net::TcpListener;
use whimbrel::{BoxError, CancelToken, Event, MigrateError, Refusal};

use database::Database;
use settings::{Settings, USAGE};

/// Called wrongly.
const USAGE_ERROR: u8 = 2;
/// The database is newer than this program.
const DATABASE_AHEAD: u8 = 3;
/// A signal came while it migrated.
const INTERRUPTED: u8 = 130;

/// Runs the daemon with the arguments of the process, until a signal stops it; gives how it ended.
#[tokio::main]
pub async fn start() -> ExitCode {
    let settings = match Settings::read(std::env::args().skip(1), |name| std::env::var(name).ok()) {
        Ok(Some(settings)) => settings,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("error: {message}\n\n{USAGE}");
            return USAGE_ERROR.into();
        }
    };
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            exit_code(&error)
        }
    }
}

async fn run(settings: Settings) -> Result<(), BoxError> {
    let stop = CancelToken::new();
    let signals = stop.clone();
    tokio::spawn(async move {
        stop_signal().await;
        signals.cancel();
    });
    let (database, migrator) = Database::open(&settings.database).await?;
    let migrator = database::prepared(migrator, settings.allow_database_ahead);
    migrator.on_event(tell).cancel(stop.clone()).migrate().await?;
    let listener = TcpListener::bind(settings.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, server::routes(database))
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await?;
    println!("stopped");
    Ok(())
}

/// Puts into the log what an operator wants to know of a start.
fn tell(event: &Event<'_>) {
    match event {
        Event::WaitingForDatabase { error, .. } => println!("waiting for the database: {error}"),
        Event::WaitingForLock { holder, .. } => println!("waiting for {}", holder.unwrap_or("another instance")),
        Event::Recorded { id, name, .. } => println!("recorded {}: the database has it", id.called(name)),
        Event::MigrationApplied(applied) => {
            println!("applied {} ({} ms)", applied.id.called(&applied.name), applied.duration_ms);
        }
        Event::NothingPending => println!("the database is up to date"),
        Event::Note(note) => println!("note: {note}"),
        _ => {}
    }
}

fn exit_code(error: &BoxError) -> ExitCode {
    match error.downcast_ref::<MigrateError>() {
        Some(MigrateError::Plan { error: plan, .. })
            if plan.refusals().iter().any(|r| matches!(r, Refusal::DatabaseAhead(_))) =>
        {
            DATABASE_AHEAD.into()
        }
        Some(MigrateError::Cancelled { .. }) => INTERRUPTED.into(),
        _ => ExitCode::FAILURE,
    }
}

/// Completes when the service is asked to stop; never where the handler cannot be set up.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            eprintln!("signals cannot be handled: the service stops at once when it gets one");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
