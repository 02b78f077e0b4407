//! `cargo xtask test`.

use crate::{
    Failure,
    arguments::TestOptions,
    checks,
    postgres::Postgres,
    steps::{cargo, run_tests, step},
    tally::Tally,
};

/// The seed of a long run, so that what it finds is found again.
const SEED: &str = "20260101";

/// How long each fuzz test of a long run goes on, in seconds.
const FUZZ_SECONDS: &str = "120";

/// Arranges the servers, builds, checks and tests; goes on after a failure wherever that tells more.
pub(crate) fn run(options: &TestOptions) -> Result<(), Failure> {
    let servers = arrange(&options.majors)?;
    let mut failures = Vec::new();
    step("build", || crate::steps::run(&mut cargo(&["build", "--workspace", "--all-targets"])))?;
    if options.checks {
        failures.extend(checks::run().err());
    }
    let mut tally = Tally::default();
    let mut closing = Vec::new();
    if servers.is_empty() {
        closing.push("without Postgres, as asked: its tests did not run".to_owned());
        let mut command = tests(options, true);
        command.env("WHIMBREL_TEST_SQLITE_ONLY", "1");
        failures.extend(step("tests on SQLite alone", || run_tests(&mut command, &mut tally)).err());
    }
    for (index, server) in servers.iter().enumerate() {
        let (failure, line) = test_on(server, index == 0, options, &mut tally);
        failures.extend(failure);
        closing.push(line);
    }
    for line in closing {
        println!("{line}");
    }
    println!("{tally}");
    close(&failures)
}

fn close(failures: &[Failure]) -> Result<(), Failure> {
    match failures.len() {
        0 => Ok(()),
        1 => Err(format!("a step failed: {}", failures.concat())),
        count => Err(format!("{count} steps failed:\n  {}", failures.join("\n  "))),
    }
}

fn arrange(majors: &[u32]) -> Result<Vec<Postgres>, Failure> {
    let mut servers = Vec::new();
    for &major in majors {
        let server = step(&format!("Postgres {major}"), || Postgres::arrange(major))?;
        println!("    {}", server.origin());
        servers.push(server);
    }
    Ok(servers)
}

/// The whole workspace on the first server; on the others what depends on the server.
fn test_on(server: &Postgres, whole: bool, options: &TestOptions, tally: &mut Tally) -> (Option<Failure>, String) {
    let major = server.major();
    let scope = if whole { "all tests" } else { "the Postgres suite (whimbrel-tests)" };
    let mut command = tests(options, whole);
    command.envs(server.environment());
    let mut here = Tally::default();
    let outcome = step(&format!("{scope} on Postgres {major}"), || run_tests(&mut command, &mut here));
    *tally += here;
    let version = server.version().unwrap_or_else(|_| format!("Postgres {major}, which no test used"));
    (outcome.err(), format!("{scope}: {here}\n  on {version}\n  from {}", server.origin()))
}

fn tests(options: &TestOptions, whole: bool) -> std::process::Command {
    let scope: &[&str] = if whole { &["--workspace"] } else { &["--package", "whimbrel-tests"] };
    let mut command = cargo(&["test", "--no-fail-fast"]);
    command.args(scope).arg("--").args(&options.filters);
    for name in ["IMAGE", "URL", "BIN"] {
        command.env_remove(format!("WHIMBREL_TEST_POSTGRES_{name}"));
    }
    command.env_remove("WHIMBREL_TEST_SQLITE_ONLY");
    if options.long {
        let seed = std::env::var("WHIMBREL_SEED").unwrap_or_else(|_| SEED.to_owned());
        println!("long run: WHIMBREL_SEED={seed} WHIMBREL_FUZZ_SECONDS={FUZZ_SECONDS}");
        command.envs([("WHIMBREL_LONG", "1"), ("WHIMBREL_FUZZ_SECONDS", FUZZ_SECONDS), ("WHIMBREL_SEED", &seed)]);
    }
    command
}
