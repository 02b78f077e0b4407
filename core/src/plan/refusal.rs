//! Why a run does not begin.

use std::fmt;
use std::time::Duration;

use super::{NextStatement, Note};
use crate::checksum::Checksum;
use crate::history::MigrationId;
use crate::problem::{LoadError, Problem};
use crate::untracked::UntrackedRefusal;
use crate::version::Version;

/// One reason why a run does not begin. Nothing was touched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The version to stop at is not among the migrations.
    UnknownTarget(Version),
    /// Pending, and older than something applied.
    OutOfOrder(MigrationId),
    /// An applied migration's file has other statements now.
    Edited {
        /// Which.
        id: MigrationId,
        /// Its file.
        file: String,
        /// The checksum in the history.
        recorded: Checksum,
        /// The file's.
        now: Checksum,
    },
    /// Recorded, and its file is gone.
    Missing(MigrationId),
    /// The database ran some of the migrations that were folded into a checkpoint, and not all of them.
    InsideCheckpoint {
        /// The checkpoint.
        id: MigrationId,
        /// Its file.
        file: String,
        /// How many of the folded ones are recorded.
        done: usize,
        /// How many there were.
        of: usize,
        /// The first that is not done.
        missing: Version,
    },
    /// Recorded, and newer than the program's newest.
    DatabaseAhead(MigrationId),
    /// Another runner is at work on it.
    Running {
        /// Which.
        id: MigrationId,
        /// Who.
        run_by: String,
        /// When its claim ends unless it gives a sign of life.
        lease_left: Duration,
    },
    /// Its runner went away while a statement ran that must not run twice.
    Interrupted {
        /// Which.
        id: MigrationId,
        /// Its file.
        file: String,
        /// The one statement that a person must judge.
        next: NextStatement,
        /// The statements that it has.
        total: u32,
    },
    /// Its runner went away while a statement ran, and its file was edited since, so that it no longer tells which one.
    InterruptedAndEdited {
        /// Which.
        id: MigrationId,
        /// Its file.
        file: String,
        /// Statements that surely are done.
        done: u32,
        /// The statements that it had.
        total: u32,
    },
    /// It stopped part-way, and the statements that are done are no longer the beginning of its file.
    PrefixEdited {
        /// Which.
        id: MigrationId,
        /// Its file.
        file: String,
        /// Statements that are done.
        done: u32,
    },
    /// The database has tables and no history.
    Untracked(Box<UntrackedRefusal>),
    /// The database has a history, where it was to get its first one.
    Tracked {
        /// How many migrations are recorded.
        rows: usize,
    },
    /// Another tool has migrated the database, and its history is not gone on with yet.
    OtherHistory {
        /// What is in the way.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

impl Refusal {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownTarget(_) => "`status` lists the versions".to_owned(),
            Self::OutOfOrder(_) => {
                "give it a version after the applied ones, or allow it with `--allow-out-of-order` if the order does not matter".to_owned()
            }
            Self::Edited { recorded, .. } => format!(
                "put the applied text back and write a new migration; or, if the change makes no difference, add `-- whimbrel: accept-checksum {recorded}` at its top"
            ),
            Self::Missing(_) => "put the file back: a database that is made anew would miss it".to_owned(),
            Self::InsideCheckpoint { .. } => {
                "run the release before the migrations were folded to its end on this database, then this one".to_owned()
            }
            Self::DatabaseAhead(_) => {
                "run the release that knows it, or allow a newer database during a rolling deploy".to_owned()
            }
            Self::Running { .. } => "wait for it".to_owned(),
            Self::OtherHistory { hint, .. } => hint.clone(),
            Self::Interrupted { id, .. } => format!(
                "look whether the statement took effect, then run `whimbrel resolve {0} --done` or `whimbrel resolve {0} --retry`",
                id.arguments()
            ),
            Self::InterruptedAndEdited { id, .. } => format!(
                "put the file back as it was, which names the statement; or, after making the database fit, `whimbrel resolve {} --retry` goes on with the file as it is",
                id.arguments()
            ),
            Self::Untracked(refusal) => refusal.hint.clone(),
            Self::Tracked { .. } => "`whimbrel status` shows it".to_owned(),
            Self::PrefixEdited { id, .. } => format!(
                "put those statements back as they were; or, after making the database fit, `whimbrel resolve {} --forget` runs it from its beginning",
                id.arguments()
            ),
        }
    }

    /// A person must look at the database before anything can go on.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        matches!(self, Self::Interrupted { .. } | Self::InterruptedAndEdited { .. } | Self::PrefixEdited { .. })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTarget(version) => write!(f, "there is no migration {version} to stop at"),
            Self::OtherHistory { message, .. } => f.write_str(message),
            Self::OutOfOrder(id) => write!(f, "{id} is pending, and newer ones are applied already"),
            Self::Edited { id, file, recorded, now } => {
                write!(f, "{id} was edited after it was applied: {file} has checksum {now}, the history {recorded}")
            }
            Self::Missing(id) => write!(f, "{id} was applied, and its file is missing"),
            Self::InsideCheckpoint { id, file, done, of, missing } => write!(
                f,
                "the database stopped inside of what was folded into {id} ({file}): {done} of {of} migrations are recorded, {missing} is not done"
            ),
            Self::DatabaseAhead(id) => write!(f, "{id} was applied, and is newer than everything this program knows"),
            Self::Running { id, run_by, lease_left } => {
                write!(
                    f,
                    "{id} is being applied by {run_by}, whose claim ends in {} s unless it is renewed",
                    lease_left.as_secs() + 1
                )
            }
            Self::Interrupted { id, file, next, total } => {
                let text = next.text.lines().next().unwrap_or_default();
                write!(
                    f,
                    "{id} was interrupted at statement {} of {total} ({file}:{}), which may or may not have run: {text}",
                    next.number, next.line
                )
            }
            Self::InterruptedAndEdited { id, file, done, total } => write!(
                f,
                "{id} was interrupted at statement {} of {total}, which may or may not have run, and {file} was edited since",
                done.saturating_add(1)
            ),
            Self::PrefixEdited { id, file, done } => {
                write!(f, "{id} stopped after {done} statements, and {file} no longer begins with them")
            }
            Self::Untracked(refusal) => write!(f, "{refusal}"),
            Self::Tracked { rows } => {
                let noun = if *rows == 1 { "migration is" } else { "migrations are" };
                write!(f, "the database has a history already: {rows} {noun} recorded")
            }
        }
    }
}

/// Every reason why a run does not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    pub(super) refusals: Vec<Refusal>,
    pub(super) notes: Vec<Note>,
    pub(super) problems: Vec<Problem>,
}

impl PlanError {
    /// The reasons.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// What a person should know besides.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// What is wrong with the files that are pending, besides.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// For this reason alone.
    pub(crate) fn of(refusal: Refusal) -> Self {
        Self { refusals: vec![refusal], notes: Vec::new(), problems: Vec::new() }
    }

    /// For these reasons, where there are any.
    #[cfg(feature = "other-tools")]
    pub(crate) fn of_all(refusals: Vec<Refusal>) -> Option<Self> {
        (!refusals.is_empty()).then_some(Self { refusals, notes: Vec::new(), problems: Vec::new() })
    }

    pub(crate) fn with_problems(self, problems: Vec<Problem>) -> Self {
        let problems = if problems.is_empty() { problems } else { LoadError::from(problems).into_problems() };
        Self { problems, ..self }
    }

    /// All that is in the way is another runner at work, so waiting helps.
    #[must_use]
    pub fn is_only_running(&self) -> bool {
        self.problems.is_empty() && self.refusals.iter().all(|refusal| matches!(refusal, Refusal::Running { .. }))
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.refusals.iter().enumerate() {
            let newline = if index > 0 { "\n" } else { "" };
            write!(f, "{newline}{refusal}\n  hint: {}", refusal.hint())?;
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

impl std::error::Error for PlanError {}
