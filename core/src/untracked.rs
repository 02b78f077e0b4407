//! A database that has tables and no history: what a program does with it.

mod bookkeeping;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use bookkeeping::{BOOKKEEPING, is_bookkeeping};

use crate::history::MigrationId;
use crate::migration::Migration;
use crate::sql::{BoxError, Sql};
use crate::timestamp::Timestamp;

/// What is known of a database that has no history.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct UntrackedDatabase<'a> {
    /// The tables and views that are somebody's: not the database's own, not an extension's, not the bookkeeping of a
    /// tool for migrations ([`BOOKKEEPING`]). Up to a hundred of them.
    pub tables: &'a [String],
    /// Every migration and seed of the program, in the order in which they run.
    pub migrations: &'a [Migration],
}

/// What a program does with a database that has tables and no history, see [`Migrator::untracked`](crate::Migrator::untracked).
///
/// It is asked under the run's lock, where there is one. It may look at the database, and must not change it: core
/// records what it answers, in one transaction, unless another runner was faster.
#[async_trait]
pub trait Untracked: fmt::Debug + Send + Sync {
    /// Decides.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from deciding. Nothing is recorded or run then.
    async fn treat(&self, database: &UntrackedDatabase<'_>, sql: &mut dyn Sql) -> Result<Treatment, BoxError>;

    /// Whether the history of the tool that the migrations were written for is gone on with, where the database has one. It is
    /// recorded first, and this policy is asked only where there is none.
    fn adopts(&self) -> bool {
        false
    }
}

/// What becomes of a database that has tables and no history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Treatment {
    /// Nothing is recorded and nothing is run.
    Refuse(UntrackedRefusal),
    /// These are recorded and not run; what is pending after them runs.
    Record(Vec<Recorded>),
    /// Its tables are no business of these migrations: all of them are pending.
    AsFresh,
}

/// A migration that is recorded without being run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which; one of the program's own.
    pub id: MigrationId,
    /// Where the row comes from: `baseline`, `adopted:TOOL`.
    pub origin: Arc<str>,
    /// When it was applied; `None`: now.
    pub at: Option<Timestamp>,
    /// In what the database is not as it should be after it, one difference a line; only where somebody insisted.
    pub difference: Option<String>,
}

/// Why a database with tables and no history is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntrackedRefusal {
    /// Its tables.
    pub tables: Vec<String>,
    /// What else is known, a sentence; `None`: there is nothing more to say.
    pub reason: Option<String>,
    /// Particulars, each a line.
    pub details: Vec<String>,
    /// What to do about it.
    pub hint: String,
}

/// How many tables a message names.
const NAMED: usize = 5;

impl UntrackedRefusal {
    /// Because nobody said what is to be done with it.
    #[must_use]
    pub fn of(tables: &[String]) -> Self {
        let hint = "`whimbrel baseline` records what it has once that is proved equal, `whimbrel adopt` goes on with \
                    another tool's history, `whimbrel pull` writes its schema file";
        Self { tables: tables.to_vec(), reason: None, details: Vec::new(), hint: hint.to_owned() }
    }
}

impl fmt::Display for UntrackedRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tables.as_slice() {
            [] => f.write_str("the database has no history")?,
            tables => write!(f, "the database has tables ({}) and no history", named(tables))?,
        }
        if let Some(reason) = &self.reason {
            write!(f, ": {reason}")?;
        }
        self.details.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

fn named(tables: &[String]) -> String {
    let more = match tables.len() {
        0..=NAMED => String::new(),
        number => format!(" and {} more", number - NAMED),
    };
    let first: Vec<&str> = tables.iter().take(NAMED).map(String::as_str).collect();
    format!("{}{more}", first.join(", "))
}

/// Takes a database with tables and no history for a fresh one: all migrations are pending.
///
/// For a program whose tables stand beside those of others. Where the tables are its own, the first migration fails at
/// the first of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsFresh;

#[async_trait]
impl Untracked for AsFresh {
    async fn treat(&self, _: &UntrackedDatabase<'_>, _: &mut dyn Sql) -> Result<Treatment, BoxError> {
        Ok(Treatment::AsFresh)
    }
}

/// Goes on with the history of the tool that the migrations were written for, as [`Migrator::adopt`](crate::Migrator::adopt)
/// does: silently where every row is verified. Anything else is an error, and nothing is recorded or run. Rows that are missing
/// at the end of a history show only in the schema, so set [`Migrator::proving`](crate::Migrator::proving) as well. A database that has
/// tables and no such history is refused.
#[cfg(feature = "other-tools")]
#[derive(Debug, Clone, Copy, Default)]
pub struct Adopt;

#[cfg(feature = "other-tools")]
#[async_trait]
impl Untracked for Adopt {
    async fn treat(&self, database: &UntrackedDatabase<'_>, _: &mut dyn Sql) -> Result<Treatment, BoxError> {
        let tool = database.migrations.iter().find_map(Migration::foreign).map(|foreign| foreign.tool);
        let (reason, hint) = match tool {
            Some(tool) => (
                format!("there is no history of {tool} to go on with"),
                "name its table where it is called otherwise; `whimbrel baseline` records what the database has once that is \
                 proved equal",
            ),
            None => (
                "the migrations were written for no other tool, so there is no history to go on with".to_owned(),
                "`whimbrel baseline` records what the database has once that is proved equal",
            ),
        };
        let hint = hint.to_owned();
        Ok(Treatment::Refuse(UntrackedRefusal { reason: Some(reason), hint, ..UntrackedRefusal::of(database.tables) }))
    }

    fn adopts(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
