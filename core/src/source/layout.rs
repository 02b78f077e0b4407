//! What a folder of migrations looks like: one layout each, behind one trait.

#[cfg(feature = "other-tools")]
mod drizzle;
mod formats;
#[cfg(feature = "other-tools")]
mod sqlx;
mod whimbrel;

use std::fmt;

#[cfg(feature = "other-tools")]
pub use drizzle::DrizzleLayout;
#[cfg(feature = "other-tools")]
pub(crate) use drizzle::TOOL as DRIZZLE;
pub(super) use formats::layout_of;
pub use formats::{Format, UnknownFormat, formats};
#[cfg(feature = "other-tools")]
pub use sqlx::SqlxLayout;
#[cfg(feature = "other-tools")]
pub(crate) use sqlx::TOOL as SQLX;
pub use whimbrel::WhimbrelLayout;

use super::NewMigration;
use super::tree::Tree;
use crate::migration::{Foreign, Reading};
use crate::problem::Problem;
use crate::timestamp::Timestamp;
use crate::version::Version;

/// How a folder's files are named and read.
pub trait Layout: fmt::Debug + Send + Sync {
    /// Its name, as `--format` has it.
    fn name(&self) -> &'static str;

    /// Finds the migrations of a folder. Reads no more than it needs to know which they are and in which order they run.
    fn find(&self, folder: &dyn Tree) -> Found;

    /// The files that new migrations take, each with its text.
    ///
    /// # Errors
    ///
    /// A file of the folder that has to name it, and cannot be read.
    fn files_of(
        &self,
        folder: &dyn Tree,
        new: &[(&NewMigration, &str)],
        now: Timestamp,
    ) -> Result<Vec<NewFile>, Problem>;

    /// What the text of a file says of how it runs, beside Whimbrel's own directives.
    ///
    /// # Errors
    ///
    /// A text that is not as the tool would have it.
    fn reading(&self, _file: &FoundFile, _text: &str) -> Result<Reading, Problem> {
        Ok(Reading::default())
    }

    /// How the texts are split, where they were written for another tool and run as their author meant them; `None`: they are
    /// Whimbrel's own.
    fn lexer(&self) -> Option<crate::split::Lexer> {
        None
    }
}

/// What a layout finds in a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// The migrations, in any order: their versions give it.
    pub files: Vec<FoundFile>,
    /// What is not understood. Nothing may run while there is anything.
    pub problems: Vec<Problem>,
    /// What the tool itself passes over: told, and no reason to stop.
    pub passed_over: Vec<Problem>,
}

/// A migration in a folder.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// Its path in the folder, with `/`.
    pub file: String,
    /// Its version; `None`: it must be a repeatable.
    pub version: Option<Version>,
    /// Its name.
    pub name: String,
    /// What it is to the tool that it was written for; `None`: Whimbrel itself.
    pub foreign: Option<Box<Foreign>>,
}

/// A file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its path in the folder, with `/`.
    pub file: String,
    /// Its text.
    pub text: String,
    /// It is there, with less in it.
    pub replaces: bool,
}

impl NewFile {
    /// A file for each, called as `file` says.
    pub(crate) fn each(new: &[(&NewMigration, &str)], file: impl Fn(&NewMigration) -> String) -> Vec<Self> {
        new.iter().map(|(new, text)| Self::new(file(new), *text)).collect()
    }

    /// One that must not be there yet.
    pub(crate) fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self { file: file.into(), text: text.into(), replaces: false }
    }
}
