//! The journal: the migrations of a folder, in order, with their checksums.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use whimbrel_core::Problem;

use crate::snapshot::{pretty, read};

/// The format that this release writes and reads.
const FORMAT: &str = "whimbrel/1";

/// The file's name in `meta/`.
pub(crate) const FILE_NAME: &str = "_journal.json";

/// The file in a folder of migrations.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join("meta").join(FILE_NAME)
}

/// What a folder holds. It is one file on purpose: two branches that both add a migration conflict here, in one small
/// place, instead of landing both unseen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    format: String,
    /// `sqlite`, `postgres`.
    pub dialect: String,
    /// One for each migration, in order.
    pub entries: Vec<Entry>,
}

/// A migration in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// When it was entered: RFC 3339, UTC.
    pub time: String,
    /// The checksum of its file, as the history writes it.
    pub checksum: String,
}

impl Journal {
    /// An empty journal in this release's format.
    #[must_use]
    pub fn new(dialect: &str) -> Self {
        Self { format: FORMAT.to_owned(), dialect: dialect.to_owned(), entries: Vec::new() }
    }

    /// The text of the file.
    #[must_use]
    pub fn to_json(&self) -> String {
        pretty(self)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// A text that is no journal of this tool, or one of a format that this release does not read.
    pub fn from_json(file: &Path, text: &str) -> Result<Self, Problem> {
        read(file, text, FORMAT)
    }

    /// The entry of a version.
    #[must_use]
    pub fn entry(&self, version: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.version == version)
    }
}
