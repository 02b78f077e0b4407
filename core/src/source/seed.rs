//! Seeds: data that a new database begins with.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::not_utf8;
use crate::directive::Directives;
use crate::history::{MigrationId, MigrationKey};
use crate::migration::Migration;
use crate::problem::Problem;

/// A seed: it runs after the migrations, once, and again when its content changed.
///
/// So its statements must do no harm on a database that has its data already.
#[derive(Debug, Clone)]
pub struct Seed {
    name: String,
    origin: Origin,
}

#[derive(Debug, Clone)]
enum Origin {
    File(PathBuf),
    Text { file: Cow<'static, str>, text: Cow<'static, str> },
}

impl Seed {
    /// The seed in a file; its name is the file's without extension. Nothing is read yet.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_stem().map_or_else(|| "seed".to_owned(), |stem| stem.to_string_lossy().into_owned());
        Self { name, origin: Origin::File(path) }
    }

    /// A seed in the program: `Seed::text("seed", include_str!("../seed.sql"))`.
    pub fn text(name: impl Into<String>, text: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        let file = Cow::Owned(format!("{name}.sql"));
        Self { name, origin: Origin::Text { file, text: text.into() } }
    }

    /// An error: there is no text.
    pub(crate) fn load(&self, namespace: &Arc<str>) -> Result<Migration, Problem> {
        let id = MigrationId { namespace: Arc::clone(namespace), key: MigrationKey::Seed(self.name.as_str().into()) };
        match &self.origin {
            Origin::Text { file, text } => {
                let (directives, problems) = directives(file, text);
                let migration = Migration::from_text(id, &self.name, file.clone(), text.clone(), directives);
                Ok(migration.with_problems(problems))
            }
            Origin::File(path) => {
                let shown = path.display().to_string();
                let bytes = std::fs::read(path).map_err(|error| {
                    Problem::new(
                        shown.clone(),
                        format!("the seed cannot be read: {error}"),
                        "correct its path, or make the file",
                    )
                })?;
                let text =
                    std::str::from_utf8(&bytes).map_err(|error| not_utf8(&shown, &bytes, error.valid_up_to()))?;
                let (directives, problems) = directives(&shown, text);
                let folder: Arc<Path> = path.parent().unwrap_or(Path::new("")).into();
                let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                Ok(Migration::from_file(id, &self.name, folder, &file, text, directives).with_problems(problems))
            }
        }
    }
}

fn directives(file: &str, text: &str) -> (Directives, Vec<Problem>) {
    let (directives, mut problems) = Directives::read(file, text);
    if directives.repeatable {
        let hint = "take the directive out: a seed runs again when its content changed";
        problems.push(Problem::new(file, "a seed says `repeatable`", hint));
    }
    (directives, problems)
}
