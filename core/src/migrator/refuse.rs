//! What is refused before anything is begun.

use super::load::Loading;
use super::look::{Files, Outlook};
use super::{Migrator, TransactionMode};
use crate::backup::Backups;
use crate::error::{BackendError, BackendErrorKind};
use crate::migration::Migration;
use crate::parallel;
use crate::plan::Plan;
use crate::problem::{LoadError, Problem};
use crate::report::MigrateError;

/// How many texts are held at once before it is decided which of them are kept.
const TEXTS_PER_ROUND: usize = 1024;

/// The longest text that may be kept, in bytes. To read a longer one again is a small part of running it.
const KEPT_LENGTH: usize = 4 << 10;

impl Migrator {
    /// The plan, or what is in its way. Settings that the database does not have matter only where something is pending.
    pub(super) fn decide(&self, outlook: Outlook) -> Result<Plan, MigrateError> {
        if !outlook.pending.is_empty() {
            self.check_settings()?;
        }
        outlook.decide()
    }

    /// Every migration and seed as if all were pending.
    pub(super) async fn refuse_files(&self) -> Result<(), MigrateError> {
        let loaded = Loading::start(self).finish().await;
        let mut problems = loaded.problems;
        let wanted = loaded.migrations.iter().filter(|migration| self.policy.wants(&migration.id));
        problems.extend(wanted.flat_map(|migration| self.refusals(migration)));
        LoadError::unless_empty(problems).map_err(|error| MigrateError::load(error.into_problems()))?;
        self.check_settings()
    }

    /// Everything for which a migration is refused: its header, its text, and what it asks of this database in vain.
    fn refusals(&self, migration: &Migration) -> Vec<Problem> {
        let (mut problems, _) = migration.refusals(self.backend.dialect());
        problems.extend(self.unsupported(migration));
        problems
    }

    /// Looks through these migrations as [`refusals`](Self::refusals) does, on as many threads as that is worth, and keeps
    /// the texts for which there is room.
    pub(super) fn refuse_texts(&self, files: &mut Files, indexes: &[usize], problems: &mut Vec<Problem>) {
        for round in indexes.chunks(TEXTS_PER_ROUND) {
            let (migrations, dialect) = (&files.migrations, self.backend.dialect());
            let look = &|index: &usize| {
                let (refusals, text) = migrations[*index].refusals(dialect);
                (refusals, text.filter(|text| text.len() <= KEPT_LENGTH))
            };
            let mut looked = Vec::with_capacity(round.len());
            parallel::each(round, parallel::FILES_PER_THREAD, look, |found| looked.push(found));
            for (index, (refusals, text)) in round.iter().zip(looked) {
                problems.extend(refusals);
                problems.extend(self.unsupported(&files.migrations[*index]));
                files.keep(*index, text);
            }
        }
    }

    /// A backup that this database cannot have is a wrong wish, whether or not anything is pending.
    pub(super) fn check_backup(&self) -> Result<(), MigrateError> {
        let (true, Backups::Instead(instead)) = (self.backup, self.backend.capabilities().backups) else {
            return Ok(());
        };
        let message = "a backup was asked for, and this database is no file that could be copied";
        let error = BackendError::new(BackendErrorKind::Unsupported, message).with_hint(instead);
        Err(MigrateError::backend("prepare the run", error))
    }

    /// Settings of the whole run that this database does not have.
    fn check_settings(&self) -> Result<(), MigrateError> {
        let (capabilities, settings) = (self.backend.capabilities(), &self.settings);
        let name = if settings.role.is_some() && !capabilities.roles {
            "a role"
        } else if settings.lock_timeout.is_some() && !capabilities.lock_timeout {
            "a lock timeout"
        } else if settings.statement_timeout.is_some() && !capabilities.statement_timeout {
            "a statement timeout"
        } else {
            return Ok(());
        };
        let message = format!("{name} was asked for, which this database does not have");
        let error = BackendError::new(BackendErrorKind::Unsupported, message).with_hint("take it out of the settings");
        Err(MigrateError::backend("prepare the run", error))
    }

    fn unsupported(&self, migration: &Migration) -> Vec<Problem> {
        let (capabilities, directives) = (self.backend.capabilities(), migration.directives());
        let all = self.mode == TransactionMode::All;
        let alone = "migrate with a transaction for each";
        let refused = [
            (
                directives.foreign_keys_off && !capabilities.foreign_keys_switch,
                "says `foreign-keys off`, which this database cannot do",
                "drop and add the constraints instead",
            ),
            (
                directives.lock_timeout.is_some() && !capabilities.lock_timeout,
                "says `lock-timeout`, which this database does not have",
                "take the directive out",
            ),
            (
                directives.statement_timeout.is_some() && !capabilities.statement_timeout,
                "says `statement-timeout`, which this database does not have",
                "take the directive out",
            ),
            (
                all && directives.foreign_keys_off,
                "says `foreign-keys off`, which cannot share a transaction with others",
                alone,
            ),
            (
                all && !(capabilities.transactional_ddl && migration.is_transactional()),
                "cannot run in a transaction, and one transaction for all was asked for",
                alone,
            ),
            (
                !directives.kept_tables.is_empty() && !capabilities.transactional_ddl,
                "says `keep-rows`, and this database cannot take back what changed a table",
                "compare the counts by hand",
            ),
            (
                migration.code().is_some() && !capabilities.transactional_ddl,
                "is written in Rust, which needs a database whose DDL is transactional",
                "write it in SQL",
            ),
        ];
        let refused = refused.into_iter().filter(|(holds, ..)| *holds);
        refused.map(|(_, message, hint)| Problem::new(migration.file(), message, hint)).collect()
    }
}
