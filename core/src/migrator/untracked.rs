//! A database without a history: whether it is a fresh one, and what becomes of it where it is not.

use super::Migrator;
use super::apply::Run;
use super::look::{Check, Files, not_read};
use crate::backend::Session;
use crate::error::{BackendError, BackendErrorKind};
use crate::execute;
use crate::history::{HistoryDetail, HistoryRow, MigrationId};
use crate::lock::unless_cancelled;
use crate::plan::{Plan, PlanError, Refusal};
use crate::report::{MigrateError, Report};
use crate::sql::{BoxError, Sql};
use crate::timestamp::Timestamp;
use crate::untracked::{Recorded, Treatment, Untracked, UntrackedDatabase, UntrackedRefusal, is_bookkeeping};

impl Migrator {
    /// The tables in the database that are somebody's. Reads the catalog, and creates nothing.
    pub(super) async fn tables(&self, session: &mut dyn Session) -> Result<Vec<String>, MigrateError> {
        let Some(catalog) = self.backend.capabilities().catalog else { return Ok(Vec::new()) };
        let mut sql = self.sql(session);
        let rows = unless_cancelled(&self.cancel, sql.query(catalog.tables)).await;
        let rows = rows.ok_or_else(|| MigrateError::cancelled(None))?.map_err(not_looked_at)?;
        let names = rows.into_iter().filter_map(|row| row.into_iter().next()?);
        Ok(names.filter(|name| !is_bookkeeping(name)).collect())
    }

    async fn treatment(
        &self,
        policy: &dyn Untracked,
        session: &mut dyn Session,
        files: &Files,
        tables: &[String],
    ) -> Result<Treatment, MigrateError> {
        let database = UntrackedDatabase { tables, migrations: &files.migrations };
        let mut sql = self.sql(session);
        let treatment = unless_cancelled(&self.cancel, policy.treat(&database, &mut sql)).await;
        treatment.ok_or_else(|| MigrateError::cancelled(None))?.map_err(undecided)
    }

    /// The rows of what is recorded without running.
    async fn rows(
        &self,
        session: &mut dyn Session,
        files: &Files,
        recorded: &[Recorded],
        run_by: &str,
    ) -> Result<Vec<HistoryRow>, MigrateError> {
        let now = self.now(session).await?;
        let row = |recorded: &Recorded| {
            let migration = files.migrations.iter().find(|migration| migration.id == recorded.id);
            let migration = migration.ok_or_else(|| unknown(&recorded.id))?;
            let at = Some(recorded.at.unwrap_or(now));
            let row = self.recorded_row(migration, &recorded.origin, run_by).map_err(MigrateError::load)?;
            let error = recorded.difference.as_deref().map(Into::into);
            Ok(HistoryRow { started_at: at, finished_at: at, error, ..row })
        };
        recorded.iter().map(row).collect()
    }

    /// The database's clock.
    async fn now(&self, session: &mut dyn Session) -> Result<Timestamp, MigrateError> {
        let Some(catalog) = self.backend.capabilities().catalog else { return Ok(Timestamp::now()) };
        let rows = self.sql(session).query(catalog.now).await.map_err(not_looked_at)?;
        let told = rows.into_iter().flatten().flatten().next().and_then(|text| text.parse().ok());
        told.map(Timestamp::from_microseconds).ok_or_else(|| {
            let message = "the database's clock was asked for the time, and did not tell it";
            not_looked_at(BackendError::new(BackendErrorKind::Internal, message))
        })
    }

    /// What a run would do on a database without a history: a plan for a fresh one, or for what would be recorded first.
    pub(super) async fn foresee(
        &self,
        session: &mut dyn Session,
        files: &mut Files,
        plan: Plan,
    ) -> Result<Plan, MigrateError> {
        let tables = self.tables(session).await?;
        if tables.is_empty() {
            return Ok(plan);
        }
        let mut history = session.history(HistoryDetail::Check).await.map_err(not_read)?;
        if history.is_none() {
            let policy = self.untracked.as_deref().ok_or_else(|| refused(UntrackedRefusal::of(&tables)))?;
            history = match self.treatment(policy, session, files, &tables).await? {
                Treatment::AsFresh => return Ok(plan),
                Treatment::Refuse(refusal) => return Err(refused(refusal)),
                Treatment::Record(recorded) => Some(self.rows(session, files, &recorded, "").await?),
            };
        }
        let outlook = self.outlook(session, files, &mut history, Check::Texts).await?;
        self.decide(outlook)
    }

    pub(super) async fn begin_history(&self, policy: &dyn Untracked) -> Result<Report, MigrateError> {
        let look = self.look(HistoryDetail::Check).await?;
        if !look.files.problems.is_empty() {
            return Err(MigrateError::load(look.files.problems));
        }
        self.check_untracked(look.history.as_deref())?;
        let mut run = Run::new(self, look.session, look.files);
        run.lock(None).await?;
        run.begin_history(policy).await?;
        Ok(run.close().await)
    }

    /// Refuses a history that has migrations of these namespaces.
    fn check_untracked(&self, history: Option<&[HistoryRow]>) -> Result<(), MigrateError> {
        let own = self.namespaces();
        let rows = history.unwrap_or_default().iter().filter(|row| own.contains(&row.id.namespace)).count();
        if rows == 0 { Ok(()) } else { Err(MigrateError::plan(PlanError::of(Refusal::Tracked { rows }))) }
    }
}

impl Run<'_> {
    /// Before the first write to a database without a history: one with tables gets its history, or is refused. Gives the
    /// plan where it holds still.
    ///
    /// Another runner makes the history before it makes a table. So who sees tables, and then no history, knows that
    /// nobody here made them.
    pub(super) async fn meet(&mut self, plan: Option<Plan>) -> Result<Option<Plan>, MigrateError> {
        let m = self.migrator;
        if plan.is_none() || self.has_history {
            return Ok(plan);
        }
        let tables = m.tables(&mut *self.session).await?;
        if tables.is_empty() {
            return Ok(plan);
        }
        if self.is_tracked().await? {
            return Ok(None);
        }
        #[cfg(feature = "other-tools")]
        if self.has_other_history().await? {
            return Ok(None);
        }
        let Some(policy) = m.untracked.as_deref() else { return Err(refused(UntrackedRefusal::of(&tables))) };
        self.lock(None).await?;
        if self.is_tracked().await? {
            return Ok(None);
        }
        match self.treat(policy, &tables).await {
            Ok(Treatment::AsFresh) => Ok(plan),
            Ok(Treatment::Record(recorded)) => self.record(&recorded).await.map(|_| None),
            Err(error @ MigrateError::Cancelled { .. }) => Err(error),
            // What looked wrong may have been the work of another runner, who was in the midst of it.
            Ok(Treatment::Refuse(_)) | Err(_) if self.is_tracked().await? => Ok(None),
            Ok(Treatment::Refuse(refusal)) => Err(refused(refusal)),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn is_tracked(&mut self) -> Result<bool, MigrateError> {
        self.session.history(HistoryDetail::Check).await.map(|history| history.is_some()).map_err(not_read)
    }

    async fn treat(&mut self, policy: &dyn Untracked, tables: &[String]) -> Result<Treatment, MigrateError> {
        self.migrator.treatment(policy, &mut *self.session, &self.files, tables).await
    }

    async fn begin_history(&mut self, policy: &dyn Untracked) -> Result<(), MigrateError> {
        let history = self.session.history(HistoryDetail::Check).await.map_err(not_read)?;
        self.migrator.check_untracked(history.as_deref())?;
        let tables = self.migrator.tables(&mut *self.session).await?;
        let recorded = match self.treat(policy, &tables).await? {
            Treatment::Refuse(refusal) => return Err(refused(refusal)),
            Treatment::Record(recorded) => recorded,
            Treatment::AsFresh => Vec::new(),
        };
        if self.record(&recorded).await? {
            return Ok(());
        }
        let history = self.session.history(HistoryDetail::Check).await.map_err(not_read)?;
        let rows = history.map_or(0, |rows| rows.len());
        Err(MigrateError::plan(PlanError::of(Refusal::Tracked { rows })))
    }

    /// Makes the history with these rows, in one transaction. `false`: another runner was faster.
    ///
    /// The rows of two runners meet in the first migration at least, so that the second one's are refused.
    async fn record(&mut self, recorded: &[Recorded]) -> Result<bool, MigrateError> {
        let m = self.migrator;
        let rows = m.rows(&mut *self.session, &self.files, recorded, &self.settings.run_by).await?;
        loop {
            if m.cancel.is_cancelled() {
                return Err(MigrateError::cancelled(None));
            }
            let role = self.settings.role.as_deref();
            let error = match execute::record(&mut *self.session, role, &rows, &m.listeners).await {
                Ok(()) => break,
                Err(error) => error,
            };
            let passing = matches!(error.kind(), BackendErrorKind::Busy | BackendErrorKind::Conflict);
            let history = self.session.history(HistoryDetail::Check).await;
            match history {
                Ok(Some(history)) if history.iter().any(|row| recorded.iter().any(|it| it.id == row.id)) => {
                    return Ok(false);
                }
                _ if passing => self.pause(None).await?,
                _ => return Err(MigrateError::backend("record what the database has", error)),
            }
        }
        rows.iter().for_each(|row| self.recorded(&row.id, &row.name, &row.origin));
        Ok(true)
    }
}

fn refused(refusal: UntrackedRefusal) -> MigrateError {
    MigrateError::plan(PlanError::of(Refusal::Untracked(Box::new(refusal))))
}

fn not_looked_at(error: BackendError) -> MigrateError {
    MigrateError::backend("look whether the database has tables", error)
}

fn unknown(id: &MigrationId) -> MigrateError {
    let message = format!("{id} was to be recorded, and is none of the program's migrations");
    let error = BackendError::new(BackendErrorKind::Internal, message).with_hint("correct the policy of the program");
    MigrateError::backend("record what the database has", error)
}

/// The policy could not decide: mostly because the database could not be read.
fn undecided(error: BoxError) -> MigrateError {
    match error.downcast::<BackendError>() {
        Ok(error) => MigrateError::backend("look what the database has", *error),
        Err(error) => MigrateError::hook("untracked", error),
    }
}
