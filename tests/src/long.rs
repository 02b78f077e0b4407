//! The long forms of tests: how much they do, within which time, and what they tell of it.
//!
//! | variable | means |
//! | --- | --- |
//! | `WHIMBREL_LONG=1` | the long form of a test that has one |
//! | `WHIMBREL_LONG_SECONDS=600` | the time that it has; what is not done then is left out, and that is told |
//! | `WHIMBREL_SEED=…` | where chance begins |
//!
//! `cargo xtask test --long` sets them, and makes a table of what the tests tell. Core's tests have this file too.

use std::time::{Duration, Instant};
use std::{env, process, thread};

/// How much longer than its time a part may take: it ends by itself between two rounds, and the longest round is a run
/// of a thousand migrations, killed and completed.
const GRACE: Duration = Duration::from_secs(300);

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
    let seed = number("WHIMBREL_SEED").unwrap_or(0x5eed).max(1);
    println!("WHIMBREL_SEED={seed}");
    seed
}

/// A test that has a long form, under way.
#[derive(Debug)]
pub struct Part {
    unit: &'static str,
    of: Option<u64>,
    done: u64,
    until: Option<Instant>,
}

impl Part {
    /// Begins now: so many rounds in the short form; in the long one so many, or as many as there is time for.
    ///
    /// The process is ended where a part has no end by itself long after its time.
    #[must_use]
    pub fn begin(unit: &'static str, short: u64, long: Option<u64>) -> Self {
        Self::begin_with(unit, short, long, GRACE)
    }

    fn begin_with(unit: &'static str, short: u64, long: Option<u64>, grace: Duration) -> Self {
        let time = if is_long() { number("WHIMBREL_LONG_SECONDS").map(Duration::from_secs) } else { None };
        if let Some(time) = time {
            thread::spawn(move || {
                thread::sleep(time + grace);
                println!("the part did not end within {} s, and is ended", (time + grace).as_secs());
                process::exit(101);
            });
        }
        let of = if time.is_some() { long } else { Some(short) };
        Self { unit, of, done: 0, until: time.map(|time| Instant::now() + time) }
    }

    /// How many rounds there are, where there is a number.
    #[must_use]
    pub fn of(&self) -> u64 {
        self.of.unwrap_or(u64::MAX)
    }

    /// How many rounds were begun.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done
    }

    /// How much time is left; `None`: as much as it takes.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// Whether there is another round; counts it.
    pub fn has_another(&mut self) -> bool {
        let another = self.done < self.of() && self.time_left().is_none_or(|left| !left.is_zero());
        self.done += u64::from(another);
        another
    }

    /// Tells how many rounds were done, after the last.
    pub fn tell(&self) {
        self.tell_of(self.done);
    }

    /// Tells another count than that of its rounds.
    pub fn tell_of(&self, done: u64) {
        match self.of {
            Some(of) => println!("long part: {done} of {of} {}", self.unit),
            None => println!("long part: {done} {}", self.unit),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn the_short_form_has_its_rounds() {
        if is_long() {
            println!("did not run: this is about the short form");
            return;
        }
        let mut part = Part::begin("rounds", 3, Some(100));
        while part.has_another() {}
        assert_eq!((part.done(), part.time_left()), (3, None));
    }

    /// Runs one of the tests below in a process of its own, in its long form.
    fn in_long_form(test: &str, seconds: &str) -> (bool, String) {
        let program = env::current_exe().expect("this program has a path");
        let mut child = process::Command::new(program);
        child.args(["--exact", "--ignored", "--nocapture", test]);
        child.envs([("WHIMBREL_LONG", "1"), ("WHIMBREL_LONG_SECONDS", seconds)]);
        let output = child.output().expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    #[ignore = "it is run by another test, as a process of its own"]
    fn rounds_without_end() {
        let mut part = Part::begin("rounds", 1, Some(1_000_000));
        while part.has_another() {
            thread::sleep(Duration::from_millis(10));
        }
        part.tell();
    }

    #[test]
    fn a_part_that_uses_its_time_up_tells_how_far_it_came() {
        let (passed, told) = in_long_form(&here("rounds_without_end"), "1");
        assert!(passed && told.contains("of 1000000 rounds"), "{told}");
        assert!(!told.contains("long part: 0 of"), "{told}");
    }

    #[test]
    #[ignore = "it is run by another test, as a process of its own"]
    fn a_round_without_end() {
        let _part = Part::begin_with("rounds", 1, None, Duration::from_millis(100));
        thread::sleep(Duration::from_secs(3_600));
    }

    #[test]
    fn a_part_that_does_not_end_is_ended() {
        let (passed, told) = in_long_form(&here("a_round_without_end"), "0");
        assert!(!passed && told.contains("did not end"), "{told}");
    }

    /// The full name of a test of this module: core has it under the same name.
    fn here(test: &str) -> String {
        format!("long::tests::{test}")
    }
}
