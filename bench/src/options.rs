//! What to measure.

use std::path::PathBuf;

/// What to measure, and with what.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) sizes: Vec<usize>,
    pub(crate) runs: usize,
    pub(crate) sqlite: bool,
    pub(crate) wants_postgres: bool,
    pub(crate) postgres: Option<String>,
    pub(crate) peers: bool,
    pub(crate) guide: Option<PathBuf>,
    /// The folder of the release binaries.
    pub(crate) binaries: PathBuf,
}

impl Options {
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let binaries = own.parent().ok_or("the program has no folder")?.to_owned();
        let mut options = Self {
            sizes: vec![1, 100, 1_000, 10_000],
            runs: 5,
            sqlite: true,
            wants_postgres: true,
            postgres: None,
            peers: false,
            guide: None,
            binaries,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--sizes" => options.sizes = numbers(&value()?)?,
                "--runs" => options.runs = numbers(&value()?)?.first().copied().unwrap_or(1).max(1),
                "--dialect" => {
                    let dialect = value()?;
                    (options.sqlite, options.wants_postgres) = (dialect == "sqlite", dialect == "postgres");
                }
                "--postgres" => options.postgres = Some(value()?),
                "--peers" => options.peers = true,
                "--write-guide" => options.guide = Some(value()?.into()),
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(options)
    }
}

fn numbers(text: &str) -> Result<Vec<usize>, String> {
    text.split(',').map(|number| number.parse().map_err(|_| format!("{number} is no number"))).collect()
}
