//! A folder of files, read when the program runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::{Format, Found, FoundFile, Layout, NewFile, UnknownFormat, WhimbrelLayout, layout_of};
use super::tree::{DiskTree, NotedTree, unreadable_file};
use super::{Loaded, NewMigration, Source, in_order};
use crate::directive::Directives;
use crate::history::{MigrationId, MigrationKey};
use crate::migration::Migration;
use crate::parallel;
use crate::problem::{LoadError, Problem};
use crate::split::Lexer;
use crate::timestamp::Timestamp;
use crate::version::Version;

/// A folder of migrations, read at run time.
///
/// ```no_run
/// use whimbrel_core::DirectorySource;
/// let source = DirectorySource::new("migrations");
/// ```
#[derive(Debug, Clone)]
pub struct DirectorySource {
    folder: PathBuf,
    layout: Arc<dyn Layout>,
}

impl DirectorySource {
    /// The folder at `path`, in Whimbrel's own layout. Nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with_layout(path, WhimbrelLayout)
    }

    /// The folder at `path` in another layout.
    pub fn with_layout(path: impl Into<PathBuf>, layout: impl Layout + 'static) -> Self {
        Self { folder: path.into(), layout: Arc::new(layout) }
    }

    /// The folder at `path` in the format that it is said to have, else in that whose mark it has, else in Whimbrel's own.
    ///
    /// `lexer` is of the database that the migrations are for; without one nothing of another tool's can run.
    ///
    /// # Errors
    ///
    /// [`UnknownFormat`], where it is not known how to read it.
    pub fn open(
        path: impl Into<PathBuf>,
        format: Option<&'static Format>,
        lexer: Option<Lexer>,
    ) -> Result<Self, UnknownFormat> {
        let folder = path.into();
        let layout = layout_of(&folder, format, lexer)?.into();
        Ok(Self { folder, layout })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The format that it is read in.
    #[must_use]
    pub fn format(&self) -> &'static str {
        self.layout.name()
    }

    /// Whether the folder is in Whimbrel's own layout.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.layout.name() == WhimbrelLayout.name()
    }

    /// The files that the migrations are loaded from, by their paths in the folder: their own, and those that the layout reads to
    /// know them.
    ///
    /// # Errors
    ///
    /// Everything because of which the folder cannot be loaded, see [`Loaded::complete`].
    pub fn files(&self) -> Result<Vec<String>, LoadError> {
        let tree = NotedTree::new(DiskTree::new(&self.folder));
        let Found { files, problems, .. } = self.layout.find(&tree);
        LoadError::unless_empty(problems)?;
        self.load(&"main".into()).complete()?;
        Ok(tree.into_read().into_iter().chain(files.into_iter().map(|found| found.file)).collect())
    }

    /// The files that new migrations take in it, each with its text.
    ///
    /// # Errors
    ///
    /// A file of the folder that has to name it, and cannot be read.
    pub fn files_of(&self, new: &[(&NewMigration, &str)], now: Timestamp) -> Result<Vec<NewFile>, Problem> {
        self.layout.files_of(&DiskTree::new(&self.folder), new, now)
    }
}

impl Source for DirectorySource {
    fn load(&self, namespace: &Arc<str>) -> Loaded {
        let Found { files, mut problems, passed_over } = self.layout.find(&DiskTree::new(&self.folder));
        let folder: Arc<Path> = self.folder.as_path().into();
        let mut migrations = Vec::with_capacity(files.len());
        let load = &|file: &FoundFile| load_file(&folder, file, namespace, &*self.layout);
        parallel::each(&files, parallel::FILES_PER_THREAD, load, |loaded| match loaded {
            Ok(migration) => migrations.push(migration),
            Err(problem) => problems.push(problem),
        });
        Loaded { passed_over, ..in_order(migrations, problems) }
    }
}

fn load_file(
    folder: &Arc<Path>,
    found: &FoundFile,
    namespace: &Arc<str>,
    layout: &dyn Layout,
) -> Result<Migration, Problem> {
    let path = folder.join(&found.file);
    let shown = || path.display().to_string();
    let bytes = fs::read(&path).map_err(|error| unreadable_file(&path, &error))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| not_utf8(&shown(), &bytes, error.valid_up_to()))?;
    let Identified { id, directives, problems } =
        identify(found.version.as_ref(), &found.name, &shown, text, namespace)?;
    let migration = Migration::from_file(id, &found.name, Arc::clone(folder), &found.file, text, directives);
    of_tool(migration.with_problems(problems), found, layout, text)
}

/// With what its layout says of it, where it was written for another tool.
pub(super) fn of_tool(
    migration: Migration,
    found: &FoundFile,
    layout: &dyn Layout,
    text: &str,
) -> Result<Migration, Problem> {
    let (Some(lexer), Some(foreign)) = (layout.lexer(), &found.foreign) else { return Ok(migration) };
    let reading = layout.reading(found, text)?;
    Ok(migration.of_other_tool((**foreign).clone(), &reading, lexer, text))
}

/// What the name and the header of a file say together.
pub(super) struct Identified {
    pub(super) id: MigrationId,
    pub(super) directives: Directives,
    pub(super) problems: Vec<Problem>,
}

/// Joins what the name says with what the header says. An error: it is not known which migration the file is.
pub(super) fn identify(
    version: Option<&Version>,
    name: &str,
    file: &dyn Fn() -> String,
    text: &str,
    namespace: &Arc<str>,
) -> Result<Identified, Problem> {
    // Most migrations have no directive, and then their path need not be written out.
    let (directives, mut problems) = if text.contains(crate::directive::DIRECTIVE_PREFIX) {
        Directives::read(&file(), text)
    } else {
        Default::default()
    };
    let key = match (version, directives.repeatable) {
        (Some(version), repeatable) => {
            if repeatable {
                let hint = "take the version out of its name, or the directive out of the file";
                problems.push(Problem::new(file(), "says `repeatable` and has a version", hint));
            }
            MigrationKey::Version(version.clone())
        }
        (None, true) => MigrationKey::Repeatable(name.into()),
        (None, false) => {
            let hint = "name it VERSION_name.sql, or write `-- whimbrel: repeatable` at its top";
            return Err(Problem::new(file(), "has no version in its name", hint));
        }
    };
    let id = MigrationId { namespace: Arc::clone(namespace), key };
    Ok(Identified { id, directives, problems })
}

pub(super) fn not_utf8(file: &str, bytes: &[u8], valid: usize) -> Problem {
    let line = bytes[..valid].iter().filter(|b| **b == b'\n').count() + 1;
    let start = bytes[..valid].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&bytes[start..valid]).chars().count() + 1;
    let message = format!("is not UTF-8: byte 0x{:02x}", bytes[valid]);
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Problem::new(file, message, "save the file as UTF-8").at(number(line), number(column))
}
