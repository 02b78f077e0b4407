//! Code of the program that runs at the turns of a run.

use async_trait::async_trait;

use crate::history::MigrationId;
use crate::report::{Applied, Report};
use crate::sql::{BoxError, Sql};

/// A migration that is about to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub id: MigrationId,
    /// Its name.
    pub name: String,
}

/// Code of the program that runs at the turns of a run. Every method does nothing unless it is written.
///
/// The SQL that a hook runs is outside of the migrations' transactions: each statement stands alone. An error stops the
/// run; what was applied before stays applied and is in the error's report.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// A session was opened: to read (also for `status` and `plan`), or to run.
    async fn on_connect(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        let _ = sql;
        Ok(())
    }

    /// Something is pending, and the lock is held. Not called when nothing is pending.
    async fn before_run(&self, pending: &[Pending], sql: &mut dyn Sql) -> Result<(), BoxError> {
        let _ = (pending, sql);
        Ok(())
    }

    /// Everything that was pending is applied.
    async fn after_run(&self, report: &Report, sql: &mut dyn Sql) -> Result<(), BoxError> {
        let _ = (report, sql);
        Ok(())
    }

    /// A migration is about to run.
    async fn before_migration(&self, migration: &Pending, sql: &mut dyn Sql) -> Result<(), BoxError> {
        let _ = (migration, sql);
        Ok(())
    }

    /// A migration is applied.
    async fn after_migration(&self, applied: &Applied, sql: &mut dyn Sql) -> Result<(), BoxError> {
        let _ = (applied, sql);
        Ok(())
    }
}
