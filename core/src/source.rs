//! Where migrations come from: a folder, the program itself, Rust code.

mod code;
mod directory;
mod embedded;
mod layout;
mod new;
mod seed;
mod tree;

use std::fmt;
use std::sync::Arc;

pub use code::CodeSource;
pub use directory::DirectorySource;
pub use embedded::{EmbeddedFile, EmbeddedSource};
#[cfg(feature = "other-tools")]
pub(crate) use layout::{DRIZZLE, SQLX};
#[cfg(feature = "other-tools")]
pub use layout::{DrizzleLayout, SqlxLayout};
pub use layout::{Format, Found, FoundFile, Layout, NewFile, UnknownFormat, WhimbrelLayout, formats};
pub use new::NewMigration;
pub use seed::Seed;
pub use tree::Tree;

use crate::history::MigrationKey;
use crate::migration::Migration;
use crate::problem::{LoadError, Problem};

/// A source of migrations.
pub trait Source: fmt::Debug + Send + Sync {
    /// Loads every migration into `namespace`, in any order.
    ///
    /// Nothing is left out silently: what is no migration that is understood (a file with another name, a version that
    /// stands twice, a file that cannot be read or is not UTF-8) is a problem beside the others. What is wrong inside of
    /// a migration, such as a directive, goes with it ([`Migration::with_problems`]).
    fn load(&self, namespace: &Arc<str>) -> Loaded;
}

/// What a source holds.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The migrations.
    pub migrations: Vec<Migration>,
    /// What is wrong with the source as a whole. Nothing may run while there is anything.
    pub problems: Vec<Problem>,
    /// What the tool that a folder was written for passes over, and so does this one: told, and no reason to stop.
    pub passed_over: Vec<Problem>,
}

impl Loaded {
    /// The migrations, where nothing at all is wrong, also with none that may have been applied.
    ///
    /// # Errors
    ///
    /// Every problem, in the order of the files.
    pub fn complete(self) -> Result<Vec<Migration>, LoadError> {
        let mut problems = self.problems;
        problems.extend(self.migrations.iter().flat_map(Migration::problems).cloned());
        LoadError::unless_empty(problems)?;
        Ok(self.migrations)
    }
}

/// Sorts by version, repeatables after them by name, and refuses what stands twice.
pub(crate) fn in_order(mut migrations: Vec<Migration>, mut problems: Vec<Problem>) -> Loaded {
    migrations.sort_by(|a, b| a.id.cmp(&b.id));
    for pair in migrations.windows(2) {
        if pair[0].id == pair[1].id {
            let message = format!("{} stands twice: also in {}", pair[1].id, pair[0].file());
            let hint = match pair[1].id.key {
                MigrationKey::Version(_) => "give one of them a version of its own",
                MigrationKey::Repeatable(_) | MigrationKey::Seed(_) => "give one of them a name of its own",
            };
            problems.push(Problem::new(pair[1].file(), message, hint));
        }
    }
    problems.extend(mistyped_timestamps(&migrations));
    Loaded { migrations, problems, passed_over: Vec::new() }
}

const TIMESTAMP_DIGITS: usize = 14;

/// Among 14-digit timestamps, one of 15 or more digits would come after all later ones for ever.
fn mistyped_timestamps(migrations: &[Migration]) -> Vec<Problem> {
    let width = |m: &Migration| m.id.version().map_or(0, crate::version::Version::first_number_width);
    if !migrations.iter().any(|m| width(m) == TIMESTAMP_DIGITS) {
        return Vec::new();
    }
    let mistyped = migrations.iter().filter(|m| width(m) > TIMESTAMP_DIGITS);
    let problem = |m: &Migration| {
        let message = format!("version {} has more digits than the 14 of a timestamp", m.id);
        Problem::new(m.file(), message, "correct it: every later timestamp would count as older")
    };
    mistyped.map(problem).collect()
}

#[cfg(test)]
mod tests;
