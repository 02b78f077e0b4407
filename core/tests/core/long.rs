//! What tests that can go on for longer are told by `cargo xtask test --long`, and tell it.

use std::time::{Duration, Instant};

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Where chance begins, printed so that what was found is found again.
pub(crate) fn seed(usual: u64) -> u64 {
    let seed = number("WHIMBREL_SEED").unwrap_or(usual);
    println!("WHIMBREL_SEED={seed}");
    seed
}

/// Counts rounds: so many in the short form; in the long one as many as `most`, or as there is time for.
pub(crate) struct Rounds {
    pub(crate) done: u64,
    most: Option<u64>,
    until: Option<Instant>,
}

impl Rounds {
    pub(crate) fn begin(short: u64, most: Option<u64>) -> Self {
        let is_long = number("WHIMBREL_LONG").is_some_and(|value| value > 0);
        let seconds = if is_long { number("WHIMBREL_LONG_SECONDS") } else { None };
        let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        Self { done: 0, most: if until.is_some() { most } else { Some(short) }, until }
    }

    /// Whether there is another round.
    pub(crate) fn next(&mut self) -> bool {
        let goes_on = self.most.is_none_or(|most| self.done < most) && self.until.is_none_or(|at| Instant::now() < at);
        self.done += u64::from(goes_on);
        goes_on
    }

    /// Tells how many there were.
    pub(crate) fn tell(&self, unit: &str) {
        match self.most {
            Some(most) => println!("long part: {} of {most} {unit}", self.done),
            None => println!("long part: {} {unit}", self.done),
        }
    }
}
