//! The history table: its shape, the statements that write it, and reading it.
//!
//! One B-tree (`WITHOUT ROWID`) whose keys are in the order in which migrations run, see [`key`], so that a row costs as few
//! pages as it can. Moments are text, `2026-11-22T15:58:35.854Z`, as people read them; SQLite's clock has milliseconds. The
//! table is always named with `main.`, so that neither a temporary table nor an attached database can stand in for it.
//!
//! Each write of a claim and of its end is one plain statement that gives no rows: `RETURNING` costs SQLite as much as the
//! rest of it, and its date functions as much as the row.

use std::sync::Arc;
use std::time::Duration;

use libsql::Value;
use whimbrel_core::backend::{Checkpoint, Claim, ClaimMode, Failure, Fenced, Finish, Heartbeat};
use whimbrel_core::history::{HISTORY_FORMAT, HistoryReader, RawRow};
use whimbrel_core::{
    BackendError, BackendErrorKind, HistoryDetail, HistoryRow, MigrationId, MigrationKey, RowState, quote_identifier,
};

use crate::connection::{Connection, value_at};
use crate::error::code_of;
use crate::prepared::Prepared;
use crate::time::{now, parse_moment};

/// Now, as the table's moments are written.
const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// The columns in the order in which a whole row is written.
const COLUMNS: &str = "namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, \
                       statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, \
                       tool_version, run_by, error";

/// A write to the history and what its answer means.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    sql: Arc<str>,
    values: Vec<Value>,
    /// Which of the values is the moment of the write, as the table's moments are written. It is NULL here, for which the
    /// database takes its own clock.
    moment: Option<usize>,
    /// The error when a row of the same key is there, or when no row is as expected.
    otherwise: Otherwise,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Otherwise {
    AlreadyClaimed,
    LostClaim,
}

/// The history table.
#[derive(Debug, Clone)]
pub(crate) struct HistoryTable {
    name: Arc<str>,
    texts: Arc<Texts>,
}

/// The statements on the history table, made once.
///
/// `?1` and `?2` are the row's namespace and key in all of them. Those that a runner writes with its fence have that as `?3`.
#[derive(Debug)]
struct Texts {
    create: Arc<str>,
    claim_new: Arc<str>,
    claim_takeover: Arc<str>,
    claim_rerun: Arc<str>,
    checkpoint: Arc<str>,
    finish: Arc<str>,
    finished: Arc<str>,
    fail: Arc<str>,
    heartbeat: Arc<str>,
    remove: Arc<str>,
    record: Arc<str>,
    select_check: Arc<str>,
    select_full: Arc<str>,
}

impl Texts {
    /// `table`: qualified and quoted.
    fn new(table: &str) -> Self {
        let running = |sets: &str| {
            format!("UPDATE {table} SET {sets} WHERE namespace = ?1 AND id = ?2 AND fence = ?3 AND state = 'running'")
        };
        let checkpoint = format!("statements_done = ?4, prefix_checksum = ?5, lease_until = {}", lease_end("?6"));
        let finish = format!(
            "state = 'applied', statements_done = statements_total, prefix_checksum = NULL, lease_until = NULL, error = NULL, \
             finished_at = {}, duration_ms = max(0, CAST(round(\
             (unixepoch(coalesce(?4, 'now'), 'subsec') - unixepoch(started_at, 'subsec')) * 1000) AS INTEGER))",
            moment("?4")
        );
        Self {
            create: create(table).into(),
            claim_new: insert_claim(table).into(),
            claim_takeover: update_claim(
                table,
                "prefix_checksum = CASE WHEN ?8 > 0 THEN prefix_checksum END",
                "(state = 'failed' OR (state = 'running' AND coalesce(unixepoch(lease_until, 'subsec') <= unixepoch('now', 'subsec'), 1)))",
            )
            .into(),
            claim_rerun: update_claim(table, "prefix_checksum = NULL", "state = 'applied'").into(),
            checkpoint: running(&checkpoint).into(),
            finish: running(&finish).into(),
            finished: format!(
                "SELECT finished_at, duration_ms FROM {table} WHERE namespace = ?1 AND id = ?2 AND fence = ?3"
            )
            .into(),
            fail: running("state = 'failed', lease_until = NULL, error = ?4").into(),
            heartbeat: running(&format!("lease_until = {}", lease_end("?4"))).into(),
            remove: format!("DELETE FROM {table} WHERE namespace = ?1 AND id = ?2 AND fence = ?3").into(),
            record: insert_row(table).into(),
            select_check: select(table, HistoryDetail::Check).into(),
            select_full: select(table, HistoryDetail::Full).into(),
        }
    }
}

fn create(table: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (
  namespace TEXT NOT NULL,
  id TEXT NOT NULL,
  format INTEGER NOT NULL,
  kind TEXT NOT NULL,
  version TEXT,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  token_checksum TEXT,
  state TEXT NOT NULL,
  statements_done INTEGER NOT NULL,
  statements_total INTEGER NOT NULL,
  prefix_checksum TEXT,
  fence INTEGER NOT NULL,
  lease_until TEXT,
  started_at TEXT,
  finished_at TEXT,
  duration_ms INTEGER,
  origin TEXT,
  tool_version TEXT,
  run_by TEXT,
  error TEXT,
  PRIMARY KEY (namespace, id)
) WITHOUT ROWID"
    )
}

fn insert_claim(table: &str) -> String {
    format!(
        "INSERT INTO {table} ({COLUMNS}) VALUES (?1, ?2, ?14, ?3, ?4, ?5, ?6, ?7, 'running', ?8, ?9, NULL, ?10, \
         {}, {}, NULL, NULL, 'applied', ?12, ?13, NULL)",
        lease_end("?11"),
        moment("?15")
    )
}

fn update_claim(table: &str, prefix: &str, expected: &str) -> String {
    format!(
        "UPDATE {table} SET format = ?14, kind = ?3, version = ?4, name = ?5, checksum = ?6, token_checksum = ?7, \
         state = 'running', statements_done = ?8, statements_total = ?9, {prefix}, fence = ?10, lease_until = {}, \
         started_at = {}, finished_at = NULL, duration_ms = NULL, origin = 'applied', tool_version = ?12, run_by = ?13, \
         error = NULL WHERE namespace = ?1 AND id = ?2 AND fence = ?16 AND {expected}",
        lease_end("?11"),
        moment("?15")
    )
}

/// A whole row, the values in the order of [`COLUMNS`].
fn insert_row(table: &str) -> String {
    let place = |n: usize| if n == 14 { lease_end("?14") } else { format!("?{n}") };
    let places: Vec<_> = (1..=COLUMNS.split(',').count()).map(place).collect();
    format!("INSERT INTO {table} ({COLUMNS}) VALUES ({})", places.join(", "))
}

impl HistoryTable {
    pub(crate) fn new(name: &str) -> Self {
        let texts = Texts::new(&format!("main.{}", quote_identifier(name)));
        Self { name: name.into(), texts: Arc::new(texts) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn create(&self) -> Arc<str> {
        Arc::clone(&self.texts.create)
    }

    pub(crate) fn claim(&self, claim: &Claim<'_>) -> Write {
        let sql = match claim.mode {
            ClaimMode::New => &self.texts.claim_new,
            ClaimMode::Takeover { .. } => &self.texts.claim_takeover,
            ClaimMode::Rerun { .. } => &self.texts.claim_rerun,
        };
        let mut values = vec![
            text(&claim.id.namespace),
            text(&key(claim.id)),
            text(claim.id.kind()),
            version_of(claim.id),
            text(claim.name),
            text(&claim.checksum.to_string()),
            text(&claim.token_checksum.to_string()),
            Value::Integer(claim.statements_done.into()),
            Value::Integer(claim.statements_total.into()),
            Value::Integer(claim.fence_after()),
            claim.lease.map_or(Value::Null, lease),
            text(claim.tool_version),
            text(claim.run_by),
            Value::Integer(HISTORY_FORMAT),
            Value::Null,
        ];
        let moment = Some(values.len() - 1);
        if let ClaimMode::Takeover { fence } | ClaimMode::Rerun { fence } = claim.mode {
            values.push(Value::Integer(fence));
        }
        Write { sql: Arc::clone(sql), values, moment, otherwise: Otherwise::AlreadyClaimed }
    }

    pub(crate) fn checkpoint(&self, checkpoint: &Checkpoint<'_>) -> Write {
        let values = [
            Value::Integer(checkpoint.statements_done.into()),
            text(&checkpoint.prefix_checksum.to_string()),
            lease(checkpoint.lease),
        ];
        fenced(&self.texts.checkpoint, &checkpoint.row, values)
    }

    pub(crate) fn finish(&self, finish: &Finish<'_>) -> End {
        let write = Write { moment: Some(3), ..fenced(&self.texts.finish, &finish.row, [Value::Null]) };
        End { write, answer: Arc::clone(&self.texts.finished) }
    }

    pub(crate) fn fail(&self, failure: &Failure<'_>) -> Write {
        fenced(&self.texts.fail, &failure.row, [text(failure.error)])
    }

    pub(crate) fn heartbeat(&self, heartbeat: &Heartbeat<'_>) -> Write {
        fenced(&self.texts.heartbeat, &heartbeat.row, [lease(heartbeat.lease)])
    }

    pub(crate) fn remove(&self, row: &Fenced<'_>) -> Write {
        fenced(&self.texts.remove, row, [])
    }

    pub(crate) fn record(&self, row: &HistoryRow) -> Write {
        let checksum = |checksum: &Option<_>| {
            checksum.as_ref().map_or(Value::Null, |sum: &whimbrel_core::Checksum| text(&sum.to_string()))
        };
        let moment = |at: Option<whimbrel_core::Timestamp>| at.map_or(Value::Null, |at| text(&at.to_string()));
        let values = vec![
            text(&row.id.namespace),
            text(&key(&row.id)),
            Value::Integer(HISTORY_FORMAT),
            text(row.id.kind()),
            version_of(&row.id),
            text(&row.name),
            text(&row.checksum.to_string()),
            checksum(&row.token_checksum),
            text(row.state.as_str()),
            Value::Integer(row.statements_done.into()),
            Value::Integer(row.statements_total.into()),
            checksum(&row.prefix_checksum),
            Value::Integer(row.fence),
            row.lease_left.filter(|_| row.state == RowState::Running).map_or(Value::Null, lease),
            moment(row.started_at),
            moment(row.finished_at),
            row.duration_ms.map_or(Value::Null, |ms| Value::Integer(i64::try_from(ms).unwrap_or(i64::MAX))),
            text(&row.origin),
            text(&row.tool_version),
            text(&row.run_by),
            row.error.as_deref().map_or(Value::Null, text),
        ];
        Write { sql: Arc::clone(&self.texts.record), values, moment: None, otherwise: Otherwise::AlreadyClaimed }
    }

    /// Reads the rows; `None`: there is no such table.
    ///
    /// # Errors
    ///
    /// `HistoryFormat` for something else of the same name.
    pub(crate) async fn read(
        &self,
        connection: &Connection,
        detail: HistoryDetail,
    ) -> Result<Option<Vec<HistoryRow>>, BackendError> {
        match self.object(connection).await?.as_deref() {
            None => return Ok(None),
            Some("table") => {}
            Some(other) => return Err(self.unreadable(&format!("it is a {other}"))),
        }
        let mut reader = HistoryReader::default();
        let cache = small_cache(connection).await?;
        let selected = self.select(connection, detail, &mut reader).await;
        let restored = match cache {
            Some(pages) => connection.execute(&format!("PRAGMA main.cache_size = {pages}")).await,
            None => Ok(()),
        };
        match selected.and(restored) {
            Ok(()) => Ok(Some(reader.finish())),
            Err(error) if error.kind() == BackendErrorKind::Statement => Err(self.explain(connection, error).await?),
            Err(error) => Err(error),
        }
    }

    async fn object(&self, connection: &Connection) -> Result<Option<String>, BackendError> {
        let sql = "SELECT type FROM main.sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')";
        let kind = connection.value(sql, vec![text(&self.name)]).await?;
        Ok(kind.and_then(|kind| if let Value::Text(kind) = kind { Some(kind) } else { None }))
    }

    async fn select(
        &self,
        connection: &Connection,
        detail: HistoryDetail,
        reader: &mut HistoryReader,
    ) -> Result<(), BackendError> {
        let sql = match detail {
            HistoryDetail::Check => &*self.texts.select_check,
            HistoryDetail::Full => &*self.texts.select_full,
        };
        let failed = |error| connection.failure(error, sql);
        let mut rows = connection.driver().query(sql, ()).await.map_err(failed)?;
        while let Some(row) = rows.next().await.map_err(failed)? {
            self.take(&row, reader)?;
        }
        Ok(())
    }

    fn take(&self, row: &libsql::Row, reader: &mut HistoryReader) -> Result<(), BackendError> {
        let text = |at| self.text_at(row, at);
        let number = |at| self.number_at(row, at);
        let moment = |at| {
            let Some(written) = text(at)? else { return Ok(None) };
            parse_moment(&written)
                .map(Some)
                .ok_or_else(|| self.unreadable(&format!("it holds `{written}` for a moment")))
        };
        let texts: Vec<_> = TEXTS.iter().map(|at| text(*at)).collect::<Result<_, _>>()?;
        let get = |at: usize| texts.get(at).and_then(Option::as_deref);
        let needed = |at| get(at).unwrap_or_default();
        reader.push(&RawRow {
            format: number(12)?.unwrap_or(HISTORY_FORMAT),
            namespace: needed(0),
            kind: needed(1),
            version: get(2),
            name: needed(3),
            checksum: needed(4),
            token_checksum: get(5),
            state: needed(6),
            statements_done: number(13)?.unwrap_or(0),
            statements_total: number(14)?.unwrap_or(0),
            prefix_checksum: get(7),
            fence: number(15)?.unwrap_or(0),
            lease_left_ms: number(16)?,
            started_at_us: moment(18)?,
            finished_at_us: moment(19)?,
            duration_ms: number(17)?,
            origin: get(8),
            tool_version: get(9),
            run_by: get(10),
            error: get(11),
        })
    }

    /// The texts are selected as their bytes, see [`select`].
    fn text_at(&self, row: &libsql::Row, at: i32) -> Result<Option<String>, BackendError> {
        match value_at(row, at) {
            Some(Ok(Value::Null)) => Ok(None),
            Some(Ok(Value::Blob(bytes))) => {
                String::from_utf8(bytes).map(Some).map_err(|_| self.wrong_type(row, at, "text"))
            }
            _ => Err(self.wrong_type(row, at, "text")),
        }
    }

    fn number_at(&self, row: &libsql::Row, at: i32) -> Result<Option<i64>, BackendError> {
        match value_at(row, at) {
            Some(Ok(Value::Null)) => Ok(None),
            Some(Ok(Value::Integer(number))) => Ok(Some(number)),
            _ => Err(self.wrong_type(row, at, "a whole number")),
        }
    }

    fn wrong_type(&self, row: &libsql::Row, at: i32, wanted: &str) -> BackendError {
        self.unreadable(&format!("its column `{}` holds what is not {wanted}", row.column_name(at).unwrap_or("?")))
    }

    /// What a failure to read the table means: columns that it lacks.
    async fn explain(&self, connection: &Connection, error: BackendError) -> Result<BackendError, BackendError> {
        let found = connection.query("SELECT name FROM pragma_table_info(?1, 'main')", vec![text(&self.name)]).await?;
        let found: Vec<_> = found.rows.into_iter().flat_map(crate::connection::as_text).flatten().collect();
        let lacks = |column: &&str| !found.iter().any(|name| name.eq_ignore_ascii_case(column));
        let missing: Vec<_> = COLUMNS.split(", ").filter(lacks).map(|column| format!("`{column}`")).collect();
        if missing.is_empty() {
            return Ok(error);
        }
        Ok(self.unreadable(&format!("it has no column {}", missing.join(", "))).with_source(error))
    }

    fn unreadable(&self, why: &str) -> BackendError {
        BackendError::new(
            BackendErrorKind::HistoryFormat,
            format!("`{}` is not a history table of whimbrel: {why}", self.name),
        )
        .with_hint("configure another name for the history table, or correct this one by hand")
    }
}

/// The rows are read once and in order, so that pages which were read are of no use any more: with ten thousand of them SQLite's
/// usual cache would be a good part of the program's memory. Gives the size to go back to.
async fn small_cache(connection: &Connection) -> Result<Option<i64>, BackendError> {
    if !connection.has_native() {
        return Ok(None);
    }
    let Some(Value::Integer(before)) = connection.value("PRAGMA main.cache_size", Vec::new()).await? else {
        return Ok(None);
    };
    connection.execute("PRAGMA main.cache_size = -256").await?;
    Ok(Some(before))
}

/// Where [`select`] has the texts.
const TEXTS: [i32; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// The columns as [`HistoryTable::take`] reads them. A text is selected as its bytes, because libsql panics at one that is
/// not UTF-8, and what is stored may be damaged.
fn select(table: &str, detail: HistoryDetail) -> String {
    let rest = |column: &str| match detail {
        HistoryDetail::Full => column.to_owned(),
        HistoryDetail::Check => format!("CASE WHEN state <> 'applied' THEN {column} END"),
    };
    let bytes = |text: String, name: &str| format!("CAST({text} AS BLOB) AS {name}");
    let always = |name: &&str| bytes((*name).to_owned(), name);
    let texts: Vec<_> = ["namespace", "kind", "version", "name", "checksum"]
        .iter()
        .map(always)
        .chain([bytes(rest("token_checksum"), "token_checksum"), always(&"state")])
        .chain(
            ["prefix_checksum", "origin", "tool_version", "run_by", "error"].iter().map(|name| bytes(rest(name), name)),
        )
        .collect();
    format!(
        "SELECT {}, format, statements_done, statements_total, fence, CASE WHEN state = 'running' THEN \
         CAST(round((unixepoch(lease_until, 'subsec') - unixepoch('now', 'subsec')) * 1000) AS INTEGER) END AS lease_until, \
         {} AS duration_ms, {}, {} FROM {table}",
        texts.join(", "),
        rest("duration_ms"),
        bytes(rest("started_at"), "started_at"),
        bytes(rest("finished_at"), "finished_at")
    )
}

/// Where the moments of writes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moments {
    /// The system's clock, which is what SQLite in this process asks too, only slower.
    System,
    /// The database's, on another machine.
    Database,
}

impl Write {
    /// Does it.
    pub(crate) async fn run(
        mut self,
        connection: &Connection,
        prepared: &mut Prepared,
        moments: Moments,
    ) -> Result<(), BackendError> {
        if let (Some(at), Moments::System) = (self.moment, moments) {
            self.values[at] = Value::Text(now());
        }
        let before = connection.driver().total_changes();
        match prepared.run(connection, &self.sql, self.values).await {
            Ok(_) if connection.driver().total_changes() == before => Err(self.otherwise.error()),
            Ok(_) => Ok(()),
            Err(error) if is_conflict(&error) && self.otherwise == Otherwise::AlreadyClaimed => {
                Err(self.otherwise.error().with_source(error))
            }
            Err(error) => Err(connection.failure(error, &self.sql)),
        }
    }
}

/// The end of a migration, and what is asked of its row then.
#[derive(Debug, Clone)]
pub(crate) struct End {
    write: Write,
    answer: Arc<str>,
}

impl End {
    /// Records it; answers the moment and the duration, as they are stored.
    pub(crate) async fn run(
        self,
        connection: &Connection,
        prepared: &mut Prepared,
        moments: Moments,
    ) -> Result<Vec<Vec<Value>>, BackendError> {
        let mut row = self.write.values.clone();
        row.truncate(3);
        self.write.run(connection, prepared, moments).await?;
        let answer = prepared.run(connection, &self.answer, row).await;
        answer.map_err(|error| connection.failure(error, &self.answer))
    }
}

impl Otherwise {
    fn error(self) -> BackendError {
        match self {
            Self::AlreadyClaimed => BackendError::new(
                BackendErrorKind::AlreadyClaimed,
                "another runner has this migration, or its row has changed",
            ),
            Self::LostClaim => {
                BackendError::new(BackendErrorKind::LostClaim, "another runner has taken this migration over")
            }
        }
    }
}

/// The row is there already.
fn is_conflict(error: &libsql::Error) -> bool {
    // A server of libSQL may tell no more than SQLITE_CONSTRAINT (19).
    matches!(code_of(error), Some(1555 | 2067 | 19))
}

/// When a lease of `parameter` seconds ends; NULL for NULL.
fn lease_end(parameter: &str) -> String {
    format!("CASE WHEN {parameter} IS NOT NULL THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', {parameter}) END")
}

/// The moment that `parameter` is; now, where it is NULL.
fn moment(parameter: &str) -> String {
    format!("coalesce({parameter}, {NOW})")
}

/// The modifier of a date function that adds the duration.
fn lease(duration: Duration) -> Value {
    Value::Text(format!("+{}.{:03} seconds", duration.as_secs().min(3_000_000_000), duration.subsec_millis()))
}

/// A write that the row's fence must allow; `more`: the values from `?4` on.
fn fenced<const N: usize>(sql: &Arc<str>, row: &Fenced<'_>, more: [Value; N]) -> Write {
    let mut values = vec![text(&row.id.namespace), text(&key(row.id)), Value::Integer(row.fence)];
    values.extend(more);
    Write { sql: Arc::clone(sql), values, moment: None, otherwise: Otherwise::LostClaim }
}

/// The text that stands for a migration in the column `id`: `v:00000012`, `r:views`, `s:seed`; equal versions have the same.
///
/// Numbers are padded, so that versions are in the order of their keys: a new row comes after the others. In the middle of
/// full pages it would make SQLite spread rows over three of them, nearly every time, and write all four.
fn key(id: &MigrationId) -> String {
    match &id.key {
        MigrationKey::Version(version) => {
            let numbers: Vec<_> = version.canonical().split('.').map(|number| format!("{number:0>8}")).collect();
            format!("v:{}", numbers.join("."))
        }
        MigrationKey::Repeatable(_) | MigrationKey::Seed(_) => id.stored_key(),
    }
}

fn version_of(id: &MigrationId) -> Value {
    match &id.key {
        MigrationKey::Version(version) => text(version.as_str()),
        MigrationKey::Repeatable(_) | MigrationKey::Seed(_) => Value::Null,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[cfg(test)]
mod tests;
