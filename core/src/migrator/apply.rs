//! How a run goes: look, lock, apply, look again when someone else was faster.

use super::look::{Look, cancelled, hook_failed, not_read};
use super::{Migrator, TransactionMode};
use crate::backend::{Op, Session, Setting};
use crate::capability::RunLock;
use crate::error::BackendErrorKind;
use crate::event::Event;
use crate::execute::{Executor, StepError, drive_plain};
use crate::history::{HistoryDetail, HistoryRow, RowState};
use crate::hook::Pending;
use crate::lock::{self, LockError, Wait, Waited};
use crate::migration::Migration;
use crate::plan::{Plan, Refusal, Step};
use crate::problem::LoadError;
use crate::report::{Aftermath, Applied, FailedMigration, MigrateError, Report};

/// The first pause before a migration that met a lock or a deadlock is tried again; it doubles.
const FIRST_PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

/// A run under way.
struct Run<'a> {
    migrator: &'a Migrator,
    session: Box<dyn Session>,
    migrations: Vec<Migration>,
    has_history: bool,
    report: Report,
    wait: Wait<'a>,
}

/// Why the steps were left before their end.
enum Interruption {
    /// Others were faster, or the session was replaced: read the history and plan again.
    PlanAgain,
    /// The run ends.
    Ended(MigrateError),
}

impl From<MigrateError> for Interruption {
    fn from(error: MigrateError) -> Self {
        Self::Ended(error)
    }
}

impl Migrator {
    pub(super) async fn run(&self) -> Result<Report, MigrateError> {
        let Look { mut session, migrations, history } = self.look(HistoryDetail::Check).await?;
        let has_history = history.is_some();
        let planned = self.plan_with(&mut *session, &migrations, history).await;
        let wait = Wait::new(&*self.backend, &self.listeners, &self.cancel, self.lock_wait);
        let mut run = Run { migrator: self, session, migrations, has_history, report: Report::default(), wait };
        let plan = match planned {
            Err(MigrateError::Plan(error)) if error.is_only_running() => None,
            other => Some(other?.0),
        };
        if let Some(plan) = &plan {
            run.take_notes(plan);
            if plan.steps.is_empty() {
                self.listeners.tell(&Event::NothingPending);
                return Ok(run.close().await);
            }
            run.refuse_before_touching(plan)?;
        }
        run.apply_all(plan).await
    }
}

impl Run<'_> {
    fn take_notes(&mut self, plan: &Plan) {
        for note in &plan.notes {
            if !self.report.notes.contains(note) {
                self.migrator.listeners.tell(&Event::Note(note));
                self.report.notes.push(note.clone());
            }
        }
    }

    /// Reads every pending text and refuses what must not run, before the first is applied.
    fn refuse_before_touching(&self, plan: &Plan) -> Result<(), MigrateError> {
        let dialect = self.migrator.backend.dialect();
        let mut problems = Vec::new();
        for step in &plan.steps {
            let migration = &self.migrations[step.migration];
            let checked = migration.text().and_then(|text| migration.statements(dialect, &text).map(|_| ()));
            problems.extend(checked.err().into_iter().flat_map(LoadError::into_problems));
            problems.extend(self.unsupported(migration));
        }
        LoadError::unless_empty(problems).map_err(MigrateError::Load)
    }

    fn unsupported(&self, migration: &Migration) -> Option<crate::Problem> {
        let (capabilities, directives) = (self.migrator.backend.capabilities(), migration.directives());
        let all = self.migrator.mode == TransactionMode::All;
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
        Some(crate::Problem::new(migration.file(), message, hint))
    }

    /// Applies until nothing is pending. `plan`: the one that was made before the lock, if any.
    async fn apply_all(mut self, mut plan: Option<Plan>) -> Result<Report, MigrateError> {
        if self.lock().await? {
            plan = None;
        }
        let mut started = false;
        loop {
            let Some(current) = (match plan.take() {
                Some(plan) => Some(plan),
                None => self.plan_again().await?,
            }) else {
                continue;
            };
            if current.steps.is_empty() {
                break;
            }
            if !std::mem::replace(&mut started, true) {
                self.start(&current).await?;
            }
            let before = self.report.applied.len();
            match self.apply_steps(&current).await {
                Ok(()) => break,
                Err(Interruption::Ended(error)) => return Err(error),
                Err(Interruption::PlanAgain) if self.report.applied.len() > before => self.wait.restart(),
                Err(Interruption::PlanAgain) => self.pause(None).await?,
            }
        }
        if started {
            for hooks in &self.migrator.hooks {
                let result = hooks.after_run(&self.report, &mut self.migrator.sql(&mut *self.session)).await;
                result.map_err(|error| hook_failed("after_run", error, self.report.clone()))?;
            }
        } else {
            self.migrator.listeners.tell(&Event::NothingPending);
        }
        Ok(self.close().await)
    }

    /// Takes the run's lock, where there is one. Gives whether it had to wait.
    async fn lock(&mut self) -> Result<bool, MigrateError> {
        if self.migrator.backend.capabilities().run_lock == RunLock::None {
            return Ok(false);
        }
        let m = self.migrator;
        let wait = Wait::new(&*m.backend, &m.listeners, &m.cancel, m.lock_wait);
        lock::take(&mut *self.session, wait).await.map_err(|error| match error {
            LockError::Backend(error) => self.backend_error("take the lock", error),
            LockError::Held { ended: Waited::Cancelled, .. } => cancelled(self.report.clone()),
            LockError::Held { holder, ended: Waited::TooLong(waited) } => self.lock_wait(holder, waited),
        })
    }

    fn lock_wait(&self, holder: Option<String>, waited: std::time::Duration) -> MigrateError {
        MigrateError::LockWait { holder, waited, report: Box::new(self.report.clone()) }
    }

    fn backend_error(&self, doing: &'static str, error: crate::BackendError) -> MigrateError {
        MigrateError::Backend { doing, error, report: Box::new(self.report.clone()) }
    }

    /// Sleeps before the next look at what another runner is doing.
    async fn pause(&mut self, holder: Option<String>) -> Result<(), MigrateError> {
        self.wait.tell(holder.as_deref());
        match self.wait.pause().await {
            Ok(()) => Ok(()),
            Err(Waited::Cancelled) => Err(cancelled(self.report.clone())),
            Err(Waited::TooLong(waited)) => Err(self.lock_wait(holder, waited)),
        }
    }

    /// Reads the history and plans again. `None`: all that is pending is being applied by another, and this waited.
    async fn plan_again(&mut self) -> Result<Option<Plan>, MigrateError> {
        let history = match self.session.history(HistoryDetail::Check).await {
            Ok(history) => history,
            Err(error) if error.kind() == BackendErrorKind::Busy => {
                self.pause(None).await?;
                return Ok(None);
            }
            Err(error) => return Err(self.backend_error("read the history", error)),
        };
        self.has_history = history.is_some();
        match self.migrator.plan_with(&mut *self.session, &self.migrations, history).await {
            Ok((plan, ..)) => {
                self.take_notes(&plan);
                self.refuse_before_touching(&plan)?;
                Ok(Some(plan))
            }
            Err(MigrateError::Plan(error)) if error.is_only_running() => {
                let holder = error.refusals().iter().find_map(|refusal| match refusal {
                    Refusal::Running { run_by, .. } => Some(run_by.clone()),
                    _ => None,
                });
                self.pause(holder).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the history table where it is not there, and tells that the run begins.
    async fn start(&mut self, plan: &Plan) -> Result<(), MigrateError> {
        self.report.planned = plan.steps.len();
        self.migrator.listeners.tell(&Event::RunStarted { pending: plan.steps.len() });
        let pending: Vec<Pending> = plan.steps.iter().map(|step| self.pending(step)).collect();
        for hooks in &self.migrator.hooks {
            let result = hooks.before_run(&pending, &mut self.migrator.sql(&mut *self.session)).await;
            result.map_err(|error| hook_failed("before_run", error, self.report.clone()))?;
        }
        while !self.has_history {
            match self.create_history().await {
                Ok(()) => self.has_history = true,
                Err(error) if error.kind() == BackendErrorKind::Busy => self.pause(None).await?,
                Err(error) => return Err(self.backend_error("make the history table", error)),
            }
        }
        Ok(())
    }

    async fn create_history(&mut self) -> Result<(), crate::BackendError> {
        let role = self.migrator.settings.role.clone().map(|role| Setting::Role(Some(role)));
        let mut program = vec![Op::Begin];
        program.extend(role.as_ref().map(Op::Set));
        program.extend([Op::CreateHistory, Op::Commit]);
        let session = &mut *self.session;
        let listeners = &self.migrator.listeners;
        let Err(halted) = drive_plain(session, &program, listeners).await else { return Ok(()) };
        if halted.transaction == crate::TransactionState::Open {
            let _ = drive_plain(session, &[Op::Rollback], listeners).await;
        }
        Err(halted.error)
    }

    fn pending(&self, step: &Step) -> Pending {
        let migration = &self.migrations[step.migration];
        Pending { id: migration.id.clone(), name: migration.name.to_string() }
    }

    async fn apply_steps(&mut self, plan: &Plan) -> Result<(), Interruption> {
        let earlier = self.report.applied.len();
        // What others applied meanwhile is no longer among the steps.
        self.report.planned = earlier + plan.steps.len();
        if self.migrator.mode == TransactionMode::All {
            return self.apply_group(&plan.steps.iter().collect::<Vec<_>>(), earlier).await;
        }
        for (index, step) in plan.steps.iter().enumerate() {
            self.apply_group(&[step], earlier + index).await?;
        }
        Ok(())
    }

    /// Applies steps that belong together: one, or all of a run.
    async fn apply_group(&mut self, steps: &[&Step], earlier: usize) -> Result<(), Interruption> {
        let mut pause = FIRST_PAUSE;
        for attempt in 0.. {
            if self.migrator.cancel.is_cancelled() {
                return Err(cancelled(self.report.clone()).into());
            }
            self.announce(steps, earlier).await?;
            match self.attempt(steps).await {
                Ok(applied) => return Ok(self.applied(applied).await?),
                Err(StepError::AlreadyClaimed) => return Err(Interruption::PlanAgain),
                Err(StepError::Busy(error)) => self.pause(error.detail().map(str::to_owned)).await?,
                Err(StepError::Failed(failed))
                    if attempt < self.migrator.settings.busy_retries && self.may_retry(&failed) =>
                {
                    if let Some(error) = failed.cause.backend() {
                        self.migrator.listeners.tell(&Event::Retrying { id: &failed.id, error, pause });
                    }
                    self.migrator.backend.clock().sleep(pause).await;
                    pause *= 2;
                }
                Err(StepError::Failed(failed)) => return self.failed(failed).await,
            }
        }
        Ok(())
    }

    /// A lock that could not be had, or a deadlock: everything was rolled back, and another try may do.
    fn may_retry(&self, failed: &FailedMigration) -> bool {
        let kind = failed.cause.backend().map(crate::BackendError::kind);
        let passing = matches!(kind, Some(BackendErrorKind::Busy | BackendErrorKind::Conflict));
        passing && failed.aftermath == Aftermath::RolledBack && !self.migrator.cancel.is_cancelled()
    }

    async fn announce(&mut self, steps: &[&Step], earlier: usize) -> Result<(), MigrateError> {
        for (index, step) in steps.iter().enumerate() {
            let pending = self.pending(step);
            for hooks in &self.migrator.hooks {
                let result = hooks.before_migration(&pending, &mut self.migrator.sql(&mut *self.session)).await;
                result.map_err(|error| hook_failed("before_migration", error, self.report.clone()))?;
            }
            let (number, of) = (earlier + index + 1, self.report.planned);
            self.migrator.listeners.tell(&Event::MigrationStarted { id: &pending.id, name: &pending.name, number, of });
        }
        Ok(())
    }

    async fn attempt(&mut self, steps: &[&Step]) -> Result<Vec<Applied>, StepError> {
        let m = self.migrator;
        let mut executor = Executor {
            backend: &*m.backend,
            session: &mut *self.session,
            dialect: m.backend.dialect(),
            capabilities: m.backend.capabilities(),
            settings: &m.settings,
            listeners: &m.listeners,
            cancel: &m.cancel,
        };
        match steps {
            [step] => executor.apply(&self.migrations[step.migration], step).await,
            steps => {
                let steps: Vec<_> = steps.iter().map(|step| (&self.migrations[step.migration], *step)).collect();
                executor.apply_in_transaction(&steps).await
            }
        }
    }

    async fn applied(&mut self, applied: Vec<Applied>) -> Result<(), MigrateError> {
        for applied in applied {
            self.migrator.listeners.tell(&Event::MigrationApplied(&applied));
            self.report.applied.push(applied.clone());
            for hooks in &self.migrator.hooks {
                let result = hooks.after_migration(&applied, &mut self.migrator.sql(&mut *self.session)).await;
                result.map_err(|error| hook_failed("after_migration", error, self.report.clone()))?;
            }
        }
        self.wait.restart();
        Ok(())
    }

    async fn failed(&mut self, mut failed: Box<FailedMigration>) -> Result<(), Interruption> {
        if failed.aftermath == Aftermath::InDoubt {
            self.migrator.listeners.tell(&Event::InDoubt { id: &failed.id });
            match self.ask_history(&failed).await {
                Ok(Some(true)) => return Err(Interruption::PlanAgain),
                Ok(Some(false)) => failed.aftermath = Aftermath::RolledBack,
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the history could not be read again"),
            }
        }
        let report = Box::new(self.report.clone());
        let interrupted = failed.cause.backend().is_some_and(|error| error.kind() == BackendErrorKind::Interrupted);
        Err(Interruption::Ended(if interrupted && self.migrator.cancel.is_cancelled() {
            MigrateError::Cancelled { during: Some(failed), report }
        } else {
            MigrateError::Migration { failed, report }
        }))
    }

    /// After a lost answer to a commit: whether this run's row is there. First the old transaction must have ended: it
    /// holds the claim's lock for as long as it lives. `None`: that could not be found out in time.
    async fn ask_history(&mut self, failed: &FailedMigration) -> Result<Option<bool>, MigrateError> {
        let m = self.migrator;
        let mut wait = Wait::new(&*m.backend, &m.listeners, &m.cancel, m.lock_wait);
        let mut session = m.connect().await;
        loop {
            if let Ok(connected) = &mut session {
                match drive_plain(&mut **connected, &[Op::Begin, Op::Probe, Op::Rollback], &m.listeners).await {
                    Ok(_) => break,
                    Err(halted) if halted.transaction == crate::TransactionState::Open => {
                        let _ = drive_plain(&mut **connected, &[Op::Rollback], &m.listeners).await;
                    }
                    Err(_) => session = m.connect().await,
                }
            } else {
                session = m.connect().await;
            }
            if wait.pause().await.is_err() {
                return Ok(None);
            }
        }
        self.session = session?;
        let rows = self.session.history(HistoryDetail::Full).await.map_err(not_read)?.unwrap_or_default();
        if let Some(row) = rows.into_iter().find(|row| row.id == failed.id && *row.run_by == *m.settings.run_by) {
            if row.state == RowState::Applied {
                self.found_applied(row, &failed.name);
                self.lock().await?;
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }

    /// The commit had arrived: the history tells what its answer would have told.
    fn found_applied(&mut self, row: HistoryRow, name: &str) {
        let at = row.finished_at.unwrap_or(crate::Timestamp::from_microseconds(0));
        let applied = Applied { id: row.id, name: name.to_owned(), at, duration_ms: row.duration_ms.unwrap_or(0) };
        self.migrator.listeners.tell(&Event::MigrationApplied(&applied));
        self.report.applied.push(applied);
    }

    async fn close(self) -> Report {
        if let Err(error) = self.session.close().await {
            tracing::debug!(%error, "the session was not closed in good order");
        }
        self.report
    }
}
