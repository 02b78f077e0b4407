//! Migrates one database from one folder, as a program does at its start: `migrate-once URL FOLDER [LEASE]`, the lease of
//! claims in seconds.
//!
//! A process of its own for the tests that race several, kill one, or count what it asks of the system. Prints how many
//! migrations it applied; a failure goes to standard error, with exit code 1.

use std::process::ExitCode;
use std::time::Duration;

use whimbrel::{Database, DirectorySource, Migrator, blocking};

fn main() -> ExitCode {
    match migrate() {
        Ok(applied) => {
            println!("{applied}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn migrate() -> Result<usize, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("give a URL and a folder".into());
    };
    let mut migrator = Migrator::shared(Database::from_url(&url)?.backend).source(DirectorySource::new(folder));
    if let Some(lease) = arguments.next() {
        migrator = migrator.lease(Duration::from_secs(lease.parse()?));
    }
    Ok(blocking::migrate(&migrator)?.applied.len())
}
