//! `cargo xtask`: what the workspace needs beyond cargo, set up and run by one command.
//!
//! It depends on nothing that takes long to build, since everybody waits for it first.

mod arguments;
mod bench;
mod checks;
mod debian;
mod docker;
mod local;
mod long;
mod pooler;
mod postgres;
mod steps;
mod tally;
mod test;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use arguments::Verb;

/// What went wrong, for the person at the terminal.
type Failure = String;

const HELP: &str = "\
cargo xtask <verb>

  test [options] [-- <filters>]   build, check and test everything, on Postgres 15 and 17
      --postgres <major>          on this Postgres instead (13 to 18); may be given several times,
                                  the first one runs every test, the others those of `whimbrel-tests`
      --sqlite-only               no Postgres: its tests say that they did not run
      --long                      on all of 13, 15, 17 and 18; then the long parts, each with a budget of time and a
                                  fixed seed: kills, 10,000 migrations, fuzzing, schedules; a table at the end
      --part <name>               only this long part; may be given several times
      --budget <seconds>          the budget of each long part
      --no-checks                 the tests alone
      -- <filters>                handed to the test programs, e.g. `-- pooler --nocapture`
  check                           format, lints, dependency rules, documentation
  postgres [major]                start a server to try things on, and print its URL (17)
  bench [--postgres <major>] …    run the benchmark; the rest is handed to it
  doc                             build the documentation, warnings are errors

A Postgres server is a container (an image that is here, else pulled, else built from Debian packages), or runs from
server programs of this machine. Without either, `test` fails and says what to install. PgBouncer, which some tests put
in front of it, comes in the same ways.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments::parse(&arguments) {
        Ok(Verb::Help) => {
            print!("{HELP}");
            Ok(())
        }
        Ok(Verb::Test(options)) => test::run(&options),
        Ok(Verb::Check) => checks::run(),
        Ok(Verb::Postgres(major)) => postgres::for_developers(major),
        Ok(Verb::Bench { major, rest }) => bench::run(major, &rest),
        Ok(Verb::Doc) => checks::documentation(),
        Err(message) => Err(format!("{message}\n  hint: `cargo xtask --help` tells the verbs and their options")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}
