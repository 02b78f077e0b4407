//! Measures the whimbrel command as a whole process, each figure beside its floor in the same run.
//!
//! Called by `cargo xtask bench`, which builds the release binaries and arranges a Postgres with fsync on. Times are
//! shown as ratios to the floor, since they belong to the machine; the counts behind them are asserted in the tests.

mod generate;
mod measure;
mod options;
mod peers;
mod postgres;
mod report;
mod scenario;
mod sqlite;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().map(String::as_str) == Some("measure") {
        return measure::child(&arguments.skip(1).collect::<Vec<_>>());
    }
    let options = options::Options::read(arguments)?;
    let mut rows = Vec::new();
    if options.sqlite {
        rows.extend(generate::run(&options)?);
        rows.extend(sqlite::run(&options)?);
    }
    match (&options.postgres, options.wants_postgres) {
        (Some(url), true) => rows.extend(postgres::run(&options, url)?),
        (None, true) => return Err("no --postgres URL was given; `cargo xtask bench` arranges one".into()),
        (_, false) => {}
    }
    let table = report::table(&rows);
    println!("{table}");
    if let Some(page) = &options.guide {
        report::write_into(page, &table)?;
        println!("written into {}", page.display());
    }
    Ok(())
}
