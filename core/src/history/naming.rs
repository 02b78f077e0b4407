//! How people name a migration, and how the command line reads that.

use std::str::FromStr;

use super::{DEFAULT_NAMESPACE, MigrationId, MigrationKey};
use crate::version::InvalidVersion;

impl MigrationId {
    /// What people call the migration: `0001 add_boards`; a repeatable and a seed have no more than their name, `seed boards`.
    #[must_use]
    pub fn called(&self, name: &str) -> String {
        match self.key {
            MigrationKey::Version(_) => format!("{self} {name}"),
            MigrationKey::Repeatable(_) | MigrationKey::Seed(_) => self.to_string(),
        }
    }

    /// How it is written on the command line: `0001`, `seed boards`, `0001 --namespace library`.
    #[must_use]
    pub fn arguments(&self) -> String {
        let key = match &self.key {
            MigrationKey::Version(version) => version.to_string(),
            MigrationKey::Repeatable(name) => format!("repeatable {}", quoted(name)),
            MigrationKey::Seed(name) => format!("seed {}", quoted(name)),
        };
        if &*self.namespace == DEFAULT_NAMESPACE {
            return key;
        }
        format!("{key} --namespace {}", quoted(&self.namespace))
    }
}

impl FromStr for MigrationKey {
    type Err = InvalidVersion;

    /// Reads `0001`, `repeatable views` and `seed boards`.
    ///
    /// # Errors
    ///
    /// [`InvalidVersion`] for what is neither, and begins with neither word.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(' ') {
            Some(("repeatable", name)) => Ok(Self::Repeatable(name.into())),
            Some(("seed", name)) => Ok(Self::Seed(name.into())),
            _ => text.parse().map(Self::Version),
        }
    }
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests;
