//! Migrations written in Rust.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{Loaded, Source, in_order};
use crate::directive::Directives;
use crate::history::{MigrationId, MigrationKey};
use crate::migration::Migration;
use crate::problem::Problem;
use crate::sql::RustMigration;

/// Migrations that a program holds as values: written in Rust, or as text that it made.
///
/// It stands beside a folder in the same namespace: versions of both are ordered together.
#[derive(Debug, Clone, Default)]
pub struct CodeSource {
    entries: Vec<Definition>,
}

#[derive(Clone)]
struct Definition {
    version: String,
    name: String,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Code { revision: String, code: Arc<dyn RustMigration> },
    Text(String),
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.version, self.name)
    }
}

impl CodeSource {
    /// No migrations yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a migration written in Rust. Raise `revision` when its code changes: it is what the checksum is made of.
    #[must_use]
    pub fn rust(mut self, version: &str, name: &str, revision: &str, code: impl RustMigration + 'static) -> Self {
        let body = Body::Code { revision: revision.to_owned(), code: Arc::new(code) };
        self.entries.push(Definition { version: version.to_owned(), name: name.to_owned(), body });
        self
    }

    /// Adds a migration whose text the program holds, directives at its top included.
    #[must_use]
    pub fn sql(mut self, version: &str, name: &str, text: impl Into<String>) -> Self {
        let body = Body::Text(text.into());
        self.entries.push(Definition { version: version.to_owned(), name: name.to_owned(), body });
        self
    }
}

impl Source for CodeSource {
    fn load(&self, namespace: &Arc<str>) -> Loaded {
        let (mut migrations, mut problems) = (Vec::with_capacity(self.entries.len()), Vec::new());
        for definition in &self.entries {
            match definition.load(namespace) {
                Ok(migration) => migrations.push(migration),
                Err(refused) => problems.push(refused),
            }
        }
        in_order(migrations, problems)
    }
}

impl Definition {
    fn load(&self, namespace: &Arc<str>) -> Result<Migration, Problem> {
        let file = format!("{}_{}", self.version, self.name);
        let version = self.version.parse().map_err(|error: crate::InvalidVersion| {
            Problem::new(file.clone(), error.to_string(), "correct it where the program defines it")
        })?;
        let id = MigrationId { namespace: Arc::clone(namespace), key: MigrationKey::Version(version) };
        match &self.body {
            Body::Code { revision, code } => Ok(Migration::from_code(id, &self.name, revision, Arc::clone(code))),
            Body::Text(text) => {
                let (directives, mut problems) = Directives::read(&file, text);
                if directives.repeatable {
                    let hint = "a repeatable has no version: put it into a file";
                    problems.push(Problem::new(&file, "says `repeatable` and has a version", hint));
                }
                let (file, text) = (Cow::Owned(file), Cow::Owned(text.clone()));
                Ok(Migration::from_text(id, &self.name, file, text, directives).with_problems(problems))
            }
        }
    }
}
