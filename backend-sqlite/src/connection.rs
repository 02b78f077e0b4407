//! A connection as this backend uses it: one statement at a time, errors in core's words.

use std::fs;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Once;
use std::task::{Context, Poll, Waker};

use libsql::{OpenFlags, Value};
use whimbrel_core::backend::TextRow;
use whimbrel_core::split::SEAL_SAVEPOINT;
use whimbrel_core::{BackendError, BackendErrorKind};

use crate::config::Access;
use crate::error::{Place, from_driver, from_io};
use crate::native::{self, Native, TransactionGuard};

/// An open connection.
pub(crate) struct Connection {
    driver: libsql::Connection,
    /// Out of reach on a connection of the caller, and on one over the network.
    native: Option<Native>,
}

/// Rows of values and the columns' names.
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Connection {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// `NoSuchDatabase` where it is not there and may not be made.
    pub(crate) async fn open_file(path: &Path, access: Access, create: bool) -> Result<Self, BackendError> {
        let mut flags = match access {
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Write | Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        check_file(path)?;
        if create && access == Access::Create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
            create_directory(path)?;
        } else if !exists(path)? {
            return Err(no_such_file(path));
        }
        let database = libsql::Builder::new_local(literal_path(path)).flags(flags).build().await;
        let database = database.map_err(|error| from_driver(error, Place::default()))?;
        Self::of_database(&database).await.map_err(|error| explain_unopened(path, error))
    }

    /// Opens a private database in memory.
    pub(crate) async fn open_memory() -> Result<Self, BackendError> {
        let database = libsql::Builder::new_local(":memory:").build().await;
        Self::of_database(&database.map_err(|error| from_driver(error, Place::default()))?).await
    }

    /// Opens a connection of a database of the caller.
    pub(crate) async fn of_database(database: &libsql::Database) -> Result<Self, BackendError> {
        let opened = native::open(|| database.connect()).await;
        let (driver, native) = opened.map_err(|error| from_driver(error, Place::default()))?;
        if let Some(native) = &native
            && !native.forbid_double_quoted_strings()
        {
            return Err(BackendError::new(
                BackendErrorKind::Internal,
                "sqlite did not switch double-quoted strings off",
            ));
        }
        Ok(Self { driver, native })
    }

    /// A connection over the network.
    #[cfg(feature = "remote")]
    pub(crate) fn of_remote(driver: libsql::Connection) -> Self {
        Self { driver, native: None }
    }

    /// Takes a connection of the caller, whose handle is out of reach.
    pub(crate) fn of_caller(driver: libsql::Connection) -> Self {
        Self { driver, native: None }
    }

    /// Whether it is a local one that this backend opened.
    pub(crate) fn has_native(&self) -> bool {
        self.native.is_some()
    }

    /// The handle, where it is in reach.
    pub(crate) fn native(&self) -> Option<&Native> {
        self.native.as_ref()
    }

    pub(crate) fn driver(&self) -> &libsql::Connection {
        &self.driver
    }

    pub(crate) fn in_transaction(&self) -> bool {
        !self.driver.is_autocommit()
    }

    /// While the guard lives, no statement can control the transaction; `None` where the handle is out of reach.
    pub(crate) fn forbid_transaction_control(&self) -> Option<TransactionGuard<'_>> {
        self.native.as_ref().map(Native::forbid_transaction_control)
    }

    /// Runs one statement to its end and keeps its rows.
    pub(crate) async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Answer, BackendError> {
        let statement = self.driver.prepare(sql).await.map_err(|error| self.failure(error, sql))?;
        let columns = column_names(&statement);
        let mut cursor = statement.query(values).await.map_err(|error| self.failure(error, sql))?;
        let mut rows = Vec::new();
        while let Some(row) = cursor.next().await.map_err(|error| self.failure(error, sql))? {
            rows.push(self.values(&row, cursor.column_count(), sql)?);
        }
        Ok(Answer { columns, rows })
    }

    /// Runs one statement to its end.
    pub(crate) async fn execute(&self, sql: &str) -> Result<(), BackendError> {
        self.driver_execute(sql, Vec::new()).await.map_err(|error| self.failure(error, sql))
    }

    /// The same with values, and with the driver's own error.
    pub(crate) async fn driver_execute(&self, sql: &str, values: Vec<Value>) -> Result<(), libsql::Error> {
        let statement = self.driver.prepare(sql).await?;
        rows_of(&statement, values).await.map(drop)
    }

    /// The first value of the first row.
    pub(crate) async fn value(&self, sql: &str, values: Vec<Value>) -> Result<Option<Value>, BackendError> {
        let answer = self.query(sql, values).await?;
        Ok(answer.rows.into_iter().next().and_then(|row| row.into_iter().next()))
    }

    /// An error that the driver gave for `sql` just now.
    pub(crate) fn failure(&self, error: libsql::Error, sql: &str) -> BackendError {
        let offset = self.native.as_ref().and_then(Native::error_offset);
        from_driver(error, Place { sql, offset })
    }

    fn values(&self, row: &libsql::Row, count: i32, sql: &str) -> Result<Vec<Value>, BackendError> {
        let one = |at| match value_at(row, at) {
            Some(value) => value.map_err(|error| self.failure(error, sql)),
            None => Err(not_utf8(row.column_name(at).unwrap_or("?"))),
        };
        (0..count).map(one).collect()
    }

    /// Refuses a text that libsql would not run as it is written.
    pub(crate) async fn check_text(&self, sql: &str) -> Result<(), BackendError> {
        if let Some(at) = sql.find('\0') {
            return Err(refused(sql, at, "the statement holds a NUL character")
                .with_hint("SQLite would end the statement there"));
        }
        let body = sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
        if body.contains(';')
            && let Some(at) = self.native.as_ref().and_then(|native| native.second_statement(sql))
        {
            return Err(refused(sql, at, "the text holds more than one statement"));
        }
        Ok(())
    }

    /// Runs one statement of a migration's text; its rows are kept where `keep` says so.
    pub(crate) async fn run_text(&self, sql: &str, keep: bool) -> Result<(Answer, u64), BackendError> {
        let before = self.driver.total_changes();
        let statement = self.driver.prepare(sql).await.map_err(|error| self.failure(error, sql))?;
        if statement.parameter_count() > 0 {
            let message = "the statement has a parameter, and there is no value for it";
            return Err(
                BackendError::new(BackendErrorKind::Statement, message).with_hint("write the value into the statement")
            );
        }
        let columns = if keep { column_names(&statement) } else { Vec::new() };
        let mut cursor = statement.query(()).await.map_err(|error| self.failure(error, sql))?;
        let mut rows = Vec::new();
        loop {
            match cursor.next().await {
                Ok(Some(row)) if keep => rows.push(self.values(&row, cursor.column_count(), sql)?),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) if is_empty_text(&error) => break,
                Err(error) => return Err(self.failure(error, sql)),
            }
        }
        let changed = if self.driver.total_changes() == before { 0 } else { self.driver.changes() };
        Ok((Answer { columns, rows }, changed))
    }

    /// Rolls an open transaction back; nothing happens where none is open.
    pub(crate) async fn roll_back(&self) -> Result<(), BackendError> {
        if self.in_transaction() { self.execute("ROLLBACK").await } else { Ok(()) }
    }
}

/// Runs a statement to its end and keeps its rows, with the driver's own error. For statements of this backend: a text that
/// is not UTF-8 would panic.
pub(crate) async fn rows_of(
    statement: &libsql::Statement,
    values: Vec<Value>,
) -> Result<Vec<Vec<Value>>, libsql::Error> {
    let mut cursor = statement.query(values).await?;
    let mut rows = Vec::new();
    while let Some(row) = cursor.next().await? {
        rows.push((0..cursor.column_count()).map(|at| row.get_value(at)).collect::<Result<_, _>>()?);
    }
    Ok(rows)
}

fn column_names(statement: &libsql::Statement) -> Vec<String> {
    statement.columns().iter().map(|column| column.name().to_owned()).collect()
}

/// The value of a column; `None` for a text that is not UTF-8, at which libsql panics.
pub(crate) fn value_at(row: &libsql::Row, at: i32) -> Option<Result<Value, libsql::Error>> {
    // Reading a column changes nothing that a panic could leave half done.
    catch_unwind(AssertUnwindSafe(|| row.get_value(at))).ok()
}

fn not_utf8(column: &str) -> BackendError {
    BackendError::new(BackendErrorKind::Statement, format!("a text in the column `{column}` is not UTF-8"))
        .with_hint("select it as `hex(…)` or `CAST(… AS BLOB)`")
}

/// Nothing to run: libsql steps a statement that is not there, and SQLite has no error to tell.
fn is_empty_text(error: &libsql::Error) -> bool {
    matches!(error, libsql::Error::SqliteFailure(0, _))
}

fn refused(sql: &str, at: usize, message: &str) -> BackendError {
    let characters = sql.get(..at).map_or(0, |text| text.chars().count());
    let position = u32::try_from(characters).unwrap_or(u32::MAX).saturating_add(1);
    BackendError::new(BackendErrorKind::Statement, message).with_position(position)
}

/// The error for a statement that would end (or ended) the transaction around it.
pub(crate) fn transaction_ended(message: &str) -> BackendError {
    BackendError::new(BackendErrorKind::TransactionEnded, message).with_hint(format!(
        "take BEGIN, COMMIT, END, ROLLBACK and the savepoint `{SEAL_SAVEPOINT}` out of the migration: it runs in a transaction already"
    ))
}

/// Says once in a process what cannot be had on a connection of the caller.
pub(crate) fn warn_of_caller() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            "a connection of the caller is migrated: a double-quoted name that names nothing may count as a string there, and errors may lack their place"
        );
    });
}

/// Whether the file is there; an error where that cannot be known.
pub(crate) fn exists(path: &Path) -> Result<bool, BackendError> {
    path.try_exists().map_err(|error| from_io(error, "look for", path))
}

fn check_file(path: &Path) -> Result<(), BackendError> {
    if path.is_dir() {
        let message = format!("`{}` is a directory, not a database file", path.display());
        return Err(BackendError::new(BackendErrorKind::Config, message).with_hint("name a file in it"));
    }
    // A device or a pipe can be opened and never locked. What is not there, or may not be looked at, is SQLite's to tell.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        let message = format!("`{}` is no file but a device or a pipe", path.display());
        return Err(BackendError::new(BackendErrorKind::Config, message).with_hint("name a file"));
    }
    Ok(())
}

pub(crate) fn no_such_file(path: &Path) -> BackendError {
    BackendError::new(
        BackendErrorKind::NoSuchDatabase,
        format!("the database file `{}` does not exist", path.display()),
    )
    .with_hint("create it, or open it with `mode=rwc`")
}

pub(crate) fn create_directory(path: &Path) -> Result<(), BackendError> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => {
            fs::create_dir_all(parent).map_err(|error| from_io(error, "create the directory", parent))
        }
        _ => Ok(()),
    }
}

/// SQLite reads `file:x` as a URL and libsql refuses `http:x`; a path is always a path.
pub(crate) fn literal_path(path: &Path) -> PathBuf {
    if path.is_relative() { Path::new(".").join(path) } else { path.to_path_buf() }
}

/// SQLite says of a file that it cannot open only that; the system may say more.
fn explain_unopened(path: &Path, error: BackendError) -> BackendError {
    if error.kind() != BackendErrorKind::Unreachable {
        return error;
    }
    match fs::File::open(path).err().map(|reason| from_io(reason, "open", path)) {
        Some(known) if known.kind() != BackendErrorKind::Unreachable => known,
        _ => {
            let message = format!("cannot open the database file `{}`", path.display());
            let code = error.code().unwrap_or("SQLITE_CANTOPEN (14)").to_owned();
            BackendError::new(BackendErrorKind::Unreachable, message).with_code(code).with_source(error)
        }
    }
}

/// Polls once: work on a local connection is done then. `None`: it would have to wait, and was not finished.
pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Values as SQLite writes them in text; a BLOB as the literal of its bytes.
pub(crate) fn as_text(row: Vec<Value>) -> TextRow {
    row.into_iter().map(value_as_text).collect()
}

fn value_as_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(real_as_text(number)),
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => {
            Some(bytes.iter().fold(String::from("X'"), |text, byte| text + &format!("{byte:02X}")) + "'")
        }
    }
}

/// SQLite writes 15 significant digits and always a point: `1.0`, `0.3`, `1.0e+20`.
fn real_as_text(number: f64) -> String {
    if !number.is_finite() {
        return if number > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:.14e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    if (-4..15).contains(&exponent) {
        let decimals = usize::try_from(14 - exponent).unwrap_or(0);
        let plain = format!("{number:.decimals$}");
        let plain = if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.') } else { &plain };
        return if plain.contains('.') { plain.to_owned() } else { format!("{plain}.0") };
    }
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests;
