//! A session of the model: operation by operation, so that each can go wrong by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use whimbrel_core::backend::{Checkpoint, Claim, ClaimMode, Failure, Fenced, Measurement, Notice};
use whimbrel_core::{
    BackendError, BackendErrorKind, BoxFuture, Clock, Halted, HistoryDetail, HistoryRow, Interrupt, LockOutcome,
    Observer, Op, OpOutcome, Session, Setting, Timestamp, TransactionState, async_trait,
};

use crate::defects::Defect;
use crate::line::Trouble;
use crate::model::Client;

/// The one role that the model has.
const ROLE: &str = "someone";

pub(crate) struct ModelSession {
    client: Client,
    /// `None`: the connection was lost.
    inner: Option<Box<dyn Session>>,
    number: u64,
    in_transaction: bool,
    /// Settings of the session, and those of the transaction.
    settings: [Settings; 2],
    /// A request to stop that comes to pass later, which is a defect.
    lingering: Arc<AtomicBool>,
    closed: bool,
}

/// What SQLite does not have.
#[derive(Debug, Clone, Default)]
struct Settings {
    role: Option<Option<String>>,
    lock_timeout: Option<Duration>,
    statement_timeout: Option<Duration>,
}

/// Keeps the answers of one operation.
#[derive(Default)]
struct Answer(Vec<OpOutcome>);

impl Observer for Answer {
    fn done(&mut self, _: usize, outcome: OpOutcome) {
        self.0.push(outcome);
    }
    fn notice(&mut self, _: Notice) {}
}

type Outcome = Result<OpOutcome, (BackendError, TransactionState)>;

fn error(kind: BackendErrorKind, message: &str) -> BackendError {
    BackendError::new(kind, message)
}

impl ModelSession {
    pub(crate) fn new(client: Client, inner: Box<dyn Session>, number: u64) -> Self {
        let (settings, lingering) = (Default::default(), Arc::default());
        Self { client, inner: Some(inner), number, in_transaction: false, settings, lingering, closed: false }
    }

    fn is(&self, defect: Defect) -> bool {
        self.client.is(defect)
    }

    fn state(&self) -> TransactionState {
        if self.in_transaction { TransactionState::Open } else { TransactionState::None }
    }

    /// One operation as SQLite has it.
    async fn pass(&mut self, op: Op<'_>) -> Outcome {
        let Some(inner) = &mut self.inner else { return Err(self.lost(false)) };
        let mut answer = Answer::default();
        match inner.run(&[op], &mut answer).await {
            Ok(()) => {
                match op {
                    Op::Begin => self.in_transaction = true,
                    Op::Commit | Op::Rollback => self.end_transaction(),
                    _ => {}
                }
                Ok(answer.0.remove(0))
            }
            Err(halted) => {
                if halted.transaction != TransactionState::Open {
                    self.end_transaction();
                }
                Err((halted.error, halted.transaction))
            }
        }
    }

    /// Operations of which none is told.
    async fn pass_all(&mut self, ops: &[Op<'_>]) -> Result<(), (BackendError, TransactionState)> {
        for op in ops {
            self.pass(*op).await?;
        }
        Ok(())
    }

    fn end_transaction(&mut self) {
        self.in_transaction = false;
        if self.is(Defect::SettingsOutlive) {
            let [session, local] = &mut self.settings;
            session.role = local.role.take().or(session.role.take());
            session.lock_timeout = local.lock_timeout.take().or(session.lock_timeout);
            session.statement_timeout = local.statement_timeout.take().or(session.statement_timeout);
        }
        self.settings[1] = Settings::default();
        if self.is(Defect::LockEndsWithTransaction) {
            self.unlock();
        }
    }

    fn unlock(&self) {
        self.client.shared.lock.lock().unwrap_or_else(PoisonError::into_inner).take_if(|holder| *holder == self.number);
    }

    /// The connection is gone.
    fn lost(&mut self, commits: bool) -> (BackendError, TransactionState) {
        let was_open = std::mem::take(&mut self.in_transaction);
        self.inner = None;
        self.unlock();
        let state = match (commits, was_open) {
            (true, _) if self.is(Defect::DoubtIsLost) => TransactionState::Lost,
            (true, _) => TransactionState::InDoubt,
            (false, true) if self.is(Defect::LostIsDoubt) => TransactionState::InDoubt,
            (false, true) => TransactionState::Lost,
            (false, false) => TransactionState::None,
        };
        (error(BackendErrorKind::ConnectionLost, "the connection ended"), state)
    }

    async fn one(&mut self, op: &Op<'_>) -> Outcome {
        if self.lingering.swap(false, Ordering::SeqCst) {
            return Err((error(BackendErrorKind::Interrupted, "a late request"), self.state()));
        }
        let outcome = match op {
            Op::Begin => self.begin().await,
            Op::Seal | Op::Unseal if self.is(Defect::TextControlsTransaction) => Ok(OpOutcome::Done),
            Op::Commit => self.commit().await,
            Op::Rollback => self.roll_back().await,
            Op::Set(setting) => self.set(setting).await,
            Op::CreateHistory => self.create_history().await,
            Op::Claim(claim) => self.claim(claim).await,
            Op::Probe if self.is(Defect::ProbeFails) => {
                Err((error(BackendErrorKind::AlreadyClaimed, "so it says"), self.state()))
            }
            Op::Checkpoint(given) if self.is(Defect::CheckpointKeepsLease) => {
                self.pass(Op::Checkpoint(&Checkpoint { lease: Duration::from_secs(1), ..**given })).await
            }
            Op::Fail(given) if self.is(Defect::FailLosesError) => {
                self.pass(Op::Fail(&Failure { error: "?", ..**given })).await
            }
            Op::Record(rows) if self.is(Defect::RecordsOneByOne) => {
                for row in *rows {
                    self.pass(Op::Record(std::slice::from_ref(row))).await?;
                }
                Ok(OpOutcome::Done)
            }
            Op::Remove(row) => self.remove(row).await,
            Op::Heartbeat(_) => self.heartbeat(*op).await,
            Op::Statement(text) => self.statement(text).await,
            Op::Query("select current_user") => {
                let rows = vec![vec![Some(ROLE.to_owned())]];
                Ok(OpOutcome::Rows { columns: vec!["current_user".to_owned()], rows })
            }
            other => self.pass(*other).await,
        };
        self.spoil(op, outcome).await
    }

    /// What is wrong whatever the operation is.
    async fn spoil(&mut self, op: &Op<'_>, outcome: Outcome) -> Outcome {
        let outcome = match outcome {
            Err((found, _)) if self.is(Defect::FencesIgnored) && found.kind() == BackendErrorKind::LostClaim => {
                Ok(OpOutcome::Done)
            }
            Err((found, state)) => {
                let kind = match found.kind() {
                    BackendErrorKind::Busy if self.is(Defect::BusyIsStatement) => BackendErrorKind::Statement,
                    BackendErrorKind::Interrupted if self.is(Defect::InterruptionIsStatement) => {
                        BackendErrorKind::Statement
                    }
                    _ => return Err((found, state)),
                };
                return Err((error(kind, "of another kind"), state));
            }
            Ok(outcome) => Ok(self.misheard(outcome)),
        };
        let inside = !matches!(op, Op::Begin | Op::Seal | Op::Unseal | Op::Commit | Op::Rollback);
        if self.is(Defect::CommitsEarly) && self.in_transaction && inside {
            self.pass_all(&[Op::Commit, Op::Begin]).await?;
        }
        outcome
    }

    fn misheard(&self, outcome: OpOutcome) -> OpOutcome {
        match outcome {
            OpOutcome::Affected(rows) if self.is(Defect::CountsWrong) => OpOutcome::Affected(rows + 1),
            OpOutcome::Rows { columns, mut rows } if self.is(Defect::QueryLosesRows) => {
                rows.pop();
                OpOutcome::Rows { columns, rows }
            }
            OpOutcome::Measured(Measurement::RowCounts(counts)) if self.is(Defect::MeasuresNothing) => {
                OpOutcome::Measured(Measurement::RowCounts(vec![Some(0); counts.len()]))
            }
            OpOutcome::Finished { .. } if self.is(Defect::FinishTellsNothing) => {
                OpOutcome::Finished { at: Timestamp::from_microseconds(0), duration_ms: 0 }
            }
            other => other,
        }
    }

    async fn begin(&mut self) -> Outcome {
        if self.is(Defect::BeginsLate) {
            self.pass(Op::Statement("begin deferred")).await?;
            self.in_transaction = true;
            return Ok(OpOutcome::Done);
        }
        let until = self.client.now() + Duration::from_secs(6);
        loop {
            match self.pass(Op::Begin).await {
                Err((found, _))
                    if self.is(Defect::WaitsForWriters)
                        && found.kind() == BackendErrorKind::Busy
                        && self.client.now() < until => {}
                other => return other,
            }
        }
    }

    async fn commit(&mut self) -> Outcome {
        if self.is(Defect::CommitMakesHistory) {
            self.pass(Op::CreateHistory).await?;
        }
        if self.is(Defect::CommitRollsBack) {
            return self.pass(Op::Rollback).await;
        }
        match self.pass(Op::Commit).await {
            Err(_) if self.is(Defect::CommitHidesRefusal) => self.pass(Op::Rollback).await,
            other => other,
        }
    }

    async fn roll_back(&mut self) -> Outcome {
        match self.in_transaction {
            true if self.is(Defect::RollbackCommits) => self.pass(Op::Commit).await,
            false if self.is(Defect::RollbackNeedsTransaction) => {
                Err((error(BackendErrorKind::Statement, "no transaction is open"), self.state()))
            }
            _ => self.pass(Op::Rollback).await,
        }
    }

    async fn set(&mut self, setting: &Setting) -> Outcome {
        let previous = match setting {
            Setting::Reset if self.is(Defect::ResetDoesNothing) => Setting::Reset,
            Setting::ForeignKeys(on) if self.is(Defect::ForeignKeysIgnored) => Setting::ForeignKeys(!on),
            Setting::Reset => {
                self.settings = Default::default();
                if self.is(Defect::LockEndsWithReset) {
                    self.unlock();
                }
                return self.pass(Op::Set(setting)).await;
            }
            Setting::ForeignKeys(_) => return self.pass(Op::Set(setting)).await,
            _ if self.is(Defect::SettingsAreNotRead) => setting.clone(),
            Setting::Role(Some(name)) if name != ROLE && !self.is(Defect::AnyRole) => {
                return Err((error(BackendErrorKind::SettingRefused, "no such role"), self.state()));
            }
            Setting::Role(role) => {
                let before = self.current(|settings| settings.role.clone()).flatten();
                self.level().role = Some(role.clone());
                Setting::Role(before)
            }
            Setting::LockTimeout(limit) => {
                let before = self.current(|settings| settings.lock_timeout).unwrap_or_default();
                self.level().lock_timeout = Some(*limit);
                Setting::LockTimeout(before)
            }
            Setting::StatementTimeout(limit) => {
                let before = self.current(|settings| settings.statement_timeout).unwrap_or_default();
                self.level().statement_timeout = Some(*limit);
                Setting::StatementTimeout(before)
            }
        };
        Ok(OpOutcome::Previous(previous))
    }

    /// The settings that a `Set` changes now.
    fn level(&mut self) -> &mut Settings {
        &mut self.settings[usize::from(self.in_transaction)]
    }

    fn current<T>(&self, of: impl Fn(&Settings) -> Option<T>) -> Option<T> {
        let [session, local] = &self.settings;
        of(local).or_else(|| of(session))
    }

    async fn create_history(&mut self) -> Outcome {
        if self.is(Defect::CreateFailsWhereThere)
            && let Some(inner) = &mut self.inner
            && inner.history(HistoryDetail::Check).await.is_ok_and(|rows| rows.is_some())
        {
            return Err((error(BackendErrorKind::Statement, "the table is there"), self.state()));
        }
        self.pass(Op::CreateHistory).await
    }

    async fn claim(&mut self, given: &Claim<'_>) -> Outcome {
        let holder = *self.client.shared.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is(Defect::LockStopsClaims) && holder.is_some_and(|holder| holder != self.number) {
            return Err((error(BackendErrorKind::AlreadyClaimed, "the lock is held"), self.state()));
        }
        let (mut claim, mut id) = (*given, given.id.clone());
        let ascii: String = given.run_by.chars().filter(char::is_ascii).collect();
        let takes_over = matches!(given.mode, ClaimMode::Takeover { .. });
        match self.client.defect {
            Some(Defect::ClaimLosesTokens) => claim.token_checksum = given.checksum,
            Some(Defect::ClaimIsAscii) => claim.run_by = &ascii,
            Some(Defect::TakeoverForgets) if takes_over => claim.statements_done = 0,
            Some(Defect::TakeoverCountsOne) if takes_over => claim.statements_done = 1,
            Some(Defect::ClaimIgnoresNamespace) => id.namespace = "main".into(),
            _ => {}
        }
        claim.id = &id;
        match self.pass(Op::Claim(&claim)).await {
            Err((found, _)) if self.is(Defect::ClaimsAnything) && found.kind() == BackendErrorKind::AlreadyClaimed => {
                Ok(OpOutcome::Done)
            }
            other => other,
        }
    }

    async fn remove(&mut self, row: &Fenced<'_>) -> Outcome {
        if self.is(Defect::RemoveDoesNothing) {
            return Ok(OpOutcome::Done);
        }
        if self.is(Defect::RemovesEverything) {
            return self.pass(Op::Statement("delete from whimbrel_history")).await.map(|_| OpOutcome::Done);
        }
        self.pass(Op::Remove(row)).await
    }

    async fn heartbeat(&mut self, op: Op<'_>) -> Outcome {
        if self.is(Defect::HeartbeatDoesNothing) {
            return Ok(OpOutcome::Done);
        }
        match self.pass(op).await {
            Err(_) if self.is(Defect::HeartbeatRevives) => {
                let revive = "update whimbrel_history set state = 'running', lease_until = '2999-01-01T00:00:00.000Z'";
                self.pass(Op::Statement(revive)).await.map(|_| OpOutcome::Done)
            }
            other => other,
        }
    }

    async fn statement(&mut self, text: &str) -> Outcome {
        let with_ignore = text.replace("insert into", "insert or ignore into");
        let text = match (self.client.defect, text) {
            (Some(Defect::TextControlsTransaction), "commit") => return self.pass(Op::Commit).await,
            (Some(Defect::TextControlsTransaction), "rollback") => return self.pass(Op::Rollback).await,
            (Some(Defect::TextControlsTransaction), "begin") => return self.pass(Op::Begin).await,
            (Some(Defect::StatementRefusesRows), text) if text.starts_with("select") => {
                return Err((error(BackendErrorKind::Statement, "it gives rows"), self.state()));
            }
            (Some(Defect::CutsComments), text) => text.split("--").next().unwrap_or_default(),
            (Some(Defect::IgnoresConstraints), _) => &with_ignore,
            (_, text) => text,
        };
        let limit = self.current(|settings| settings.statement_timeout).unwrap_or_default();
        let Some(inner) = self.inner.as_ref().filter(|_| !limit.is_zero()) else {
            return self.pass(Op::Statement(text)).await;
        };
        let (interrupt, over) = (inner.interrupt(), self.client.sleep(limit));
        let keeps_kind = self.is(Defect::TimeoutIsInterruption);
        let running = self.pass(Op::Statement(text)).boxed();
        match select(running, over).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), running)) => {
                interrupt.interrupt().await;
                let (found, state) = running.await.expect_err("it was stopped");
                Err((if keeps_kind { found } else { error(BackendErrorKind::Statement, "it took too long") }, state))
            }
        }
    }

    /// A program whose answer does not arrive, or that is not sent.
    async fn run_in_trouble(&mut self, program: &[Op<'_>], trouble: Trouble) -> Halted {
        match trouble {
            Trouble::Silent => std::future::pending().await,
            Trouble::AnswersAreLost => {
                for op in program {
                    if self.one(op).await.is_err() {
                        break;
                    }
                }
            }
            Trouble::Cut | Trouble::None => {}
        }
        let sent = trouble == Trouble::AnswersAreLost;
        let (error, transaction) = self.lost(sent && program.iter().any(|op| matches!(op, Op::Commit)));
        Halted { at: 0, error, transaction }
    }

    async fn run_each(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted> {
        let mut failed = None;
        for (at, op) in program.iter().enumerate() {
            match self.one(op).await {
                Ok(_) if self.is(Defect::TellsNothing) => {}
                Ok(outcome) => {
                    if self.is(Defect::TellsTwice) {
                        observer.done(at, outcome.clone());
                    }
                    observer.done(at, outcome);
                }
                Err((error, transaction)) => {
                    let at = if self.is(Defect::NamesAnotherOperation) { at.saturating_sub(1) } else { at };
                    let says_none = self.is(Defect::SaysRolledBack);
                    let transaction = if says_none { TransactionState::None } else { transaction };
                    failed.get_or_insert(Halted { at, error, transaction });
                    if !self.is(Defect::GoesOnAfterFailure) {
                        break;
                    }
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Session for ModelSession {
    async fn history(&mut self, detail: HistoryDetail) -> Result<Option<Vec<HistoryRow>>, BackendError> {
        if self.is(Defect::ReadingMakesHistory) {
            self.pass(Op::CreateHistory).await.map_err(|(error, _)| error)?;
        }
        if self.is(Defect::ReadingWrites) {
            let write = Op::Statement("create table if not exists read (id integer)");
            self.pass(write).await.map_err(|(error, _)| error)?;
        }
        let everything = self.is(Defect::ReadsEverything);
        let Some(inner) = &mut self.inner else {
            return Err(error(BackendErrorKind::ConnectionLost, "the connection ended"));
        };
        let read = inner.history(if everything { HistoryDetail::Full } else { detail }).await;
        if self.is(Defect::ReadingLeavesOpen) {
            self.pass(Op::Begin).await.map_err(|(error, _)| error)?;
        }
        let rows = match read {
            Err(found) if self.is(Defect::ForeignTableIsNone) && found.kind() == BackendErrorKind::HistoryFormat => {
                return Ok(None);
            }
            other => other?,
        };
        Ok(match rows {
            None if self.is(Defect::NoneIsEmpty) => Some(Vec::new()),
            Some(rows) if self.is(Defect::EmptyIsNone) && rows.is_empty() => None,
            Some(rows) if self.is(Defect::ReadingForgetsErrors) => {
                Some(rows.into_iter().map(|row| HistoryRow { error: None, ..row }).collect())
            }
            other => other,
        })
    }

    async fn backup(&mut self, namespace: &str) -> Result<Option<whimbrel_core::Backup>, BackendError> {
        let Some(inner) = &mut self.inner else {
            return Err(error(BackendErrorKind::ConnectionLost, "the connection ended"));
        };
        if !self.client.copies && !self.client.is(Defect::BackupMadeWhereNone) {
            return Err(error(BackendErrorKind::Unsupported, "no file could be copied"));
        }
        let mut backup = inner.backup(namespace).await?;
        if self.is(Defect::BackupLeavesOpen) {
            self.pass(Op::Begin).await.map_err(|(error, _)| error)?;
        }
        if let Some(copied) = &mut backup {
            if self.is(Defect::BackupForgetsVersion) {
                copied.version = None;
            }
            if self.is(Defect::BackupOverwrites) {
                let first = copied.file.with_file_name("the.backup");
                std::fs::rename(&copied.file, &first).expect("a copy can be renamed");
                copied.file = first;
            }
        }
        Ok(backup)
    }

    async fn try_lock(&mut self) -> Result<LockOutcome, BackendError> {
        let holder = {
            let mut lock = self.client.shared.lock.lock().unwrap_or_else(PoisonError::into_inner);
            *lock.get_or_insert(self.number)
        };
        if holder == self.number || self.is(Defect::LockForAll) {
            return Ok(LockOutcome::Acquired);
        }
        if self.is(Defect::LockWaits) {
            self.client.sleep(Duration::from_secs(3)).await;
        }
        Ok(LockOutcome::Held { holder: Some(format!("session {holder}")) })
    }

    async fn run(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted> {
        if program.is_empty() && self.is(Defect::EmptyProgramFails) {
            let error = error(BackendErrorKind::Internal, "there is nothing to do");
            return Err(Halted { at: 0, error, transaction: self.state() });
        }
        let trouble = self.client.way.trouble();
        if trouble != Trouble::None {
            return Err(self.run_in_trouble(program, trouble).await);
        }
        let together = self.is(Defect::LonePutTogether) && self.state() == TransactionState::None;
        let together = together && program.len() > 1 && !matches!(program[0], Op::Begin);
        if together {
            self.pass(Op::Begin).await.map_err(|(error, transaction)| Halted { at: 0, error, transaction })?;
        }
        let result = self.run_each(program, observer).await;
        let halted = |(error, transaction)| Halted { at: 0, error, transaction };
        if together {
            let end = if result.is_ok() { Op::Commit } else { Op::Rollback };
            self.pass(end).await.map_err(halted)?;
            return result.map_err(|halted| Halted { transaction: TransactionState::None, ..halted });
        }
        if self.in_transaction && self.is(Defect::PiecesCommit) {
            self.pass(Op::Commit).await.map_err(halted)?;
        }
        result
    }

    fn interrupt(&self) -> Box<dyn Interrupt> {
        let (client, lingering) = (self.client.clone(), Arc::clone(&self.lingering));
        let inner = self.inner.as_ref().map(|inner| inner.interrupt());
        Box::new(ModelInterrupt { client, lingering, inner: inner.map(Arc::from) })
    }

    fn server(&self) -> String {
        "Model 1".to_owned()
    }

    async fn close(mut self: Box<Self>) -> Result<(), BackendError> {
        self.closed = true;
        match self.inner.take() {
            Some(inner) => inner.close().await,
            None => Ok(()),
        }
    }
}

impl Drop for ModelSession {
    fn drop(&mut self) {
        let stays = if self.closed { Defect::LockOutlivesClose } else { Defect::LockOutlivesDrop };
        if !self.is(stays) {
            self.unlock();
        }
        if let Some(inner) = self.inner.take() {
            // A statement that nobody waits for any more must not keep a processor busy.
            let _ = inner.interrupt().interrupt().now_or_never();
            if self.is(Defect::DropLeavesOpen) {
                self.client.shared.leaked.lock().unwrap_or_else(PoisonError::into_inner).push(inner);
            }
        }
    }
}

struct ModelInterrupt {
    client: Client,
    lingering: Arc<AtomicBool>,
    inner: Option<Arc<dyn Interrupt>>,
}

impl Interrupt for ModelInterrupt {
    fn interrupt(&self) -> BoxFuture<'static, ()> {
        if self.client.way.trouble() == Trouble::Silent {
            let hangs = self.client.is(Defect::InterruptionHangs);
            let patience = if hangs { Duration::from_secs(3_600) } else { Duration::from_millis(100) };
            return self.client.sleep(patience);
        }
        let (inner, lingering) = (self.inner.clone(), Arc::clone(&self.lingering));
        let lingers = self.client.is(Defect::InterruptionLingers);
        Box::pin(async move {
            if let Some(inner) = inner {
                inner.interrupt().await;
            }
            lingering.store(lingers, Ordering::SeqCst);
        })
    }
}
