//! `__drizzle_migrations`, as Drizzle 0.x and 1.0 write it.

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::OtherHistory;
use super::{ForeignFile, ForeignHistory, ForeignRow, ForeignState, ForeignTable, Pair, Says, hex, is_hex, moment};
use crate::backend::TextRow;
use crate::dialect::{quote_identifier, quote_literal};
use crate::error::BackendError;
use crate::migration::Foreign;
use crate::source::DRIZZLE;
use crate::split::Lexer;
use crate::sql::Sql;
use crate::timestamp::Timestamp;

/// The history of Drizzle.
///
/// Drizzle 0.x keeps the hash of the file and the journal's `when`, and goes by the greatest `when` alone; 1.0 adds the
/// folder's name and the time of application, and goes by the name. Neither ever reads the hash again.
#[derive(Debug)]
pub(super) struct Drizzle;

/// The schema of its table, unless it is told otherwise.
const TOOL_SCHEMA: &str = "drizzle";

/// Times below this are no milliseconds: the year 1973.
const SMALLEST_MS: i64 = 100_000_000_000;

#[async_trait]
impl ForeignHistory for Drizzle {
    fn tool(&self) -> &'static str {
        DRIZZLE
    }

    fn called(&self) -> &'static str {
        "Drizzle"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["__drizzle_migrations"]
    }

    fn fits(&self, table: &ForeignTable) -> bool {
        table.has("hash") && table.has("created_at")
    }

    async fn rows(
        &self,
        sql: &mut dyn Sql,
        lexer: Lexer,
        table: &ForeignTable,
    ) -> Result<Vec<ForeignRow>, BackendError> {
        // In SQLite `id` is NULL in every row that 0.x wrote.
        let key = ["rowid", "id"].into_iter().find(|column| table.has(column));
        let columns = [key.unwrap_or_default(), "hash", "created_at", "name", "applied_at"];
        let order: Vec<&str> = key.into_iter().chain(["created_at"]).collect();
        let rows = sql.query(&table.select(lexer, &columns, &order)).await?;
        Ok(rows.into_iter().map(|row| read(key, table.has("name"), row)).collect())
    }

    fn hashes(&self, bytes: &[u8], _foreign: &Foreign) -> Vec<String> {
        vec![hex(&Sha256::digest(String::from_utf8_lossy(bytes).as_bytes()))]
    }

    fn pair(&self, rows: &[ForeignRow], files: &[ForeignFile<'_>]) -> Vec<Option<Pair>> {
        let mut pairs: Vec<Option<Pair>> = vec![None; rows.len()];
        let mut taken = vec![false; files.len()];
        for fits in WAYS {
            for (row, pair) in rows.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
                let fitting: Vec<usize> = (0..files.len()).filter(|file| fits(row, &files[*file])).collect();
                let free = fitting.iter().copied().find(|file| !taken[*file]);
                // One that fits and is taken: the row stands for it a second time, and for no other by a less sure way.
                let Some(file) = free.or(fitting.first().copied()) else { continue };
                taken[file] = true;
                *pair = Some(Pair { file, says: says(row, &files[file]), again: free.is_none() });
            }
        }
        pairs
    }

    fn creates(&self, lexer: Lexer, place: &OtherHistory, by_folders: bool) -> (Vec<String>, ForeignTable) {
        let name = place.table.clone().unwrap_or_else(|| "__drizzle_migrations".to_owned());
        let schema = lexer.has_schemas().then(|| place.schema.clone().unwrap_or_else(|| TOOL_SCHEMA.to_owned()));
        let columns: &[&str] = if by_folders {
            &["id", "hash", "created_at", "name", "applied_at"]
        } else {
            &["id", "hash", "created_at"]
        };
        let table = ForeignTable::made(schema, name, columns);
        let made = format!("CREATE TABLE {} ({})", table.quoted(), lexer.drizzle_columns(by_folders));
        let schema = table.schema.as_deref().map(|it| format!("CREATE SCHEMA IF NOT EXISTS {}", quote_identifier(it)));
        (schema.into_iter().chain([made]).collect(), table)
    }

    fn can_be_shared(&self) -> bool {
        true
    }

    fn once(&self) -> &'static [&'static str] {
        &["hash", "created_at"]
    }

    fn row_of(&self, lexer: Lexer, table: &ForeignTable, file: &ForeignFile<'_>) -> Vec<(&'static str, String)> {
        let hash = file.hashes.first().map_or("", |hash| hash);
        let time = file.time_ms.map_or("NULL".to_owned(), |time| time.to_string());
        let mut row = vec![("hash", quote_literal(hash)), ("created_at", time)];
        if table.has("name") {
            row.push(("name", quote_literal(file.mark)));
            row.push(("applied_at", lexer.now().to_owned()));
        }
        row
    }

    fn passes_over(&self, file: &ForeignFile<'_>, rows: &[ForeignRow], pairs: &[Option<Pair>]) -> Option<String> {
        let when = file.time_ms.filter(|_| !is_of_folders(file))?;
        // A row that was written by hand has the time of that: it is none of the journal's.
        let of_journal = |pair: &Option<Pair>| !matches!(pair, Some(Pair { says: Says::ByHand(_), .. }));
        let times = rows.iter().zip(pairs).filter(|(_, pair)| of_journal(pair)).filter_map(|(row, _)| row.time_ms);
        let newest = times.max().filter(|newest| when <= *newest)?;
        Some(format!("its time in the journal, {when}, is not after {newest}, which is the newest in the table"))
    }
}

fn read(key: Option<&'static str>, has_names: bool, row: TextRow) -> ForeignRow {
    let mut row = row.into_iter();
    let mut next = || row.next().flatten();
    let (id, hash, created_at, name, applied_at) = (next(), next(), next(), next(), next());
    let mut values = vec![("hash", hash.clone()), ("created_at", created_at.clone())];
    if has_names {
        values.push(("name", name.clone()));
    }
    let time_ms = created_at.as_deref().and_then(moment::number);
    let is_hash = hash.as_deref().is_some_and(|hash| is_hex(hash, 64));
    let seconds = |n: i64| if !is_hash && n < SMALLEST_MS { n.saturating_mul(1_000) } else { n };
    let created = match time_ms {
        Some(ms) => Some(Timestamp::from_microseconds(seconds(ms).saturating_mul(1_000))),
        None => created_at.as_deref().and_then(moment::parse),
    };
    ForeignRow {
        key: key.zip(id),
        values,
        name,
        hash,
        time_ms: time_ms.or(created.map(|at| at.microseconds() / 1_000)),
        applied_at: applied_at.as_deref().and_then(moment::parse).or(created),
        duration_ms: None,
        state: ForeignState::Applied,
    }
}

type Fits = fn(&ForeignRow, &ForeignFile<'_>) -> bool;

/// The ways in which a row may show its file, the surest first.
const WAYS: [Fits; 5] = [
    |row, file| row.name.as_deref() == Some(file.mark),
    |row, file| same_hash(row, file) && same_time(row, file),
    same_hash,
    is_tag,
    same_time,
];

fn same_hash(row: &ForeignRow, file: &ForeignFile<'_>) -> bool {
    row.hash.as_ref().is_some_and(|hash| file.hashes.iter().any(|it| it.eq_ignore_ascii_case(hash)))
}

/// Drizzle 1.0 knows whole seconds, and reads rows of 0.x so.
fn same_time(row: &ForeignRow, file: &ForeignFile<'_>) -> bool {
    let (Some(row), Some(time)) = (row.time_ms, file.time_ms) else { return false };
    row == time || (is_of_folders(file) && row.div_euclid(1_000) == time.div_euclid(1_000))
}

/// By hand: the migration's name where its hash belongs.
fn is_tag(row: &ForeignRow, file: &ForeignFile<'_>) -> bool {
    row.hash.as_deref().is_some_and(|hash| hash.strip_suffix(".sql").unwrap_or(hash) == file.mark)
}

/// A folder for each migration: 1.0.
fn is_of_folders(file: &ForeignFile<'_>) -> bool {
    let name = file.migration.file();
    name.ends_with("/migration.sql") || name.ends_with("\\migration.sql")
}

fn says(row: &ForeignRow, file: &ForeignFile<'_>) -> Says {
    let is_hash = row.hash.as_deref().is_some_and(|hash| is_hex(hash, 64));
    if is_tag(row, file) {
        let told = "written by hand, to say that the database has it: its hash is the migration's name, its time is that of \
                    the writing";
        Says::ByHand(told.to_owned())
    } else if same_hash(row, file) && row.time_ms.is_none() {
        Says::NoTime { column: "created_at", time_ms: file.time_ms }
    } else if same_hash(row, file) {
        Says::Same
    } else if is_hash {
        Says::Edited
    } else {
        Says::NoHash
    }
}
