//! What a run did, and how it stopped.

use std::fmt;
use std::time::Duration;

use crate::backend::Setting;
use crate::backup::Backup;
use crate::error::{BackendError, BackendErrorKind};
use crate::history::MigrationId;
use crate::plan::{Note, PlanError};
use crate::problem::LoadError;
use crate::sql::BoxError;
use crate::timestamp::Timestamp;

/// What a run did.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// The migrations, repeatables and seeds that it applied, in order.
    pub applied: Vec<Applied>,
    /// Those that it recorded without running them, in order: the database had no history, and has what they do.
    pub recorded: Vec<MigrationId>,
    /// Those that it had planned to apply when it began.
    pub planned: usize,
    /// What a person should know.
    pub notes: Vec<Note>,
    /// The table of another tool's history, where it was not there and the run made it, empty.
    pub other_history_made: Option<String>,
    /// The copy of the database from before the first of them, where one was asked for and there was something to copy.
    pub backup: Option<Backup>,
}

/// A migration that a run applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Which.
    pub id: MigrationId,
    /// Its name.
    pub name: String,
    /// When it was recorded, on the database's clock.
    pub at: Timestamp,
    /// How long it took on the database's clock, in milliseconds.
    pub duration_ms: u64,
}

/// A migration that failed.
#[derive(Debug)]
pub struct FailedMigration {
    /// Which.
    pub id: MigrationId,
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// The statement that failed; `None` where it was not one of the migration's own.
    pub statement: Option<FailedStatement>,
    /// What went wrong.
    pub cause: Cause,
    /// What state the database is in now.
    pub aftermath: Aftermath,
}

impl FailedMigration {
    /// What people call it: `migration 0001 add_boards`, `seed boards`.
    #[must_use]
    pub fn title(&self) -> String {
        let kind = if self.id.version().is_some() { "migration " } else { "" };
        format!("{kind}{}", self.id.called(&self.name))
    }
}

/// The statement that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStatement {
    /// Its number, from 1.
    pub number: usize,
    /// How many the migration has.
    pub total: usize,
    /// Its text.
    pub text: String,
    /// The line of the file where it begins, from 1.
    pub line: u32,
    /// The column where it begins, in characters from 1.
    pub column: u32,
    /// The line and column in the file at which the database points.
    pub error_at: Option<(u32, u32)>,
}

/// Why a migration failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The database refused something.
    Backend {
        /// What was being done, for people: `statement 2 of 5`, `commit`.
        doing: String,
        /// Its error.
        error: BackendError,
    },
    /// Code of the migration or a hook gave an error.
    Code(BoxError),
    /// Rows break a foreign key after it that did not before.
    ForeignKeys(Vec<String>),
    /// Tables that were to keep their rows (`keep-rows`) have another number of them.
    RowsChanged(Vec<RowsChanged>),
    /// Its file changed while the run was under way, or is refused.
    Load(LoadError),
}

impl Cause {
    /// The database's error, where it was one, or where the code's error was made of one.
    #[must_use]
    pub fn backend(&self) -> Option<&BackendError> {
        match self {
            Self::Backend { error, .. } => Some(error),
            Self::Code(error) => {
                let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&**error);
                while let Some(error) = next {
                    if let Some(found) = error.downcast_ref() {
                        return Some(found);
                    }
                    next = error.source();
                }
                None
            }
            Self::ForeignKeys(_) | Self::RowsChanged(_) | Self::Load(_) => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backend { doing, error } => write!(f, "{doing}: {error}"),
            Self::Code(error) => write!(f, "{error}"),
            Self::Load(error) => write!(f, "{error}"),
            Self::ForeignKeys(rows) => {
                write!(f, "{} rows would break a foreign key", rows.len())?;
                rows.iter().take(5).try_for_each(|row| write!(f, "\n  {row}"))
            }
            Self::RowsChanged(tables) => {
                f.write_str("rows would be lost or added that the migration was to keep")?;
                tables.iter().try_for_each(|table| write!(f, "\n  {table}"))
            }
        }
    }
}

/// A table that has another number of rows after a migration than before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsChanged {
    /// Its name after the migration.
    pub table: String,
    /// Rows before; `None`: there was no such table.
    pub before: Option<u64>,
    /// Rows after; `None`: there is no such table.
    pub after: Option<u64>,
}

impl fmt::Display for RowsChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |count: Option<u64>| count.map_or_else(|| "no such table".to_owned(), |n| format!("{n} rows"));
        write!(f, "{}: {} before, {} after", self.table, rows(self.before), rows(self.after))
    }
}

/// What state a failed migration left the database in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftermath {
    /// As if it had never begun.
    RolledBack,
    /// Its first `done` statements of `total` took effect and are recorded.
    PartWay {
        /// Statements that are done.
        done: u32,
        /// Statements that it has.
        total: u32,
    },
    /// It was cut off while a statement ran outside a transaction: that one may have taken effect.
    Unclear {
        /// Statements that surely are done.
        done: u32,
        /// Statements that it has.
        total: u32,
    },
    /// The answer to the commit was lost, and the history could not be read again.
    InDoubt,
}

impl fmt::Display for Aftermath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RolledBack => f.write_str("rolled back"),
            Self::PartWay { done, total } => {
                write!(f, "stopped part-way: {done} of {total} statements are done and recorded")
            }
            Self::Unclear { done, total } => {
                write!(f, "stopped part-way: {done} of {total} statements are done, the next may have taken effect")
            }
            Self::InDoubt => f.write_str("in doubt: the answer to the commit was lost"),
        }
    }
}

/// Why a run stopped.
///
/// Partial success is a value: every variant holds the [`Report`] of what was applied before.
#[derive(Debug)]
#[non_exhaustive]
pub enum MigrateError {
    /// The migrations could not be loaded, or some of those pending are refused. What is refused was not begun.
    Load {
        /// Everything that is wrong with the files.
        error: LoadError,
        /// What was applied before.
        report: Box<Report>,
    },
    /// The history is in the way. What is refused was not begun.
    Plan {
        /// Every reason, and what is wrong with files that are pending.
        error: PlanError,
        /// What was applied before.
        report: Box<Report>,
    },
    /// The database could not be reached or opened.
    Connect {
        /// The database's error.
        error: BackendError,
        /// What was applied before: nothing, because a run connects first.
        report: Box<Report>,
    },
    /// Something besides a migration failed: reading the history, making its table, the backup.
    Backend {
        /// What was being done, for people.
        doing: &'static str,
        /// The database's error.
        error: BackendError,
        /// What was applied before.
        report: Box<Report>,
    },
    /// Another runner did not finish in time.
    LockWait {
        /// Who, as far as is known.
        holder: Option<String>,
        /// How long was waited.
        waited: Duration,
        /// What was applied before.
        report: Box<Report>,
    },
    /// A migration failed.
    Migration {
        /// Which and how.
        failed: Box<FailedMigration>,
        /// What was applied before.
        report: Box<Report>,
    },
    /// A hook gave an error. The migrations in the report are applied.
    Hook {
        /// Which.
        hook: &'static str,
        /// Its error.
        error: BoxError,
        /// What was applied before.
        report: Box<Report>,
    },
    /// The run was cancelled.
    Cancelled {
        /// The migration that was under way and did not finish.
        during: Option<Box<FailedMigration>>,
        /// What was applied before.
        report: Box<Report>,
    },
}

/// What kind of end a run came to; the command's exit codes are made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MigrateErrorKind {
    /// Files or plan are refused: nothing of what is refused was begun.
    Refused,
    /// The configuration is wrong.
    Config,
    /// The database cannot be reached.
    Unreachable,
    /// The lock could not be had in time.
    LockWait,
    /// A migration failed and was rolled back.
    RolledBack,
    /// A migration stopped part-way or is in doubt: a person must look.
    NeedsAttention,
    /// The run was cancelled and everything is finished or rolled back.
    Cancelled,
    /// Anything else.
    Failed,
}

impl MigrateError {
    pub(crate) fn load(error: impl Into<LoadError>) -> Self {
        Self::Load { error: error.into(), report: Box::default() }
    }

    pub(crate) fn plan(error: PlanError) -> Self {
        Self::Plan { error, report: Box::default() }
    }

    pub(crate) fn connect(error: BackendError) -> Self {
        Self::Connect { error, report: Box::default() }
    }

    pub(crate) fn backend(doing: &'static str, error: BackendError) -> Self {
        Self::Backend { doing, error, report: Box::default() }
    }

    pub(crate) fn hook(hook: &'static str, error: BoxError) -> Self {
        Self::Hook { hook, error, report: Box::default() }
    }

    pub(crate) fn cancelled(during: Option<Box<FailedMigration>>) -> Self {
        Self::Cancelled { during, report: Box::default() }
    }

    /// What kind of end it was.
    #[must_use]
    pub fn kind(&self) -> MigrateErrorKind {
        match self {
            Self::Load { .. } => MigrateErrorKind::Refused,
            Self::Plan { error, .. } if error.refusals().iter().any(crate::plan::Refusal::needs_a_person) => {
                MigrateErrorKind::NeedsAttention
            }
            Self::Plan { error, .. } if error.is_only_running() => MigrateErrorKind::LockWait,
            Self::Plan { .. } => MigrateErrorKind::Refused,
            Self::Connect { error, .. } | Self::Backend { error, .. } => backend_kind(error),
            Self::LockWait { .. } => MigrateErrorKind::LockWait,
            Self::Migration { failed, .. } => aftermath_kind(failed.aftermath, MigrateErrorKind::RolledBack),
            Self::Hook { .. } => MigrateErrorKind::Failed,
            Self::Cancelled { during, .. } => during
                .as_ref()
                .map_or(MigrateErrorKind::Cancelled, |f| aftermath_kind(f.aftermath, MigrateErrorKind::Cancelled)),
        }
    }

    /// Why it stopped, for people, without what was applied before.
    #[must_use]
    pub fn reason(&self) -> impl fmt::Display + '_ {
        Reason(self)
    }

    /// What was applied before it stopped.
    #[must_use]
    pub fn report(&self) -> &Report {
        match self {
            Self::Load { report, .. }
            | Self::Plan { report, .. }
            | Self::Connect { report, .. }
            | Self::Backend { report, .. }
            | Self::LockWait { report, .. }
            | Self::Migration { report, .. }
            | Self::Hook { report, .. }
            | Self::Cancelled { report, .. } => report,
        }
    }

    /// The one place where an error learns what was applied before it: the end of a run.
    pub(crate) fn with_report(mut self, done: Report) -> Self {
        match &mut self {
            Self::Load { report, .. }
            | Self::Plan { report, .. }
            | Self::Connect { report, .. }
            | Self::Backend { report, .. }
            | Self::LockWait { report, .. }
            | Self::Migration { report, .. }
            | Self::Hook { report, .. }
            | Self::Cancelled { report, .. } => **report = done,
        }
        self
    }

    /// The migration that failed, or that a cancellation cut off.
    #[must_use]
    pub fn failed(&self) -> Option<&FailedMigration> {
        match self {
            Self::Migration { failed, .. } => Some(failed),
            Self::Cancelled { during, .. } => during.as_deref(),
            _ => None,
        }
    }
}

fn aftermath_kind(aftermath: Aftermath, clean: MigrateErrorKind) -> MigrateErrorKind {
    match aftermath {
        Aftermath::RolledBack => clean,
        Aftermath::PartWay { .. } | Aftermath::Unclear { .. } | Aftermath::InDoubt => MigrateErrorKind::NeedsAttention,
    }
}

fn backend_kind(error: &BackendError) -> MigrateErrorKind {
    match error.kind() {
        BackendErrorKind::Config | BackendErrorKind::Unsupported => MigrateErrorKind::Config,
        BackendErrorKind::Unreachable
        | BackendErrorKind::ConnectionLost
        | BackendErrorKind::Authentication
        | BackendErrorKind::NoSuchDatabase => MigrateErrorKind::Unreachable,
        BackendErrorKind::Busy => MigrateErrorKind::LockWait,
        _ => MigrateErrorKind::Failed,
    }
}

/// Why a run stopped, without what was applied before.
struct Reason<'a>(&'a MigrateError);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            MigrateError::Load { error, .. } => write!(f, "{error}"),
            MigrateError::Plan { error, .. } => write!(f, "{error}"),
            MigrateError::Connect { error, .. } => with_hint(f, "cannot connect", error),
            MigrateError::Backend { doing, error, .. } => with_hint(f, doing, error),
            MigrateError::LockWait { holder, waited, .. } => {
                let holder = holder.as_deref().unwrap_or("another connection");
                write!(f, "the database is locked by {holder}, waited {:.1} s", waited.as_secs_f64())
            }
            MigrateError::Migration { failed, .. } => {
                write!(f, "{} failed: {}; {}", failed.title(), failed.cause, failed.aftermath)
            }
            MigrateError::Hook { hook, error, .. } => write!(f, "the hook {hook} failed: {error}"),
            MigrateError::Cancelled { during: None, .. } => f.write_str("interrupted"),
            MigrateError::Cancelled { during: Some(failed), .. } => {
                write!(f, "interrupted; {}: {}", failed.title(), failed.aftermath)
            }
        }
    }
}

impl fmt::Display for MigrateError {
    /// The [`reason`](Self::reason), and how many of the migrations are applied where the run had begun.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason())?;
        let separator = match self {
            Self::Migration { .. } | Self::Cancelled { .. } | Self::LockWait { .. } => "; ",
            // The reason may have several lines.
            Self::Load { .. } | Self::Plan { .. } | Self::Connect { .. } | Self::Backend { .. } | Self::Hook { .. } => {
                "\n"
            }
        };
        let report = self.report();
        match report.planned {
            0 => Ok(()),
            planned => write!(f, "{separator}{} of {planned} applied", report.applied.len()),
        }
    }
}

fn with_hint(f: &mut fmt::Formatter<'_>, doing: &str, error: &BackendError) -> fmt::Result {
    write!(f, "{doing}: {error}")?;
    error.hint().map_or(Ok(()), |hint| write!(f, "\n  hint: {hint}"))
}

impl std::error::Error for MigrateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Load { error, .. } => Some(error),
            Self::Plan { error, .. } => Some(error),
            Self::Connect { error, .. } | Self::Backend { error, .. } => Some(error),
            Self::LockWait { .. } => None,
            Self::Hook { error, .. } => Some(&**error),
            Self::Migration { failed, .. } => failed.cause.backend().map(|error| error as _),
            Self::Cancelled { during, .. } => {
                during.as_ref().and_then(|failed| failed.cause.backend()).map(|error| error as _)
            }
        }
    }
}

/// Names a setting in an error.
pub(crate) fn setting_name(setting: &Setting) -> &'static str {
    match setting {
        Setting::Role(_) => "the role",
        Setting::LockTimeout(_) => "the lock timeout",
        Setting::StatementTimeout(_) => "the statement timeout",
        Setting::ForeignKeys(_) => "foreign keys",
        Setting::Reset => "the session",
    }
}
