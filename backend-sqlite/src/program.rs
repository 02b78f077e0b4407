//! Running a program: the operations of core as steps of SQLite, one after the other, on a thread that may block.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use libsql::Value;
use whimbrel_core::backend::{Measure, Measurement};
use whimbrel_core::split::SEAL_SAVEPOINT;
use whimbrel_core::{
    BackendError, BackendErrorKind, Halted, Op, OpOutcome, Setting, Timestamp, TransactionState, quote_identifier,
};

use crate::connection::{Answer, Connection, as_text, transaction_ended};
use crate::history::{End, HistoryTable, Write};
use crate::session::Link;
use crate::settings;
use crate::time::parse_moment;

/// How long a commit waits for readers that block it, where the file is not in WAL mode.
const COMMIT_WAIT: Duration = Duration::from_secs(30);

const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
static SEAL: LazyLock<String> = LazyLock::new(|| format!("SAVEPOINT {SEAL_SAVEPOINT}"));
static UNSEAL: LazyLock<String> = LazyLock::new(|| format!("RELEASE {SEAL_SAVEPOINT}"));

/// An operation with everything that it needs, so that another thread can run it.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Begin,
    Seal,
    Unseal,
    Commit,
    Rollback,
    Set(Setting),
    CreateHistory(Arc<str>),
    Write(Write),
    Fail(Write),
    Finish(End),
    Record(Vec<Write>),
    Probe,
    Statement(String),
    Query(String),
    Measure(Measure),
}

impl Step {
    pub(crate) fn new(op: &Op<'_>, history: &HistoryTable) -> Self {
        match op {
            Op::Begin => Self::Begin,
            Op::Seal => Self::Seal,
            Op::Unseal => Self::Unseal,
            Op::Commit => Self::Commit,
            Op::Rollback => Self::Rollback,
            Op::Set(setting) => Self::Set((*setting).clone()),
            Op::CreateHistory => Self::CreateHistory(history.create()),
            Op::Claim(claim) => Self::Write(history.claim(claim)),
            Op::Probe => Self::Probe,
            Op::Checkpoint(checkpoint) => Self::Write(history.checkpoint(checkpoint)),
            Op::Finish(finish) => Self::Finish(history.finish(finish)),
            Op::Fail(failure) => Self::Fail(history.fail(failure)),
            Op::Record(rows) => Self::Record(rows.iter().map(|row| history.record(row)).collect()),
            Op::Remove(row) => Self::Write(history.remove(row)),
            Op::Heartbeat(heartbeat) => Self::Write(history.heartbeat(heartbeat)),
            Op::Statement(text) => Self::Statement((*text).to_owned()),
            Op::Query(text) => Self::Query((*text).to_owned()),
            Op::Measure(measure) => Self::Measure((*measure).clone()),
        }
    }

    /// Whether it can have no effect on a database that does not exist, so that it need not be made.
    pub(crate) fn only_reads(&self) -> bool {
        matches!(self, Self::Rollback | Self::Probe | Self::Query(_) | Self::Measure(_) | Self::Set(Setting::Reset))
    }

    /// Whether a request to stop holds it up. What cleans up or records goes on.
    fn can_be_stopped(&self) -> bool {
        matches!(
            self,
            Self::Begin
                | Self::Seal
                | Self::Unseal
                | Self::Commit
                | Self::Statement(_)
                | Self::Query(_)
                | Self::Measure(_)
        )
    }
}

/// The program under way, as other tasks see it.
#[derive(Debug, Default)]
pub(crate) struct Switch {
    running: AtomicBool,
    stop: AtomicBool,
}

impl Switch {
    /// Asks the program under way to stop; whether there is one.
    pub(crate) fn stop(&self) -> bool {
        let running = self.running.load(Ordering::SeqCst);
        if running {
            self.stop.store(true, Ordering::SeqCst);
        }
        running
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    pub(crate) fn set_running(&self, running: bool) {
        self.stop.store(false, Ordering::SeqCst);
        self.running.store(running, Ordering::SeqCst);
    }
}

/// Operations that are done and not told yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<(usize, OpOutcome)>>>);

impl Events {
    fn push(&self, at: usize, outcome: OpOutcome) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((at, outcome));
    }

    /// Takes them, in order.
    pub(crate) fn take(&self) -> Vec<(usize, OpOutcome)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs the steps in order and tells `events` of each that is done. Nobody who listens does not stop it: half a program
/// is worse than a whole one.
pub(crate) async fn run(link: &mut Link, steps: Vec<Step>, switch: &Switch, events: &Events) -> Result<(), Halted> {
    switch.set_running(true);
    let result = run_steps(link, steps, switch, events).await;
    switch.set_running(false);
    if !link.connection().in_transaction() {
        link.set_begun(false);
    }
    result.map_err(|(at, error)| {
        let transaction =
            if link.connection().in_transaction() { TransactionState::Open } else { TransactionState::None };
        Halted { at, error, transaction }
    })
}

async fn run_steps(
    link: &mut Link,
    steps: Vec<Step>,
    switch: &Switch,
    events: &Events,
) -> Result<(), (usize, BackendError)> {
    link.remember_settings().await.map_err(|error| (0, error))?;
    for (at, step) in steps.into_iter().enumerate() {
        if switch.stopped() && step.can_be_stopped() {
            return Err((at, BackendError::new(BackendErrorKind::Interrupted, "interrupted before it began")));
        }
        let outcome = run_step(link, step, switch).await.map_err(|error| (at, error))?;
        events.push(at, outcome);
    }
    Ok(())
}

async fn run_step(link: &mut Link, step: Step, switch: &Switch) -> Result<OpOutcome, BackendError> {
    match step {
        Step::Begin => {
            own(link, BEGIN).await?;
            link.set_begun(true);
            Ok(OpOutcome::Done)
        }
        Step::Seal => own(link, &SEAL).await,
        Step::Unseal => unseal(link).await,
        Step::Commit => {
            let committed = commit(link, switch).await?;
            link.set_begun(false);
            Ok(committed)
        }
        Step::Rollback => {
            link.connection().roll_back().await?;
            link.set_begun(false);
            Ok(OpOutcome::Done)
        }
        Step::Set(setting) => set(link, &setting).await,
        Step::CreateHistory(sql) => plain(link.connection(), &sql).await,
        Step::Write(write) | Step::Fail(write) => link.write(write).await.map(|()| OpOutcome::Done),
        Step::Finish(end) => finished(&link.finish(end).await?),
        Step::Record(writes) => record(link, writes).await,
        // Another writer's transaction is found by `BEGIN IMMEDIATE`, which core runs first.
        Step::Probe => Ok(OpOutcome::Done),
        Step::Statement(sql) => {
            let (_, changed) = text(link, &sql, false).await?;
            Ok(if changed == 0 { OpOutcome::Done } else { OpOutcome::Affected(changed) })
        }
        Step::Query(sql) => {
            let (Answer { columns, rows }, _) = text(link, &sql, true).await?;
            Ok(OpOutcome::Rows { columns, rows: rows.into_iter().map(as_text).collect() })
        }
        Step::Measure(measure) => measured(link.connection(), &measure).await.map(OpOutcome::Measured),
    }
}

async fn plain(connection: &Connection, sql: &str) -> Result<OpOutcome, BackendError> {
    connection.execute(sql).await.map(|()| OpOutcome::Done)
}

/// As [`plain`], for what runs with every migration.
async fn own(link: &mut Link, sql: &str) -> Result<OpOutcome, BackendError> {
    link.run_own(sql).await.map(|()| OpOutcome::Done)
}

async fn unseal(link: &mut Link) -> Result<OpOutcome, BackendError> {
    match own(link, &UNSEAL).await {
        Err(error) if error.message().starts_with("no such savepoint") => {
            Err(transaction_ended("the migration's text ended the transaction around it").with_source(error))
        }
        other => other,
    }
}

/// A reader can hold a commit up for longer than a statement waits; the transaction stays whole meanwhile.
async fn commit(link: &mut Link, switch: &Switch) -> Result<OpOutcome, BackendError> {
    let since = Instant::now();
    loop {
        match own(link, COMMIT).await {
            Err(error)
                if error.kind() == BackendErrorKind::Busy
                    && link.connection().in_transaction()
                    && since.elapsed() < COMMIT_WAIT
                    && !switch.stopped() =>
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            other => return other,
        }
    }
}

/// One statement of a migration's own text. Inside a transaction of core's (`begun`) it may not touch that; outside it may
/// do as it likes (`VACUUM` begins one of its own).
async fn text(link: &Link, sql: &str, keep: bool) -> Result<(Answer, u64), BackendError> {
    let connection = link.connection();
    connection.check_text(sql).await?;
    if !link.begun() {
        return connection.run_text(sql, keep).await;
    }
    if !connection.in_transaction() {
        return Err(transaction_ended("the transaction that the migration ran in has ended"));
    }
    let guard = connection.forbid_transaction_control();
    let result = connection.run_text(sql, keep).await;
    let refused = guard.as_ref().is_some_and(|guard| guard.refused());
    drop(guard);
    match result {
        Err(error) if refused => {
            let message = "the statement would end the transaction that the migration runs in, and was not run";
            Err(transaction_ended(message).with_source(error))
        }
        Ok(_) if !connection.in_transaction() => {
            Err(transaction_ended("the statement ended the transaction that the migration ran in"))
        }
        other => other,
    }
}

async fn set(link: &mut Link, setting: &Setting) -> Result<OpOutcome, BackendError> {
    let previous = match setting {
        Setting::ForeignKeys(on) => settings::set_foreign_keys(link.connection(), *on).await?,
        Setting::Reset => {
            link.reset_settings().await?;
            Setting::Reset
        }
        Setting::Role(_) => return Err(unsupported("roles")),
        Setting::LockTimeout(_) => return Err(unsupported("a lock timeout")),
        Setting::StatementTimeout(_) => return Err(unsupported("a statement timeout")),
    };
    Ok(OpOutcome::Previous(previous))
}

fn unsupported(what: &str) -> BackendError {
    BackendError::new(BackendErrorKind::Unsupported, format!("sqlite does not have {what}"))
}

fn finished(rows: &[Vec<Value>]) -> Result<OpOutcome, BackendError> {
    let (at, duration) = match rows {
        [row] => match row.as_slice() {
            [Value::Text(at), duration] => (parse_moment(at), duration),
            _ => (None, &Value::Null),
        },
        _ => (None, &Value::Null),
    };
    let at = at.ok_or_else(|| {
        BackendError::new(BackendErrorKind::Internal, "the history did not tell when the migration was finished")
    })?;
    // NULL where somebody has changed the moment of the start by hand.
    let duration_ms = if let Value::Integer(ms) = duration { u64::try_from(*ms).unwrap_or(0) } else { 0 };
    Ok(OpOutcome::Finished { at: Timestamp::from_microseconds(at), duration_ms })
}

/// All rows or none: in a savepoint, which is a transaction of its own where none is open.
async fn record(link: &mut Link, writes: Vec<Write>) -> Result<OpOutcome, BackendError> {
    const RECORD: &str = "whimbrel_record";
    plain(link.connection(), &format!("SAVEPOINT {RECORD}")).await?;
    let mut result = Ok(());
    for write in writes {
        result = link.write(write).await;
        if result.is_err() {
            break;
        }
    }
    let connection = link.connection();
    if result.is_ok() {
        result = plain(connection, &format!("RELEASE {RECORD}")).await.map(drop);
    }
    if result.is_err() && connection.in_transaction() {
        plain(connection, &format!("ROLLBACK TO {RECORD}")).await?;
        plain(connection, &format!("RELEASE {RECORD}")).await?;
    }
    result.map(|()| OpOutcome::Done)
}

async fn measured(connection: &Connection, measure: &Measure) -> Result<Measurement, BackendError> {
    match measure {
        Measure::ForeignKeyViolations => violations(connection).await.map(Measurement::ForeignKeyViolations),
        Measure::RowCounts(tables) => {
            let mut counts = Vec::with_capacity(tables.len());
            for table in tables {
                counts.push(row_count(connection, table).await?);
            }
            Ok(Measurement::RowCounts(counts))
        }
    }
}

/// Table by table, because the check stops at the first key whose parent it cannot use; that is a line too.
async fn violations(connection: &Connection) -> Result<Vec<String>, BackendError> {
    let sql = "SELECT name FROM main.sqlite_schema AS t WHERE type = 'table' \
               AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(t.name, 'main')) ORDER BY name";
    let tables = connection.query(sql, Vec::new()).await?;
    let mut lines = Vec::new();
    for table in tables.rows.into_iter().flat_map(as_text).flatten() {
        let check = format!("PRAGMA main.foreign_key_check({})", quote_identifier(&table));
        match connection.query(&check, Vec::new()).await {
            Ok(found) => lines.extend(found.rows.into_iter().map(as_text).map(|row| violation(&row))),
            Err(error) if error.message().starts_with("foreign key mismatch") => {
                lines.push(format!("{table}: {}", error.message()))
            }
            Err(error) => return Err(error),
        }
    }
    Ok(lines)
}

fn violation(row: &[Option<String>]) -> String {
    let column = |at: usize| row.get(at).and_then(Option::as_deref);
    let (table, parent) = (column(0).unwrap_or("?"), column(2).unwrap_or("?"));
    match column(1) {
        Some(row) => format!("{table} row {row} refers to missing {parent}"),
        None => format!("a row of {table} refers to missing {parent}"),
    }
}

/// How many rows a table has; `None`: no such table.
pub(crate) async fn row_count(connection: &Connection, table: &str) -> Result<Option<u64>, BackendError> {
    let sql = "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
    if connection.value(sql, vec![Value::Text(table.to_owned())]).await?.is_none() {
        return Ok(None);
    }
    let count = connection.value(&format!("SELECT count(*) FROM main.{}", quote_identifier(table)), Vec::new()).await?;
    Ok(count.and_then(|count| if let Value::Integer(count) = count { u64::try_from(count).ok() } else { None }))
}
