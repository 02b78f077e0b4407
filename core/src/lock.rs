//! Waiting for another runner: by polling, with a deadline and jitter, and telling who it is.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::backend::{LockOutcome, MigrationBackend, Session};
use crate::cancel::CancelToken;
use crate::error::BackendError;
use crate::event::{Event, Listeners};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How often a waiter says that it still waits.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// A number that differs from run to run; it needs to be no secret.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A wait with a deadline: pauses that double, each shortened by chance so that waiters do not march in step.
pub(crate) struct Wait<'a> {
    backend: &'a dyn MigrationBackend,
    listeners: &'a Listeners,
    cancel: &'a CancelToken,
    started: Duration,
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
        Self { backend, listeners, cancel, started: backend.clock().now(), limit, pause: FIRST_PAUSE, told: None }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.backend.clock().now().saturating_sub(self.started)
    }

    /// Starts the deadline anew: the others make progress.
    pub(crate) fn restart(&mut self) {
        (self.started, self.pause) = (self.backend.clock().now(), FIRST_PAUSE);
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
        let mut sleep = std::pin::pin!(self.backend.clock().sleep(pause));
        let mut cancelled = std::pin::pin!(self.cancel.cancelled());
        std::future::poll_fn(|context| {
            let stop = cancelled.as_mut().poll(context).is_ready();
            if stop { std::task::Poll::Ready(()) } else { sleep.as_mut().poll(context) }
        })
        .await;
        Ok(())
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

/// Takes the run's lock. Gives whether it had to wait, because then others may have changed the history.
pub(crate) async fn take(session: &mut dyn Session, mut wait: Wait<'_>) -> Result<bool, LockError> {
    let mut waited = false;
    loop {
        match session.try_lock().await.map_err(LockError::Backend)? {
            LockOutcome::Acquired => return Ok(waited),
            LockOutcome::Held { holder } => {
                waited = true;
                wait.tell(holder.as_deref());
                if let Err(ended) = wait.pause().await {
                    return Err(LockError::Held { holder, ended });
                }
            }
        }
    }
}
