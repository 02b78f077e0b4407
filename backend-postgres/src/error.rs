//! What the server and the driver report, in core's kinds.

use std::error::Error as StdError;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};
use whimbrel_core::{BackendError, BackendErrorKind};

/// What is known of the moment at which an error came.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Circumstances<'a> {
    /// The session was asked to interrupt what it did.
    pub(crate) interrupted: bool,
    /// Why the connection ended, as far as its task saw.
    pub(crate) lost: Option<&'a str>,
}

/// An error of a session that was already connected.
pub(crate) fn of_session(error: Error, circumstances: Circumstances<'_>) -> BackendError {
    match error.as_db_error() {
        Some(db) => {
            let kind = kind_of(db, circumstances.interrupted);
            describe(kind, db).with_source(error)
        }
        None => {
            let kind = kind_of_driver(&error);
            let mut lost = BackendError::new(kind, chain(&error));
            if kind == BackendErrorKind::Internal {
                lost = lost.with_hint("a `copy` from or to the client cannot run in a migration");
            }
            if let Some(why) = circumstances.lost {
                lost = lost.with_detail(why.to_owned());
            }
            lost.with_source(error)
        }
    }
}

fn kind_of_driver(error: &Error) -> BackendErrorKind {
    if error.is_closed() || find::<io::Error>(error).is_some() {
        BackendErrorKind::ConnectionLost
    } else {
        BackendErrorKind::Internal
    }
}

/// The kind of an error that the server sent to a session.
fn kind_of(db: &DbError, interrupted: bool) -> BackendErrorKind {
    use BackendErrorKind as Kind;
    if matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) {
        return Kind::ConnectionLost;
    }
    match *db.code() {
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => Kind::ConnectionLost,
        SqlState::INSUFFICIENT_PRIVILEGE => Kind::Permission,
        SqlState::READ_ONLY_SQL_TRANSACTION => Kind::ReadOnly,
        SqlState::LOCK_NOT_AVAILABLE => Kind::Busy,
        // `IF NOT EXISTS` of two sessions at the same moment: the slower one meets the other in the catalog's own index.
        SqlState::UNIQUE_VIOLATION if db.schema() == Some("pg_catalog") => Kind::Conflict,
        SqlState::T_R_DEADLOCK_DETECTED | SqlState::T_R_SERIALIZATION_FAILURE => Kind::Conflict,
        SqlState::QUERY_CANCELED if interrupted || !is_statement_timeout(db) => Kind::Interrupted,
        _ if db.code().code().starts_with("08") => Kind::ConnectionLost,
        _ => Kind::Statement,
    }
}

/// SQLSTATE 57014 has two causes that only the text tells apart, and it may be translated: what does not speak of the
/// user's request in English counts as a timeout only where it says so.
fn is_statement_timeout(db: &DbError) -> bool {
    db.code() == &SqlState::QUERY_CANCELED && db.message().contains("statement timeout")
}

/// Message, code, detail, hint and context of the server, and a hint of ours where it gave none.
pub(crate) fn describe(kind: BackendErrorKind, db: &DbError) -> BackendError {
    let mut error = BackendError::new(kind, db.message()).with_code(db.code().code());
    if let Some(detail) = db.detail() {
        error = error.with_detail(detail);
    }
    if let Some(hint) = db.hint().or_else(|| own_hint(db)) {
        error = error.with_hint(hint);
    }
    match context(db) {
        Some(context) => error.with_context(context),
        None => error,
    }
}

fn own_hint(db: &DbError) -> Option<&'static str> {
    Some(match *db.code() {
        SqlState::QUERY_CANCELED if is_statement_timeout(db) => {
            "the statement took longer than its statement timeout: raise the timeout or make the statement smaller"
        }
        SqlState::LOCK_NOT_AVAILABLE => {
            "another session holds the lock: see pg_locks and pg_stat_activity, or raise the lock timeout"
        }
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            "connect to the primary (target_session_attrs=read-write), or look at default_transaction_read_only"
        }
        SqlState::INVALID_TRANSACTION_TERMINATION => {
            "a block that commits needs a migration that runs without a transaction"
        }
        SqlState::ACTIVE_SQL_TRANSACTION => "this statement needs a migration that runs without a transaction",
        SqlState::UNSAFE_NEW_ENUM_VALUE_USAGE => "use the new value in a later migration: it must be committed first",
        SqlState::OBJECT_IN_USE => {
            "rows with pending checks stand in the way: put `set constraints all immediate` before it"
        }
        _ => return None,
    })
}

fn context(db: &DbError) -> Option<String> {
    let internal = match db.position() {
        Some(ErrorPosition::Internal { query, position }) => Some(format!("at character {position} of: {query}")),
        Some(ErrorPosition::Original(_)) | None => None,
    };
    match (db.where_(), internal) {
        (None, None) => None,
        (Some(stack), None) => Some(stack.to_owned()),
        (None, Some(internal)) => Some(internal),
        (Some(stack), Some(internal)) => Some(format!("{stack}\n{internal}")),
    }
}

/// The place of an internally generated query in the statement that holds it word for word, and only once: characters
/// from 1.
pub(crate) fn internal_position(db: &DbError, statement: &str) -> Option<u32> {
    let Some(ErrorPosition::Internal { position, query }) = db.position() else { return None };
    place_within(statement, query, *position)
}

fn place_within(statement: &str, query: &str, position: u32) -> Option<u32> {
    let query = query.trim_end();
    if query.trim().is_empty() {
        return None;
    }
    let start = statement.find(query)?;
    if statement[start + 1..].is_char_boundary(0) && statement.rmatch_indices(query).next()?.0 != start {
        return None;
    }
    let before = u32::try_from(statement[..start].chars().count()).ok()?;
    before.checked_add(position)
}

/// An error while connecting.
pub(crate) fn of_connect(error: Error) -> BackendError {
    use BackendErrorKind as Kind;
    if let Some(db) = error.as_db_error() {
        let code = db.code().code();
        let kind = match code {
            "3D000" => Kind::NoSuchDatabase,
            "42501" => Kind::Permission,
            "08P01" => Kind::Config,
            "57P03" | "57P01" | "57P02" | "53300" | "53400" => Kind::Unreachable,
            _ if code.starts_with("28") => Kind::Authentication,
            _ if code.starts_with("08") => Kind::Unreachable,
            _ => Kind::Config,
        };
        return describe(kind, db).with_source(error);
    }
    let message = chain(&error);
    if let Some(tls) = find::<rustls::Error>(&error) {
        let hint = tls_hint(tls);
        return BackendError::new(Kind::Authentication, message).with_hint(hint).with_source(error);
    }
    let io = find::<io::Error>(&error).is_some();
    match error.to_string().as_str() {
        _ if error.is_closed() || io => BackendError::new(Kind::Unreachable, message).with_source(error),
        text if text.contains("TLS") => BackendError::new(Kind::Authentication, message)
            .with_hint("the server offers no TLS: switch it on there, or say sslmode=disable (or prefer) where the network can be trusted")
            .with_source(error),
        "authentication error" => BackendError::new(Kind::Authentication, message).with_source(error),
        "invalid configuration" if message.contains("password missing") => {
            BackendError::new(Kind::Authentication, "the server asks for a password and none is given")
                .with_hint("put it in the URL, in PGPASSWORD, or in the password file")
                .with_source(error)
        }
        "invalid configuration" => BackendError::new(Kind::Config, message).with_source(error),
        _ => BackendError::new(Kind::Internal, message).with_source(error),
    }
}

fn tls_hint(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => "the certificate is of another host: connect by the name that stands in it, or say sslmode=verify-ca",
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "the server's certificate has expired: renew it, and look at the clocks"
        }
        rustls::Error::InvalidCertificate(_) => {
            "give the certificate authority with sslrootcert=FILE; sslmode=require encrypts without verifying who answers"
        }
        _ => {
            "the TLS versions or ciphers of both sides may not fit, or the server wants a client certificate (sslcert, sslkey)"
        }
    }
}

/// An error and its causes in one line, each text once.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    text
}

/// The first cause of a type; looks into `io::Error`s, which hide theirs.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(inner) = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            let inner: &(dyn StdError + 'static) = inner;
            if let Some(found) = find::<T>(inner) {
                return Some(found);
            }
        }
        next = current.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_query_is_placed_only_where_it_is_unmistakable() {
        let block = "do $$ -- é\nbegin perform nope(); end $$";
        assert_eq!(place_within(block, "nope()", 1), Some(26));
        assert_eq!(place_within("perform a; perform a;", "a", 1), None);
        assert_eq!(place_within(block, "SELECT nope()", 8), None);
        assert_eq!(place_within(block, " ", 1), None);
    }

    #[test]
    fn a_chain_of_causes_is_one_line() {
        let error = io::Error::other("outer");
        assert_eq!(chain(&error), "outer");
        let nested = io::Error::other(rustls::Error::DecryptError);
        assert!(find::<rustls::Error>(&nested).is_some());
    }
}
