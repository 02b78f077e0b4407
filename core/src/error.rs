//! What a backend reports when an operation fails.

use std::error::Error as StdError;
use std::fmt;

/// The kinds of failure that core acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendErrorKind {
    /// The connection's configuration is wrong or contradicts itself.
    Config,
    /// Nothing answers, or the server is still starting (SQLSTATE 57P03, class 08), or the file cannot be opened
    /// (`SQLITE_CANTOPEN`). Waiting may help.
    Unreachable,
    /// The server refused the credentials (SQLSTATE class 28) or its certificate could not be verified.
    Authentication,
    /// The database does not exist (SQLSTATE 3D000).
    NoSuchDatabase,
    /// The role may not do it (SQLSTATE 42501).
    Permission,
    /// The database or the transaction is read-only (SQLSTATE 25006, `SQLITE_READONLY`).
    ReadOnly,
    /// Another runner has the claim: its transaction is at work, or its row is there, or the row that was to be taken
    /// over has changed.
    AlreadyClaimed,
    /// A later write of this runner found that its claim was taken over.
    LostClaim,
    /// A lock could not be had in time (SQLSTATE 55P03, `SQLITE_BUSY`, `SQLITE_LOCKED`). Trying again may help.
    Busy,
    /// The server broke a deadlock or a serialization conflict (SQLSTATE 40P01, 40001), or another session made the same object
    /// at the same moment (23505 of a catalog's index). Trying again may help.
    Conflict,
    /// The connection ended while the operation was under way or before it.
    ConnectionLost,
    /// The statement was cancelled (SQLSTATE 57014, `SQLITE_INTERRUPT`).
    Interrupted,
    /// The migration's own text ended the transaction that core had begun.
    TransactionEnded,
    /// A setting was accepted and did not take effect.
    SettingRefused,
    /// The history table is not one that this release can read.
    HistoryFormat,
    /// The backend has no such ability.
    Unsupported,
    /// Any other refusal of a statement by the database.
    Statement,
    /// The backend or the driver broke its own rules.
    Internal,
}

/// A failure of an operation, as the database told it.
///
/// [`kind`](Self::kind) is for programs; the rest is for people. The driver's own error is the
/// [`source`](StdError::source). It never holds a password.
#[derive(Debug)]
pub struct BackendError {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: BackendErrorKind,
    message: String,
    code: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
    context: Option<String>,
    position: Option<u32>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl BackendError {
    /// A failure with the database's own message, in lower case where the backend words it.
    pub fn new(kind: BackendErrorKind, message: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            message: message.into(),
            code: None,
            detail: None,
            hint: None,
            context: None,
            position: None,
            source: None,
        };
        Self { inner: Box::new(inner) }
    }

    /// Adds the database's code: a SQLSTATE such as `42P01`, or SQLite's extended code such as `SQLITE_CONSTRAINT_UNIQUE (2067)`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.inner.code = Some(code.into());
        self
    }

    /// Adds the database's detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.inner.detail = Some(detail.into());
        self
    }

    /// Adds what the person can do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    /// Adds where inside the database it happened: the stack of procedures, the internal query.
    #[must_use]
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.inner.context = Some(context.into());
        self
    }

    /// Adds the place in the statement: characters from 1.
    #[must_use]
    pub fn with_position(mut self, position: u32) -> Self {
        self.inner.position = Some(position);
        self
    }

    /// Keeps the driver's error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> BackendErrorKind {
        self.inner.kind
    }

    /// The database's message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The database's code, see [`with_code`](Self::with_code).
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.inner.code.as_deref()
    }

    /// The database's detail.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.inner.detail.as_deref()
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// Where inside the database it happened.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.inner.context.as_deref()
    }

    /// The place in the statement, in characters from 1.
    #[must_use]
    pub fn position(&self) -> Option<u32> {
        self.inner.position
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        match &self.inner.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl StdError for BackendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
