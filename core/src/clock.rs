//! Time, as a backend gives it: core has no runtime of its own.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A future on the heap that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A monotonic clock and a timer. Every wait and deadline of core comes from here, so tests can simulate it.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time since an arbitrary fixed moment.
    ///
    /// MUST NOT go back (case: `backend::its_clock_goes_forward`).
    fn now(&self) -> Duration;
    /// Sleeps.
    ///
    /// MUST NOT complete before `duration` has passed on this clock (case: `backend::its_clock_goes_forward`).
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}
