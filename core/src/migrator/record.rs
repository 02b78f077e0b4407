//! Rows that are recorded without running anything: the lock, and one transaction.

use super::Migrator;
use crate::backend::Session;
use crate::capability::RunLock;
use crate::error::BackendErrorKind;
use crate::execute;
use crate::history::HistoryRow;
use crate::lock::{self, LockError, Wait, Waited};
use crate::report::MigrateError;

/// Whether the rows are in the history now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    /// All of them.
    Written,
    /// None: another was at work. Read the history again.
    LookAgain,
}

impl Migrator {
    /// Takes the run's lock where there is one; gives whether the session is one that others use too, where no lock holds.
    pub(super) async fn take_lock(&self, session: &mut dyn Session) -> Result<bool, MigrateError> {
        if self.backend.capabilities().run_lock == RunLock::None {
            return Ok(false);
        }
        let wait = Wait::new(&*self.backend, &self.listeners, &self.cancel, self.lock_wait);
        match lock::take(session, wait).await {
            Ok(taken) => Ok(taken.shared),
            Err(LockError::Backend(error)) => Err(MigrateError::backend("take the lock", error)),
            Err(LockError::Held { holder, ended }) => Err(waited_for_lock(holder, &ended)),
        }
    }

    /// Makes the history table where it is not there, and writes these rows, in one transaction.
    pub(super) async fn record_rows(
        &self,
        session: &mut dyn Session,
        rows: &[HistoryRow],
    ) -> Result<Recorded, MigrateError> {
        let role = self.settings.role.as_deref();
        match execute::record(session, role, rows, &self.listeners).await {
            Ok(()) => Ok(Recorded::Written),
            Err(error) => match error.kind() {
                BackendErrorKind::AlreadyClaimed | BackendErrorKind::Busy | BackendErrorKind::Conflict => {
                    Ok(Recorded::LookAgain)
                }
                _ => Err(MigrateError::backend("record what is applied already", error)),
            },
        }
    }
}

/// A lock that was not had in time.
pub(super) fn waited_for_lock(holder: Option<String>, ended: &Waited) -> MigrateError {
    match ended {
        Waited::Cancelled => MigrateError::cancelled(None),
        Waited::TooLong(waited) => MigrateError::LockWait { holder, waited: *waited, report: Box::default() },
    }
}
