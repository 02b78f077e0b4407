//! How a run goes: look, lock, apply, look again when someone else was faster.

use std::collections::HashSet;

use super::look::{Check, Files, Look, not_read};
use super::record::waited_for_lock;
use super::{Migrator, TransactionMode, load};
use crate::backend::Session;
use crate::capability::RunLock;
use crate::error::{BackendError, BackendErrorKind};
use crate::event::Event;
use crate::execute::{self, Beside, Doubt, Executor, Settings, StepError};
use crate::history::{HistoryDetail, HistoryRow, MigrationId, RowState};
use crate::hook::Pending;
use crate::lock::{self, LockError, Wait, Waited};
use crate::plan::{Plan, Refusal, Step};
use crate::report::{Aftermath, Applied, FailedMigration, MigrateError, Report};

/// The first pause before a migration that met a lock or a deadlock is tried again; it doubles.
const FIRST_PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

/// How long the run's lock is waited for where the claims do its work too.
const LOCK_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// A run under way.
pub(super) struct Run<'a> {
    pub(super) migrator: &'a Migrator,
    pub(super) session: Box<dyn Session>,
    pub(super) files: Files,
    pub(super) report: Report,
    /// The migrator's, with a name for this run alone.
    pub(super) settings: Settings,
    pub(super) has_history: bool,
    /// The session is a pooler's, see [`LockOutcome::Shared`](crate::LockOutcome::Shared).
    shared: bool,
    /// Who holds the run's lock, where this run goes on without it.
    holder: Option<String>,
    /// Another tool's history, in which what is applied is recorded too.
    pub(super) beside: Option<Box<dyn Beside>>,
    /// What was planned last, by index.
    planned: Vec<usize>,
    wait: Wait<'a>,
}

/// How an attempt at some steps went.
struct Attempt {
    result: Result<Vec<Applied>, StepError>,
    unsettled: Option<BackendError>,
    doubt: Doubt,
}

/// Why the steps were left before their end.
pub(super) enum Interruption {
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
        self.check_backup()?;
        let Look { session, files, history } = self.look(HistoryDetail::Check).await?;
        let mut run = Run::new(self, session, files);
        let mut result = run.go(history).await;
        let mut wait = Wait::new(&*self.backend, &self.listeners, &self.cancel, self.lock_wait);
        // The database was locked while it was only looked at: it is looked at again.
        while let Err(MigrateError::Backend { error, .. }) = &result
            && error.kind() == BackendErrorKind::Busy
            && run.report.planned == 0
            && wait.pause().await.is_ok()
        {
            let Look { session, files, history } = self.look(HistoryDetail::Check).await?;
            run = Run::new(self, session, files);
            result = run.go(history).await;
        }
        match result {
            Ok(()) => Ok(run.close().await),
            Err(error) => Err(error.with_report(run.report)),
        }
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(migrator: &'a Migrator, session: Box<dyn Session>, files: Files) -> Self {
        let mut wait = Wait::new(&*migrator.backend, &migrator.listeners, &migrator.cancel, migrator.lock_wait);
        wait.restart();
        Self {
            migrator,
            session,
            files,
            report: Report::default(),
            settings: Settings { run_by: load::who_runs(), ..(*migrator.settings).clone() },
            has_history: false,
            shared: false,
            holder: None,
            beside: None,
            planned: Vec::new(),
            wait,
        }
    }
}

impl Run<'_> {
    /// Applies what is pending; with nothing pending it ends here, and has only read.
    async fn go(&mut self, history: Option<Vec<HistoryRow>>) -> Result<(), MigrateError> {
        let plan = match self.plan(history).await {
            Err(MigrateError::Plan { error, .. }) if error.is_only_running() => None,
            planned => Some(planned?.0),
        };
        if plan.as_ref().is_some_and(|plan| plan.steps.is_empty()) {
            self.migrator.listeners.tell(&Event::NothingPending);
            return Ok(());
        }
        let plan = self.meet(plan).await?;
        self.apply_all(plan).await
    }

    /// Plans, and gives the history that it planned with.
    async fn plan(&mut self, history: Option<Vec<HistoryRow>>) -> Result<(Plan, Vec<HistoryRow>), MigrateError> {
        #[cfg(feature = "other-tools")]
        let history = self.with_other_history(history).await?;
        let (m, mut history) = (self.migrator, history);
        let outlook = m.outlook(&mut *self.session, &mut self.files, &mut history, Check::Texts).await?;
        self.has_history = history.is_some();
        let plan = m.decide(outlook)?;
        self.take_notes(&plan);
        Ok((plan, history.unwrap_or_default()))
    }

    fn take_notes(&mut self, plan: &Plan) {
        for note in &plan.notes {
            if !self.report.notes.contains(note) {
                self.migrator.listeners.tell(&Event::Note(note));
                self.report.notes.push(note.clone());
            }
        }
    }

    /// Applies until nothing is pending. `plan`: the one that was made before the lock, if any.
    async fn apply_all(&mut self, mut plan: Option<Plan>) -> Result<(), MigrateError> {
        if self.lock(plan.as_ref()).await? {
            plan = None;
        }
        self.planned = plan.iter().flat_map(|plan| &plan.steps).map(|step| step.migration).collect();
        self.go_on()?;
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
                result.map_err(|error| MigrateError::hook("after_run", error))?;
            }
        } else {
            self.migrator.listeners.tell(&Event::NothingPending);
        }
        Ok(())
    }

    /// Takes the run's lock, where there is one. Gives whether it had to wait.
    ///
    /// Where every step runs in a transaction, the claims alone keep runners apart. So the lock is not waited for
    /// long: it may be held by a session that a pooler keeps, whose runner is gone.
    pub(super) async fn lock(&mut self, plan: Option<&Plan>) -> Result<bool, MigrateError> {
        let m = self.migrator;
        let capabilities = m.backend.capabilities();
        if capabilities.run_lock == RunLock::None {
            return Ok(false);
        }
        let transactional = |step: &Step| self.files.migrations[step.migration].is_transactional();
        let claims_suffice =
            capabilities.transactional_ddl && plan.is_some_and(|plan| plan.steps.iter().all(transactional));
        let limit = if claims_suffice { m.lock_wait.min(LOCK_PATIENCE) } else { m.lock_wait };
        let wait = Wait::new(&*m.backend, &m.listeners, &m.cancel, limit);
        match lock::take(&mut *self.session, wait).await {
            Ok(taken) => {
                self.shared = taken.shared;
                Ok(taken.waited)
            }
            Err(LockError::Backend(error)) => Err(MigrateError::backend("take the lock", error)),
            Err(LockError::Held { holder, ended: Waited::TooLong(_) }) if claims_suffice && limit < m.lock_wait => {
                self.holder = holder;
                Ok(true)
            }
            Err(LockError::Held { holder, ended }) => Err(waited_for_lock(holder, &ended)),
        }
    }

    /// Sleeps before the next look at what another runner is doing.
    pub(super) async fn pause(&mut self, holder: Option<String>) -> Result<(), MigrateError> {
        let holder = holder.or_else(|| self.holder.clone());
        self.wait.tell(holder.as_deref());
        self.wait.pause().await.map_err(|ended| waited_for_lock(holder, &ended))
    }

    /// Reads the history and plans again. `None`: all that is pending is being applied by another, and this waited.
    async fn plan_again(&mut self) -> Result<Option<Plan>, MigrateError> {
        let history = match self.session.history(HistoryDetail::Check).await {
            Ok(history) => history,
            Err(error) if error.kind() == BackendErrorKind::Busy => {
                self.pause(None).await?;
                return Ok(None);
            }
            Err(error) => return Err(not_read(error)),
        };
        match self.plan(history).await {
            Ok((plan, history)) => {
                self.tell_applied_elsewhere(&plan, &history);
                Ok(Some(plan))
            }
            Err(MigrateError::Plan { error, .. }) if error.is_only_running() => {
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

    /// Names what was pending here, and is applied now by another.
    fn tell_applied_elsewhere(&mut self, plan: &Plan, history: &[HistoryRow]) {
        let ids = |indexes: &[usize]| -> HashSet<MigrationId> {
            indexes.iter().map(|index| self.files.migrations[*index].id.clone()).collect()
        };
        let still: Vec<usize> = plan.steps.iter().map(|step| step.migration).collect();
        let (planned, now) = (ids(&self.planned), ids(&still));
        let mine: HashSet<&MigrationId> = self.report.applied.iter().map(|applied| &applied.id).collect();
        let done = history.iter().filter(|row| row.state == RowState::Applied).map(|row| &row.id);
        let elsewhere = done.filter(|id| planned.contains(*id) && !mine.contains(id) && !now.contains(*id));
        let mut progress = false;
        for id in elsewhere {
            progress = true;
            self.migrator.listeners.tell(&Event::AppliedElsewhere { id });
        }
        if progress {
            self.wait.restart();
        }
        self.planned = still;
    }

    /// Makes the history table where it is not there, and tells that the run begins.
    async fn start(&mut self, plan: &Plan) -> Result<(), MigrateError> {
        self.report.planned = plan.steps.len();
        self.migrator.listeners.tell(&Event::RunStarted { pending: plan.steps.len() });
        // Without hooks nobody asks.
        let told = if self.migrator.hooks.is_empty() { &[][..] } else { &*plan.steps };
        let pending: Vec<Pending> = told.iter().map(|step| self.pending(step)).collect();
        for hooks in &self.migrator.hooks {
            let result = hooks.before_run(&pending, &mut self.migrator.sql(&mut *self.session)).await;
            result.map_err(|error| MigrateError::hook("before_run", error))?;
        }
        self.back_up().await?;
        while !self.has_history {
            match self.create_history().await {
                Ok(()) => self.has_history = true,
                Err(error) if matches!(error.kind(), BackendErrorKind::Busy | BackendErrorKind::Conflict) => {
                    self.pause(None).await?;
                }
                Err(error) => return Err(MigrateError::backend("make the history table", error)),
            }
        }
        #[cfg(feature = "other-tools")]
        {
            self.share().await?;
            self.make_spoken_of(plan).await?;
        }
        Ok(())
    }

    async fn create_history(&mut self) -> Result<(), crate::BackendError> {
        let role = self.settings.role.as_deref();
        execute::create_history(&mut *self.session, role, &self.migrator.listeners).await
    }

    fn id(&self, step: &Step) -> MigrationId {
        self.files.migrations[step.migration].id.clone()
    }

    fn pending(&self, step: &Step) -> Pending {
        Pending { id: self.id(step), name: self.files.migrations[step.migration].name.to_string() }
    }

    /// Nothing more is begun after a cancellation.
    fn go_on(&self) -> Result<(), MigrateError> {
        if self.migrator.cancel.is_cancelled() { Err(MigrateError::cancelled(None)) } else { Ok(()) }
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
        self.go_on()?;
        self.announce(steps, earlier).await?;
        let (mut pause, mut retries) = (FIRST_PAUSE, self.settings.busy_retries);
        loop {
            let Attempt { result, unsettled, doubt } = self.attempt(steps).await;
            if let Ok(applied) = &result {
                self.applied(applied).await?;
            }
            if let (Some(error), false) = (unsettled, matches!(&result, Err(StepError::Failed(_)))) {
                return Err(MigrateError::backend("put the session's settings back", error).into());
            }
            match result {
                Ok(_) => return Ok(()),
                Err(StepError::AlreadyClaimed) => return Err(Interruption::PlanAgain),
                Err(StepError::Busy(error)) => self.pause(error.detail().map(str::to_owned)).await?,
                Err(StepError::Failed(failed)) if retries > 0 && self.may_retry(&failed) => {
                    retries -= 1;
                    self.pause_before_retry(&failed, pause).await;
                    pause *= 2;
                }
                Err(StepError::Failed(failed)) => return Err(self.failed(steps, doubt, failed).await),
            }
            self.go_on()?;
        }
    }

    async fn pause_before_retry(&mut self, failed: &FailedMigration, pause: std::time::Duration) {
        let m = self.migrator;
        if let Some(error) = failed.cause.backend() {
            m.listeners.tell(&Event::Retrying { id: &failed.id, error, pause });
        }
        lock::unless_cancelled(&m.cancel, m.backend.clock().sleep(pause)).await;
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
                result.map_err(|error| MigrateError::hook("before_migration", error))?;
            }
            let (number, of) = (earlier + index + 1, self.report.planned);
            self.migrator.listeners.tell(&Event::MigrationStarted { id: &pending.id, name: &pending.name, number, of });
        }
        Ok(())
    }

    async fn attempt(&mut self, steps: &[&Step]) -> Attempt {
        let m = self.migrator;
        let mut executor = Executor {
            backend: &*m.backend,
            session: &mut *self.session,
            dialect: m.backend.dialect(),
            capabilities: m.backend.capabilities(),
            shared: self.shared,
            settings: &self.settings,
            listeners: &m.listeners,
            cancel: &m.cancel,
            beside: self.beside.as_deref(),
            unsettled: None,
            doubt: Doubt::default(),
        };
        let result = match steps {
            [step] => executor.apply(&self.files.migrations[step.migration], step).await,
            steps => {
                let steps: Vec<_> = steps.iter().map(|step| (&self.files.migrations[step.migration], *step)).collect();
                executor.apply_in_transaction(&steps).await
            }
        };
        Attempt { result, unsettled: executor.unsettled, doubt: executor.doubt }
    }

    pub(super) async fn applied(&mut self, applied: &[Applied]) -> Result<(), MigrateError> {
        // All of them are, whatever a hook says of the first.
        for applied in applied {
            self.migrator.listeners.tell(&Event::MigrationApplied(applied));
            self.report.applied.push(applied.clone());
        }
        self.wait.restart();
        for applied in applied {
            for hooks in &self.migrator.hooks {
                let result = hooks.after_migration(applied, &mut self.migrator.sql(&mut *self.session)).await;
                result.map_err(|error| MigrateError::hook("after_migration", error))?;
            }
        }
        Ok(())
    }

    async fn failed(&mut self, steps: &[&Step], doubt: Doubt, mut failed: Box<FailedMigration>) -> Interruption {
        #[cfg(feature = "other-tools")]
        if failed.aftermath == Aftermath::RolledBack && self.was_taken(&failed.id).await {
            return Interruption::PlanAgain;
        }
        if failed.aftermath == Aftermath::InDoubt
            && let Err(interruption) = self.settle_doubt(steps, doubt, &mut failed).await
        {
            return interruption;
        }
        let interrupted = failed.cause.backend().is_some_and(|error| error.kind() == BackendErrorKind::Interrupted);
        Interruption::Ended(if interrupted && self.migrator.cancel.is_cancelled() {
            MigrateError::cancelled(Some(failed))
        } else {
            MigrateError::Migration { failed, report: Box::default() }
        })
    }

    /// Tells that a migration was recorded without running.
    pub(super) fn recorded(&mut self, id: &MigrationId, name: &str, origin: &str) {
        self.migrator.listeners.tell(&Event::Recorded { id, name, origin });
        self.report.recorded.push(id.clone());
    }

    pub(super) async fn close(self) -> Report {
        if let Err(error) = self.session.close().await {
            tracing::debug!(%error, "the session was not closed in good order");
        }
        self.report
    }
}
