//! The schema that Drizzle's snapshots record, read without a database.
//!
//! Drizzle keeps beside each migration what its schema file said when it was generated: `meta/0007_snapshot.json` in folders
//! with a journal (0.x; SQLite format 6, Postgres 7), `snapshot.json` in the migration's own folder since 1.0 (SQLite 7,
//! Postgres 8 and 9). What a database becomes can differ from it: SQL that a person wrote or edited is in no snapshot, and
//! Drizzle's own SQL does not always do what it records. What of that is known is looked for in the SQL; only a replay of the
//! folder tells everything.

mod chain;
mod entities;
mod fields;
mod json;
mod postgres;
mod said;
mod sqlite;
mod tables;
mod written;

use std::fs;
use std::path::{Path, PathBuf};

use whimbrel_core::split::Lexer;
use whimbrel_core::{Migration, Problem};

use crate::dialect::{SchemaDialect, Storage};
use crate::model::Schema;
use fields::Wrong;
use said::Said;
use written::Written;

/// The tool, as the origin of migrations has it.
const TOOL: &str = "drizzle";

/// What to do about a snapshot that is not what Drizzle writes.
const RESTORE: &str = "restore it from version control";

/// The schema that the newest snapshot of a Drizzle folder records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The migration that the snapshot is of, as Drizzle's history knows it: a tag, or a folder's name.
    pub mark: String,
    /// The snapshot's file.
    pub file: PathBuf,
    /// The schema, as the dialect introspects it from a database that was made so.
    pub schema: Schema,
    /// What the snapshot says and the schema does not, each in words with its name. Empty: all of it was read.
    pub unread: Vec<String>,
    /// What the migrations' own SQL does otherwise than the snapshot says, each in words with its name. The schema is as the SQL
    /// does it.
    pub corrected: Vec<String>,
    /// Drizzle's migrations behind it, which have no snapshot: the schema does not hold what they do.
    pub since: Vec<String>,
}

/// Reads the newest snapshot among the migrations of a folder, as they are loaded in the layout of Drizzle; `None`: none of
/// them is Drizzle's, or none has a snapshot.
///
/// Reads the snapshots, and the texts of the migrations for what Drizzle is known to record otherwise than it does it: names of
/// constraints, names and order of primary keys, NOT NULL of keys, actions of references that were added.
///
/// # Errors
///
/// A snapshot of a format that this release does not read, of another dialect, or that is not what Drizzle writes, with its
/// file and place; and what the dialect cannot have.
pub fn recorded(
    folder: &Path,
    migrations: &[Migration],
    dialect: &dyn SchemaDialect,
) -> Result<Option<Recorded>, Vec<Problem>> {
    let one = |problem| vec![problem];
    let marks: Vec<&str> = migrations.iter().filter_map(mark).collect();
    let lexer = dialect.dialect().lexer;
    let Some(Found { at, file, said }) = newest(folder, &marks, lexer).map_err(one)? else { return Ok(None) };
    let Said { mut unread, .. } = said;
    let mut said = Said { unread: Vec::new(), ..said };
    // What came behind the snapshot is not what it is of.
    let until = migrations.iter().filter(|migration| mark(migration).is_some()).take(at + 1);
    let (written, mut corrected) = (Written::in_migrations(until, lexer), Vec::new());
    written.order_keys(&mut said.tables, &mut corrected);
    let native = match lexer {
        Lexer::Sqlite => sqlite::schema(said, &written, &mut corrected),
        _ => postgres::schema(said, &written, &mut unread, &mut corrected),
    };
    let schema = dialect.lower(&native, &Storage::default()).map_err(|problems| {
        let of = |problem: Problem| Problem {
            message: format!("{}: {}", problem.file, problem.message),
            file: file.display().to_string(),
            ..problem
        };
        problems.into_iter().map(of).collect::<Vec<_>>()
    })?;
    let text = |mark: &&str| (*mark).to_owned();
    let since = marks.get(at + 1..).unwrap_or_default().iter().map(text).collect();
    let mark = marks.get(at).map(text).unwrap_or_default();
    unread.sort();
    corrected.sort();
    Ok(Some(Recorded { mark, file, schema, unread, corrected, since }))
}

/// How Drizzle knows a migration, where it is Drizzle's.
fn mark(migration: &Migration) -> Option<&str> {
    migration.foreign().filter(|foreign| foreign.tool == TOOL).map(|foreign| &*foreign.mark)
}

/// What the newest snapshot says.
struct Found {
    /// The place of its migration.
    at: usize,
    file: PathBuf,
    said: Said,
}

fn newest(folder: &Path, marks: &[&str], lexer: Lexer) -> Result<Option<Found>, Problem> {
    let meta = folder.join("meta");
    if !meta.join("_journal.json").exists() {
        return chain::newest(folder, marks, lexer);
    }
    for (at, mark) in marks.iter().enumerate().rev() {
        // The name of the snapshot has what stands before the first underscore of the tag, which may be nothing.
        let prefix = mark.split_once('_').map_or(*mark, |(prefix, _)| prefix);
        let file = meta.join(format!("{prefix}_snapshot.json"));
        let Some(text) = read(&file)? else { continue };
        let said = json::read(&file, &text).and_then(|json| {
            let version = match lexer {
                Lexer::Sqlite => "6",
                _ => "7",
            };
            chain::check(&file, &json, lexer, &[version])?;
            tables::said(&json, lexer).map_err(|wrong| problem(&file, &wrong))
        })?;
        return Ok(Some(Found { at, file, said }));
    }
    Ok(None)
}

/// The text of a file; `None`: it is not there.
fn read(file: &Path) -> Result<Option<String>, Problem> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("cannot be read: {error}");
            Err(Problem::new(file.display().to_string(), message, "give this program the right to read it"))
        }
    }
}

fn problem(file: &Path, wrong: &Wrong) -> Problem {
    Problem::new(file.display().to_string(), wrong.to_string(), RESTORE)
}

#[cfg(test)]
mod tests;
