//! What libsql's errors mean.

use std::io;
use std::path::Path;

use whimbrel_core::{BackendError, BackendErrorKind};

/// The names of SQLite's codes, the extended ones too.
const NAMES: &[(i32, &str)] = &[
    (1, "SQLITE_ERROR"),
    (2, "SQLITE_INTERNAL"),
    (3, "SQLITE_PERM"),
    (4, "SQLITE_ABORT"),
    (5, "SQLITE_BUSY"),
    (6, "SQLITE_LOCKED"),
    (7, "SQLITE_NOMEM"),
    (8, "SQLITE_READONLY"),
    (9, "SQLITE_INTERRUPT"),
    (10, "SQLITE_IOERR"),
    (11, "SQLITE_CORRUPT"),
    (12, "SQLITE_NOTFOUND"),
    (13, "SQLITE_FULL"),
    (14, "SQLITE_CANTOPEN"),
    (15, "SQLITE_PROTOCOL"),
    (17, "SQLITE_SCHEMA"),
    (18, "SQLITE_TOOBIG"),
    (19, "SQLITE_CONSTRAINT"),
    (20, "SQLITE_MISMATCH"),
    (21, "SQLITE_MISUSE"),
    (22, "SQLITE_NOLFS"),
    (23, "SQLITE_AUTH"),
    (25, "SQLITE_RANGE"),
    (26, "SQLITE_NOTADB"),
    (257, "SQLITE_ERROR_MISSING_COLLSEQ"),
    (261, "SQLITE_BUSY_RECOVERY"),
    (262, "SQLITE_LOCKED_SHAREDCACHE"),
    (264, "SQLITE_READONLY_RECOVERY"),
    (266, "SQLITE_IOERR_READ"),
    (267, "SQLITE_CORRUPT_VTAB"),
    (270, "SQLITE_CANTOPEN_NOTEMPDIR"),
    (275, "SQLITE_CONSTRAINT_CHECK"),
    (279, "SQLITE_AUTH_USER"),
    (513, "SQLITE_ERROR_RETRY"),
    (516, "SQLITE_ABORT_ROLLBACK"),
    (517, "SQLITE_BUSY_SNAPSHOT"),
    (518, "SQLITE_LOCKED_VTAB"),
    (520, "SQLITE_READONLY_CANTLOCK"),
    (522, "SQLITE_IOERR_SHORT_READ"),
    (523, "SQLITE_CORRUPT_SEQUENCE"),
    (526, "SQLITE_CANTOPEN_ISDIR"),
    (531, "SQLITE_CONSTRAINT_COMMITHOOK"),
    (769, "SQLITE_ERROR_SNAPSHOT"),
    (773, "SQLITE_BUSY_TIMEOUT"),
    (776, "SQLITE_READONLY_ROLLBACK"),
    (778, "SQLITE_IOERR_WRITE"),
    (779, "SQLITE_CORRUPT_INDEX"),
    (782, "SQLITE_CANTOPEN_FULLPATH"),
    (787, "SQLITE_CONSTRAINT_FOREIGNKEY"),
    (1032, "SQLITE_READONLY_DBMOVED"),
    (1034, "SQLITE_IOERR_FSYNC"),
    (1043, "SQLITE_CONSTRAINT_FUNCTION"),
    (1288, "SQLITE_READONLY_CANTINIT"),
    (1290, "SQLITE_IOERR_DIR_FSYNC"),
    (1299, "SQLITE_CONSTRAINT_NOTNULL"),
    (1544, "SQLITE_READONLY_DIRECTORY"),
    (1546, "SQLITE_IOERR_TRUNCATE"),
    (1550, "SQLITE_CANTOPEN_SYMLINK"),
    (1555, "SQLITE_CONSTRAINT_PRIMARYKEY"),
    (1802, "SQLITE_IOERR_FSTAT"),
    (1811, "SQLITE_CONSTRAINT_TRIGGER"),
    (2067, "SQLITE_CONSTRAINT_UNIQUE"),
    (2323, "SQLITE_CONSTRAINT_VTAB"),
    (2570, "SQLITE_IOERR_DELETE"),
    (2579, "SQLITE_CONSTRAINT_ROWID"),
    (2826, "SQLITE_IOERR_BLOCKED"),
    (2835, "SQLITE_CONSTRAINT_PINNED"),
    (3082, "SQLITE_IOERR_NOMEM"),
    (3091, "SQLITE_CONSTRAINT_DATATYPE"),
    (3338, "SQLITE_IOERR_ACCESS"),
    (3594, "SQLITE_IOERR_CHECKRESERVEDLOCK"),
    (3850, "SQLITE_IOERR_LOCK"),
];

/// A code for people: `SQLITE_CONSTRAINT_UNIQUE (2067)`. An extended code without a name of its own has that of its kind.
pub(crate) fn code_name(code: i32) -> String {
    let name = |code| NAMES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name);
    match name(code).or_else(|| name(code & 0xff)) {
        Some(name) => format!("{name} ({code})"),
        None => format!("SQLite code {code}"),
    }
}

/// The statement that failed, and where, as far as SQLite told.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    pub(crate) sql: &'a str,
    /// Bytes from the start of `sql`.
    pub(crate) offset: Option<usize>,
}

/// The driver's error in the words of core.
pub(crate) fn from_driver(error: libsql::Error, place: Place<'_>) -> BackendError {
    let (code, message) = match &error {
        libsql::Error::SqliteFailure(code, message) => (Some(*code), message.clone()),
        libsql::Error::RemoteSqliteFailure(_, code, message) => (Some(*code), message.clone()),
        libsql::Error::ConnectionFailed(message) => (trailing_code(message).or(Some(14)), message.clone()),
        libsql::Error::Hrana(inner) => (named_code(&inner.to_string()), inner.to_string()),
        other => (None, other.to_string()),
    };
    let kind = match (&error, code) {
        (libsql::Error::Hrana(_), None) => BackendErrorKind::ConnectionLost,
        (_, Some(code)) => kind_of(code),
        (_, None) => BackendErrorKind::Internal,
    };
    let position = position(&message, place);
    let hint = hint_of(code, &message);
    let mut answer = BackendError::new(kind, message).with_source(error);
    if let Some(code) = code {
        answer = answer.with_code(code_name(code));
    }
    if let Some(hint) = hint {
        answer = answer.with_hint(hint);
    }
    match position {
        Some(position) => answer.with_position(position),
        None => answer,
    }
}

/// The SQLite code of a driver's error.
pub(crate) fn code_of(error: &libsql::Error) -> Option<i32> {
    match error {
        libsql::Error::SqliteFailure(code, _) | libsql::Error::RemoteSqliteFailure(_, code, _) => Some(*code),
        libsql::Error::Hrana(inner) => named_code(&inner.to_string()),
        _ => None,
    }
}

fn kind_of(code: i32) -> BackendErrorKind {
    match code & 0xff {
        3 | 23 => BackendErrorKind::Permission,
        5 | 6 => BackendErrorKind::Busy,
        8 => BackendErrorKind::ReadOnly,
        9 => BackendErrorKind::Interrupted,
        14 => BackendErrorKind::Unreachable,
        21 => BackendErrorKind::Internal,
        26 => BackendErrorKind::Config,
        _ => BackendErrorKind::Statement,
    }
}

fn hint_of(code: Option<i32>, message: &str) -> Option<&'static str> {
    match code.map(|code| (code & 0xff, code)) {
        Some((_, 1032)) => Some("the database file was moved or deleted while it was open"),
        Some((5 | 6, _)) => Some("another connection is writing or holds a read that blocks writing"),
        Some((8, _)) => Some("the file, its directory or the connection does not allow writing"),
        Some((10, _)) => Some("the disk or the file system failed; look at the system's log"),
        Some((11, _)) => Some("run `PRAGMA integrity_check` and restore a backup; nothing was repaired"),
        Some((13, _)) => Some("the disk is full or the database has reached its largest size"),
        Some((26, _)) => Some("the file is something else, or it is encrypted"),
        Some((1, _)) if message.starts_with("no such function") || message.starts_with("no such module") => {
            Some("the SQLite inside libsql does not have it; an extension must be loaded on a connection of your own")
        }
        _ => None,
    }
}

/// libsql tells why opening failed only in words, which end with the code.
fn trailing_code(message: &str) -> Option<i32> {
    message.rsplit(": ").next()?.trim_end_matches('`').parse().ok()
}

/// A server of libSQL tells the code's name somewhere in its message.
fn named_code(message: &str) -> Option<i32> {
    let start = message.find("SQLITE_")?;
    let word: &str = message[start..].split(|c: char| !(c.is_ascii_uppercase() || c == '_')).next()?;
    NAMES.iter().find(|(_, name)| *name == word).map(|(code, _)| *code)
}

/// The place in characters from 1: SQLite's own answer, else the word that the message names, if it is there only once.
fn position(message: &str, place: Place<'_>) -> Option<u32> {
    let offset = place.offset.or_else(|| offset_of_named(message, place.sql))?;
    let before = place.sql.get(..offset)?;
    u32::try_from(before.chars().count()).ok()?.checked_add(1)
}

fn offset_of_named(message: &str, sql: &str) -> Option<usize> {
    let quoted = message.strip_prefix("near \"").and_then(|rest| rest.split_once("\": ")).map(|(word, _)| word);
    let named = || {
        let (what, word) = message.split_once(": ")?;
        what.starts_with("no such ").then(|| word.rsplit('.').next().unwrap_or(word))
    };
    let word = quoted.or_else(named).filter(|word| !word.is_empty())?;
    let mut places = sql.match_indices(word).map(|(at, _)| at).filter(|at| is_whole_word(sql, *at, word));
    let first = places.next()?;
    places.next().is_none().then_some(first)
}

fn is_whole_word(sql: &str, at: usize, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let inner = |edge: Option<char>| edge.is_some_and(part);
    let before = sql.get(..at).and_then(|text| text.chars().next_back());
    let after = sql.get(at + word.len()..).and_then(|text| text.chars().next());
    !(inner(word.chars().next()) && inner(before) || inner(word.chars().next_back()) && inner(after))
}

/// Why a file cannot be used, from what the system said.
pub(crate) fn from_io(error: io::Error, doing: &str, path: &Path) -> BackendError {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => BackendErrorKind::Permission,
        io::ErrorKind::ReadOnlyFilesystem => BackendErrorKind::ReadOnly,
        _ => BackendErrorKind::Unreachable,
    };
    let message = format!("cannot {doing} `{}`: {error}", path.display());
    BackendError::new(kind, message).with_source(error)
}

#[cfg(test)]
mod tests;
