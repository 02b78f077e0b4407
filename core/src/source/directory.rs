//! A folder of files, read when the program runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::{Entry, Layout, WhimbrelLayout};
use super::{Loaded, Source, in_order};
use crate::directive::Directives;
use crate::history::{MigrationId, MigrationKey};
use crate::migration::Migration;
use crate::parallel;
use crate::problem::Problem;

/// A folder of migrations, read at run time.
///
/// ```no_run
/// use whimbrel_core::DirectorySource;
/// let source = DirectorySource::new("migrations");
/// ```
#[derive(Debug)]
pub struct DirectorySource {
    folder: PathBuf,
    layout: Box<dyn Layout>,
}

impl DirectorySource {
    /// The folder at `path`, in Whimbrel's own layout. Nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with_layout(path, WhimbrelLayout)
    }

    /// The folder at `path` in another layout.
    pub fn with_layout(path: impl Into<PathBuf>, layout: impl Layout + 'static) -> Self {
        Self { folder: path.into(), layout: Box::new(layout) }
    }

    /// The names in the folder, and what is wrong with some of them.
    fn listing(&self) -> Result<(Vec<String>, Vec<Problem>), Problem> {
        let folder = self.folder.display().to_string();
        let unreadable = |error: std::io::Error| {
            let hint = "name the folder of the migrations, or make it";
            Problem::new(folder.clone(), format!("the folder cannot be read: {error}"), hint)
        };
        let (mut names, mut problems) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(mut name) = entry.file_name().into_string() else {
                let shown = entry.path().display().to_string();
                problems.push(Problem::new(shown, "the file's name is not UTF-8", "rename it"));
                continue;
            };
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                name.push('/');
            } else if !kind.is_file() && !kind.is_symlink() {
                // To read it could take for ever.
                let shown = entry.path().display().to_string();
                problems.push(Problem::new(shown, "is no file but a device or a pipe", "move it elsewhere"));
                continue;
            }
            names.push(name);
        }
        names.sort_unstable();
        Ok((names, problems))
    }
}

impl Source for DirectorySource {
    fn load(&self, namespace: &Arc<str>) -> Loaded {
        let (names, mut problems) = match self.listing() {
            Ok(listing) => listing,
            Err(unreadable) => return Loaded { migrations: Vec::new(), problems: vec![unreadable] },
        };
        let folder: Arc<Path> = self.folder.as_path().into();
        let mut migrations = Vec::with_capacity(names.len());
        let load = &|name: &String| load_file(&folder, name, namespace, &*self.layout);
        parallel::each(&names, load, |loaded| match loaded {
            Ok(migration) => migrations.extend(migration),
            Err(problem) => problems.push(problem),
        });
        in_order(migrations, problems)
    }
}

fn load_file(
    folder: &Arc<Path>,
    name: &str,
    namespace: &Arc<str>,
    layout: &dyn Layout,
) -> Result<Option<Migration>, Problem> {
    let path = folder.join(name);
    let shown = || path.display().to_string();
    let entry = layout.entry(name).map_err(|(message, hint)| Problem::new(shown(), message, hint))?;
    if entry == Entry::Beside {
        return Ok(None);
    }
    let bytes = fs::read(&path).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => "make what it leads to, or remove it",
            _ => "give this program the right to read it",
        };
        Problem::new(shown(), format!("cannot be read: {error}"), hint)
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|error| not_utf8(&shown(), &bytes, error.valid_up_to()))?;
    let Identified { id, name: name_in, directives, problems } = identify(&entry, &shown, text, namespace)?;
    let migration = Migration::from_file(id, name_in, Arc::clone(folder), name, text, directives);
    Ok(Some(migration.with_problems(problems)))
}

/// What the name and the header of a file say together.
pub(super) struct Identified<'a> {
    pub(super) id: MigrationId,
    pub(super) name: &'a str,
    pub(super) directives: Directives,
    pub(super) problems: Vec<Problem>,
}

/// Joins what the name says with what the header says. An error: it is not known which migration the file is.
pub(super) fn identify<'a>(
    entry: &Entry<'a>,
    file: &dyn Fn() -> String,
    text: &str,
    namespace: &Arc<str>,
) -> Result<Identified<'a>, Problem> {
    // Most migrations have no directive, and then their path need not be written out.
    let (directives, mut problems) = if text.contains(crate::directive::DIRECTIVE_PREFIX) {
        Directives::read(&file(), text)
    } else {
        Default::default()
    };
    let (key, name) = match (entry, directives.repeatable) {
        (Entry::Versioned { version, name }, repeatable) => {
            if repeatable {
                let hint = "take the version out of its name, or the directive out of the file";
                problems.push(Problem::new(file(), "says `repeatable` and has a version", hint));
            }
            (MigrationKey::Version(version.clone()), *name)
        }
        (Entry::Repeatable { name }, true) => (MigrationKey::Repeatable((*name).into()), *name),
        (Entry::Repeatable { .. } | Entry::Beside, _) => {
            let hint = "name it VERSION_name.sql, or write `-- whimbrel: repeatable` at its top";
            return Err(Problem::new(file(), "has no version in its name", hint));
        }
    };
    let id = MigrationId { namespace: Arc::clone(namespace), key };
    Ok(Identified { id, name, directives, problems })
}

pub(super) fn not_utf8(file: &str, bytes: &[u8], valid: usize) -> Problem {
    let line = bytes[..valid].iter().filter(|b| **b == b'\n').count() + 1;
    let start = bytes[..valid].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&bytes[start..valid]).chars().count() + 1;
    let message = format!("is not UTF-8: byte 0x{:02x}", bytes[valid]);
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Problem::new(file, message, "save the file as UTF-8").at(number(line), number(column))
}
