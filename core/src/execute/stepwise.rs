//! Migrations outside a transaction: the claim is committed first, each statement runs alone, progress is recorded.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use super::drive::Recorder;
use super::failure::Part;
use super::transaction::{new_violations, not_loaded};
use super::{Doubt, Executor, Ready, Settings, StepError, count, drive, drive_plain};
use crate::backend::{
    Checkpoint, Claim, ClaimMode, Failure, Fenced, Finish, Halted, Heartbeat, Measure, Measurement, MigrationBackend,
    Op, OpOutcome, Session, Setting, TransactionState,
};
use crate::checksum::Checksum;
use crate::error::{BackendError, BackendErrorKind};
use crate::event::{Event, Listeners};
use crate::lock::unless_cancelled;
use crate::migration::{Migration, transaction_open};
use crate::plan::Step;
use crate::report::{Aftermath, Applied, Cause, setting_name};
use crate::split::{Control, Statement};

/// The first pause before a statement that could not have its lock is tried again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// What is left where an index that was built beside other work failed.
const INVALID_INDEX: &str = "an invalid index of that name may be left: `DROP INDEX CONCURRENTLY` it before the next run, which \
    would fail on it";

/// The checksum over the token streams of the first statements, in order.
pub(crate) fn prefix_checksum(dialect: &crate::Dialect, statements: &[Statement<'_>]) -> Checksum {
    let hashes = statements
        .iter()
        .map(|statement| Checksum::from_digest(crate::split::token_hash(dialect.lexer, statement.text)).to_string());
    Checksum::of_text(&hashes.collect::<Vec<_>>().join("\n"))
}

impl Executor<'_> {
    /// Applies one step statement by statement.
    pub(crate) async fn apply_stepwise(&mut self, migration: &Migration, step: &Step) -> Result<Applied, StepError> {
        let text = migration.text().map_err(|error| not_loaded(migration, error))?;
        let ready = Ready::new(migration, step, &text, self.dialect, self.beside)
            .map_err(|error| not_loaded(migration, error))?;
        let claim = ready.claim(self.settings, Some(self.settings.lease));
        let fenced = Fenced { id: &migration.id, fence: claim.fence_after() };
        self.refuse_leaks(&ready, migration)?;
        let restore = self.enter(&ready, migration).await?;
        let claimed = self.claim(&ready, &claim).await;
        let result = match claimed {
            Err(halted) => Err(self.claim_failed(&ready, halted)),
            Ok(_) => self.run_statements(&ready, fenced).await,
        };
        self.leave(&ready, &restore).await;
        let (at, duration_ms) = result?;
        Ok(Applied { id: migration.id.clone(), name: migration.name.to_string(), at, duration_ms })
    }

    /// What is set outside a transaction stays with a session that serves another client next, and may not be there for
    /// the next statement.
    fn refuse_leaks(&self, ready: &Ready<'_>, migration: &Migration) -> Result<(), StepError> {
        let settings = self.settings_for(migration);
        let what = match settings.first() {
            _ if !self.shared => return Ok(()),
            Some(setting) => setting_name(setting),
            None if ready.sets_session(self.dialect) => "what its text sets",
            None => return Ok(()),
        };
        let message =
            format!("behind a connection pooler, and outside a transaction, {what} would reach other clients");
        let error = BackendError::new(BackendErrorKind::Unsupported, message)
            .with_hint("run this migration on a connection to the server itself, or without the setting");
        let cause = Cause::Backend { doing: "begin".to_owned(), error };
        Err(StepError::Failed(ready.failed(cause, Aftermath::RolledBack, None)))
    }

    /// Takes the claim. Where another tool's history is shared, it tells of the migration from now on, so that nobody of that tool
    /// begins it too.
    async fn claim(&mut self, ready: &Ready<'_>, claim: &Claim<'_>) -> Result<Vec<(usize, OpOutcome)>, Halted> {
        let insert = ready.beside.as_deref().filter(|_| claim.mode == ClaimMode::New);
        let Some(insert) = insert else { return drive_plain(self.session, &[Op::Claim(claim)], self.listeners).await };
        let both = [Op::Begin, Op::Claim(claim), Op::Statement(insert), Op::Commit];
        let claimed = drive_plain(self.session, &both, self.listeners).await;
        if claimed.as_ref().is_err_and(|halted| halted.transaction == TransactionState::Open) {
            let _ = drive_plain(self.session, &[Op::Rollback], self.listeners).await;
        }
        claimed
    }

    fn claim_failed(&mut self, ready: &Ready<'_>, halted: Halted) -> StepError {
        let lost = halted.error.kind() == BackendErrorKind::ConnectionLost;
        self.doubt = Doubt::Claim;
        ready.halted(Part::Claim, halted, if lost { Aftermath::InDoubt } else { Aftermath::RolledBack })
    }

    /// Sets the session up, and gives what it was.
    async fn enter(&mut self, ready: &Ready<'_>, migration: &Migration) -> Result<Vec<Setting>, StepError> {
        let mut restore = Vec::new();
        let keys = migration.directives().foreign_keys_off.then_some(Setting::ForeignKeys(false));
        for setting in self.settings_for(migration).into_iter().chain(keys) {
            match drive_plain(self.session, &[Op::Set(&setting)], self.listeners).await {
                Ok(outcomes) => restore.extend(outcomes.into_iter().filter_map(|(_, outcome)| match outcome {
                    OpOutcome::Previous(previous) => Some(previous),
                    _ => None,
                })),
                Err(halted) => {
                    self.leave(ready, &restore).await;
                    return Err(ready.halted(Part::Opening, halted, Aftermath::RolledBack));
                }
            }
        }
        Ok(restore)
    }

    /// Puts the session back, the last setting first.
    async fn leave(&mut self, ready: &Ready<'_>, restore: &[Setting]) {
        let reset = ready.sets_session(self.dialect).then_some(&Setting::Reset);
        self.put_back(reset.into_iter().chain(restore.iter().rev())).await;
    }

    async fn run_statements(
        &mut self,
        ready: &Ready<'_>,
        row: Fenced<'_>,
    ) -> Result<(crate::Timestamp, u64), StepError> {
        let total = ready.statements.len();
        let before = self.violations(ready).await?;
        let mut open = false;
        for index in ready.skipped()..total {
            // The progress goes with the text's own transaction: into it before it is committed, and lost with it else.
            let control = ready.statements[index].control(self.dialect.lexer);
            let ends = open && matches!(control, Control::Ends { commits: true, .. });
            if ends {
                self.checkpoint(ready, row, index + 1).await?;
            }
            self.run_statement(ready, row, index).await?;
            open = transaction_open(self.dialect, &ready.statements[ready.skipped()..=index]).is_some();
            if index + 1 < total && !open && !ends {
                self.checkpoint(ready, row, index + 1).await?;
            }
        }
        // Where all was done before, whoever looked has mended what was broken then, or nothing is enforced here.
        let begun = ready.skipped() < total;
        let after = self.violations(ready).await?;
        let broken = if begun { new_violations(&[before, after]) } else { new_violations(&[Vec::new(), after]) };
        match broken {
            Some(cause) => Err(self.record_violations(ready, row, cause).await),
            None => self.finish(ready, row).await,
        }
    }

    /// The rows that break a foreign key, where the migration runs without them being enforced.
    async fn violations(&mut self, ready: &Ready<'_>) -> Result<Vec<String>, StepError> {
        if !ready.migration.directives().foreign_keys_off {
            return Ok(Vec::new());
        }
        let outcomes = drive_plain(self.session, &[Op::Measure(&Measure::ForeignKeyViolations)], self.listeners).await;
        let (done, total) = (count(ready.skipped()), count(ready.statements.len()));
        let outcomes =
            outcomes.map_err(|halted| ready.halted(Part::Measure, halted, Aftermath::Unclear { done, total }))?;
        let rows = outcomes.into_iter().find_map(|(_, outcome)| match outcome {
            OpOutcome::Measured(Measurement::ForeignKeyViolations(rows)) => Some(rows),
            _ => None,
        });
        Ok(rows.unwrap_or_default())
    }

    /// All statements took effect and left rows that break a foreign key, which a person mends.
    async fn record_violations(&mut self, ready: &Ready<'_>, row: Fenced<'_>, cause: Cause) -> StepError {
        let total = count(ready.statements.len());
        let error = cause.to_string();
        let done = total;
        let prefix_checksum = prefix_checksum(self.dialect, &ready.statements);
        let lease = self.settings.lease;
        let checkpoint = Checkpoint { row, statements_done: done, prefix_checksum: &prefix_checksum, lease };
        let mut recorded = self.record(Op::Checkpoint(&checkpoint), row).await;
        if recorded.is_ok() {
            recorded = self.record(Op::Fail(&Failure { row, error: &error }), row).await;
        }
        let aftermath = match recorded {
            Ok(_) => Aftermath::PartWay { done, total },
            Err(_) => Aftermath::Unclear { done, total },
        };
        StepError::Failed(ready.failed(cause, aftermath, None))
    }

    async fn finish(&mut self, ready: &Ready<'_>, row: Fenced<'_>) -> Result<(crate::Timestamp, u64), StepError> {
        let total = count(ready.statements.len());
        let finish = Finish { row };
        let outcomes = self.record(Op::Finish(&finish), row).await;
        let unclear = Aftermath::Unclear { done: total.saturating_sub(1), total };
        let outcomes = outcomes.map_err(|halted| {
            let lost = halted.error.kind() == BackendErrorKind::ConnectionLost;
            self.doubt = Doubt::Finish;
            ready.halted(Part::Record, halted, if lost { Aftermath::InDoubt } else { unclear })
        })?;
        let finished = outcomes.into_iter().find_map(|(_, outcome)| match outcome {
            OpOutcome::Finished { at, duration_ms } => Some((at, duration_ms)),
            _ => None,
        });
        finished.ok_or_else(|| {
            let error = BackendError::new(
                BackendErrorKind::Internal,
                "the backend did not answer when the migration was finished",
            );
            StepError::Failed(ready.failed(
                Cause::Backend { doing: "record in the history".to_owned(), error },
                unclear,
                None,
            ))
        })
    }

    async fn checkpoint(&mut self, ready: &Ready<'_>, row: Fenced<'_>, done: usize) -> Result<(), StepError> {
        let prefix_checksum = prefix_checksum(self.dialect, &ready.statements[..done]);
        let checkpoint = Checkpoint {
            row,
            statements_done: count(done),
            prefix_checksum: &prefix_checksum,
            lease: self.settings.lease,
        };
        let recorded = self.record(Op::Checkpoint(&checkpoint), row).await;
        let unclear = Aftermath::Unclear { done: count(done - 1), total: count(ready.statements.len()) };
        recorded.map(|_| ()).map_err(|halted| ready.halted(Part::Record, halted, unclear))
    }

    /// Writes progress. What passes by itself, and a request to stop that came too late, must not make it unclear how
    /// far the migration came: such a write is tried again.
    async fn record(&mut self, op: Op<'_>, row: Fenced<'_>) -> Result<Vec<(usize, OpOutcome)>, Halted> {
        use BackendErrorKind::{Busy, Conflict, Interrupted};
        let mut pause = FIRST_PAUSE;
        for attempt in 0.. {
            let halted = match drive_plain(self.session, &[op], self.listeners).await {
                Err(halted) if attempt < self.settings.busy_retries => halted,
                ended => return ended,
            };
            if !matches!(halted.error.kind(), Busy | Conflict | Interrupted) {
                return Err(halted);
            }
            self.listeners.tell(&Event::Retrying { id: row.id, error: &halted.error, pause });
            self.backend.clock().sleep(pause).await;
            pause *= 2;
        }
        Ok(Vec::new())
    }

    /// Runs one statement; a lock that could not be had in time is tried again, since it left nothing behind.
    async fn run_statement(&mut self, ready: &Ready<'_>, row: Fenced<'_>, index: usize) -> Result<(), StepError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 0.. {
            let halted = match self.attempt(ready, row, index).await {
                Ok(()) => return Ok(()),
                Err(halted) => halted,
            };
            let may_retry = attempt < self.settings.busy_retries && !self.cancel.is_cancelled();
            if halted.error.kind() == BackendErrorKind::Busy && may_retry {
                self.listeners.tell(&Event::Retrying { id: row.id, error: &halted.error, pause });
                unless_cancelled(self.cancel, self.backend.clock().sleep(pause)).await;
                pause *= 2;
                continue;
            }
            return Err(self.record_failure(ready, row, index, halted).await);
        }
        Ok(())
    }

    async fn attempt(&mut self, ready: &Ready<'_>, row: Fenced<'_>, index: usize) -> Result<(), Halted> {
        self.attempt_alone(ready, row, index).await?;
        self.refuse_invalid_index(&ready.statements[index]).await
    }

    /// An index that a build which failed has left is there for `IF NOT EXISTS`, and no query uses it: that is not done.
    async fn refuse_invalid_index(&mut self, statement: &Statement<'_>) -> Result<(), Halted> {
        let lexer = self.dialect.lexer;
        let Some((name, table)) = statement.index_unless_there(lexer) else { return Ok(()) };
        let Some(query) = lexer.invalid_index(name, &table) else { return Ok(()) };
        let asked = drive_plain(self.session, &[Op::Query(&query)], self.listeners).await?;
        let left = asked.into_iter().find_map(|(_, outcome)| match outcome {
            OpOutcome::Rows { rows, .. } => rows.into_iter().next()?.into_iter().next()?,
            _ => None,
        });
        let Some(left) = left else { return Ok(()) };
        let message = format!("the index {left} is there and invalid: a build of it failed, and nothing was built now");
        let hint = format!("`DROP INDEX CONCURRENTLY {left}` and see what its build failed on, then run again");
        let error = BackendError::new(BackendErrorKind::Statement, message).with_hint(hint);
        Err(Halted { at: 0, error, transaction: TransactionState::None })
    }

    async fn attempt_alone(&mut self, ready: &Ready<'_>, row: Fenced<'_>, index: usize) -> Result<(), Halted> {
        let total = ready.statements.len();
        let mut recorder = Recorder::new(self.listeners).with_statements(0..1, (index, total));
        let ops = [Op::Statement(ready.statements[index].text)];
        let mut running = pin!(drive(self.session, &ops, &mut recorder, self.cancel));
        if !self.capabilities.second_session {
            return running.await;
        }
        let mut beating = pin!(keep_alive(self.backend, row, self.settings, self.listeners));
        poll_fn(|context| {
            let ended = running.as_mut().poll(context);
            if ended.is_pending() {
                // It never ends; the statement does.
                let _ = beating.as_mut().poll(context);
            }
            ended
        })
        .await
    }

    /// Records at which statement it stopped. An answered error means that the statement took no effect; after a lost
    /// connection only the claim tells, and it stays as it is.
    async fn record_failure(&mut self, ready: &Ready<'_>, row: Fenced<'_>, index: usize, halted: Halted) -> StepError {
        // What a transaction of the text had done goes with it.
        let own = transaction_open(self.dialect, &ready.statements[ready.skipped()..index]);
        let kept = own.map_or(index, |begin| ready.skipped() + begin);
        let (done, total) = (count(kept), count(ready.statements.len()));
        let lost = halted.error.kind() == BackendErrorKind::ConnectionLost;
        // What a procedure had committed stays, and nobody here saw it.
        if lost || ready.statements[index].may_commit(self.dialect.lexer) {
            if !lost {
                let _ = drive_plain(self.session, &[Op::Rollback], self.listeners).await;
            }
            return ready.halted(Part::Statement(index), halted, Aftermath::Unclear { done, total });
        }
        let mut halted = halted;
        if halted.error.hint().is_none() && ready.statements[index].may_leave_an_index(self.dialect.lexer) {
            halted.error = halted.error.with_hint(INVALID_INDEX);
        }
        let error = halted.error.to_string();
        let failure = Failure { row, error: &error };
        let rolled_back = drive_plain(self.session, &[Op::Rollback], self.listeners).await;
        let recorded = match rolled_back {
            Ok(_) => self.record(Op::Fail(&failure), row).await,
            Err(halted) => Err(halted),
        };
        let aftermath = match recorded {
            Ok(_) => Aftermath::PartWay { done, total },
            Err(halted) => {
                tracing::warn!(error = %halted.error, "the failure could not be recorded");
                Aftermath::Unclear { done, total }
            }
        };
        ready.halted(Part::Statement(index), halted, aftermath)
    }
}

/// Extends the lease from a session of its own, for as long as it is polled.
async fn keep_alive(backend: &dyn MigrationBackend, row: Fenced<'_>, settings: &Settings, listeners: &Listeners) {
    let heartbeat = Heartbeat { row, lease: settings.lease };
    let role = settings.role.clone().map(|role| Setting::Role(Some(role)));
    let mut session: Option<Box<dyn Session>> = None;
    loop {
        backend.clock().sleep(settings.lease / 3).await;
        if session.is_none() {
            match backend.connect().await {
                Ok(connected) => session = Some(connected),
                Err(error) => listeners.tell(&Event::HeartbeatFailed { error: &error }),
            }
        }
        let Some(connected) = &mut session else { continue };
        // The history belongs to the role.
        let program: Vec<Op<'_>> = role.as_ref().map(Op::Set).into_iter().chain([Op::Heartbeat(&heartbeat)]).collect();
        if let Err(halted) = drive_plain(&mut **connected, &program, listeners).await {
            listeners.tell(&Event::HeartbeatFailed { error: &halted.error });
            session = None;
        }
    }
}
