//! A backend that writes down what is asked of it.

use std::sync::{Arc, Mutex, PoisonError};

use whimbrel_core::{
    BackendError, Backup, Capabilities, Clock, Dialect, Halted, HistoryDetail, HistoryRow, Interrupt, LockOutcome,
    MigrationBackend, Observer, Op, Session, async_trait,
};

use crate::op::OpKind;

/// Something that was asked of a backend or a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A session was opened, or that was tried.
    Connect,
    /// The history was read.
    History(HistoryDetail),
    /// The lock was tried.
    TryLock,
    /// A program was given to a session.
    Run(Vec<OpKind>),
    /// The database was copied.
    Backup,
    /// A session was closed in good order.
    Close,
}

/// A backend that writes down every call, and is otherwise the one that it wraps.
#[derive(Debug, Clone)]
pub struct Recording {
    inner: Arc<dyn MigrationBackend>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Recording {
    /// Wraps a backend. Clones write into the same record.
    #[must_use]
    pub fn new(inner: Arc<dyn MigrationBackend>) -> Self {
        Self { inner, calls: Arc::default() }
    }

    /// What was asked so far, by all sessions, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.lock().clone()
    }

    /// What was asked so far, and begins anew.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.lock())
    }

    /// The programs among the calls.
    #[must_use]
    pub fn programs(&self) -> Vec<Vec<OpKind>> {
        let program = |call| if let Call::Run(ops) = call { Some(ops) } else { None };
        self.calls().into_iter().filter_map(program).collect()
    }

    /// The operations of all programs, in order.
    #[must_use]
    pub fn ops(&self) -> Vec<OpKind> {
        self.programs().concat()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MigrationBackend for Recording {
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
        self.lock().push(Call::Connect);
        let inner = self.inner.connect().await?;
        Ok(Box::new(RecordingSession { inner, record: self.clone() }))
    }
}

struct RecordingSession {
    inner: Box<dyn Session>,
    record: Recording,
}

#[async_trait]
impl Session for RecordingSession {
    async fn history(&mut self, detail: HistoryDetail) -> Result<Option<Vec<HistoryRow>>, BackendError> {
        self.record.lock().push(Call::History(detail));
        self.inner.history(detail).await
    }

    async fn try_lock(&mut self) -> Result<LockOutcome, BackendError> {
        self.record.lock().push(Call::TryLock);
        self.inner.try_lock().await
    }

    async fn run(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted> {
        self.record.lock().push(Call::Run(OpKind::of_all(program)));
        self.inner.run(program, observer).await
    }

    async fn backup(&mut self, namespace: &str) -> Result<Option<Backup>, BackendError> {
        self.record.lock().push(Call::Backup);
        self.inner.backup(namespace).await
    }

    fn interrupt(&self) -> Box<dyn Interrupt> {
        self.inner.interrupt()
    }

    fn server(&self) -> String {
        self.inner.server()
    }

    async fn close(self: Box<Self>) -> Result<(), BackendError> {
        self.record.lock().push(Call::Close);
        self.inner.close().await
    }
}
