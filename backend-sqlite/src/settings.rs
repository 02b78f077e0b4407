//! The settings of a session, and how they go back to what they were.

use libsql::Value;
use whimbrel_core::backend::Setting;
use whimbrel_core::{BackendError, BackendErrorKind, quote_identifier};

use crate::connection::Connection;

/// The pragmas of a connection (not of the file) that can be read, written, and set back.
const PRAGMAS: &[&str] = &[
    "foreign_keys",
    "recursive_triggers",
    "legacy_alter_table",
    "defer_foreign_keys",
    "ignore_check_constraints",
    "writable_schema",
    "reverse_unordered_selects",
    "trusted_schema",
    "cell_size_check",
    "query_only",
    "automatic_index",
    "read_uncommitted",
    "checkpoint_fullfsync",
    "fullfsync",
    "synchronous",
    "locking_mode",
    "secure_delete",
    "cache_size",
    "cache_spill",
    "temp_store",
    "journal_size_limit",
    "busy_timeout",
];

/// The values of the pragmas at a moment, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    values: Vec<Option<String>>,
}

impl Settings {
    /// Reads them.
    pub(crate) async fn read(connection: &Connection) -> Result<Self, BackendError> {
        let reads: Vec<_> = PRAGMAS.iter().map(|name| format!("(SELECT * FROM pragma_{name})")).collect();
        let answer = connection.query(&format!("SELECT {}", reads.join(", ")), Vec::new()).await?;
        let values = answer.rows.into_iter().next().map(crate::connection::as_text).unwrap_or_default();
        Ok(Self { values })
    }

    /// Sets those back that differ now, and checks that it took.
    ///
    /// # Errors
    ///
    /// `SettingRefused`, naming what could not be set back.
    pub(crate) async fn restore(&self, connection: &Connection) -> Result<(), BackendError> {
        let now = Self::read(connection).await?;
        if now == *self {
            return Ok(());
        }
        for (name, value) in self.differing(&now) {
            connection.execute(&format!("PRAGMA {name} = {}", value.unwrap_or("0"))).await?;
        }
        let now = Self::read(connection).await?;
        match self.differing(&now).next() {
            None => Ok(()),
            Some((name, value)) => Err(refused(name, value.unwrap_or("0"))),
        }
    }

    fn differing<'a>(&'a self, now: &'a Self) -> impl Iterator<Item = (&'static str, Option<&'a str>)> {
        let pairs = self.values.iter().zip(&now.values);
        PRAGMAS
            .iter()
            .zip(pairs)
            .filter(|(_, (wanted, now))| wanted != now)
            .map(|(name, (wanted, _))| (*name, wanted.as_deref()))
    }
}

fn refused(name: &str, value: &str) -> BackendError {
    BackendError::new(BackendErrorKind::SettingRefused, format!("`PRAGMA {name} = {value}` did not take effect"))
        .with_hint("sqlite ignores some settings inside a transaction, and a server of libSQL may ignore them always")
}

/// Whether foreign keys are enforced now.
pub(crate) async fn foreign_keys(connection: &Connection) -> Result<bool, BackendError> {
    Ok(matches!(connection.value("PRAGMA foreign_keys", Vec::new()).await?, Some(Value::Integer(1))))
}

/// Enforces foreign keys or not, and reads back; answers how it was before.
pub(crate) async fn set_foreign_keys(connection: &Connection, on: bool) -> Result<Setting, BackendError> {
    let before = foreign_keys(connection).await?;
    let value = if on { "ON" } else { "OFF" };
    connection.execute(&format!("PRAGMA foreign_keys = {value}")).await?;
    if foreign_keys(connection).await? == on {
        Ok(Setting::ForeignKeys(before))
    } else {
        Err(refused("foreign_keys", value))
    }
}

/// Takes away what a text left on a connection of ours beside pragmas: temporary objects, attached databases, `LIKE`.
pub(crate) async fn clear(connection: &Connection) -> Result<(), BackendError> {
    let temporary = "SELECT type, name FROM temp.sqlite_schema WHERE type IN ('trigger', 'view', 'table') AND name NOT GLOB 'sqlite_*' \
                     ORDER BY CASE type WHEN 'trigger' THEN 0 WHEN 'view' THEN 1 ELSE 2 END";
    for [kind, name] in pairs(connection, temporary).await? {
        let name = quote_identifier(&name);
        connection.execute(&format!("DROP {kind} IF EXISTS temp.{name}")).await?;
    }
    let attached = "SELECT 'DATABASE', name FROM pragma_database_list WHERE name NOT IN ('main', 'temp')";
    for [kind, name] in pairs(connection, attached).await? {
        connection.execute(&format!("DETACH {kind} {}", quote_identifier(&name))).await?;
    }
    // It cannot be read; this is its value on a new connection.
    connection.execute("PRAGMA case_sensitive_like = OFF").await
}

async fn pairs(connection: &Connection, sql: &str) -> Result<Vec<[String; 2]>, BackendError> {
    let rows = connection.query(sql, Vec::new()).await?.rows;
    let pair = |row| match crate::connection::as_text(row).as_slice() {
        [Some(first), Some(second)] => Some([first.clone(), second.clone()]),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}

#[cfg(test)]
mod tests;
