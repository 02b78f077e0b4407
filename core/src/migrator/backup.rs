//! The copy of the database that a run begins with, where one was asked for.

use super::apply::Run;
use crate::error::BackendErrorKind;
use crate::event::Event;
use crate::execute::drive_backup;
use crate::history::DEFAULT_NAMESPACE;
use crate::report::MigrateError;

impl Run<'_> {
    /// Copies the database before anything in it is changed.
    pub(super) async fn back_up(&mut self) -> Result<(), MigrateError> {
        let m = self.migrator;
        if !m.backup {
            return Ok(());
        }
        m.listeners.tell(&Event::BackupStarted);
        let namespaces = m.namespaces();
        let namespace = namespaces.first().map_or(DEFAULT_NAMESPACE, |namespace| &**namespace);
        loop {
            let error = match drive_backup(&mut *self.session, namespace, &m.cancel).await {
                Ok(made) => {
                    m.listeners.tell(&made.as_ref().map_or(Event::NothingToBackUp, Event::BackedUp));
                    self.report.backup = made;
                    return Ok(());
                }
                Err(error) => error,
            };
            match error.kind() {
                BackendErrorKind::Busy => self.pause(None).await?,
                BackendErrorKind::Interrupted if m.cancel.is_cancelled() => return Err(MigrateError::cancelled(None)),
                _ => return Err(MigrateError::backend("back up the database", error)),
            }
        }
    }
}
