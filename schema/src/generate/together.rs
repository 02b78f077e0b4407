//! Futures side by side, on the task that waits for them.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// What each of them gives, in their order. While one waits for a database the others go on.
pub(super) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, output) in waiting.iter_mut().zip(&mut done).filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(ready) = future.as_mut().poll(context) {
                *output = Some(ready);
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// What one gives, and what is worked out while that one waits.
pub(super) async fn beside<F: Future, T>(future: F, work: impl FnOnce() -> T) -> (F::Output, T) {
    let mut future = Box::pin(future);
    let mut ready = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            ready = Some(output);
        }
        Poll::Ready(())
    })
    .await;
    let worked = work();
    let output = match ready {
        Some(output) => output,
        None => future.await,
    };
    (output, worked)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    /// Writes down that it began, waits so many times, and gives its number.
    async fn waits(times: usize, number: usize, heard: &RefCell<Vec<String>>) -> usize {
        heard.borrow_mut().push(format!("{number} begins"));
        let mut left = times;
        poll_fn(|_| {
            left = left.saturating_sub(1);
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        heard.borrow_mut().push(format!("{number} ends"));
        number
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return output;
            }
        }
    }

    #[test]
    fn one_that_waits_holds_no_other_up() {
        let heard = RefCell::default();
        let given = run(all([waits(3, 1, &heard), waits(1, 2, &heard), waits(2, 3, &heard)]));
        assert_eq!(given, [1, 2, 3]);
        let told = heard.into_inner();
        assert_eq!(told, ["1 begins", "2 begins", "2 ends", "3 begins", "3 ends", "1 ends"]);
    }

    #[test]
    fn work_is_done_while_a_future_waits_and_once() {
        for (times, expected) in [(3, ["1 begins", "work", "1 ends"]), (1, ["1 begins", "1 ends", "work"])] {
            let heard = RefCell::default();
            let worked = run(beside(waits(times, 1, &heard), || heard.borrow_mut().push("work".to_owned())));
            assert_eq!(worked, (1, ()));
            assert_eq!(heard.into_inner(), expected);
        }
    }
}
