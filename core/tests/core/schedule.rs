//! Runs futures on the fake database's clock, one alone or several side by side.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::fake::Fake;

#[derive(Default)]
struct Flag(Mutex<bool>, Condvar);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

impl Flag {
    fn take(&self) -> bool {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Waits in real time for the thread that loads the migrations.
    fn wait(&self, limit: Duration) -> bool {
        let woken = self.0.lock().unwrap();
        *self.1.wait_timeout_while(woken, limit, |woken| !*woken).unwrap().0
    }
}

/// Runs a future to its end; where nothing moves, the clock goes to the next timer.
pub(crate) fn block_on<T>(fake: &Fake, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(Arc::clone(&flag));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        while !flag.take() {
            // Loading takes real time, and none on this clock.
            if flag.wait(Duration::from_millis(2)) {
                continue;
            }
            if !fake.state().advance() {
                assert!(flag.wait(Duration::from_secs(10)), "nothing will ever wake the run");
            }
        }
    }
}

type Running<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A future until it has ended, and whether it can move.
type Task<'a, T> = (Option<Running<'a, T>>, Arc<Flag>);

/// Runs several futures to their end, each time going on with one of those that can move, as chance (a seed) wants.
pub(crate) fn interleave<'a, T>(fake: &Fake, seed: u64, futures: Vec<Running<'a, T>>) -> Vec<T> {
    let mut random = Random(seed | 1);
    let mut tasks: Vec<_> = futures.into_iter().map(|future| (Some(future), Arc::new(Flag::default()))).collect();
    let mut results: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
    let mut poll = |index: usize, tasks: &mut Vec<Task<'a, T>>| {
        let waker = Waker::from(Arc::clone(&tasks[index].1));
        let Some(future) = &mut tasks[index].0 else { return };
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            results[index] = Some(value);
            tasks[index].0 = None;
        }
    };
    for index in 0..tasks.len() {
        let timers = fake.state().timers();
        poll(index, &mut tasks);
        // It loads its migrations now, or is past that.
        let moves = tasks[index].0.is_none() || fake.state().timers() > timers;
        assert!(moves || tasks[index].1.wait(Duration::from_secs(10)), "it never loaded");
    }
    while tasks.iter().any(|(future, _)| future.is_some()) {
        let awake = |(future, flag): &(Option<_>, Arc<Flag>)| future.is_some() && *flag.0.lock().unwrap();
        let ready: Vec<usize> = (0..tasks.len()).filter(|index| awake(&tasks[*index])).collect();
        if ready.is_empty() {
            if fake.state().loads_late
                && tasks.iter().any(|(future, flag)| future.is_some() && flag.wait(Duration::from_millis(20)))
            {
                continue;
            }
            assert!(fake.state().advance(), "all wait for each other, seed {seed}");
            continue;
        }
        let index = ready[random.below(ready.len())];
        tasks[index].1.take();
        poll(index, &mut tasks);
    }
    results.into_iter().flatten().collect()
}

/// Numbers by chance, the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}
