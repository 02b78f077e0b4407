//! Planning: from migrations, history and policy to steps, or to every reason why not. No I/O and no clock.

mod assess;
mod checkpoint;
mod refusal;

use std::time::Duration;

pub use assess::{Assessed, Assessment, MigrationState, assess};
pub use refusal::{PlanError, Refusal};

use checkpoint::{Checkpoint, checkpoints};

use crate::backend::ClaimMode;
use crate::checksum::Checksum;
use crate::history::{HistoryRow, MigrationId, MigrationKey, RowState};
use crate::migration::Migration;
use crate::problem::Problem;
use crate::version::Version;

/// What to do with a pending migration that is older than one already applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutOfOrder {
    /// Refuse the run: the migration was made without what is applied already.
    #[default]
    Refuse,
    /// Apply it.
    Allow,
}

/// What to do where the database has migrations newer than the program's newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DatabaseAhead {
    /// Refuse the run: an old program may not understand the database.
    #[default]
    Refuse,
    /// Go on: during a rolling deploy old instances start beside new ones.
    Allow,
}

/// What a run may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Apply up to this version, with it, and neither repeatables nor seeds.
    pub target: Option<Version>,
    /// About migrations that come late.
    pub out_of_order: OutOfOrder,
    /// About a database that is newer than the program.
    pub database_ahead: DatabaseAhead,
    /// Leave seeds out.
    pub skip_seeds: bool,
}

impl Policy {
    /// Whether a run goes as far as this migration.
    #[must_use]
    pub fn wants(&self, id: &MigrationId) -> bool {
        match (&id.key, &self.target) {
            (MigrationKey::Version(version), Some(target)) => version <= target,
            (MigrationKey::Repeatable(_) | MigrationKey::Seed(_), Some(_)) => false,
            (MigrationKey::Seed(_), None) => !self.skip_seeds,
            _ => true,
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which migration, by its index among those that were given.
    pub migration: usize,
    /// How it is claimed.
    pub mode: ClaimMode,
    /// Statements that are done already, when it is resumed.
    pub resume_from: u32,
}

/// What a run will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In this order. Empty: nothing is pending.
    pub steps: Vec<Step>,
    /// What a person should know, and need do nothing about.
    pub notes: Vec<Note>,
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Only comments or white space of an applied migration changed.
    CommentOnlyEdit(MigrationId),
    /// The recorded checksum is of an algorithm that this release does not know.
    Unverifiable(MigrationId),
    /// A repeatable was recorded, and its file is gone.
    RepeatableGone(MigrationId),
    /// A migration is applied late, see [`OutOfOrder`].
    AppliedOutOfOrder(MigrationId),
    /// The database has a migration that this program does not know, see [`DatabaseAhead`].
    DatabaseAhead(MigrationId),
    /// A file of the folder is no migration to the tool that it was written for.
    PassedOver(Box<Problem>),
    /// Another tool has migrated the database, and its history is not gone on with yet: a run is refused.
    OtherHistory(Box<str>),
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CommentOnlyEdit(id) => write!(f, "{id}: only comments or white space changed since it was applied"),
            Self::Unverifiable(id) => {
                write!(f, "{id}: its checksum is of a kind that this release does not know, it was not verified")
            }
            Self::RepeatableGone(id) => write!(f, "{id}: was applied, and its file is gone"),
            Self::AppliedOutOfOrder(id) => write!(f, "{id}: is applied after newer ones"),
            Self::OtherHistory(told) => f.write_str(told),
            Self::PassedOver(what) => write!(f, "{}: {}", what.file, what.message),
            Self::DatabaseAhead(id) => write!(f, "{id}: is in the database, and this program does not know it"),
        }
    }
}

/// What only the text of a migration tells. It is asked for where [`Assessment::wants_facts`] says so, so that a start
/// with nothing pending reads no text twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The checksum of the token stream.
    pub token_checksum: Checksum,
    /// For a migration that stopped part-way: the checksum over the statements that are recorded as done.
    pub prefix_checksum: Option<Checksum>,
    /// For such a migration: the statement after them.
    pub next: Option<NextStatement>,
}

/// The statement at which a migration stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStatement {
    /// Its number, from 1.
    pub number: u32,
    /// Its line in the file, from 1.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// Running it again does no harm, whether or not it ran.
    pub safe_to_repeat: bool,
}

/// Makes the plan.
///
/// `facts` gives what [`Assessment::wants_facts`] asked for.
///
/// # Errors
///
/// [`PlanError`] with every reason at once.
pub fn plan(
    migrations: &[Migration],
    history: &[HistoryRow],
    assessment: &Assessment,
    facts: &dyn Fn(usize) -> Option<Facts>,
    policy: &Policy,
) -> Result<Plan, PlanError> {
    let mut planning = Planning {
        migrations,
        history,
        checkpoints: checkpoints(migrations, history),
        facts,
        policy,
        plan: Plan::default(),
        refusals: Vec::new(),
        late: Vec::new(),
    };
    planning.check_target();
    planning.check_checkpoints();
    for assessed in &assessment.entries {
        planning.take(assessed);
    }
    planning.finish()
}

/// What a run would apply if nothing were in its way, by index: what is pending, and what stopped part-way.
#[must_use]
pub fn pending(assessment: &Assessment, policy: &Policy) -> Vec<usize> {
    use MigrationState::{Failed, Interrupted, OutOfOrder, Pending};
    let pending = assessment
        .entries
        .iter()
        .filter(|entry| matches!(entry.state, Pending | OutOfOrder | Failed | Interrupted) && policy.wants(&entry.id));
    pending.filter_map(|entry| entry.migration).collect()
}

struct Planning<'a> {
    migrations: &'a [Migration],
    history: &'a [HistoryRow],
    checkpoints: Vec<Checkpoint<'a>>,
    facts: &'a dyn Fn(usize) -> Option<Facts>,
    policy: &'a Policy,
    plan: Plan,
    refusals: Vec<Refusal>,
    late: Vec<MigrationId>,
}

impl Planning<'_> {
    fn check_target(&mut self) {
        let Some(target) = &self.policy.target else { return };
        if !self.migrations.iter().any(|m| m.id.version() == Some(target)) {
            self.refusals.push(Refusal::UnknownTarget(target.clone()));
        }
    }

    /// A database that stopped inside of what was folded cannot go on here.
    fn check_checkpoints(&mut self) {
        self.refusals.extend(self.checkpoints.iter().filter_map(Checkpoint::refusal));
    }

    /// Its file was folded into a checkpoint, which tells about it.
    fn is_folded(&self, id: &MigrationId) -> bool {
        self.checkpoints.iter().any(|checkpoint| checkpoint.covers(id))
    }

    fn take(&mut self, assessed: &Assessed) {
        let id = &assessed.id;
        match (assessed.state, assessed.migration, assessed.row.map(|row| &self.history[row])) {
            (MigrationState::Pending, Some(migration), row) if self.policy.wants(id) => {
                let mode = row.map_or(ClaimMode::New, |row| ClaimMode::Rerun { fence: row.fence });
                self.plan.steps.push(Step { migration, mode, resume_from: 0 });
            }
            (MigrationState::OutOfOrder, Some(migration), _) if self.policy.wants(id) => {
                self.late.push(id.clone());
                self.plan.steps.push(Step { migration, mode: ClaimMode::New, resume_from: 0 });
            }
            (MigrationState::Edited, Some(migration), Some(row)) => self.take_edited(migration, row),
            (MigrationState::Failed | MigrationState::Interrupted, Some(migration), Some(row))
                if self.policy.wants(id) =>
            {
                self.take_stopped(migration, row);
            }
            (MigrationState::Running, _, Some(row)) => {
                let lease_left = row.lease_left.unwrap_or(Duration::ZERO);
                self.refusals.push(Refusal::Running { id: id.clone(), run_by: row.run_by.to_string(), lease_left });
            }
            (MigrationState::Missing, ..) if self.is_folded(id) => {}
            (MigrationState::Missing, ..) => self.refusals.push(Refusal::Missing(id.clone())),
            (MigrationState::Unknown, ..) => match self.policy.database_ahead {
                DatabaseAhead::Refuse => self.refusals.push(Refusal::DatabaseAhead(id.clone())),
                DatabaseAhead::Allow => self.plan.notes.push(Note::DatabaseAhead(id.clone())),
            },
            (MigrationState::Gone, ..) => self.plan.notes.push(Note::RepeatableGone(id.clone())),
            _ if assessed.unverifiable => self.plan.notes.push(Note::Unverifiable(id.clone())),
            _ => {}
        }
    }

    fn take_edited(&mut self, migration: usize, row: &HistoryRow) {
        let id = row.id.clone();
        let same_tokens =
            (self.facts)(migration).is_some_and(|facts| row.token_checksum.as_ref() == Some(&facts.token_checksum));
        if same_tokens {
            self.plan.notes.push(Note::CommentOnlyEdit(id));
        } else {
            let file = self.migrations[migration].file();
            let (recorded, now) = (row.checksum.clone(), self.migrations[migration].checksum.clone());
            self.refusals.push(Refusal::Edited { id, file, recorded, now });
        }
    }

    /// A migration that stopped part-way goes on by itself where that is provably safe: what is recorded as done is
    /// still the beginning of the file, and the next statement surely did not run, or is still the same one and may
    /// run again.
    fn take_stopped(&mut self, migration: usize, row: &HistoryRow) {
        let id = row.id.clone();
        let file = self.migrations[migration].file();
        let facts = (self.facts)(migration);
        let next = facts.as_ref().and_then(|facts| facts.next.clone());
        if row.statements_done > 0 && facts.as_ref().is_none_or(|facts| facts.prefix_checksum != row.prefix_checksum) {
            self.refusals.push(Refusal::PrefixEdited { id, file, done: row.statements_done });
            return;
        }
        let surely_not_run = row.state == RowState::Failed;
        let same_tokens = facts.is_some_and(|facts| row.token_checksum.as_ref() == Some(&facts.token_checksum));
        match next {
            _ if !surely_not_run && !same_tokens => {
                let (done, total) = (row.statements_done, row.statements_total);
                self.refusals.push(Refusal::InterruptedAndEdited { id, file, done, total });
            }
            Some(next) if !surely_not_run && !next.safe_to_repeat => {
                self.refusals.push(Refusal::Interrupted { id, file, next, total: row.statements_total });
            }
            _ => {
                let mode = ClaimMode::Takeover { fence: row.fence };
                self.plan.steps.push(Step { migration, mode, resume_from: row.statements_done });
            }
        }
    }

    fn finish(mut self) -> Result<Plan, PlanError> {
        match self.policy.out_of_order {
            OutOfOrder::Refuse => self.refusals.extend(self.late.into_iter().map(Refusal::OutOfOrder)),
            OutOfOrder::Allow => self.plan.notes.extend(self.late.into_iter().map(Note::AppliedOutOfOrder)),
        }
        if self.refusals.is_empty() {
            Ok(self.plan)
        } else {
            Err(PlanError { refusals: self.refusals, notes: self.plan.notes, problems: Vec::new() })
        }
    }
}

#[cfg(test)]
mod tests;
