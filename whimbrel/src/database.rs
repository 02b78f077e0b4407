//! A database by its URL, whichever backend it takes.

use std::sync::Arc;

use whimbrel_core::{BackendError, BackendErrorKind, DatabaseAdmin, MigrationBackend};

/// A database that was named by a URL.
///
/// ```no_run
/// # fn main() -> Result<(), whimbrel::BackendError> {
/// let database = whimbrel::Database::from_url("sqlite:app.db")?;
/// let migrator = whimbrel::Migrator::shared(database.backend);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Database {
    /// What migrates it.
    pub backend: Arc<dyn MigrationBackend>,
    /// What makes and removes it.
    pub admin: Arc<dyn DatabaseAdmin>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.backend).finish()
    }
}

/// Where the history is kept, where it is not the usual place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryPlace {
    /// The table's name.
    pub table: Option<String>,
    /// The schema that it is in, made when it is not there; Postgres only.
    pub schema: Option<String>,
}

impl Database {
    /// The database at `url`: `sqlite:`, `file:`, `libsql://`, `http(s)://`, `postgres://`, `postgresql://`.
    ///
    /// # Errors
    ///
    /// [`Config`](BackendErrorKind::Config) for a URL that is wrong, and [`Unsupported`](BackendErrorKind::Unsupported)
    /// for one whose backend was not compiled in. The URL is not in the message: it may hold a password.
    pub fn from_url(url: &str) -> Result<Self, BackendError> {
        Self::from_url_with(url, &HistoryPlace::default())
    }

    /// The same with the history in a place of its own.
    ///
    /// # Errors
    ///
    /// As [`from_url`](Self::from_url).
    pub fn from_url_with(url: &str, history: &HistoryPlace) -> Result<Self, BackendError> {
        match Self::dialect_of(url) {
            #[cfg(feature = "sqlite")]
            Some("sqlite") => {
                if history.schema.is_some() {
                    return Err(BackendError::new(
                        BackendErrorKind::Config,
                        "SQLite has no schema to keep the history in",
                    )
                    .with_hint("take history-schema away; history-table names the table"));
                }
                let mut backend = whimbrel_backend_sqlite::SqliteBackend::from_url(url)?;
                if let Some(table) = &history.table {
                    backend = backend.history_table(table);
                }
                Ok(Self { backend: Arc::new(backend.clone()), admin: Arc::new(backend) })
            }
            #[cfg(feature = "postgres")]
            Some("postgres") => {
                let mut backend = whimbrel_backend_postgres::PostgresBackend::from_url(url)?;
                if let Some(table) = &history.table {
                    backend = backend.history_table(table);
                }
                if let Some(schema) = &history.schema {
                    backend = backend.history_schema(schema);
                }
                Ok(Self { backend: Arc::new(backend.clone()), admin: Arc::new(backend) })
            }
            Some(dialect) => {
                let message = format!("this program was built without {dialect}");
                Err(BackendError::new(BackendErrorKind::Unsupported, message)
                    .with_hint(format!("switch on the feature `{dialect}` of the crate whimbrel")))
            }
            None => Err(BackendError::new(BackendErrorKind::Config, "the URL begins with no scheme that is known")
                .with_hint("write sqlite:PATH, sqlite::memory: or postgres://USER@HOST/DATABASE")),
        }
    }

    /// The dialect that a target is of by what people call it: `sqlite`, `pg`. For where its URL is not known.
    #[must_use]
    pub fn dialect_called(name: &str) -> Option<&'static str> {
        match name {
            "sqlite" | "libsql" | "turso" => Some("sqlite"),
            "postgres" | "postgresql" | "pg" => Some("postgres"),
            _ => None,
        }
    }

    /// The dialect of a URL, by its scheme alone.
    #[must_use]
    pub fn dialect_of(url: &str) -> Option<&'static str> {
        match url.split_once(':')?.0 {
            "sqlite" | "file" | "libsql" | "http" | "https" => Some("sqlite"),
            "postgres" | "postgresql" => Some("postgres"),
            _ => None,
        }
    }
}
