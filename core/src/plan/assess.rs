//! Where each migration stands: files against history.

use std::collections::HashMap;
use std::fmt;

use super::checkpoint::{Checkpoint, checkpoints};
use crate::history::{HistoryRow, MigrationId, MigrationKey, RowState};
use crate::migration::Migration;
use crate::version::Version;

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MigrationState {
    /// Recorded as done by this tool.
    Applied,
    /// Not done yet; or a repeatable or seed whose content changed.
    Pending,
    /// Recorded without running, because the database had it.
    Baseline,
    /// Recorded from another tool's history.
    Adopted,
    /// Applied with another checksum.
    Edited,
    /// Recorded, no file, and older than the newest file.
    Missing,
    /// Recorded, no file, and newer than the newest file.
    Unknown,
    /// Stopped by an error at a known statement.
    Failed,
    /// Claimed and not finished, and its runner is gone.
    Interrupted,
    /// Claimed, and its runner is at work.
    Running,
    /// Pending, and older than something applied or begun.
    OutOfOrder,
    /// A repeatable or seed that is recorded and has no file.
    Gone,
}

impl MigrationState {
    /// The word in `status --json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            // A migration that someone applies right now is still pending for everyone who asks.
            Self::Pending | Self::Running => "pending",
            Self::Baseline => "baseline",
            Self::Adopted => "adopted",
            Self::Edited => "edited",
            Self::Missing | Self::Gone => "missing",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::OutOfOrder => "out_of_order",
        }
    }

    /// It is in the database, as its file says.
    #[must_use]
    pub fn is_done(self) -> bool {
        matches!(self, Self::Applied | Self::Baseline | Self::Adopted)
    }
}

impl fmt::Display for MigrationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One migration, recorded or in a file or both.
#[derive(Debug, Clone)]
pub struct Assessed {
    /// Which.
    pub id: MigrationId,
    /// Where it stands.
    pub state: MigrationState,
    /// Its index among the migrations.
    pub migration: Option<usize>,
    /// Its index in the history.
    pub row: Option<usize>,
    /// It is recorded with a checksum of an algorithm that this release does not know.
    pub unverifiable: bool,
}

/// Where every migration stands, in the order in which they run: namespaces as given, versions, repeatables, seeds.
#[derive(Debug, Clone, Default)]
pub struct Assessment {
    /// One for each migration that is recorded or has a file.
    pub entries: Vec<Assessed>,
}

impl Assessment {
    /// The migrations whose [`Facts`](super::Facts) the plan needs.
    pub fn wants_facts(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        use MigrationState::{Edited, Failed, Interrupted};
        let wanted = self.entries.iter().filter(|e| matches!(e.state, Edited | Failed | Interrupted));
        wanted.filter_map(|e| Some((e.migration?, e.row?)))
    }
}

/// Compares migrations (each namespace in order, see [`Source`](crate::Source)) with the history.
///
/// `namespaces` are those of this program, in the order in which they run; rows of others are not this program's
/// business and are left out.
#[must_use]
pub fn assess(namespaces: &[&str], migrations: &[Migration], history: &[HistoryRow]) -> Assessment {
    let mut rows: HashMap<&MigrationId, usize> =
        history.iter().enumerate().map(|(index, row)| (&row.id, index)).collect();
    let mut entries = Vec::with_capacity(migrations.len());
    let mut reached = checkpoints(migrations, history);
    reached.retain(Checkpoint::is_reached);
    for namespace in namespaces {
        let own = |id: &MigrationId| &*id.namespace == *namespace;
        let begun = history.iter().filter(|row| own(&row.id) && has_begun(row));
        let newest_begun = begun.filter_map(|row| row.id.version()).max();
        let files = migrations.iter().enumerate().filter(|(_, m)| own(&m.id));
        for (index, migration) in files {
            let row = rows.remove(&migration.id);
            let (state, unverifiable) = state_of(migration, row.map(|row| &history[row]), newest_begun);
            entries.push(Assessed { id: migration.id.clone(), state, migration: Some(index), row, unverifiable });
        }
        let newest_file = migrations.iter().filter(|m| own(&m.id)).filter_map(|m| m.id.version()).max();
        let left: Vec<usize> = rows.iter().filter(|(id, _)| own(id)).map(|(_, index)| *index).collect();
        for index in left {
            let id = history[index].id.clone();
            rows.remove(&history[index].id);
            let is_folded = reached.iter().any(|checkpoint| checkpoint.covers(&id));
            entries.push(Assessed {
                state: if is_folded { MigrationState::Applied } else { state_without_file(&id, newest_file) },
                id,
                migration: None,
                row: Some(index),
                unverifiable: false,
            });
        }
    }
    let place = |id: &MigrationId| namespaces.iter().position(|namespace| *namespace == &*id.namespace);
    entries.sort_by(|a, b| place(&a.id).cmp(&place(&b.id)).then_with(|| a.id.key.cmp(&b.id.key)));
    Assessment { entries }
}

fn state_without_file(id: &MigrationId, newest_file: Option<&Version>) -> MigrationState {
    match (&id.key, newest_file) {
        (MigrationKey::Version(version), Some(newest)) if version <= newest => MigrationState::Missing,
        (MigrationKey::Version(_), _) => MigrationState::Unknown,
        (MigrationKey::Repeatable(_) | MigrationKey::Seed(_), _) => MigrationState::Gone,
    }
}

/// Something of it is in the database, or may be.
fn has_begun(row: &HistoryRow) -> bool {
    row.state != RowState::Failed || row.statements_done > 0
}

fn state_of(migration: &Migration, row: Option<&HistoryRow>, newest_begun: Option<&Version>) -> (MigrationState, bool) {
    let Some(row) = row else {
        let late = migration.id.version().is_some_and(|version| newest_begun.is_some_and(|newest| version < newest));
        return (if late { MigrationState::OutOfOrder } else { MigrationState::Pending }, false);
    };
    let state = match row.state {
        RowState::Failed => MigrationState::Failed,
        RowState::Running if row.lease_left.is_some() => MigrationState::Running,
        RowState::Running => MigrationState::Interrupted,
        RowState::Applied => return applied_state(migration, row),
    };
    (state, false)
}

fn applied_state(migration: &Migration, row: &HistoryRow) -> (MigrationState, bool) {
    let same = row.checksum == migration.checksum || migration.directives().accepted_checksums.contains(&row.checksum);
    let versioned = migration.id.version().is_some();
    let state = match (same || !row.checksum.is_known(), versioned) {
        (false, true) => MigrationState::Edited,
        (false, false) => MigrationState::Pending,
        (true, _) if &*row.origin == "baseline" => MigrationState::Baseline,
        (true, _) if row.origin.starts_with("adopted") => MigrationState::Adopted,
        (true, _) => MigrationState::Applied,
    };
    (state, !row.checksum.is_known())
}
