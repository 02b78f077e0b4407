//! The only place that decides the order of begin, claim, run, record and commit.

mod beside;
mod drive;
mod failure;
mod locate;
mod on_session;
mod settings;
mod sql_session;
mod stepwise;
mod transaction;

use std::time::Duration;

pub(crate) use beside::{Progress, create_history, finish_again, forget, give_back, probe, record, record_progress};
#[cfg(feature = "other-tools")]
pub(crate) use beside::{make_beside, record_again};
pub(crate) use drive::drive_backup;
use drive::{drive, drive_plain};
pub(crate) use on_session::OnSession;
pub use sql_session::SqlSession;
pub(crate) use stepwise::prefix_checksum;

use crate::backend::{Claim, MigrationBackend, Op, Session, Setting};
use crate::cancel::CancelToken;
use crate::capability::Capabilities;
use crate::checksum::Checksum;
use crate::dialect::Dialect;
use crate::error::BackendErrorKind;
use crate::event::Listeners;
use crate::migration::Migration;
use crate::plan::Step;
use crate::report::{Applied, FailedMigration};
use crate::split::Statement;

/// The release, as the history records it.
pub(crate) const TOOL_VERSION: &str = concat!("whimbrel ", env!("CARGO_PKG_VERSION"));

/// What holds for every migration of a run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) role: Option<String>,
    pub(crate) lock_timeout: Option<Duration>,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) lease: Duration,
    pub(crate) busy_retries: u32,
    pub(crate) run_by: String,
}

/// Runs steps on one session.
pub(crate) struct Executor<'a> {
    pub(crate) backend: &'a dyn MigrationBackend,
    pub(crate) session: &'a mut dyn Session,
    pub(crate) dialect: &'static Dialect,
    pub(crate) capabilities: Capabilities,
    /// The session serves other clients too, between transactions.
    pub(crate) shared: bool,
    pub(crate) settings: &'a Settings,
    pub(crate) listeners: &'a Listeners,
    pub(crate) cancel: &'a CancelToken,
    /// The session could not be put back into the state that it had before the migration.
    pub(crate) unsettled: Option<crate::BackendError>,
    /// Another tool's history, in which each migration is recorded too.
    pub(crate) beside: Option<&'a dyn Beside>,
    /// What the answer was lost to, where a failure is [`InDoubt`](crate::Aftermath::InDoubt).
    pub(crate) doubt: Doubt,
}

/// Another tool's history, written together with our own.
pub(crate) trait Beside: std::fmt::Debug + Send + Sync {
    /// The statement that records a migration in it; `None`: it is not of that tool.
    fn insert(&self, migration: &Migration) -> Result<Option<String>, crate::LoadError>;
}

/// What an answer was lost to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Doubt {
    /// The commit of a transaction.
    #[default]
    Commit,
    /// The claim of a non-transactional migration: nothing of its text ran.
    Claim,
    /// The record that a non-transactional migration is done: all of its text ran.
    Finish,
}

/// How steps ended, when not well.
#[derive(Debug)]
pub(crate) enum StepError {
    /// Another runner has the claim: read the history and plan again.
    AlreadyClaimed,
    /// The database is locked: nothing was begun, try again.
    Busy(crate::BackendError),
    /// A migration failed.
    Failed(Box<FailedMigration>),
}

/// A migration made ready: its text is split, its checksums are there.
pub(crate) struct Ready<'t> {
    pub(crate) migration: &'t Migration,
    pub(crate) step: &'t Step,
    pub(crate) statements: Vec<Statement<'t>>,
    pub(crate) token_checksum: Checksum,
    /// The statement that records it in another tool's history.
    pub(crate) beside: Option<String>,
}

impl<'t> Ready<'t> {
    fn new(
        migration: &'t Migration,
        step: &'t Step,
        text: &'t str,
        dialect: &Dialect,
        beside: Option<&dyn Beside>,
    ) -> Result<Self, crate::LoadError> {
        let beside = beside.map(|beside| beside.insert(migration)).transpose()?.flatten();
        let statements = migration.statements(dialect, text)?;
        let token_checksum = match migration.code() {
            Some(_) => migration.checksum.clone(),
            None => Checksum::from_digest(crate::split::token_hash(dialect.lexer, text)),
        };
        Ok(Self { migration, step, statements, token_checksum, beside })
    }

    fn claim<'c>(&'c self, settings: &'c Settings, lease: Option<Duration>) -> Claim<'c> {
        Claim {
            id: &self.migration.id,
            mode: self.step.mode,
            name: &self.migration.name,
            checksum: &self.migration.checksum,
            token_checksum: &self.token_checksum,
            statements_total: count(self.statements.len()),
            statements_done: self.step.resume_from,
            lease,
            tool_version: TOOL_VERSION,
            run_by: &settings.run_by,
        }
    }

    /// Statements that an earlier run did: they are not run again, in whichever way the rest is.
    fn skipped(&self) -> usize {
        usize::try_from(self.step.resume_from).unwrap_or(usize::MAX).min(self.statements.len())
    }

    fn sets_session(&self, dialect: &Dialect) -> bool {
        self.statements.iter().any(|statement| statement.sets_session(dialect.lexer))
    }
}

pub(crate) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Executor<'_> {
    /// Whether a step runs in one transaction here.
    pub(crate) fn is_transactional(&self, migration: &Migration) -> bool {
        self.capabilities.transactional_ddl && migration.is_transactional()
    }

    /// Applies one step, by the way that fits it.
    pub(crate) async fn apply(&mut self, migration: &Migration, step: &Step) -> Result<Vec<Applied>, StepError> {
        if self.is_transactional(migration) {
            self.apply_in_transaction(&[(migration, step)]).await
        } else {
            self.apply_stepwise(migration, step).await.map(|applied| vec![applied])
        }
    }

    /// Puts settings of the session back, in this order. A lost connection has none.
    async fn put_back(&mut self, settings: impl Iterator<Item = &Setting>) {
        for setting in settings {
            if let Err(halted) = drive_plain(self.session, &[Op::Set(setting)], self.listeners).await {
                tracing::warn!(error = %halted.error, "{} could not be put back", crate::report::setting_name(setting));
                if halted.error.kind() != BackendErrorKind::ConnectionLost {
                    self.unsettled.get_or_insert(halted.error);
                }
            }
        }
    }
}
