//! Settling a migration that stopped part-way.

use super::Migrator;
use super::look::not_read;
use crate::backend::{Claim, ClaimMode, Fenced};
use crate::error::{BackendError, BackendErrorKind};
use crate::execute::{self, Progress, TOOL_VERSION, prefix_checksum};
use crate::history::{HistoryDetail, HistoryRow, MigrationId, RowState};
use crate::migration::{Migration, end_of_unit};
use crate::report::MigrateError;
use crate::version::Version;

/// What a person found about the statement at which a migration stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It took effect: the next run goes on after it.
    Done,
    /// It took no effect, or its effect was undone: the next run begins with it.
    Retry,
    /// Nothing of the migration is in the database any more: the next run begins it anew.
    Forget,
}

/// Which migration is meant.
pub(super) enum Stopped {
    /// The one of this version, in whichever namespace of the program.
    Version(Version),
    /// This one.
    Id(MigrationId),
}

impl Stopped {
    fn shown(&self) -> String {
        match self {
            Self::Version(version) => version.to_string(),
            Self::Id(id) => id.to_string(),
        }
    }

    fn is(&self, id: &MigrationId) -> bool {
        match self {
            Self::Version(version) => id.version() == Some(version),
            Self::Id(wanted) => wanted == id,
        }
    }
}

impl Migrator {
    /// The row of the migration that is meant.
    fn stopped<'r>(&self, rows: &'r [HistoryRow], which: &Stopped) -> Result<&'r HistoryRow, MigrateError> {
        let own = self.namespaces();
        let mut stopped = rows
            .iter()
            .filter(|row| row.state != RowState::Applied && which.is(&row.id) && own.contains(&row.id.namespace));
        match (stopped.next(), stopped.next()) {
            (Some(row), None) => Ok(row),
            (Some(one), Some(other)) => Err(refuse(
                &format!("both {} and {} stopped part-way", one.id, other.id),
                "name one with its namespace",
            )),
            (None, _) => Err(refuse(
                &format!("{} is not among those that stopped part-way", which.shown()),
                "`status` shows where each stands",
            )),
        }
    }

    pub(super) async fn settle(&self, which: Stopped, resolution: Resolution) -> Result<(), MigrateError> {
        let look = self.look(HistoryDetail::Full).await?;
        let mut session = look.session;
        let rows = look.history.unwrap_or_default();
        let row = self.stopped(&rows, &which)?;
        if row.lease_left.is_some() {
            return Err(refuse("the migration is at work", "wait until it ended, or until its claim did"));
        }
        let result = match resolution {
            Resolution::Forget => {
                let row = Fenced { id: &row.id, fence: row.fence };
                execute::forget(&mut *session, self.settings.role.as_deref(), &row, &self.listeners).await
            }
            Resolution::Done | Resolution::Retry => {
                let migration = look.files.migrations.iter().find(|m| m.id == row.id);
                let migration = migration.ok_or_else(|| refuse("the migration has no file", "put the file back"))?;
                self.set_progress(&mut *session, migration, row, resolution == Resolution::Done).await?
            }
        };
        result.map_err(|error| MigrateError::backend("record the resolution", error))?;
        session.close().await.map_err(not_read)
    }

    /// Takes the row over and records so many statements as done.
    async fn set_progress(
        &self,
        session: &mut dyn crate::Session,
        migration: &Migration,
        row: &HistoryRow,
        took_effect: bool,
    ) -> Result<Result<(), BackendError>, MigrateError> {
        let text = migration.text().map_err(MigrateError::load)?;
        let statements = migration.statements(self.backend.dialect(), &text).map_err(MigrateError::load)?;
        let first = |done: u32| {
            let prefix = usize::try_from(done).ok().and_then(|done| statements.get(..done));
            prefix.ok_or_else(|| refuse("the file has fewer statements than are done", "put the file back as it was"))
        };
        let recorded = first(row.statements_done)?;
        // The one that it stopped at, with the transaction that it begins.
        let done = match took_effect && recorded.len() < statements.len() {
            true => crate::execute::count(end_of_unit(self.backend.dialect(), &statements, recorded.len())),
            false => row.statements_done,
        };
        let prefix = first(done)?;
        if !recorded.is_empty() && row.prefix_checksum != Some(prefix_checksum(self.backend.dialect(), recorded)) {
            let message = format!("{} no longer begins with the statements that are done", migration.file());
            return Err(refuse(
                &message,
                "put them back as they were, or use `--forget` after making the database fit",
            ));
        }
        let prefix_checksum = prefix_checksum(self.backend.dialect(), prefix);
        let token_checksum = migration.token_checksum(self.backend.dialect()).map_err(MigrateError::load)?;
        let claim = Claim {
            id: &row.id,
            mode: ClaimMode::Takeover { fence: row.fence },
            name: &migration.name,
            checksum: &migration.checksum,
            token_checksum: &token_checksum,
            statements_total: crate::execute::count(statements.len()),
            statements_done: row.statements_done,
            lease: Some(self.settings.lease),
            tool_version: TOOL_VERSION,
            run_by: &self.settings.run_by,
        };
        let progress = Progress {
            done,
            prefix_checksum: &prefix_checksum,
            error: row.error.as_deref().unwrap_or("interrupted, and resolved by a person"),
            lease: self.settings.lease,
        };
        let role = self.settings.role.as_deref();
        Ok(execute::record_progress(session, role, &claim, &progress, &self.listeners).await)
    }
}

fn refuse(message: &str, hint: &str) -> MigrateError {
    let error = BackendError::new(BackendErrorKind::Config, message).with_hint(hint);
    MigrateError::backend("resolve", error)
}
