//! Runs the benchmark program on release binaries, with a Postgres server arranged for it.

use crate::{
    Failure,
    postgres::{self, Postgres},
    steps::{self, cargo, step},
};

pub(crate) fn run(major: u32, arguments: &[String]) -> Result<(), Failure> {
    step("release build", || {
        steps::run(&mut cargo(&["build", "--release", "--package", "whimbrel-cli", "--package", "whimbrel-bench"]))
    })?;
    let without_postgres = arguments.windows(2).any(|pair| pair == ["--dialect", "sqlite"]);
    let bench = |more: &[&str]| {
        let mut bench = cargo(&["run", "--release", "--package", "whimbrel-bench", "--bin", "bench", "--"]);
        steps::run(bench.args(arguments).args(more))
    };
    if without_postgres {
        return bench(&[]);
    }
    let postgres = step(&format!("Postgres {major}"), || Postgres::arrange(major))?;
    println!("    {}", postgres.origin());
    postgres::with_server(postgres, |url| bench(&["--postgres", url]))
}
