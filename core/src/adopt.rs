//! Histories of other tools: found, read, paired with the files of a folder, and judged. Nothing here writes.

mod drizzle;
mod finding;
mod judge;
mod moment;
pub(crate) mod proof;
mod sqlx;
mod table;

use std::fmt;

use async_trait::async_trait;

use crate::error::BackendError;
use crate::migration::{Foreign, Migration};
use crate::problem::LoadError;
use crate::split::Lexer;
use crate::sql::Sql;
use crate::timestamp::Timestamp;
pub use finding::{Adoption, Finding, FindingKind, Match, OtherHistory, Verdict};
pub(crate) use judge::{Case, Judged};
pub use proof::{Proved, SchemaProof};
pub(crate) use table::{ForeignTable, beside as tables_beside, named as tables_named};

/// The history of another tool: one file each.
///
/// What a tool keeps its record in is its own matter: a table of a usual name, or something else that [`find`](Self::find)
/// shows as one. What is common to all (rows without a file, rows that stand twice, files without a row, the order) is
/// judged by [`Case::judge`].
#[async_trait]
pub(crate) trait ForeignHistory: fmt::Debug + Send + Sync {
    /// The tool, as formats and origins have it.
    fn tool(&self) -> &'static str;

    /// The tool, as people call it.
    fn called(&self) -> &'static str;

    /// The usual names of its table.
    fn tables(&self) -> &'static [&'static str];

    /// Whether a table of such a name is this tool's, by its columns.
    fn fits(&self, table: &ForeignTable) -> bool;

    /// Where its record is: every place, since nothing is picked. Names that were given go before the usual ones.
    async fn find(
        &self,
        sql: &mut dyn Sql,
        lexer: Lexer,
        place: &OtherHistory,
    ) -> Result<Vec<ForeignTable>, BackendError> {
        let names = place.names(self.tables());
        let found = table::named(sql, lexer, &names, place.schema.as_deref()).await?;
        Ok(found.into_iter().filter(|table| self.fits(table)).collect())
    }

    /// Its rows, in the order in which they were written, as far as that is known.
    async fn rows(
        &self,
        sql: &mut dyn Sql,
        lexer: Lexer,
        table: &ForeignTable,
    ) -> Result<Vec<ForeignRow>, BackendError>;

    /// The hashes that the tool could have kept for a file of these bytes, the one that it keeps now first.
    fn hashes(&self, bytes: &[u8], foreign: &Foreign) -> Vec<String>;

    /// For every row, which file it stands for and what it says of it; `None`: none of these.
    fn pair(&self, rows: &[ForeignRow], files: &[ForeignFile<'_>]) -> Vec<Option<Pair>>;

    /// Why the tool itself would never run this file, which has no row; `None`: it would, or its rows do not tell.
    fn passes_over(&self, _file: &ForeignFile<'_>, _rows: &[ForeignRow], _pairs: &[Option<Pair>]) -> Option<String> {
        None
    }

    /// The statements that make its table, as the tool does, and the table that it then is. `by_folders`: the migrations are
    /// written for a release that keeps a folder for each.
    fn creates(&self, lexer: Lexer, place: &OtherHistory, by_folders: bool) -> (Vec<String>, ForeignTable);

    /// Whether what is applied can be recorded in its table too.
    fn can_be_shared(&self) -> bool {
        false
    }

    /// The columns in which two rows of one migration are the same.
    fn once(&self) -> &'static [&'static str] {
        &[]
    }

    /// The columns and values, as SQL, of the row that the tool would write for a file.
    fn row_of(&self, _lexer: Lexer, _table: &ForeignTable, _file: &ForeignFile<'_>) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The advisory lock that its runs take in a database of this name, where the database has such locks.
    fn lock_key(&self, _database: &str) -> Option<i64> {
        None
    }
}

static READERS: [&dyn ForeignHistory; 2] = [&drizzle::Drizzle, &sqlx::Sqlx];

/// The reader of the history that belongs to folders of this tool.
pub(crate) fn reader(tool: &str) -> Option<&'static dyn ForeignHistory> {
    READERS.into_iter().find(|reader| reader.tool() == tool)
}

/// A row, in the words that all tools have in common.
#[derive(Debug, Clone)]
pub(crate) struct ForeignRow {
    /// The column and the value that tell it from the other rows, where there is such a column.
    pub(crate) key: Option<(&'static str, String)>,
    /// What else a person knows it by.
    pub(crate) values: Vec<(&'static str, Option<String>)>,
    /// The name or version of the migration.
    pub(crate) name: Option<String>,
    /// The hash of its file.
    pub(crate) hash: Option<String>,
    /// The time that stands for the migration, in milliseconds since 1970 UTC.
    pub(crate) time_ms: Option<i64>,
    /// When it was applied.
    pub(crate) applied_at: Option<Timestamp>,
    /// How long it took.
    pub(crate) duration_ms: Option<u64>,
    pub(crate) state: ForeignState,
}

/// How far a migration came, as the row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForeignState {
    Applied,
    /// It failed, or was begun and not finished.
    Dirty,
    /// It was undone.
    Undone,
}

/// The most characters of a hash that are shown.
const SHOWN_HASH: usize = 16;

impl fmt::Display for ForeignRow {
    /// `row with rowid 3 (hash c3154b311d862df8…, created_at 1795363429314)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("row")?;
        if let Some((column, value)) = &self.key {
            write!(f, " with {column} {value}")?;
        }
        for (index, (column, value)) in self.values.iter().enumerate() {
            f.write_str(if index == 0 { " (" } else { ", " })?;
            match value.as_deref() {
                None => write!(f, "{column} NULL")?,
                Some(value) if Some(value) == self.hash.as_deref() && value.chars().count() > SHOWN_HASH * 2 => {
                    write!(f, "{column} {}…", value.chars().take(SHOWN_HASH).collect::<String>())?;
                }
                Some(value) => write!(f, "{column} {value}")?,
            }
        }
        f.write_str(if self.values.is_empty() { "" } else { ")" })
    }
}

/// A file of the folder, as its tool's history may know it.
#[derive(Debug)]
pub(crate) struct ForeignFile<'a> {
    pub(crate) migration: &'a Migration,
    /// See [`Foreign::mark`](crate::Foreign::mark).
    pub(crate) mark: &'a str,
    pub(crate) time_ms: Option<i64>,
    pub(crate) hashes: Vec<String>,
    /// It is in Whimbrel's own history.
    pub(crate) known: bool,
}

impl<'a> ForeignFile<'a> {
    /// Of a migration of this tool; `None`: it is none.
    ///
    /// # Errors
    ///
    /// A file that cannot be read again, or is no longer the one that was loaded.
    pub(crate) fn of(
        migration: &'a Migration,
        reader: &dyn ForeignHistory,
        known: bool,
    ) -> Result<Option<Self>, LoadError> {
        let Some(foreign) = migration.foreign().filter(|foreign| foreign.tool == reader.tool()) else {
            return Ok(None);
        };
        let hashes = reader.hashes(&migration.bytes()?, foreign);
        Ok(Some(Self { migration, mark: &foreign.mark, time_ms: foreign.time_ms, hashes, known }))
    }
}

/// What a row says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Which file.
    pub(crate) file: usize,
    pub(crate) says: Says,
    /// Another row stands for the file already, and fits it better.
    pub(crate) again: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Says {
    /// The hash is the file's.
    Same,
    /// The tool keeps no hash.
    #[expect(dead_code, reason = "both tools that are read yet keep one")]
    Nothing,
    /// It was written by hand, to say that the migration is in the database.
    ByHand(String),
    /// The hash is of another text.
    Edited,
    /// It is no hash of that tool.
    NoHash,
    /// The hash is the file's, and the time by which the tool goes is not there.
    NoTime {
        /// The column.
        column: &'static str,
        /// What belongs there.
        time_ms: Option<i64>,
    },
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
