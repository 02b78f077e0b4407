//! The history table: its name, its columns, and the statements that read and write it.
//!
//! Every statement names schema, functions and table in full, so neither `search_path` nor a setting that a migration
//! changed has a say. A statement that must find its row divides by the number of rows that it changed: the server
//! then fails in the same message (SQLSTATE 22012), before anything that comes after it runs.

use std::time::Duration;

use tokio_postgres::{SimpleQueryRow, error::SqlState};
use whimbrel_core::backend::{Checkpoint, Claim, ClaimMode, Failure, Fenced, Finish, Heartbeat};
use whimbrel_core::history::{DEFAULT_HISTORY_TABLE, HISTORY_FORMAT, HistoryReader, RawRow};
use whimbrel_core::{BackendError, BackendErrorKind, HistoryDetail, HistoryRow, MigrationId, quote_identifier};

use crate::sql::{lease_end, literal, literal_or_null, milliseconds, moment_or_null, number_or_null};

/// Where the history is and which locks stand for it.
#[derive(Debug, Clone)]
pub(crate) struct HistoryTable {
    schema: String,
    table: String,
    create_schema: bool,
}

impl Default for HistoryTable {
    fn default() -> Self {
        Self { schema: "public".to_owned(), table: DEFAULT_HISTORY_TABLE.to_owned(), create_schema: false }
    }
}

const COLUMNS: &str = "namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, \
    statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, \
    run_by, error";

impl HistoryTable {
    pub(crate) fn set_table(&mut self, table: String) {
        self.table = table;
    }

    /// A schema that was asked for is created where it is missing.
    pub(crate) fn set_schema(&mut self, schema: String) {
        self.create_schema = true;
        self.schema = schema;
    }

    pub(crate) fn set_create_schema(&mut self, create: bool) {
        self.create_schema = create;
    }

    /// The quoted and qualified name.
    pub(crate) fn qualified(&self) -> String {
        format!("{}.{}", quote_identifier(&self.schema), quote_identifier(&self.table))
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// The advisory lock of a run.
    pub(crate) fn run_key(&self) -> i64 {
        self.key("whimbrel run")
    }

    /// The advisory lock that a transaction with a claim holds. Another than the run's: a run's lock that leaked
    /// through a pooler must not stop a claim.
    pub(crate) fn claim_key(&self) -> i64 {
        self.key("whimbrel claim")
    }

    /// FNV-1a over purpose, schema and table. It must never change: releases of different age must exclude each other.
    fn key(&self, purpose: &str) -> i64 {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for text in [purpose, &self.schema, &self.table] {
            for byte in text.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        hash.cast_signed()
    }

    /// One statement that creates the table, safe against others that do so at the same moment.
    pub(crate) fn create(&self) -> String {
        let table = self.qualified();
        let create_schema = if self.create_schema {
            let schema = quote_identifier(&self.schema);
            format!(
                "if pg_catalog.to_regnamespace({}) is null then begin create schema if not exists {schema}; \
                 exception when unique_violation or duplicate_schema then null; end; end if; ",
                literal(&schema)
            )
        } else {
            String::new()
        };
        let body = format!(
            "begin if pg_catalog.to_regclass({0}) is null then {create_schema}\
             begin create table if not exists {table} ({DEFINITION}); \
             exception when unique_violation or duplicate_table or duplicate_object then \
             if pg_catalog.to_regclass({0}) is null then raise; end if; end; end if; end",
            literal(&table)
        );
        format!("do{}", spaced(&literal(&body)))
    }

    /// Fails with 22012 while another transaction holds a claim, without waiting.
    pub(crate) fn probe(&self) -> String {
        format!("select 1/(pg_catalog.pg_try_advisory_xact_lock({}))::int4", self.claim_key())
    }

    /// The statement of a claim that comes after [`probe`](Self::probe).
    pub(crate) fn claim(&self, claim: &Claim<'_>) -> String {
        match claim.mode {
            ClaimMode::New => self.claim_new(claim),
            ClaimMode::Takeover { fence } => {
                let ended = "(state = 'failed' or (state = 'running' \
                    and (lease_until is null or lease_until <= pg_catalog.clock_timestamp())))";
                self.claim_again(claim, fence, ended)
            }
            ClaimMode::Rerun { fence } => self.claim_again(claim, fence, "state = 'applied'"),
        }
    }

    fn claim_new(&self, claim: &Claim<'_>) -> String {
        let id = claim.id;
        format!(
            "insert into {} ({COLUMNS}) values ({}, {}, {HISTORY_FORMAT}, '{}', {}, {}, {}, {}, 'running', {}, {}, null, \
             {}, {}, pg_catalog.clock_timestamp(), null, null, 'applied', {}, {}, null)",
            self.qualified(),
            literal(&id.namespace),
            literal(&id.stored_key()),
            id.kind(),
            literal_or_null(id.version().map(|version| version.as_str())),
            literal(claim.name),
            literal(&claim.checksum.to_string()),
            literal(&claim.token_checksum.to_string()),
            claim.statements_done,
            claim.statements_total,
            claim.fence_after(),
            lease_end(claim.lease),
            literal(claim.tool_version),
            literal(claim.run_by),
        )
    }

    fn claim_again(&self, claim: &Claim<'_>, fence: i64, expected: &str) -> String {
        let prefix = if claim.statements_done == 0 { "null" } else { "prefix_checksum" };
        let assignments = format!(
            "format = {HISTORY_FORMAT}, version = {}, name = {}, checksum = {}, token_checksum = {}, state = 'running', \
             statements_done = {}, statements_total = {}, prefix_checksum = {prefix}, fence = {}, lease_until = {}, \
             started_at = pg_catalog.clock_timestamp(), finished_at = null, duration_ms = null, origin = 'applied', \
             tool_version = {}, run_by = {}, error = null",
            literal_or_null(claim.id.version().map(|version| version.as_str())),
            literal(claim.name),
            literal(&claim.checksum.to_string()),
            literal(&claim.token_checksum.to_string()),
            claim.statements_done,
            claim.statements_total,
            claim.fence_after(),
            lease_end(claim.lease),
            literal(claim.tool_version),
            literal(claim.run_by),
        );
        self.update(&assignments, Fenced { id: claim.id, fence }, &format!(" and {expected}"), "")
    }

    pub(crate) fn checkpoint(&self, checkpoint: &Checkpoint<'_>) -> String {
        let assignments = format!(
            "statements_done = {}, prefix_checksum = {}, lease_until = {}",
            checkpoint.statements_done,
            literal(&checkpoint.prefix_checksum.to_string()),
            lease_end(Some(checkpoint.lease)),
        );
        self.update(&assignments, checkpoint.row, "", "")
    }

    /// Answers with a row: the check, the moment in microseconds, the milliseconds that it took.
    pub(crate) fn finish(&self, finish: &Finish<'_>) -> String {
        let assignments = "state = 'applied', statements_done = statements_total, prefix_checksum = null, \
            lease_until = null, error = null, finished_at = pg_catalog.clock_timestamp(), duration_ms = \
            greatest(0, (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - started_at) * 1000)::int8)";
        let wanted =
            format!(", (select {} from changed), (select duration_ms from changed)", microseconds("finished_at"));
        self.update(assignments, finish.row, "", &wanted)
    }

    pub(crate) fn fail(&self, failure: &Failure<'_>) -> String {
        let assignments = format!("state = 'failed', lease_until = null, error = {}", literal(failure.error));
        self.update(&assignments, failure.row, "", "")
    }

    /// A sign of life that comes after the end changes nothing.
    pub(crate) fn heartbeat(&self, heartbeat: &Heartbeat<'_>) -> String {
        let lease = lease_end(Some(heartbeat.lease));
        let assignments = format!("lease_until = case when state = 'running' then {lease} else lease_until end");
        self.update(&assignments, heartbeat.row, "", "")
    }

    pub(crate) fn remove(&self, row: &Fenced<'_>) -> String {
        format!("with changed as (delete from {} where {} returning 1) {CHECK}", self.qualified(), self.row(*row))
    }

    /// One statement for all rows, so it is all or none.
    pub(crate) fn record(&self, rows: &[HistoryRow]) -> String {
        if rows.is_empty() {
            return "select 1".to_owned();
        }
        let values: Vec<String> = rows.iter().map(values).collect();
        format!("insert into {} ({COLUMNS}) values {}", self.qualified(), values.join(",\n"))
    }

    fn update(&self, assignments: &str, row: Fenced<'_>, more: &str, wanted: &str) -> String {
        format!(
            "with changed as (update {} set {assignments} where {}{more} returning finished_at, duration_ms) {CHECK}{wanted}",
            self.qualified(),
            self.row(row),
        )
    }

    fn row(&self, row: Fenced<'_>) -> String {
        format!("{} and fence = {}", identity(row.id), row.fence)
    }

    /// The one statement that reads the history.
    pub(crate) fn select(&self, detail: HistoryDetail) -> String {
        let lease = "case when state = 'running' then \
            (pg_catalog.date_part('epoch', lease_until - pg_catalog.clock_timestamp()) * 1000)::int8 end";
        let basic = format!(
            "format, namespace, kind, version, name, checksum, state, statements_done, statements_total, fence, {lease}"
        );
        let rest = match detail {
            HistoryDetail::Check => ["prefix_checksum", "token_checksum", "run_by", "error"]
                .map(|column| format!("case when state <> 'applied' then {column} end"))
                .join(", "),
            HistoryDetail::Full => format!(
                "prefix_checksum, token_checksum, run_by, error, {}, {}, duration_ms, origin, tool_version",
                microseconds("started_at"),
                microseconds("finished_at"),
            ),
        };
        format!("select {basic}, {rest} from {}", self.qualified())
    }
}

const CHECK: &str = "select 1/(select pg_catalog.count(*) from changed)::int4";

const DEFINITION: &str = "namespace text not null, id text not null, format integer not null, kind text not null, \
    version text, name text not null, checksum text not null, token_checksum text, state text not null, \
    statements_done integer not null, statements_total integer not null, prefix_checksum text, fence bigint not null, \
    lease_until timestamptz, started_at timestamptz, finished_at timestamptz, duration_ms bigint, \
    origin text not null, tool_version text not null, run_by text not null, error text, primary key (namespace, id)";

fn spaced(literal: &str) -> String {
    format!(" {}", literal.trim_start())
}

fn microseconds(column: &str) -> String {
    format!("(pg_catalog.date_part('epoch', {column}) * 1000000)::int8")
}

fn identity(id: &MigrationId) -> String {
    format!("namespace = {} and id = {}", literal(&id.namespace), literal(&id.stored_key()))
}

fn values(row: &HistoryRow) -> String {
    let token = row.token_checksum.as_ref().map(ToString::to_string);
    let prefix = row.prefix_checksum.as_ref().map(ToString::to_string);
    let lease = row.lease_left.map(|left| Duration::from_millis(milliseconds(left).unsigned_abs()));
    format!(
        "({}, {}, {HISTORY_FORMAT}, '{}', {}, {}, {}, {}, '{}', {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
        literal(&row.id.namespace),
        literal(&row.id.stored_key()),
        row.id.kind(),
        literal_or_null(row.id.version().map(|version| version.as_str())),
        literal(&row.name),
        literal(&row.checksum.to_string()),
        literal_or_null(token.as_deref()),
        row.state.as_str(),
        row.statements_done,
        row.statements_total,
        literal_or_null(prefix.as_deref()),
        row.fence,
        lease_end(lease),
        moment_or_null(row.started_at.map(whimbrel_core::Timestamp::microseconds)),
        moment_or_null(row.finished_at.map(whimbrel_core::Timestamp::microseconds)),
        number_or_null(row.duration_ms),
        literal(&row.origin),
        literal(&row.tool_version),
        literal(&row.run_by),
        literal_or_null(row.error.as_deref()),
    )
}

/// Takes one row of [`HistoryTable::select`].
pub(crate) fn read(
    reader: &mut HistoryReader,
    row: &SimpleQueryRow,
    detail: HistoryDetail,
) -> Result<(), BackendError> {
    let columns = Columns(row);
    let full = detail == HistoryDetail::Full;
    let later = |index| if full { columns.text(index) } else { Ok(None) };
    let later_number = |index| if full { columns.number(index) } else { Ok(None) };
    reader.push(&RawRow {
        format: columns.needed_number(0, "format")?,
        namespace: columns.needed(1, "namespace")?,
        kind: columns.needed(2, "kind")?,
        version: columns.text(3)?,
        name: columns.needed(4, "name")?,
        checksum: columns.needed(5, "checksum")?,
        state: columns.needed(6, "state")?,
        statements_done: columns.needed_number(7, "statements_done")?,
        statements_total: columns.needed_number(8, "statements_total")?,
        fence: columns.needed_number(9, "fence")?,
        lease_left_ms: columns.number(10)?,
        prefix_checksum: columns.text(11)?,
        token_checksum: columns.text(12)?,
        run_by: columns.text(13)?,
        error: columns.text(14)?,
        started_at_us: later_number(15)?,
        finished_at_us: later_number(16)?,
        duration_ms: later_number(17)?,
        origin: later(18)?,
        tool_version: later(19)?,
    })
}

struct Columns<'a>(&'a SimpleQueryRow);

impl<'a> Columns<'a> {
    fn text(&self, index: usize) -> Result<Option<&'a str>, BackendError> {
        self.0.try_get(index).map_err(|error| {
            BackendError::new(BackendErrorKind::HistoryFormat, format!("column {index} of the history is not readable"))
                .with_source(error)
        })
    }

    fn needed(&self, index: usize, column: &str) -> Result<&'a str, BackendError> {
        self.text(index)?.ok_or_else(|| unreadable(column, "nothing"))
    }

    fn number(&self, index: usize) -> Result<Option<i64>, BackendError> {
        let Some(text) = self.text(index)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| unreadable(self.0.columns().get(index).map_or("?", |c| c.name()), text))
    }

    fn needed_number(&self, index: usize, column: &str) -> Result<i64, BackendError> {
        self.number(index)?.ok_or_else(|| unreadable(column, "nothing"))
    }
}

fn unreadable(column: &str, value: &str) -> BackendError {
    let message = format!("a row of the history holds {value} in `{column}`, which no release writes");
    BackendError::new(BackendErrorKind::HistoryFormat, message)
        .with_hint("correct the row by hand, or restore the table from a backup")
}

/// What a failure of reading the history means.
pub(crate) enum ReadFailure {
    /// There is no history.
    Missing,
    /// There is another table of that name.
    Foreign,
    /// Anything else.
    Other,
}

impl ReadFailure {
    pub(crate) fn of(code: &SqlState) -> Self {
        match *code {
            SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => Self::Missing,
            SqlState::UNDEFINED_COLUMN
            | SqlState::UNDEFINED_FUNCTION
            | SqlState::DATATYPE_MISMATCH
            | SqlState::CANNOT_COERCE
            | SqlState::INVALID_TEXT_REPRESENTATION
            | SqlState::WRONG_OBJECT_TYPE => Self::Foreign,
            _ => Self::Other,
        }
    }
}
