//! What goes wrong before a database is asked, or beside a run.

use whimbrel::{BackendError, LoadError, Problem};

use crate::exit_code;

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) struct CliError {
    /// How the process ends.
    pub(crate) exit_code: u8,
    /// What is wrong. One without a file has no place.
    pub(crate) problems: Vec<Problem>,
}

impl CliError {
    /// Wrong arguments or configuration.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::at(Problem::new("", message, hint))
    }

    /// Wrong configuration at a place in a file.
    pub(crate) fn at(problem: Problem) -> Self {
        Self { exit_code: exit_code::USAGE, problems: vec![problem] }
    }

    /// Something was tried and failed.
    pub(crate) fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit_code: exit_code::FAILED, problems: vec![Problem::new("", message, hint)] }
    }

    /// A database error outside of a run.
    pub(crate) fn database(doing: &str, error: &BackendError) -> Self {
        let detail = error.detail().map(|detail| format!("\n  detail: {detail}")).unwrap_or_default();
        let prefix = if doing.is_empty() { String::new() } else { format!("{doing}: ") };
        let message = format!("{prefix}{error}{detail}");
        let problem = Problem::new("", message, error.hint().unwrap_or_default());
        Self { exit_code: exit_code::of_database(error), problems: vec![problem] }
    }
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self {
        Self { exit_code: exit_code::FAILED, problems: error.into_problems() }
    }
}
