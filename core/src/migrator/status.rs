//! Where every migration stands, and what a run would do.

use std::sync::Arc;

use crate::checksum::Checksum;
use crate::history::MigrationId;
use crate::plan::{MigrationState, Note};
use crate::timestamp::Timestamp;

/// Where every migration of a database stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// `sqlite`, `postgres`.
    pub dialect: &'static str,
    /// What people call the database.
    pub database: String,
    /// Nothing is pending and nothing is wrong.
    pub up_to_date: bool,
    /// Every migration that is recorded or has a file, in the order in which they run.
    pub migrations: Vec<MigrationStatus>,
    /// What a person should know.
    pub notes: Vec<Note>,
    /// Namespaces in the history that this program does not bring, with the number of their rows.
    pub other_namespaces: Vec<(Arc<str>, usize)>,
    /// Tables of a database that has no history, which a run would be refused for unless it is told what to do with them.
    pub untracked: Vec<String>,
}

impl Status {
    /// Migrations that are in the database as their files say.
    #[must_use]
    pub fn applied(&self) -> usize {
        self.migrations.iter().filter(|m| m.state.is_done()).count()
    }

    /// Migrations that a run would apply, or would be refused for because they come late.
    #[must_use]
    pub fn pending(&self) -> usize {
        use MigrationState::{OutOfOrder, Pending, Running};
        self.migrations.iter().filter(|m| matches!(m.state, Pending | Running | OutOfOrder)).count()
    }
}

/// Where a migration stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// Which.
    pub id: MigrationId,
    /// Its name: the file's, else the recorded one.
    pub name: String,
    /// Where it stands.
    pub state: MigrationState,
    /// The file's checksum, else the recorded one.
    pub checksum: Checksum,
    /// When it was recorded as done.
    pub applied_at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Where the row comes from.
    pub origin: Option<Arc<str>>,
    /// Who runs or ran it and where.
    pub run_by: Option<Arc<str>>,
    /// Statements done and in total, where it stopped part-way.
    pub progress: Option<(u32, u32)>,
    /// The error that stopped it.
    pub error: Option<String>,
    /// In what the database was not as it should be after it, when it was recorded without running. Empty: in nothing.
    pub differences: Vec<String>,
}

/// What a run would do.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Preview {
    /// In this order.
    pub steps: Vec<PlannedMigration>,
    /// What a person should know.
    pub notes: Vec<Note>,
}

/// A migration that a run would apply.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlannedMigration {
    /// Which.
    pub id: MigrationId,
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Its statements run in one transaction.
    pub transactional: bool,
    /// Statements that are done already.
    pub resume_from: u32,
    /// The text of each statement; empty where it is written in Rust.
    pub statements: Vec<String>,
}
