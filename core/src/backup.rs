//! Copies of a database that are made before a run changes it.

use std::path::PathBuf;

use crate::version::Version;

/// Whether a database can be copied before a run changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backups {
    /// [`Session::backup`](crate::Session::backup) writes a copy to a file beside the database.
    Beside,
    /// It cannot be; what to do instead, for people.
    Instead(&'static str),
}

/// A copy of a database, made before a run changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub file: PathBuf,
    /// The newest version that is applied in it, of the run's first namespace.
    pub version: Option<Version>,
    /// Its size in bytes.
    pub bytes: u64,
    /// It is the database page by page. `false`: it has the same rows, but a rowid that no column of its table holds may
    /// be another one.
    pub exact: bool,
}
