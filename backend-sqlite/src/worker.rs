//! A thread of a session's own, on which its programs run one after the other.
//!
//! A thread from the runtime's pool would do too, but a run of small migrations is mostly handing over, and the pool wakes
//! now this thread and now that one, with its locks between them.

use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;
use whimbrel_core::{BackendError, BackendErrorKind};

type Job = Box<dyn FnOnce() + Send>;

/// The thread. It ends after the job under way when this is dropped.
pub(crate) struct Worker(mpsc::Sender<Job>);

impl Worker {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// `Internal` where the system has no thread to spare.
    pub(crate) fn start() -> Result<Self, BackendError> {
        let (jobs, next) = mpsc::channel::<Job>();
        let work = move || next.into_iter().for_each(|job| job());
        match thread::Builder::new().name("whimbrel-sqlite".to_owned()).spawn(work) {
            Ok(_) => Ok(Self(jobs)),
            Err(error) => {
                let message = "the system has no thread for the database";
                Err(BackendError::new(BackendErrorKind::Internal, message).with_source(error))
            }
        }
    }

    /// Runs work that may block: calls of a local libsql connection do, although they are `async`. It begins at once, and
    /// goes on to its end when nobody waits for it any more.
    ///
    /// # Errors
    ///
    /// `Internal` where the work panicked, or earlier work did.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce() -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        let runtime = tokio::runtime::Handle::current();
        let (answer, answered) = oneshot::channel();
        // Nobody waits any more when the run was dropped; where the thread is gone, the answer's sender goes with the job.
        let job = move || drop(answer.send(runtime.block_on(work())));
        drop(self.0.send(Box::new(job)));
        answered.await.map_err(|_| BackendError::new(BackendErrorKind::Internal, "the thread of the database panicked"))
    }
}

#[cfg(test)]
mod tests {
    use super::Worker;

    #[tokio::test]
    async fn work_runs_on_one_thread_and_a_panic_is_an_error() -> Result<(), whimbrel_core::BackendError> {
        let worker = Worker::start()?;
        let first = worker.run(async || std::thread::current().id()).await?;
        assert_eq!(worker.run(async || std::thread::current().id()).await?, first);
        assert_ne!(first, std::thread::current().id());
        for _ in 0..2 {
            let error = worker.run(async || assert!(std::hint::black_box(false))).await.err();
            assert!(error.is_some_and(|error| error.message().contains("panicked")));
        }
        Ok(())
    }
}
