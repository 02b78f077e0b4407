//! The long parts of a test run: each a command of its own with a budget of time, and a line of a table at the end.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{
    Failure,
    arguments::TestOptions,
    postgres::Postgres,
    steps::{self, cargo, run_tests, step},
    tally::Tally,
};

/// The seed of every long run, so that what it finds is found again.
const SEED: &str = "20260101";

/// What comes before the count in what a test prints, see `tests/src/long.rs`.
const MARK: &str = "long part: ";

/// One test, in its long form.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    package: &'static str,
    binary: &'static str,
    test: &'static str,
    /// Seconds.
    budget: u64,
    needs_postgres: bool,
}

impl Part {
    const fn of_suite(name: &'static str, test: &'static str, needs_postgres: bool) -> Self {
        Self { name, package: "whimbrel-tests", binary: "suite", test, budget: 900, needs_postgres }
    }

    const fn within(self, budget: u64) -> Self {
        Self { budget, ..self }
    }

    const fn of_core(name: &'static str, test: &'static str) -> Self {
        Self { name, package: "whimbrel-core", binary: "core", test, budget: 300, needs_postgres: false }
    }
}

/// Every part, in the order in which they run.
pub(crate) const PARTS: &[Part] = &[
    Part::of_suite("kills-sqlite", "processes::sqlite::killed_ones_are_completed_by_the_next", false),
    Part::of_suite("kills-postgres", "processes::postgres::killed_ones_are_completed_by_the_next", true),
    Part::of_suite("schema-texts", "schema::fuzz::any_text_is_read_or_refused_with_its_place", false),
    Part::of_suite(
        "rebuilds-sqlite",
        "schema::killed::sqlite::a_rebuild_that_is_killed_leaves_one_state_or_the_other",
        false,
    ),
    Part::of_suite(
        "rebuilds-postgres",
        "schema::killed::postgres::a_rebuild_that_is_killed_leaves_one_state_or_the_other",
        true,
    ),
    Part::of_suite("baseline-sqlite", "baseline::start::sqlite::fifty_rounds_over_every_state", false),
    Part::of_suite("baseline-postgres", "baseline::start::postgres::fifty_rounds_over_every_state", true),
    Part::of_suite("many-sqlite", "counts::sqlite::ten_thousand_migrations_cost_no_more_each", false),
    Part::of_suite("many-postgres", "counts::postgres::ten_thousand_migrations_cost_no_more_each", true),
    Part::of_suite("schemas-sqlite", "schema::random::any_schema_of_sqlite_becomes_any_other", false).within(240),
    Part::of_suite("schemas-postgres", "schema::random::any_schema_of_postgres_becomes_any_other", true),
    Part::of_suite("sqlx-sqlite", "adopt::sqlx_cli::sqlite::every_version_that_sqlx_leaves_goes_on", false),
    Part::of_suite("sqlx-postgres", "adopt::sqlx_cli::postgres::every_version_that_sqlx_leaves_goes_on", true),
    Part::of_core("fuzz", "split_fuzz::made_up_texts_are_split_soundly"),
    Part::of_core("schedules", "faults::runners_side_by_side_apply_each_migration_once"),
];

/// A line of the closing table.
#[derive(Debug)]
pub(crate) struct Line {
    name: String,
    /// `37 of 50 kills`.
    count: String,
    took: Duration,
    budget: Option<Duration>,
    verdict: &'static str,
}

impl Line {
    /// A line for what has no budget.
    pub(crate) fn of_suite(name: String, tally: Tally, took: Duration, passed: bool) -> Self {
        let verdict = if passed { "done" } else { "FAILED" };
        Self { name, count: tally.to_string(), took, budget: None, verdict }
    }
}

/// The seed of this run.
pub(crate) fn seed() -> String {
    std::env::var("WHIMBREL_SEED").unwrap_or_else(|_| SEED.to_owned())
}

/// Runs the parts that were asked for, one after the other; goes on after a failure.
pub(crate) fn run(options: &TestOptions, server: Option<&Postgres>, table: &mut Vec<Line>) -> Vec<Failure> {
    let asked = |part: &&Part| options.parts.is_empty() || options.parts.iter().any(|name| name == part.name);
    let parts: Vec<&Part> = PARTS.iter().filter(asked).collect();
    // The time of a part is for its test alone.
    let binaries: BTreeSet<_> = parts.iter().map(|part| (part.package, part.binary)).collect();
    for (package, binary) in binaries {
        let mut build = cargo(&["test", "--no-run", "--package", package, "--test", binary]);
        if let Err(error) = step(&format!("build of {package}'s tests"), || steps::run(&mut build)) {
            return vec![error];
        }
    }
    let mut failures = Vec::new();
    for part in parts {
        let budget = Duration::from_secs(options.budget.unwrap_or(part.budget));
        let (line, failure) = match (part.needs_postgres, server) {
            (true, None) => (left_out(part), None),
            _ => run_part(part, budget, server),
        };
        table.push(line);
        failures.extend(failure);
    }
    failures
}

fn left_out(part: &Part) -> Line {
    let count = "without Postgres, as asked".to_owned();
    Line { name: part.name.to_owned(), count, took: Duration::ZERO, budget: None, verdict: "DID NOT RUN" }
}

fn run_part(part: &Part, budget: Duration, server: Option<&Postgres>) -> (Line, Option<Failure>) {
    let mut command = command(part, budget, server);
    let (mut tally, mut count, start) = (Tally::default(), None, Instant::now());
    let mut hear = |line: &str| count = counted(line).or(count.take());
    let heading = format!("long part {}, seed {}, at most {} s", part.name, seed(), budget.as_secs());
    let ended = step(&heading, || run_tests(&mut command, &mut tally, &mut hear));
    let failure = match &ended {
        Err(error) => Some(error.clone()),
        Ok(()) if count.is_none() => Some(format!("{}: told no count: is its test called so still?", part.name)),
        Ok(()) => None,
    };
    let verdict = match (&failure, &count) {
        (Some(_), _) => "FAILED",
        (None, Some(count)) if count.is_all() => "done",
        _ => "BUDGET USED UP",
    };
    let count = count.map_or_else(|| "no count".to_owned(), |count| count.to_string());
    let line = Line { name: part.name.to_owned(), count, took: start.elapsed(), budget: Some(budget), verdict };
    (line, failure)
}

fn command(part: &Part, budget: Duration, server: Option<&Postgres>) -> Command {
    let mut command = cargo(&["test", "--package", part.package, "--test", part.binary, "--", part.test]);
    command.args(["--exact", "--nocapture"]);
    command.envs([("WHIMBREL_LONG", "1".to_owned()), ("WHIMBREL_SEED", seed())]);
    command.env("WHIMBREL_LONG_SECONDS", budget.as_secs().to_string());
    match server {
        Some(server) => command.envs(server.environment()),
        None => command.env("WHIMBREL_TEST_SQLITE_ONLY", "1"),
    };
    command
}

/// How much of a part was done.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Count {
    done: u64,
    /// `None`: as much as there is time for.
    of: Option<u64>,
    unit: String,
}

impl Count {
    fn is_all(&self) -> bool {
        self.of.is_none_or(|of| self.done >= of)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Some(of) => write!(f, "{} of {of} {}", self.done, self.unit),
            None => write!(f, "{} {}", self.done, self.unit),
        }
    }
}

/// The count in a line of output: `long part: 37 of 50 kills`, `long part: 81200 rounds`.
fn counted(line: &str) -> Option<Count> {
    let (_, told) = line.split_once(MARK)?;
    let (done, rest) = told.trim().split_once(' ')?;
    let (of, unit) = match rest.strip_prefix("of ").and_then(|rest| rest.split_once(' ')) {
        Some((of, unit)) => (Some(of.parse().ok()?), unit),
        None => (None, rest),
    };
    Some(Count { done: done.parse().ok()?, of, unit: unit.to_owned() })
}

/// The closing table.
pub(crate) fn print(table: &[Line]) {
    let width = |text: fn(&Line) -> usize| table.iter().map(text).max().unwrap_or_default();
    let (name, count) = (width(|line| line.name.len()), width(|line| line.count.len()));
    println!("\nthe long run, seed {}", seed());
    for line in table {
        let budget = line.budget.map_or_else(|| "no budget".to_owned(), |budget| format!("of {} s", budget.as_secs()));
        let took = line.took.as_secs_f64();
        println!("  {:name$}  {:count$}  {took:>7.1} s {budget:<9}  {}", line.name, line.count, line.verdict);
    }
}
