//! What a run tells while it is under way. Nothing is printed here: a program listens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Notice;
use crate::backup::Backup;
use crate::history::MigrationId;
use crate::plan::Note;
use crate::report::Applied;

/// Something that happened in a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The database is not there yet; it is tried again.
    WaitingForDatabase {
        /// Why.
        error: &'a crate::BackendError,
        /// How long it was waited so far.
        waited: Duration,
    },
    /// A session is there.
    Connected {
        /// What runs behind it: `PostgreSQL 15.18`.
        server: &'a str,
    },
    /// Something that a person should know.
    Note(&'a Note),
    /// Nothing is pending.
    NothingPending,
    /// Another runner is at work.
    WaitingForLock {
        /// Who, as far as is known.
        holder: Option<&'a str>,
        /// How long it was waited so far.
        waited: Duration,
    },
    /// The run begins to apply.
    RunStarted {
        /// How many migrations are pending.
        pending: usize,
    },
    /// The database is being copied.
    BackupStarted,
    /// The database was copied before anything in it is changed.
    BackedUp(&'a Backup),
    /// A backup was asked for, and there is no database yet.
    NothingToBackUp,
    /// The table of another tool's history was not there, and was made, empty, as that tool makes it: what is applied is recorded
    /// there too, or a migration speaks of it.
    OtherHistoryMade {
        /// The tool, as people call it.
        tool: &'a str,
        /// The table, as it is written in a statement.
        table: &'a str,
    },
    /// A migration begins.
    MigrationStarted {
        /// Which.
        id: &'a MigrationId,
        /// Its name.
        name: &'a str,
        /// Its place among those pending, from 1.
        number: usize,
        /// How many are pending.
        of: usize,
    },
    /// Statements of the migration are done. Some databases tell only when all are.
    StatementsDone {
        /// How many.
        done: usize,
        /// How many it has.
        of: usize,
    },
    /// The database says something.
    Notice(&'a Notice),
    /// A lock could not be had in time, or a deadlock was broken; everything was rolled back and is tried again.
    Retrying {
        /// Which migration.
        id: &'a MigrationId,
        /// Why.
        error: &'a crate::BackendError,
        /// How long is waited before.
        pause: Duration,
    },
    /// A migration is recorded without being run: the database has what it does.
    Recorded {
        /// Which.
        id: &'a MigrationId,
        /// Its name.
        name: &'a str,
        /// Where the row comes from: `baseline`, `adopted:TOOL`.
        origin: &'a str,
    },
    /// A migration is applied.
    MigrationApplied(&'a Applied),
    /// Another runner applied a migration that was pending here.
    AppliedElsewhere {
        /// Which.
        id: &'a MigrationId,
    },
    /// The answer to a commit was lost; the history is asked.
    InDoubt {
        /// Which migration.
        id: &'a MigrationId,
    },
    /// A sign of life could not be given. The run goes on: it stops by itself if its claim is taken.
    HeartbeatFailed {
        /// Why.
        error: &'a crate::BackendError,
    },
}

/// Those who listen.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Vec<Arc<Listener>>);

type Listener = dyn Fn(&Event<'_>) + Send + Sync;

impl Listeners {
    pub(crate) fn add(&mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) {
        self.0.push(Arc::new(listener));
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        tracing::debug!(?event);
        self.0.iter().for_each(|listener| listener(event));
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} listeners", self.0.len())
    }
}
