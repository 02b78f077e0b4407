//! Migrates one database from one folder, as a program does at its start: `migrate-once URL FOLDER`.
//!
//! A process of its own for the tests that race several, kill one, or count what it asks of the system. Prints how many
//! migrations it applied; a failure goes to standard error, with exit code 1.

use std::process::ExitCode;

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
    let [url, folder] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "give a URL and a folder")?;
    let migrator = Migrator::shared(Database::from_url(&url)?.backend).source(DirectorySource::new(folder));
    Ok(blocking::migrate(&migrator)?.applied.len())
}
