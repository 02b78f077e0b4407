//! A backend that watches the rules of the contract, on both sides of it.

use std::sync::{Arc, Mutex, PoisonError};

use whimbrel_core::backend::Notice;
use whimbrel_core::{
    BackendError, BackendErrorKind, Backup, Backups, Capabilities, Clock, Dialect, Halted, HistoryDetail, HistoryRow,
    Interrupt, LockOutcome, MigrationBackend, Observer, Op, OpOutcome, RunLock, Session, Setting, TransactionState,
    async_trait,
};

use crate::op::OpKind;

/// What was seen to break a rule.
#[derive(Debug, Clone, Default)]
pub struct Violations(Arc<Mutex<Vec<String>>>);

impl Violations {
    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, text: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }
}

/// A backend that watches what its callers ask and what it answers, and is otherwise the one that it wraps.
///
/// Of the caller: a transaction is begun where none is open and ended where one is, the seal is closed before the
/// commit, the history is not read and no lock is tried in a transaction, foreign keys are switched outside of one. Of
/// the backend: the observer hears of each operation once and in order, with an answer of the operation's kind; a
/// program that went well was heard to its end; a failure is in range, and what it says of the transaction can be.
#[derive(Debug, Clone)]
pub struct Checked {
    inner: Arc<dyn MigrationBackend>,
    violations: Violations,
}

impl Checked {
    /// Wraps a backend; what breaks a rule is added to `violations`.
    #[must_use]
    pub fn new(inner: Arc<dyn MigrationBackend>, violations: Violations) -> Self {
        Self { inner, violations }
    }
}

#[async_trait]
impl MigrationBackend for Checked {
    fn dialect(&self) -> &'static Dialect {
        self.inner.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn clock(&self) -> &dyn Clock {
        self.inner.clock()
    }

    fn database(&self) -> String {
        self.inner.database()
    }

    async fn connect(&self) -> Result<Box<dyn Session>, BackendError> {
        let inner = self.inner.connect().await?;
        let capabilities = self.inner.capabilities();
        let violations = self.violations.clone();
        Ok(Box::new(CheckedSession { inner, capabilities, violations, open: false, sealed: false, over: false }))
    }
}

struct CheckedSession {
    inner: Box<dyn Session>,
    capabilities: Capabilities,
    violations: Violations,
    /// A transaction is open.
    open: bool,
    /// Its seal is, too.
    sealed: bool,
    /// A program was dropped before its end.
    over: bool,
}

/// Hears what the backend tells, and passes it on.
struct Listening<'a, 'p> {
    observer: &'a mut (dyn Observer + Send),
    violations: &'a Violations,
    program: &'a [Op<'p>],
    heard: usize,
}

impl Observer for Listening<'_, '_> {
    fn done(&mut self, index: usize, outcome: OpOutcome) {
        if index != self.heard {
            self.violations.add(format!("the observer heard of operation {index} where {} was due", self.heard));
        }
        self.heard = index + 1;
        match self.program.get(index) {
            None => self.violations.add(format!("the observer heard of operation {index}, which the program lacks")),
            Some(op) if !fits(op, &outcome) => {
                self.violations.add(format!("{:?} was answered with {outcome:?}", OpKind::of(op)));
            }
            Some(_) => {}
        }
        self.observer.done(index, outcome);
    }

    fn notice(&mut self, notice: Notice) {
        self.observer.notice(notice);
    }
}

fn fits(op: &Op<'_>, outcome: &OpOutcome) -> bool {
    match op {
        Op::Set(Setting::Reset) => matches!(outcome, OpOutcome::Previous(Setting::Reset)),
        Op::Set(_) => matches!(outcome, OpOutcome::Previous(_)),
        Op::Finish(_) => matches!(outcome, OpOutcome::Finished { .. }),
        Op::Statement(_) => matches!(outcome, OpOutcome::Done | OpOutcome::Affected(_)),
        Op::Query(_) => matches!(outcome, OpOutcome::Rows { .. }),
        Op::Measure(_) => matches!(outcome, OpOutcome::Measured(_)),
        _ => matches!(outcome, OpOutcome::Done),
    }
}

impl CheckedSession {
    fn broken(&self, text: impl Into<String>) {
        self.violations.add(text.into());
    }

    /// The caller's side: follows the program through its operations up to `until`.
    fn follow(&mut self, program: &[Op<'_>], until: usize, judge: bool) {
        for (index, op) in program[..until].iter().enumerate() {
            let wrong = match op {
                Op::Begin => std::mem::replace(&mut self.open, true).then_some("begins in an open transaction"),
                Op::Seal => {
                    let wrong = !self.open || self.sealed;
                    self.sealed = true;
                    wrong.then_some("opens a seal outside a transaction, or a second one")
                }
                Op::Unseal => (!std::mem::take(&mut self.sealed)).then_some("closes a seal that is not open"),
                Op::Commit => {
                    let wrong = !std::mem::take(&mut self.open) || std::mem::take(&mut self.sealed);
                    wrong.then_some("commits with an open seal, or where no transaction is open")
                }
                Op::Rollback => {
                    (self.open, self.sealed) = (false, false);
                    None
                }
                Op::Set(Setting::ForeignKeys(_)) => self.open.then_some("switches foreign keys in a transaction"),
                _ => None,
            };
            if let (Some(wrong), true) = (wrong, judge) {
                self.broken(format!("operation {index} {wrong}: {:?}", OpKind::of_all(program)));
            }
        }
    }

    /// The backend's side of a failure.
    fn check_halt(&mut self, program: &[Op<'_>], heard: usize, halted: &Halted) {
        let shown = || format!("{:?} at {} of {:?}", halted.error.kind(), halted.at, OpKind::of_all(program));
        if halted.at >= program.len() {
            self.broken(format!("a failure is out of range: {}", shown()));
            return;
        }
        if heard > halted.at {
            self.broken(format!("the observer heard of {heard} operations before a failure: {}", shown()));
        }
        self.follow(program, halted.at, false);
        let can_be_open = self.open || matches!(program[halted.at], Op::Begin | Op::Commit);
        let lost = halted.error.kind() == BackendErrorKind::ConnectionLost;
        let can_be = match halted.transaction {
            TransactionState::None => true,
            // A statement of the migration's own may have begun one.
            TransactionState::Open => can_be_open || matches!(program[halted.at], Op::Statement(_) | Op::Query(_)),
            TransactionState::Lost => lost && can_be_open,
            TransactionState::InDoubt => lost && program.iter().any(|op| matches!(op, Op::Commit)),
        };
        if !can_be {
            self.broken(format!("the transaction cannot be {:?} after {}", halted.transaction, shown()));
        }
        self.open = halted.transaction == TransactionState::Open;
        self.sealed &= self.open;
    }
}

#[async_trait]
impl Session for CheckedSession {
    async fn history(&mut self, detail: HistoryDetail) -> Result<Option<Vec<HistoryRow>>, BackendError> {
        if self.open {
            self.broken("the history is read in a transaction");
        }
        let result = self.inner.history(detail).await;
        if let Ok(Some(rows)) = &result {
            let mut ids: Vec<_> = rows.iter().map(|row| &row.id).collect();
            ids.sort();
            if ids.windows(2).any(|pair| pair[0] == pair[1]) {
                self.broken("the history has two rows of one migration");
            }
            if detail == HistoryDetail::Full && rows.iter().any(|row| row.run_by.is_empty()) {
                self.broken("a row of the full history does not tell who ran it");
            }
        }
        result
    }

    async fn try_lock(&mut self) -> Result<LockOutcome, BackendError> {
        if self.capabilities.run_lock == RunLock::None {
            self.broken("the lock is tried on a backend that has none");
        }
        if self.open {
            self.broken("the lock is tried in a transaction");
        }
        self.inner.try_lock().await
    }

    async fn run(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted> {
        if self.over {
            self.broken(format!("a session is used after its program was dropped: {:?}", OpKind::of_all(program)));
        }
        let (open, sealed) = (self.open, self.sealed);
        self.follow(program, program.len(), true);
        let after = (self.open, self.sealed);
        (self.open, self.sealed) = (open, sealed);
        let violations = self.violations.clone();
        let mut listening = Listening { observer, violations: &violations, program, heard: 0 };
        // Dropped before the end of this call: used no more.
        self.over = true;
        let result = self.inner.run(program, &mut listening).await;
        self.over = false;
        let heard = listening.heard;
        match &result {
            Ok(()) => {
                if heard != program.len() {
                    self.broken(format!("the observer heard of {heard} operations of {:?}", OpKind::of_all(program)));
                }
                (self.open, self.sealed) = after;
            }
            Err(halted) => self.check_halt(program, heard, halted),
        }
        result
    }

    async fn backup(&mut self, namespace: &str) -> Result<Option<Backup>, BackendError> {
        if self.open {
            self.broken("a backup is asked for in a transaction");
        }
        let result = self.inner.backup(namespace).await;
        if self.capabilities.backups != Backups::Beside && result.is_ok() {
            self.broken("a backend that makes no backups has made one");
        }
        if let Ok(Some(backup)) = &result
            && !backup.file.exists()
        {
            self.broken(format!("the backup {} is not there", backup.file.display()));
        }
        result
    }

    fn interrupt(&self) -> Box<dyn Interrupt> {
        self.inner.interrupt()
    }

    fn server(&self) -> String {
        self.inner.server()
    }

    async fn close(self: Box<Self>) -> Result<(), BackendError> {
        if self.open {
            self.broken("a session is closed with an open transaction");
        }
        self.inner.close().await
    }
}
