//! After a lost answer: what became of the migration is asked of the history.

use std::time::Duration;

use super::apply::{Interruption, Run};
use crate::backend::{Fenced, Session};
use crate::cancel::CancelToken;
use crate::error::BackendError;
use crate::event::Event;
use crate::execute::{self, Doubt};
use crate::history::{HistoryDetail, HistoryRow, RowState};
use crate::lock::Wait;
use crate::plan::Step;
use crate::report::{Aftermath, Applied, FailedMigration, MigrateError};

/// How long a cancelled run goes on asking.
const CANCELLED_WAIT: Duration = Duration::from_secs(5);

impl Run<'_> {
    /// Finds out what became of steps whose end was not answered, and goes on from there. `Ok`: they failed, and
    /// `failed` says what is left of them; in doubt still, where the history could not be read in time.
    pub(super) async fn settle_doubt(
        &mut self,
        steps: &[&Step],
        doubt: Doubt,
        failed: &mut FailedMigration,
    ) -> Result<(), Interruption> {
        self.migrator.listeners.tell(&Event::InDoubt { id: &failed.id });
        let Some(rows) = self.ask_history().await else { return Ok(()) };
        let own: Vec<Option<&HistoryRow>> = steps.iter().map(|step| self.own_row(&rows, step)).collect();
        let applied: Option<Vec<Applied>> =
            own.iter().zip(steps).map(|(row, step)| row.and_then(|row| self.found(row, step))).collect();
        if let Some(applied) = applied {
            return Err(self.go_on_with(&applied).await);
        }
        match (doubt, &*own, steps) {
            (Doubt::Claim, [Some(_)], [step]) => failed.aftermath = self.give_back(step).await,
            (Doubt::Finish, [Some(row)], [step]) => match self.finish_again(step).await {
                Some(applied) => return Err(self.go_on_with(&[applied]).await),
                None => {
                    let total = row.statements_total;
                    failed.aftermath = Aftermath::Unclear { done: total.saturating_sub(1), total };
                }
            },
            (Doubt::Finish, ..) => {
                let total = rows.iter().find(|row| row.id == failed.id).map_or(0, |row| row.statements_total);
                failed.aftermath = Aftermath::Unclear { done: total.saturating_sub(1), total };
            }
            _ if steps.iter().any(|step| self.is_elsewhere(&rows, step)) => {
                return Err(self.go_on_with(&[]).await);
            }
            _ => failed.aftermath = Aftermath::RolledBack,
        }
        Ok(())
    }

    /// The row that this run's claim of the step made.
    fn own_row<'r>(&self, rows: &'r [HistoryRow], step: &Step) -> Option<&'r HistoryRow> {
        let (id, fence) = (&self.files.migrations[step.migration].id, step.mode.fence_after());
        rows.iter().find(|row| row.id == *id && row.fence == fence && *row.run_by == *self.settings.run_by)
    }

    /// Another runner was faster in the meantime.
    fn is_elsewhere(&self, rows: &[HistoryRow], step: &Step) -> bool {
        let migration = &self.files.migrations[step.migration];
        rows.iter()
            .any(|row| row.id == migration.id && row.state == RowState::Applied && row.checksum == migration.checksum)
    }

    /// The end had arrived: the history tells what its answer would have told.
    fn found(&self, row: &HistoryRow, step: &Step) -> Option<Applied> {
        let at = row.finished_at.unwrap_or(crate::Timestamp::from_microseconds(0));
        let name = self.files.migrations[step.migration].name.to_string();
        let applied = Applied { id: row.id.clone(), name, at, duration_ms: row.duration_ms.unwrap_or(0) };
        (row.state == RowState::Applied).then_some(applied)
    }

    /// The new session takes the place of the old one, with the lock.
    async fn go_on_with(&mut self, applied: &[Applied]) -> Interruption {
        let went_on = async {
            let connected = self.migrator.connected(&mut *self.session).await;
            connected.map_err(|error| MigrateError::hook("on_connect", error))?;
            self.applied(applied).await?;
            self.lock(None).await.map(|_| ())
        };
        went_on.await.err().map_or(Interruption::PlanAgain, |error: MigrateError| Interruption::Ended(error))
    }

    /// Nothing of the text ran: the claim goes, so that nobody has to wait for its end or to judge it.
    async fn give_back(&mut self, step: &Step) -> Aftermath {
        let id = self.files.migrations[step.migration].id.clone();
        match execute::give_back(&mut *self.session, &id, step.mode, &self.migrator.listeners).await {
            Ok(()) => Aftermath::RolledBack,
            Err(_) => Aftermath::Unclear { done: step.resume_from, total: 0 },
        }
    }

    /// All of the text ran, and only the record of it is missing.
    async fn finish_again(&mut self, step: &Step) -> Option<Applied> {
        let migration = &self.files.migrations[step.migration];
        let (id, name) = (migration.id.clone(), migration.name.to_string());
        let row = Fenced { id: &id, fence: step.mode.fence_after() };
        let (at, duration_ms) = execute::finish_again(&mut *self.session, row, &self.migrator.listeners).await?;
        Some(Applied { id, name, at, duration_ms })
    }

    /// Reads the history on a new session, after the old transaction has ended: that holds the claim's lock for as
    /// long as it lives. `None`: not in time.
    async fn ask_history(&mut self) -> Option<Vec<HistoryRow>> {
        let m = self.migrator;
        // A cancellation only shortens this: how the database was left is worth some seconds.
        let never = CancelToken::new();
        let mut wait = Wait::new(&*m.backend, &m.listeners, &never, m.lock_wait);
        let mut session = None;
        loop {
            match self.try_ask(&mut session).await {
                Ok(rows) => {
                    self.session = session?;
                    return Some(rows);
                }
                Err(error) => tracing::warn!(%error, "the history could not be read again"),
            }
            if wait.pause().await.is_err() || (m.cancel.is_cancelled() && wait.elapsed() >= CANCELLED_WAIT) {
                return None;
            }
        }
    }

    async fn try_ask(&mut self, session: &mut Option<Box<dyn Session>>) -> Result<Vec<HistoryRow>, BackendError> {
        let m = self.migrator;
        let mut connected = match session.take() {
            Some(connected) => connected,
            None => m.backend.connect().await?,
        };
        if let Err((error, usable)) = execute::probe(&mut *connected, &m.listeners).await {
            *session = usable.then_some(connected);
            return Err(error);
        }
        let rows = connected.history(HistoryDetail::Full).await?;
        *session = Some(connected);
        Ok(rows.unwrap_or_default())
    }
}
