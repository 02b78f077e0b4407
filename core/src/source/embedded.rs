//! Files that were put into the program when it was compiled.

use std::borrow::Cow;
use std::sync::Arc;

use super::directory::{Identified, identify};
use super::layout::{Entry, WhimbrelLayout};
use super::{Loaded, Source, in_order};
use crate::migration::Migration;
use crate::problem::Problem;

/// One file in the program.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedFile {
    /// Its path as errors name it: `migrations/0001_add_boards.sql`.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Migrations in the program itself, made by `embed_migrations!`.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedSource {
    files: &'static [EmbeddedFile],
}

impl EmbeddedSource {
    /// These files, in Whimbrel's own layout.
    #[must_use]
    pub const fn new(files: &'static [EmbeddedFile]) -> Self {
        Self { files }
    }

    /// The files.
    #[must_use]
    pub const fn files(&self) -> &'static [EmbeddedFile] {
        self.files
    }
}

impl Source for EmbeddedSource {
    fn load(&self, namespace: &Arc<str>) -> Loaded {
        let (mut migrations, mut problems) = (Vec::with_capacity(self.files.len()), Vec::new());
        for file in self.files {
            match load_file(*file, namespace) {
                Ok(migration) => migrations.extend(migration),
                Err(refused) => problems.push(refused),
            }
        }
        in_order(migrations, problems)
    }
}

fn load_file(file: EmbeddedFile, namespace: &Arc<str>) -> Result<Option<Migration>, Problem> {
    let name = file.path.rsplit('/').next().unwrap_or(file.path);
    let entry = WhimbrelLayout.entry(name).map_err(|(message, hint)| Problem::new(file.path, message, hint))?;
    let (version, name) = match entry {
        Entry::Versioned { version, name } => (Some(version), name),
        Entry::Repeatable { name } => (None, name),
        Entry::Beside => return Ok(None),
    };
    let shown = || file.path.to_owned();
    let Identified { id, directives, problems } = identify(version.as_ref(), name, &shown, file.text, namespace)?;
    let migration = Migration::from_text(id, name, Cow::Borrowed(file.path), Cow::Borrowed(file.text), directives);
    Ok(Some(migration.with_problems(problems)))
}
