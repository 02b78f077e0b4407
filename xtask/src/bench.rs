//! Runs the benchmark program with a Postgres server arranged for it.

use crate::{
    Failure,
    postgres::Postgres,
    steps::{self, cargo, step},
};

pub(crate) fn run(major: u32, arguments: &[String]) -> Result<(), Failure> {
    let postgres = step(&format!("Postgres {major}"), || Postgres::arrange(major))?;
    println!("    {}", postgres.origin());
    let mut bench = cargo(&["run", "--release", "--package", "whimbrel-bench", "--bin", "bench", "--"]);
    steps::run(bench.args(arguments).envs(postgres.environment()))
}
