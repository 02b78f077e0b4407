//! Settling a migration that stopped part-way.

use super::Migrator;
use super::look::not_read;
use crate::backend::{Checkpoint, Claim, ClaimMode, Failure, Fenced, Finish, Op};
use crate::error::{BackendError, BackendErrorKind};
use crate::execute::{TOOL_VERSION, drive_plain, prefix_checksum};
use crate::history::{HistoryDetail, HistoryRow, MigrationKey, RowState};
use crate::migration::Migration;
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

impl Migrator {
    pub(super) async fn settle(&self, version: Version, resolution: Resolution) -> Result<(), MigrateError> {
        let look = self.look(HistoryDetail::Full).await?;
        let mut session = look.session;
        let rows = look.history.unwrap_or_default();
        let stopped =
            |row: &&HistoryRow| row.id.key == MigrationKey::Version(version.clone()) && row.state != RowState::Applied;
        let row = rows.iter().find(stopped).ok_or_else(|| {
            refuse("no migration of this version stopped part-way", "`status` shows where each stands")
        })?;
        if row.lease_left.is_some() {
            return Err(refuse("the migration is at work", "wait until it ended, or until its claim did"));
        }
        let migration = look.migrations.iter().find(|m| m.id == row.id);
        let migration = migration.ok_or_else(|| refuse("the migration has no file", "put the file back"))?;
        let listeners = &self.listeners;
        let result = match resolution {
            Resolution::Forget => {
                drive_plain(&mut *session, &[Op::Remove(&Fenced { id: &row.id, fence: row.fence })], listeners).await
            }
            Resolution::Done | Resolution::Retry => {
                let done = row.statements_done + u32::from(resolution == Resolution::Done);
                self.set_progress(&mut *session, migration, row, done).await?
            }
        };
        result.map_err(|halted| MigrateError::Backend {
            doing: "record the resolution",
            error: halted.error,
            report: Box::default(),
        })?;
        session.close().await.map_err(not_read)
    }

    /// Takes the row over and records so many statements as done.
    async fn set_progress(
        &self,
        session: &mut dyn crate::Session,
        migration: &Migration,
        row: &HistoryRow,
        done: u32,
    ) -> Result<Result<Vec<(usize, crate::OpOutcome)>, crate::Halted>, MigrateError> {
        let text = migration.text().map_err(MigrateError::Load)?;
        let statements = migration.statements(self.backend.dialect(), &text).map_err(MigrateError::Load)?;
        let prefix = usize::try_from(done).ok().and_then(|done| statements.get(..done));
        let prefix = prefix
            .ok_or_else(|| refuse("the file has fewer statements than are done", "put the file back as it was"))?;
        let prefix_checksum = prefix_checksum(self.backend.dialect(), prefix);
        let token_checksum = migration.token_checksum(self.backend.dialect()).map_err(MigrateError::Load)?;
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
        let fenced = Fenced { id: &row.id, fence: claim.fence_after() };
        let checkpoint = Checkpoint {
            row: fenced,
            statements_done: done,
            prefix_checksum: &prefix_checksum,
            lease: self.settings.lease,
        };
        let failure =
            Failure { row: fenced, error: row.error.as_deref().unwrap_or("interrupted, and resolved by a person") };
        let finish = Finish { row: fenced };
        let mut program = vec![Op::Begin, Op::Claim(&claim)];
        if prefix.len() == statements.len() {
            program.push(Op::Finish(&finish));
        } else {
            program.extend((done > 0).then_some(Op::Checkpoint(&checkpoint)));
            program.push(Op::Fail(&failure));
        }
        program.push(Op::Commit);
        Ok(drive_plain(session, &program, &self.listeners).await)
    }
}

fn refuse(message: &str, hint: &str) -> MigrateError {
    let error = BackendError::new(BackendErrorKind::Config, message).with_hint(hint);
    MigrateError::Backend { doing: "resolve", error, report: Box::default() }
}
