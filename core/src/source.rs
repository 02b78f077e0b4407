//! Where migrations come from: a folder, the program itself, Rust code.

mod code;
mod directory;
mod embedded;
mod layout;
mod new;
mod seed;

use std::fmt;
use std::sync::Arc;

pub use code::CodeSource;
pub use directory::DirectorySource;
pub use embedded::{EmbeddedFile, EmbeddedSource};
pub use layout::{Layout, WhimbrelLayout};
pub use new::NewMigration;
pub use seed::Seed;

use crate::history::MigrationKey;
use crate::migration::Migration;
use crate::problem::{LoadError, Problem};

/// A source of migrations.
pub trait Source: fmt::Debug + Send + Sync {
    /// Loads every migration into `namespace`, in any order.
    ///
    /// # Errors
    ///
    /// Every problem at once: files that are not understood, versions that stand twice, names and directives that are
    /// wrong, files that cannot be read or are not UTF-8. Nothing is left out silently.
    fn load(&self, namespace: &Arc<str>) -> Result<Vec<Migration>, LoadError>;
}

/// Sorts by version, repeatables after them by name, and refuses what stands twice.
pub(crate) fn in_order(
    mut migrations: Vec<Migration>,
    mut problems: Vec<Problem>,
) -> Result<Vec<Migration>, LoadError> {
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
    problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    LoadError::unless_empty(problems)?;
    Ok(migrations)
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
