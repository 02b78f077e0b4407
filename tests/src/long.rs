//! The long parts of the suite: how much they do, within which time, and what they tell of it.
//!
//! | variable | means |
//! | --- | --- |
//! | `WHIMBREL_LONG=1` | the long form of a test that has one |
//! | `WHIMBREL_LONG_SECONDS=600` | the time of its part; what is not done then is told, and left out |
//! | `WHIMBREL_SEED=…` | where chance begins |
//!
//! `cargo xtask test --long` sets them, and makes a table of what the parts tell.

use std::env;
use std::time::{Duration, Instant};

/// Whether the long form of the tests was asked for.
#[must_use]
pub fn is_long() -> bool {
    env::var_os("WHIMBREL_LONG").is_some_and(|value| !value.is_empty() && value != "0")
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// Where chance begins; it is printed, so that what was found is found again.
#[must_use]
pub fn seed() -> u64 {
    let seed = number("WHIMBREL_SEED").unwrap_or(0x5eed);
    println!("WHIMBREL_SEED={seed}");
    seed.max(1)
}

/// A part under way.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    unit: &'static str,
    of: usize,
    started: Instant,
    budget: Option<Duration>,
}

impl Part {
    /// Begins now: so many of a unit in the short form, so many in the long one.
    #[must_use]
    pub fn begin(unit: &'static str, short: usize, long: usize) -> Self {
        let seconds = if is_long() { number("WHIMBREL_LONG_SECONDS") } else { None };
        let budget = seconds.map(Duration::from_secs);
        Self { unit, of: if is_long() { long } else { short }, started: Instant::now(), budget }
    }

    /// How many are to be done.
    #[must_use]
    pub fn of(&self) -> usize {
        self.of
    }

    /// How much time is left; `None`: as much as it takes.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.budget.map(|budget| budget.saturating_sub(self.started.elapsed()))
    }

    /// Whether there is time for another.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.time_left().is_none_or(|left| !left.is_zero())
    }

    /// Tells how many were done.
    pub fn tell(&self, done: usize) {
        println!("long part: {done} of {} {}", self.of, self.unit);
    }
}
