//! The same work on many files or texts, on as many threads as that is worth.

use std::thread;

/// Below this many files, threads cost more than they save.
pub(crate) const FILES_PER_THREAD: usize = 256;

/// Hands to `take` what `work` makes of each of them, in their order. A panic of `work` goes on here.
///
/// `per_thread`: how many there must be for each thread, so that threads do not cost more than they save. There are no more of
/// them than processors, and where the system has no thread to spare the caller's does the work.
pub fn each<T: Sync, R: Send>(
    items: &[T],
    per_thread: usize,
    work: &(dyn Fn(&T) -> R + Sync),
    mut take: impl FnMut(R),
) {
    let threads = match items.len() / per_thread.max(1) {
        // To count the processors costs more than to read some files.
        0 | 1 => 1,
        wanted => wanted.min(thread::available_parallelism().map_or(1, usize::from)),
    };
    let chunk = items.len().div_ceil(threads).max(1);
    let all = |items: &[T]| items.iter().map(work).collect::<Vec<R>>();
    thread::scope(|scope| {
        let spawn = |items| thread::Builder::new().spawn_scoped(scope, move || all(items)).map_err(|_| items);
        let workers: Vec<_> = items.chunks(chunk).skip(1).map(spawn).collect();
        items.iter().take(chunk).map(work).for_each(&mut take);
        for worker in workers {
            let results = match worker {
                Ok(worker) => worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // The system has no thread to spare.
                Err(items) => all(items),
            };
            results.into_iter().for_each(&mut take);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{FILES_PER_THREAD, each};

    #[test]
    fn what_comes_of_many_is_in_their_order() {
        let items: Vec<usize> = (0..5_000).collect();
        let mut taken = Vec::new();
        each(&items, FILES_PER_THREAD, &|item| item * 2, |result| taken.push(result));
        assert_eq!(taken, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        let before = taken.len();
        each(&[] as &[usize], FILES_PER_THREAD, &|item| *item, |result| taken.push(result));
        assert_eq!(taken.len(), before);
    }

    #[test]
    #[should_panic(expected = "the last one")]
    fn a_panic_on_another_thread_is_not_lost() {
        let items: Vec<usize> = (0..5_000).collect();
        each(&items, FILES_PER_THREAD, &|item| assert!(*item < 4_999, "the last one"), drop);
    }
}
