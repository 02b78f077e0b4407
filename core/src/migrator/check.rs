//! Refusing what must not run, before anything is touched.

use super::load::Loading;
use super::{Migrator, TransactionMode};
use crate::error::{BackendError, BackendErrorKind};
use crate::history::MigrationKey;
use crate::migration::Migration;
use crate::problem::{LoadError, Problem};
use crate::report::MigrateError;

impl Migrator {
    /// Looks through everything that a run on an empty database would apply.
    pub(super) async fn look_through(&self) -> Result<(), MigrateError> {
        let migrations = Loading::start(self).finish().await.map_err(MigrateError::Load)?;
        self.check_settings().map_err(|error| MigrateError::Backend {
            doing: "prepare the run",
            error,
            report: Box::default(),
        })?;
        let left_out = |m: &Migration| self.policy.skip_seeds && matches!(m.id.key, MigrationKey::Seed(_));
        let problems = migrations.iter().filter(|m| !left_out(m)).flat_map(|m| self.problems(m));
        LoadError::unless_empty(problems.collect()).map_err(MigrateError::Load)
    }

    /// What is wrong with the text of a migration, and what it asks of a database that does not have it.
    pub(super) fn problems(&self, migration: &Migration) -> Vec<Problem> {
        let dialect = self.backend.dialect();
        let checked = migration.text().and_then(|text| migration.statements(dialect, &text).map(|_| ()));
        let mut problems: Vec<Problem> = checked.err().into_iter().flat_map(LoadError::into_problems).collect();
        problems.extend(self.unsupported(migration));
        problems
    }

    /// Settings of the whole run that this database does not have.
    pub(super) fn check_settings(&self) -> Result<(), BackendError> {
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
        Err(BackendError::new(BackendErrorKind::Unsupported, message).with_hint("take it out of the settings"))
    }

    fn unsupported(&self, migration: &Migration) -> Option<Problem> {
        let (capabilities, directives) = (self.backend.capabilities(), migration.directives());
        let all = self.mode == TransactionMode::All;
        let in_transaction = capabilities.transactional_ddl && migration.is_transactional();
        let (message, hint) = if directives.foreign_keys_off && !capabilities.foreign_keys_switch {
            ("says `foreign-keys off`, which this database cannot do", "drop and add the constraints instead")
        } else if directives.lock_timeout.is_some() && !capabilities.lock_timeout {
            ("says `lock-timeout`, which this database does not have", "take the directive out")
        } else if directives.statement_timeout.is_some() && !capabilities.statement_timeout {
            ("says `statement-timeout`, which this database does not have", "take the directive out")
        } else if all && directives.foreign_keys_off {
            (
                "says `foreign-keys off`, which cannot share a transaction with others",
                "migrate with a transaction for each",
            )
        } else if all && !in_transaction {
            (
                "cannot run in a transaction, and one transaction for all was asked for",
                "migrate with a transaction for each",
            )
        } else if migration.code().is_some() && !capabilities.transactional_ddl {
            ("is written in Rust, which needs a database whose DDL is transactional", "write it in SQL")
        } else {
            return None;
        };
        Some(Problem::new(migration.file(), message, hint))
    }
}
