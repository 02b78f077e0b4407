//! `cargo xtask test`.

use std::time::Instant;

use crate::{
    Failure,
    arguments::TestOptions,
    checks,
    long::{self, Line},
    pooler::Pooler,
    postgres::Postgres,
    steps::{cargo, run_tests, step},
    tally::Tally,
};

/// Arranges the servers, builds, checks and tests; goes on after a failure wherever that tells more.
pub(crate) fn run(options: &TestOptions) -> Result<(), Failure> {
    let mut servers = arrange(&options.majors)?;
    let mut failures = Vec::new();
    if options.parts.is_empty() {
        step("build", || crate::steps::run(&mut cargo(&["build", "--workspace", "--all-targets"])))?;
    }
    if options.checks {
        failures.extend(checks::run().err());
    }
    let (mut tally, mut closing, mut table) = (Tally::default(), Vec::new(), Vec::new());
    if options.parts.is_empty() {
        if servers.is_empty() {
            closing.push("without Postgres, as asked: its tests did not run".to_owned());
            failures.extend(test_without_server(options, &mut tally, &mut table));
        }
        for (index, (server, pooler)) in servers.iter().enumerate() {
            let (failure, line) = test_on(server, pooler, index == 0, options, &mut tally, &mut table);
            failures.extend(failure);
            closing.push(line);
        }
    }
    if options.long {
        servers.truncate(1);
        failures.extend(long::run(options, servers.first().map(|(server, _)| server), &mut table));
        long::print(&table);
    }
    for line in closing {
        println!("{line}");
    }
    if options.parts.is_empty() {
        println!("{tally}");
    }
    close(&failures)
}

fn close(failures: &[Failure]) -> Result<(), Failure> {
    match failures.len() {
        0 => Ok(()),
        1 => Err(format!("a step failed: {}", failures.concat())),
        count => Err(format!("{count} steps failed:\n  {}", failures.join("\n  "))),
    }
}

fn arrange(majors: &[u32]) -> Result<Vec<(Postgres, Pooler)>, Failure> {
    let mut servers = Vec::new();
    for &major in majors {
        let server = step(&format!("Postgres {major}"), || Postgres::arrange(major))?;
        println!("    {}", server.origin());
        let pooler = step(&format!("PgBouncer for Postgres {major}"), || Pooler::arrange(&server))?;
        println!("    {}", pooler.origin());
        servers.push((server, pooler));
    }
    Ok(servers)
}

fn test_without_server(options: &TestOptions, tally: &mut Tally, table: &mut Vec<Line>) -> Option<Failure> {
    let (mut command, start) = (tests(options, true), Instant::now());
    command.env("WHIMBREL_TEST_SQLITE_ONLY", "1");
    let failure = step("tests on SQLite alone", || run_tests(&mut command, tally, &mut |_| {})).err();
    table.push(Line::of_suite("tests on SQLite".to_owned(), *tally, start.elapsed(), failure.is_none()));
    failure
}

/// The whole workspace on the first server; on the others what depends on the server.
fn test_on(
    server: &Postgres,
    pooler: &Pooler,
    whole: bool,
    options: &TestOptions,
    tally: &mut Tally,
    table: &mut Vec<Line>,
) -> (Option<Failure>, String) {
    let major = server.major();
    let scope = if whole { "all tests" } else { "the Postgres suite (whimbrel-tests)" };
    let (mut command, start) = (tests(options, whole), Instant::now());
    command.envs(server.environment()).envs([pooler.environment()]);
    let mut here = Tally::default();
    let outcome = step(&format!("{scope} on Postgres {major}"), || run_tests(&mut command, &mut here, &mut |_| {}));
    *tally += here;
    table.push(Line::of_suite(format!("tests on Postgres {major}"), here, start.elapsed(), outcome.is_ok()));
    let version = server.version().unwrap_or_else(|_| format!("Postgres {major}, which no test used"));
    (outcome.err(), format!("{scope}: {here}\n  on {version}\n  from {}\n  with {}", server.origin(), pooler.origin()))
}

fn tests(options: &TestOptions, whole: bool) -> std::process::Command {
    let scope: &[&str] = if whole { &["--workspace"] } else { &["--package", "whimbrel-tests"] };
    let mut command = cargo(&["test", "--no-fail-fast"]);
    command.args(scope).arg("--").args(&options.filters);
    for name in ["POSTGRES_IMAGE", "POSTGRES_URL", "POSTGRES_BIN", "PGBOUNCER_IMAGE", "PGBOUNCER_BIN"] {
        command.env_remove(format!("WHIMBREL_TEST_{name}"));
    }
    // The long forms are parts of their own.
    command.env_remove("WHIMBREL_TEST_SQLITE_ONLY").env_remove("WHIMBREL_LONG");
    if options.long {
        println!("long run: WHIMBREL_SEED={}", long::seed());
        command.env("WHIMBREL_SEED", long::seed());
    }
    command
}
