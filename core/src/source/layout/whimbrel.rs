//! Whimbrel's own layout.

use super::{Found, FoundFile, Layout, NewFile, NewMigration, Timestamp, Tree};
use crate::problem::Problem;
use crate::version::Version;

/// What a file of a migration folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// A migration with a version.
    Versioned {
        /// Its version.
        version: Version,
        /// Its name.
        name: &'a str,
    },
    /// A file that must say `-- whimbrel: repeatable`.
    Repeatable {
        /// Its name.
        name: &'a str,
    },
    /// A file that is known and is no migration.
    Beside,
}

/// Whimbrel's own layout: `VERSION_name.sql`, and `name.sql` for repeatables.
#[derive(Debug, Clone, Copy, Default)]
pub struct WhimbrelLayout;

const BESIDE: [&str; 9] = [
    ".gitkeep",
    ".gitignore",
    ".gitattributes",
    ".editorconfig",
    ".DS_Store",
    "README",
    "README.md",
    "README.txt",
    "meta/",
];

impl Layout for WhimbrelLayout {
    fn name(&self) -> &'static str {
        "whimbrel"
    }

    fn find(&self, folder: &dyn Tree) -> Found {
        let (names, problems) = match folder.names("") {
            Ok(listed) => listed,
            Err(unreadable) => return Found { problems: vec![unreadable], ..Found::default() },
        };
        let mut found = Found { files: Vec::with_capacity(names.len()), problems, passed_over: Vec::new() };
        for file in names {
            let (version, name) = match self.entry(&file) {
                Ok(Entry::Versioned { version, name }) => (Some(version), name.to_owned()),
                Ok(Entry::Repeatable { name }) => (None, name.to_owned()),
                Ok(Entry::Beside) => continue,
                Err((message, hint)) => {
                    found.problems.push(Problem::new(folder.shown(&file), message, hint));
                    continue;
                }
            };
            found.files.push(FoundFile { file, version, name, foreign: None });
        }
        found
    }

    fn files_of(
        &self,
        _folder: &dyn Tree,
        new: &[(&NewMigration, &str)],
        _now: Timestamp,
    ) -> Result<Vec<NewFile>, Problem> {
        Ok(NewFile::each(new, NewMigration::file_name))
    }
}

impl WhimbrelLayout {
    /// What a file is, by its name. Folders end in `/`.
    ///
    /// # Errors
    ///
    /// What is wrong with the name, and what to do.
    pub(crate) fn entry<'a>(self, file: &'a str) -> Result<Entry<'a>, (String, String)> {
        let is_license = file.starts_with("LICENSE") && !file.ends_with(".sql");
        if BESIDE.contains(&file) || is_license {
            return Ok(Entry::Beside);
        }
        let expected = "name it VERSION_name.sql, such as 0007_add_boards.sql, or move it out of the folder";
        if file.ends_with('/') {
            return Err(("is a folder, and only `meta` may stand here".to_owned(), "move it elsewhere".to_owned()));
        }
        let Some(stem) = file.strip_suffix(".sql") else {
            return Err(("is not understood: only .sql files are migrations".to_owned(), expected.to_owned()));
        };
        let digits = stem.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        if digits == 0 {
            return name(stem).map(|name| Entry::Repeatable { name });
        }
        let version =
            stem[..digits].parse().map_err(|error| (format!("has a bad name: {error}"), expected.to_owned()))?;
        let Some(rest) = stem[digits..].strip_prefix('_') else {
            return Err(("has a bad name: after the version comes `_`".to_owned(), expected.to_owned()));
        };
        name(rest).map(|name| Entry::Versioned { version, name })
    }
}

fn name(text: &str) -> Result<&str, (String, String)> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let starts_well = text.chars().next().is_some_and(char::is_alphanumeric);
    if starts_well && text.chars().all(allowed) {
        return Ok(text);
    }
    let hint = "a name begins with a letter or digit and holds letters, digits, `_`, `-` and `.`";
    Err(("has a bad name".to_owned(), hint.to_owned()))
}
