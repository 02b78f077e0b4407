//! Waiting for another runner: by polling, with a deadline and jitter, and telling who it is.

use std::collections::hash_map::RandomState;
use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::backend::{LockOutcome, MigrationBackend, Session};
use crate::cancel::CancelToken;
use crate::error::BackendError;
use crate::event::{Event, Listeners};
use crate::history::{HistoryDetail, HistoryRow, RowState};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How often a waiter says that it still waits.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// A number that differs from run to run; it needs to be no secret.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Awaits the future unless the run is cancelled first; `None`: it was, and the future is dropped.
pub(crate) async fn unless_cancelled<T>(cancel: &CancelToken, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut cancelled) = (pin!(future), pin!(cancel.cancelled()));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => cancelled.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// A wait with a deadline: pauses that double, each shortened by chance so that waiters do not march in step.
pub(crate) struct Wait<'a> {
    backend: &'a dyn MigrationBackend,
    listeners: &'a Listeners,
    cancel: &'a CancelToken,
    /// When it began; `None`: it begins with the next pause.
    started: Option<Duration>,
    limit: Duration,
    pause: Duration,
    told: Option<Duration>,
}

/// Why a wait ended without success.
#[derive(Debug)]
pub(crate) enum Waited {
    /// The deadline passed after so long.
    TooLong(Duration),
    /// The run was cancelled.
    Cancelled,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(
        backend: &'a dyn MigrationBackend,
        listeners: &'a Listeners,
        cancel: &'a CancelToken,
        limit: Duration,
    ) -> Self {
        let started = Some(backend.clock().now());
        Self { backend, listeners, cancel, started, limit, pause: FIRST_PAUSE, told: None }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.map_or(Duration::ZERO, |started| self.backend.clock().now().saturating_sub(started))
    }

    /// There is progress: the deadline counts anew, from the next pause on.
    pub(crate) fn restart(&mut self) {
        (self.started, self.pause) = (None, FIRST_PAUSE);
    }

    /// Whether it is time to say again that this waits.
    pub(crate) fn is_telling_time(&mut self) -> bool {
        let now = self.backend.clock().now();
        let due = self.told.is_none_or(|told| now.saturating_sub(told) >= TELL_EVERY);
        if due {
            self.told = Some(now);
        }
        due
    }

    /// Sleeps until the next try.
    pub(crate) async fn pause(&mut self) -> Result<(), Waited> {
        self.started.get_or_insert_with(|| self.backend.clock().now());
        let elapsed = self.elapsed();
        if self.cancel.is_cancelled() {
            return Err(Waited::Cancelled);
        }
        if elapsed >= self.limit {
            return Err(Waited::TooLong(elapsed));
        }
        let share = u32::try_from(random() % 50).unwrap_or(0) + 50;
        let pause = (self.pause * share / 100).min(self.limit - elapsed);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        unless_cancelled(self.cancel, self.backend.clock().sleep(pause)).await.ok_or(Waited::Cancelled)
    }

    pub(crate) fn tell(&mut self, holder: Option<&str>) {
        if self.is_telling_time() {
            self.listeners.tell(&Event::WaitingForLock { holder, waited: self.elapsed() });
        }
    }
}

/// Why the lock was not had.
#[derive(Debug)]
pub(crate) enum LockError {
    /// The database refused to try.
    Backend(BackendError),
    /// Another session holds it.
    Held { holder: Option<String>, ended: Waited },
}

/// How the run's lock was had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// After a wait: others may have changed the history.
    pub(crate) waited: bool,
    /// Not at all: see [`LockOutcome::Shared`].
    pub(crate) shared: bool,
}

/// Takes the run's lock. The deadline counts from the last progress that the history shows.
pub(crate) async fn take(session: &mut dyn Session, mut wait: Wait<'_>) -> Result<Taken, LockError> {
    let (mut waited, mut seen) = (false, None);
    loop {
        match session.try_lock().await.map_err(LockError::Backend)? {
            LockOutcome::Acquired => return Ok(Taken { waited, shared: false }),
            LockOutcome::Shared => return Ok(Taken { waited, shared: true }),
            LockOutcome::Held { holder } => {
                wait.tell(holder.as_deref());
                if !waited {
                    seen = progress(session).await;
                }
                waited = true;
                let Err(ended) = wait.pause().await else { continue };
                let now = if matches!(ended, Waited::TooLong(_)) { progress(session).await } else { None };
                if now.is_none() || now == seen {
                    return Err(LockError::Held { holder, ended });
                }
                seen = now;
                wait.restart();
            }
        }
    }
}

/// What changes in the history when its writer gets on; `None`: it cannot be read, or is not there.
async fn progress(session: &mut dyn Session) -> Option<(usize, i64, u64)> {
    let rows = session.history(HistoryDetail::Check).await.ok()??;
    let fences = rows.iter().fold(0_i64, |sum, row| sum.wrapping_add(row.fence));
    let stage = |row: &HistoryRow| u64::from(row.statements_done) + u64::from(row.state == RowState::Applied);
    Some((rows.len(), fences, rows.iter().map(stage).sum()))
}
