//! A backend that fails where it is told to.

use std::sync::{Arc, Mutex, PoisonError};

use whimbrel_core::backend::Notice;
use whimbrel_core::{
    BackendError, BackendErrorKind, Backup, BoxFuture, Capabilities, Clock, Dialect, Halted, HistoryDetail, HistoryRow,
    Interrupt, LockOutcome, MigrationBackend, Observer, Op, OpOutcome, Session, TransactionState, async_trait,
};

use crate::op::OpKind;

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not run and fails with this kind; the connection lives.
    Refused(BackendErrorKind),
    /// The connection ends before it is run.
    LostBefore,
    /// It is run, and the connection ends before its answer.
    LostAfter,
}

/// Which operation fails.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// The one with this number, counted from now over all programs.
    Number(usize),
    /// The next one of this kind, after so many others of it.
    Kind(OpKind, usize),
}

#[derive(Debug, Default)]
struct Armed {
    faults: Vec<(Target, Fault)>,
    connects: Vec<BackendErrorKind>,
    fired: usize,
}

/// A backend that fails where it is told to, once for each time that it is told, and is otherwise the one that it wraps.
#[derive(Debug, Clone)]
pub struct Faulty {
    inner: Arc<dyn MigrationBackend>,
    armed: Arc<Mutex<Armed>>,
}

impl Faulty {
    /// Wraps a backend. Clones share their faults.
    #[must_use]
    pub fn new(inner: Arc<dyn MigrationBackend>) -> Self {
        Self { inner, armed: Arc::default() }
    }

    /// The operation with this number (from 0, counted from now over all programs of all sessions) fails.
    pub fn fail_number(&self, number: usize, fault: Fault) {
        self.lock().faults.push((Target::Number(number), fault));
    }

    /// The next operation of this kind fails, after `passed` others of it went well.
    pub fn fail_kind(&self, kind: OpKind, passed: usize, fault: Fault) {
        self.lock().faults.push((Target::Kind(kind, passed), fault));
    }

    /// The next attempt to connect fails; several calls: the next attempts.
    pub fn fail_connect(&self, kind: BackendErrorKind) {
        self.lock().connects.push(kind);
    }

    /// How many faults came to pass.
    #[must_use]
    pub fn fired(&self) -> usize {
        self.lock().fired
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Armed> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first operation of the program that is to fail. Counts those before it.
    fn next_fault(&self, program: &[Op<'_>]) -> Option<(usize, Fault)> {
        let mut armed = self.lock();
        for (index, op) in program.iter().enumerate() {
            let mut due = None;
            for (position, (target, fault)) in armed.faults.iter_mut().enumerate() {
                let left = match target {
                    Target::Number(left) => left,
                    Target::Kind(kind, left) if *kind == OpKind::of(op) => left,
                    Target::Kind(..) => continue,
                };
                match left.checked_sub(1) {
                    Some(less) => *left = less,
                    None => due = due.or(Some((position, *fault))),
                }
            }
            if let Some((position, fault)) = due {
                armed.faults.remove(position);
                armed.fired += 1;
                return Some((index, fault));
            }
        }
        None
    }
}

#[async_trait]
impl MigrationBackend for Faulty {
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
        let refused = {
            let mut armed = self.lock();
            let refused = (!armed.connects.is_empty()).then(|| armed.connects.remove(0));
            armed.fired += usize::from(refused.is_some());
            refused
        };
        if let Some(kind) = refused {
            return Err(BackendError::new(kind, "injected: no connection"));
        }
        let inner = self.inner.connect().await?;
        let server = inner.server();
        Ok(Box::new(FaultySession { inner: Some(inner), server, faults: self.clone(), in_transaction: false }))
    }
}

struct FaultySession {
    /// `None`: the connection was lost.
    inner: Option<Box<dyn Session>>,
    server: String,
    faults: Faulty,
    in_transaction: bool,
}

/// Passes on, and remembers where the transaction stands.
struct Following<'a, 'p> {
    observer: &'a mut (dyn Observer + Send),
    program: &'a [Op<'p>],
    in_transaction: bool,
    /// Its answer is lost with the connection.
    unheard: Option<usize>,
}

impl Observer for Following<'_, '_> {
    fn done(&mut self, index: usize, outcome: OpOutcome) {
        match self.program.get(index) {
            Some(Op::Begin) => self.in_transaction = true,
            Some(Op::Commit | Op::Rollback) => self.in_transaction = false,
            _ => {}
        }
        if self.unheard != Some(index) {
            self.observer.done(index, outcome);
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.observer.notice(notice);
    }
}

fn lost() -> BackendError {
    BackendError::new(BackendErrorKind::ConnectionLost, "injected: the connection ended")
}

fn already_lost() -> Halted {
    Halted { at: 0, error: lost(), transaction: TransactionState::None }
}

impl FaultySession {
    async fn run_inner(
        &mut self,
        program: &[Op<'_>],
        observer: &mut (dyn Observer + Send),
        unheard: Option<usize>,
    ) -> Result<(), Halted> {
        let Some(inner) = &mut self.inner else { return Err(already_lost()) };
        let mut following = Following { observer, program, in_transaction: self.in_transaction, unheard };
        let result = inner.run(program, &mut following).await;
        self.in_transaction = match &result {
            Ok(()) => following.in_transaction,
            Err(halted) => halted.transaction == TransactionState::Open,
        };
        result
    }

    /// What a backend can say about the transaction when the connection ends while `rest` is on its way.
    fn after_loss(&self, rest: &[Op<'_>], committed: bool) -> TransactionState {
        if committed || (self.in_transaction && rest.iter().any(|op| matches!(op, Op::Commit))) {
            return TransactionState::InDoubt;
        }
        if self.in_transaction { TransactionState::Lost } else { TransactionState::None }
    }
}

#[async_trait]
impl Session for FaultySession {
    async fn history(&mut self, detail: HistoryDetail) -> Result<Option<Vec<HistoryRow>>, BackendError> {
        match &mut self.inner {
            Some(inner) => inner.history(detail).await,
            None => Err(lost()),
        }
    }

    async fn try_lock(&mut self) -> Result<LockOutcome, BackendError> {
        match &mut self.inner {
            Some(inner) => inner.try_lock().await,
            None => Err(lost()),
        }
    }

    async fn run(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted> {
        if self.inner.is_none() {
            return Err(already_lost());
        }
        let Some((at, fault)) = self.faults.next_fault(program) else {
            return self.run_inner(program, observer, None).await;
        };
        let ran = if fault == Fault::LostAfter { at + 1 } else { at };
        if ran > 0 {
            self.run_inner(&program[..ran], observer, (fault == Fault::LostAfter).then_some(at)).await?;
        }
        if let Fault::Refused(kind) = fault {
            let transaction = if self.in_transaction { TransactionState::Open } else { TransactionState::None };
            let error = BackendError::new(kind, format!("injected: {kind:?}"));
            return Err(Halted { at, error, transaction });
        }
        let committed = fault == Fault::LostAfter && matches!(program[at], Op::Commit);
        let begun = matches!(program[at], Op::Begin) && fault == Fault::LostBefore;
        let in_doubt = begun && program[at..].iter().any(|op| matches!(op, Op::Commit));
        let transaction = if in_doubt { TransactionState::InDoubt } else { self.after_loss(&program[at..], committed) };
        self.inner = None;
        self.in_transaction = false;
        Err(Halted { at, error: lost(), transaction })
    }

    async fn backup(&mut self, namespace: &str) -> Result<Option<Backup>, BackendError> {
        match &mut self.inner {
            Some(inner) => inner.backup(namespace).await,
            None => Err(lost()),
        }
    }

    fn interrupt(&self) -> Box<dyn Interrupt> {
        match &self.inner {
            Some(inner) => inner.interrupt(),
            None => Box::new(NoInterrupt),
        }
    }

    fn server(&self) -> String {
        self.server.clone()
    }

    async fn close(self: Box<Self>) -> Result<(), BackendError> {
        match self.inner {
            Some(inner) => inner.close().await,
            None => Err(lost()),
        }
    }
}

struct NoInterrupt;

impl Interrupt for NoInterrupt {
    fn interrupt(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
