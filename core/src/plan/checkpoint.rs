//! Checkpoints: one migration in place of the oldest ones.
//!
//! A fresh database runs it. One that ran everything that was folded into it has its last version recorded with the
//! checksum of the file that had it then, which the checkpoint accepts, and goes on; the rows of the others have no files any
//! more and are as good as applied. One that stopped between must finish with the files that were folded.

use super::refusal::Refusal;
use crate::history::{HistoryRow, MigrationId, RowState};
use crate::migration::Migration;
use crate::version::Version;

/// A checkpoint among the migrations, against the history.
pub(super) struct Checkpoint<'a> {
    migration: &'a Migration,
    version: &'a Version,
    folded: &'a [Version],
    history: &'a [HistoryRow],
}

/// The checkpoints of all namespaces.
pub(super) fn checkpoints<'a>(migrations: &'a [Migration], history: &'a [HistoryRow]) -> Vec<Checkpoint<'a>> {
    let checkpoint = |migration: &'a Migration| {
        let folded = migration.directives().folded.as_slice();
        let version = migration.id.version().filter(|_| !folded.is_empty())?;
        Some(Checkpoint { migration, version, folded, history })
    };
    migrations.iter().filter_map(checkpoint).collect()
}

impl Checkpoint<'_> {
    /// Whether this version was folded: it is older, and has no file any more.
    pub(super) fn covers(&self, id: &MigrationId) -> bool {
        id.namespace == self.migration.id.namespace && id.version().is_some_and(|version| version < self.version)
    }

    /// Whether the database has all that the checkpoint makes: it ran it, or everything that was folded into it.
    pub(super) fn is_reached(&self) -> bool {
        match self.row(self.version).filter(|row| row.state == RowState::Applied) {
            Some(row) if row.checksum == self.migration.checksum => true,
            Some(_) => self.folded.iter().all(|version| self.is_done(version)),
            None => false,
        }
    }

    /// Why nothing can be applied: the database stopped inside of what was folded.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let done = self.folded.iter().filter(|version| self.row(version).is_some()).count();
        let begun = done > 0 || self.history.iter().any(|row| self.covers(&row.id));
        if self.is_reached() || !begun {
            return None;
        }
        let missing = self.folded.iter().find(|version| !self.is_done(version)).unwrap_or(self.version);
        let (id, file) = (self.migration.id.clone(), self.migration.file());
        Some(Refusal::InsideCheckpoint { id, file, done, of: self.folded.len() + 1, missing: missing.clone() })
    }

    fn is_done(&self, version: &Version) -> bool {
        self.row(version).is_some_and(|row| row.state == RowState::Applied)
    }

    fn row(&self, version: &Version) -> Option<&HistoryRow> {
        let namespace = &self.migration.id.namespace;
        self.history.iter().find(|row| row.id.namespace == *namespace && row.id.version() == Some(version))
    }
}
