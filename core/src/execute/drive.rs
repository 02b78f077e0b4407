//! Runs a program on a session, hears what it does, and stops it when the run is cancelled.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::backend::{Halted, Interrupt, Notice, Observer, Op, OpOutcome, Session};
use crate::backup::Backup;
use crate::cancel::CancelToken;
use crate::clock::BoxFuture;
use crate::error::BackendError;
use crate::event::{Event, Listeners};

/// What a program answered.
pub(crate) struct Recorder<'a> {
    listeners: &'a Listeners,
    /// The operations that are statements of a migration: the first one, and how many.
    statements: std::ops::Range<usize>,
    /// Statements that were done in earlier programs of the same migration, and how many it has.
    progress: (usize, usize),
    /// The answers that say something, with the operation's index.
    pub(crate) outcomes: Vec<(usize, OpOutcome)>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(listeners: &'a Listeners) -> Self {
        Self { listeners, statements: 0..0, progress: (0, 0), outcomes: Vec::new() }
    }

    pub(crate) fn with_statements(mut self, statements: std::ops::Range<usize>, progress: (usize, usize)) -> Self {
        (self.statements, self.progress) = (statements, progress);
        self
    }
}

impl Observer for Recorder<'_> {
    fn done(&mut self, index: usize, outcome: OpOutcome) {
        if self.statements.contains(&index) {
            let done = self.progress.0 + index + 1 - self.statements.start;
            self.listeners.tell(&Event::StatementsDone { done, of: self.progress.1 });
        }
        if outcome != OpOutcome::Done {
            self.outcomes.push((index, outcome));
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.listeners.tell(&Event::Notice(&notice));
    }
}

/// Runs a program. When the run is cancelled meanwhile, the database is asked to stop, and the program's own end is
/// awaited all the same: only that tells what became of it. A request to stop is awaited too, lest it arrive late and
/// stop what comes after.
pub(crate) async fn drive(
    session: &mut dyn Session,
    ops: &[Op<'_>],
    observer: &mut (dyn Observer + Send),
    cancel: &CancelToken,
) -> Result<(), Halted> {
    let interrupt = session.interrupt();
    interruptible(session.run(ops, observer), &*interrupt, cancel).await
}

/// Copies the database; stopped as a program is.
pub(crate) async fn drive_backup(
    session: &mut dyn Session,
    namespace: &str,
    cancel: &CancelToken,
) -> Result<Option<Backup>, BackendError> {
    let interrupt = session.interrupt();
    interruptible(session.backup(namespace), &*interrupt, cancel).await
}

async fn interruptible<T>(mut running: BoxFuture<'_, T>, interrupt: &dyn Interrupt, cancel: &CancelToken) -> T {
    let mut cancelled = pin!(cancel.cancelled());
    let (mut asked, mut ended) = (false, None);
    let mut interrupting = None;
    poll_fn(|context| {
        if ended.is_none()
            && let Poll::Ready(result) = running.as_mut().poll(context)
        {
            ended = Some(result);
        }
        if ended.is_none() && !asked && cancelled.as_mut().poll(context).is_ready() {
            asked = true;
            interrupting = Some(interrupt.interrupt());
        }
        if interrupting.as_mut().is_some_and(|future| future.as_mut().poll(context).is_ready()) {
            interrupting = None;
        }
        match ended.take() {
            Some(result) if interrupting.is_none() => Poll::Ready(result),
            waits => {
                ended = waits;
                Poll::Pending
            }
        }
    })
    .await
}

/// Runs a program that a cancellation must not stop: it is short, and the database is only left in order after it.
pub(crate) async fn drive_plain(
    session: &mut dyn Session,
    ops: &[Op<'_>],
    listeners: &Listeners,
) -> Result<Vec<(usize, OpOutcome)>, Halted> {
    let mut recorder = Recorder::new(listeners);
    session.run(ops, &mut recorder).await?;
    Ok(recorder.outcomes)
}
