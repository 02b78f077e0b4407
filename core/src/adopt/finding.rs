//! What an adoption found, row by row.

use std::fmt;
use std::str::FromStr;

use crate::history::MigrationId;
use crate::timestamp::Timestamp;

/// Where another tool's history is, where it is not at its usual place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherHistory {
    /// The table's name; `None`: the usual one.
    pub table: Option<String>,
    /// The schema, on Postgres; `None`: whichever has the table.
    pub schema: Option<String>,
}

impl OtherHistory {
    /// The names that the table may have: the one that was given, else the usual ones.
    pub(crate) fn names(&self, usual: &'static [&'static str]) -> Vec<&str> {
        match &self.table {
            Some(name) => vec![name],
            None => usual.to_vec(),
        }
    }
}

/// What [`adopt`](crate::Migrator::adopt) found and did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Adoption {
    /// The tool: `drizzle`, `sqlx`.
    pub tool: &'static str,
    /// The tool, as people call it.
    pub tool_called: &'static str,
    /// Its table.
    pub table: String,
    /// How many rows it has.
    pub rows: usize,
    /// Every file in its order, each with the row that stands for it; behind it rows that stand for it again. Rows without
    /// a file come last.
    pub matches: Vec<Match>,
    /// How many were recorded now; in a dry run how many would be.
    pub recorded: usize,
    /// The version that the database was proved to be at, see [`Migrator::proving`](crate::Migrator::proving).
    pub proved: Option<String>,
    /// What a person should know besides.
    pub notes: Vec<String>,
}

impl Adoption {
    /// What is in the way. While there is anything, nothing was recorded.
    pub fn in_the_way(&self) -> impl Iterator<Item = &Finding> {
        self.matches.iter().flat_map(|it| &it.findings).filter(|finding| !finding.accepted)
    }

    /// Whether something is in the way.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.in_the_way().next().is_some()
    }

    /// How many of the matches have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.matches.iter().filter(|it| it.verdict == verdict).count()
    }
}

/// A row with its file, or one of them alone.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Match {
    /// The migration; `None`: the row has no file.
    pub id: Option<MigrationId>,
    /// Its name.
    pub name: Option<String>,
    /// Its file.
    pub file: Option<String>,
    /// The row, as a person finds it; `None`: there is none.
    pub row: Option<String>,
    /// When it was applied, as the row tells.
    pub applied_at: Option<Timestamp>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What a person should know of it besides.
    pub note: Option<String>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// What becomes of a row or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The file is the one that the row is about, by the hash that the tool kept: it is recorded.
    Verified,
    /// The tool keeps no hash: it is recorded without proof.
    Unverified,
    /// The row was written by hand, to say that the database has it: it is recorded.
    ByHand,
    /// Something is wrong with it that was accepted: it is recorded.
    Accepted,
    /// It is recorded already, and stays as it is.
    Recorded,
    /// The file has no row and is not applied: a run applies it.
    Pending,
    /// The row says that it was undone: it is not recorded.
    Undone,
    /// Something is wrong with it that was accepted: it is not recorded.
    LeftOut,
    /// Something is wrong with it.
    InTheWay,
}

impl Verdict {
    /// Whether it is to be recorded.
    #[must_use]
    pub fn is_to_record(self) -> bool {
        matches!(self, Self::Verified | Self::Unverified | Self::ByHand | Self::Accepted)
    }

    /// The word for it, as the JSON document has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::ByHand => "by_hand",
            Self::Accepted => "accepted",
            Self::Recorded => "recorded",
            Self::Pending => "pending",
            Self::Undone => "undone",
            Self::LeftOut => "left_out",
            Self::InTheWay => "in_the_way",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that is in the way of an adoption.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// What is wrong, with row and file.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// It was said to be accepted.
    pub accepted: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

/// The kinds of findings. Each is accepted by its name, and by no other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// The row's hash is of another text than the file's. Accepted: the file as it is now is recorded as applied.
    Edited,
    /// The row's hash is none that the tool writes. Accepted: as for `Edited`.
    WrongHash,
    /// The row has no file. Accepted: it is left where it is, and not recorded.
    MissingFile,
    /// The file has no row although newer ones have, or the tool would never run it. Accepted: it is not recorded, and stays
    /// pending.
    Skipped,
    /// The row was written after that of a later file. Accepted: it is recorded as applied.
    OutOfOrder,
    /// Another row stands for the same file: it was applied more than once. Accepted: it counts once.
    Duplicate,
    /// The row lacks the time by which its tool goes. Accepted: it is recorded without one.
    NoTime,
    /// The table has no rows, and the database has other tables. Accepted: nothing counts as applied.
    Empty,
    /// The schema of the database is not what the migrations lead to that are applied. Accepted: they are recorded as applied.
    Differs,
    /// The row says that the migration failed, or did not end. It cannot be accepted: a person must look.
    Dirty,
}

impl FindingKind {
    /// Every kind that may be accepted.
    pub const ACCEPTABLE: [Self; 9] = [
        Self::Edited,
        Self::WrongHash,
        Self::MissingFile,
        Self::Skipped,
        Self::OutOfOrder,
        Self::Duplicate,
        Self::NoTime,
        Self::Empty,
        Self::Differs,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::WrongHash => "wrong-hash",
            Self::MissingFile => "missing-file",
            Self::Skipped => "skipped",
            Self::OutOfOrder => "out-of-order",
            Self::Duplicate => "duplicate",
            Self::NoTime => "no-time",
            Self::Empty => "empty",
            Self::Differs => "differs",
            Self::Dirty => "dirty",
        }
    }

    /// Whether what is accepted is recorded.
    pub(super) fn is_recorded(self) -> bool {
        matches!(self, Self::Edited | Self::WrongHash | Self::OutOfOrder | Self::NoTime | Self::Differs)
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FindingKind {
    type Err = String;

    /// # Errors
    ///
    /// A message with the names that there are, for any other text; and why not, for what cannot be accepted.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::Dirty.as_str() {
            return Err("a migration that failed cannot be accepted: finish it by hand or undo it".to_owned());
        }
        let names = || Self::ACCEPTABLE.map(Self::as_str).join(", ");
        let named = Self::ACCEPTABLE.into_iter().find(|kind| kind.as_str() == text);
        named.ok_or_else(|| format!("`{text}` is no finding that can be accepted: there are {}", names()))
    }
}
