//! The history: one row per migration, repeatable or seed that a database has seen.

mod naming;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::checksum::Checksum;
use crate::error::{BackendError, BackendErrorKind};
use crate::timestamp::Timestamp;
use crate::version::Version;

/// The newest format of history rows that this release writes and reads.
pub const HISTORY_FORMAT: i64 = 1;

/// The history table's usual name.
pub const DEFAULT_HISTORY_TABLE: &str = "whimbrel_history";

/// The usual namespace: the application's own migrations.
pub const DEFAULT_NAMESPACE: &str = "main";

/// Whether a text can be a namespace.
///
/// # Errors
///
/// Why it cannot: it is empty, or has characters that do not print.
pub fn check_namespace(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("a namespace has at least one character, and none that does not print");
    }
    Ok(())
}

/// Who a migration is within its namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MigrationKey {
    /// A versioned migration is its version; its name may be corrected.
    Version(Version),
    /// A repeatable migration is its name.
    Repeatable(Box<str>),
    /// A seed is its name.
    Seed(Box<str>),
}

/// The identity of a migration: its namespace, and its version or name in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MigrationId {
    /// Whose migration it is: a library brings its own into an application's database.
    pub namespace: Arc<str>,
    /// Its version, or its name.
    pub key: MigrationKey,
}

impl MigrationId {
    /// The text that stands for the key in the history: `v:12`, `r:views`, `s:seed`. Equal versions have the same.
    #[must_use]
    pub fn stored_key(&self) -> String {
        match &self.key {
            MigrationKey::Version(version) => format!("v:{}", version.canonical()),
            MigrationKey::Repeatable(name) => format!("r:{name}"),
            MigrationKey::Seed(name) => format!("s:{name}"),
        }
    }

    /// The version, as written; `None` for repeatables and seeds.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        match &self.key {
            MigrationKey::Version(version) => Some(version),
            MigrationKey::Repeatable(_) | MigrationKey::Seed(_) => None,
        }
    }

    /// The word in the history's `kind` column.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.key {
            MigrationKey::Version(_) => "migration",
            MigrationKey::Repeatable(_) => "repeatable",
            MigrationKey::Seed(_) => "seed",
        }
    }
}

impl fmt::Display for MigrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if &*self.namespace != DEFAULT_NAMESPACE {
            write!(f, "{}:", self.namespace)?;
        }
        match &self.key {
            MigrationKey::Version(version) => write!(f, "{version}"),
            MigrationKey::Repeatable(name) => write!(f, "repeatable {name}"),
            MigrationKey::Seed(name) => write!(f, "seed {name}"),
        }
    }
}

/// The newest version of a namespace that is applied.
#[must_use]
pub fn newest_applied(rows: &[HistoryRow], namespace: &str) -> Option<Version> {
    let applied = rows.iter().filter(|row| row.state == RowState::Applied && *row.id.namespace == *namespace);
    applied.filter_map(|row| row.id.version()).max().cloned()
}

/// How far a migration came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowState {
    /// Claimed and not finished. Only a non-transactional migration is ever seen so by others.
    Running,
    /// Finished.
    Applied,
    /// Stopped by an error at a known statement.
    Failed,
}

impl RowState {
    /// The word in the history's `state` column: `running`, `applied`, `failed`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Applied => "applied",
            Self::Failed => "failed",
        }
    }
}

/// One row of the history.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// Whose row it is.
    pub id: MigrationId,
    /// The migration's name when it ran.
    pub name: Box<str>,
    /// The checksum of its content when it ran.
    pub checksum: Checksum,
    /// The checksum of its token stream; `None` where it was not asked for ([`HistoryDetail::Check`]) or not known.
    pub token_checksum: Option<Checksum>,
    /// How far it came.
    pub state: RowState,
    /// Statements that are known to be done; equal to the total when applied.
    pub statements_done: u32,
    /// Statements that it has.
    pub statements_total: u32,
    /// The checksum of the token streams of the statements that are done, in a migration that stopped part-way.
    pub prefix_checksum: Option<Checksum>,
    /// Counts the claims: every later write of a runner carries the fence that its claim got.
    pub fence: i64,
    /// While `running`: how much longer the claim's lease lasts on the database's clock; `None` when it has ended or
    /// there was none.
    pub lease_left: Option<Duration>,
    /// When it was claimed, on the database's clock.
    pub started_at: Option<Timestamp>,
    /// When it was finished, on the database's clock.
    pub finished_at: Option<Timestamp>,
    /// How long it took on the database's clock, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Where the row comes from: `applied`, `baseline`, `adopted:TOOL`.
    pub origin: Arc<str>,
    /// The release that wrote it.
    pub tool_version: Arc<str>,
    /// Who ran it and where.
    pub run_by: Arc<str>,
    /// The error that stopped it, while `failed`. In a row that is `applied`: in what the database was not as it should be
    /// when the row was recorded without running, one difference a line; and which rows of another tool's history were
    /// accepted although they have no file.
    pub error: Option<Box<str>>,
}

/// How much of the history is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryDetail {
    /// What planning needs.
    ///
    /// - MUST give identity, name, checksum, state, statements, fence and lease, and `run_by` and `error` of a row that is
    ///   not `applied` (case: `history::a_check_tells_what_planning_needs`).
    /// - The rest of an `applied` row SHOULD be left out, because it is read at every start (case:
    ///   `history::a_check_reads_no_more_than_planning_needs`).
    Check,
    /// Everything.
    Full,
}

/// The columns of a row as a backend reads them; [`HistoryReader`] makes a [`HistoryRow`] of them.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the fields are those of `HistoryRow`, as stored")]
pub struct RawRow<'a> {
    pub format: i64,
    pub namespace: &'a str,
    pub kind: &'a str,
    pub version: Option<&'a str>,
    pub name: &'a str,
    pub checksum: &'a str,
    pub token_checksum: Option<&'a str>,
    pub state: &'a str,
    pub statements_done: i64,
    pub statements_total: i64,
    pub prefix_checksum: Option<&'a str>,
    pub fence: i64,
    /// Milliseconds until the lease ends, on the database's clock; zero or less when it has ended.
    pub lease_left_ms: Option<i64>,
    /// Microseconds since 1970 UTC.
    pub started_at_us: Option<i64>,
    /// Microseconds since 1970 UTC.
    pub finished_at_us: Option<i64>,
    pub duration_ms: Option<i64>,
    pub origin: Option<&'a str>,
    pub tool_version: Option<&'a str>,
    pub run_by: Option<&'a str>,
    pub error: Option<&'a str>,
}

/// Makes rows of stored columns; texts that repeat are kept once.
#[derive(Debug, Default)]
pub struct HistoryReader {
    rows: Vec<HistoryRow>,
    shared: HashSet<Arc<str>>,
}

impl HistoryReader {
    /// Takes one row.
    ///
    /// # Errors
    ///
    /// [`BackendErrorKind::HistoryFormat`] for a row of a newer format or with a value that no release wrote, naming both.
    pub fn push(&mut self, raw: &RawRow<'_>) -> Result<(), BackendError> {
        if raw.format > HISTORY_FORMAT {
            let message =
                format!("the history holds a row of format {}, this release reads up to {HISTORY_FORMAT}", raw.format);
            return Err(BackendError::new(BackendErrorKind::HistoryFormat, message)
                .with_hint("use the release that wrote it, or a newer one"));
        }
        let key = match (raw.kind, raw.version) {
            ("migration" | "checkpoint", Some(version)) => {
                MigrationKey::Version(version.parse().map_err(|_| unreadable(raw, "version", version))?)
            }
            ("repeatable", _) => MigrationKey::Repeatable(raw.name.into()),
            ("seed", _) => MigrationKey::Seed(raw.name.into()),
            (kind, _) => return Err(unreadable(raw, "kind", kind)),
        };
        let state = match raw.state {
            "running" => RowState::Running,
            "applied" => RowState::Applied,
            "failed" => RowState::Failed,
            other => return Err(unreadable(raw, "state", other)),
        };
        let number = |column, n: i64| u32::try_from(n).map_err(|_| unreadable(raw, column, &n.to_string()));
        let row = HistoryRow {
            id: MigrationId { namespace: self.share(raw.namespace), key },
            name: raw.name.into(),
            checksum: Checksum::parse(raw.checksum),
            token_checksum: raw.token_checksum.map(Checksum::parse),
            state,
            statements_done: number("statements_done", raw.statements_done)?,
            statements_total: number("statements_total", raw.statements_total)?,
            prefix_checksum: raw.prefix_checksum.map(Checksum::parse),
            fence: raw.fence,
            lease_left: raw
                .lease_left_ms
                .and_then(|ms| u64::try_from(ms).ok())
                .filter(|ms| *ms > 0)
                .map(Duration::from_millis),
            started_at: raw.started_at_us.map(Timestamp::from_microseconds),
            finished_at: raw.finished_at_us.map(Timestamp::from_microseconds),
            duration_ms: raw.duration_ms.and_then(|ms| u64::try_from(ms).ok()),
            origin: self.share(raw.origin.unwrap_or("")),
            tool_version: self.share(raw.tool_version.unwrap_or("")),
            run_by: self.share(raw.run_by.unwrap_or("")),
            error: raw.error.map(Into::into),
        };
        self.rows.push(row);
        Ok(())
    }

    /// The rows, in the order in which they were taken.
    #[must_use]
    pub fn finish(self) -> Vec<HistoryRow> {
        self.rows
    }

    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.shared.get(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = text.into();
        self.shared.insert(Arc::clone(&shared));
        shared
    }
}

fn unreadable(raw: &RawRow<'_>, column: &str, value: &str) -> BackendError {
    let which = raw.version.unwrap_or(raw.name);
    let message = format!("the history's row `{which}` holds `{value}` in `{column}`, which no release writes");
    BackendError::new(BackendErrorKind::HistoryFormat, message)
        .with_hint("correct the row by hand, or restore the table from a backup")
}
