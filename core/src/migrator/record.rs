//! Migrations that are recorded without running them, and waits that were too long.

use std::sync::Arc;

use super::Migrator;
use crate::execute::{self, TOOL_VERSION};
use crate::history::{HistoryRow, RowState};
use crate::lock::Waited;
use crate::migration::Migration;
use crate::problem::LoadError;
use crate::report::MigrateError;
use crate::split::split;

impl Migrator {
    /// The row of a migration that is in the database, and that this runner did not apply. No time is in it.
    pub(super) fn recorded_row(
        &self,
        migration: &Migration,
        origin: &Arc<str>,
        run_by: &str,
    ) -> Result<HistoryRow, LoadError> {
        let dialect = self.backend.dialect();
        let text = migration.text()?;
        let statements = match migration.statements(dialect, &text) {
            Ok(statements) => statements.len(),
            // A text that may not run has been run, by whoever made the database.
            Err(_) => split(dialect.lexer, &text).map_or(0, |statements| statements.len()),
        };
        let statements = execute::count(statements);
        Ok(HistoryRow {
            id: migration.id.clone(),
            name: migration.name.clone(),
            checksum: migration.checksum.clone(),
            token_checksum: Some(migration.token_checksum(dialect)?),
            state: RowState::Applied,
            statements_done: statements,
            statements_total: statements,
            prefix_checksum: None,
            fence: 1,
            lease_left: None,
            started_at: None,
            finished_at: None,
            duration_ms: None,
            origin: Arc::clone(origin),
            tool_version: TOOL_VERSION.into(),
            run_by: run_by.into(),
            error: None,
        })
    }
}

/// A lock that was not had in time.
pub(super) fn waited_for_lock(holder: Option<String>, ended: &Waited) -> MigrateError {
    match ended {
        Waited::Cancelled => MigrateError::cancelled(None),
        Waited::TooLong(waited) => MigrateError::LockWait { holder, waited: *waited, report: Box::default() },
    }
}
