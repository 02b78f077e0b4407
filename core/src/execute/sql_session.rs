//! SQL on a session of its own, for what reads a database beside a run.

use async_trait::async_trait;

use super::OnSession;
use crate::backend::{MigrationBackend, Session, TextRow};
use crate::dialect::Dialect;
use crate::error::BackendError;
use crate::event::Listeners;
use crate::sql::Sql;

/// A session that runs statements of one's own, outside of any migration: to read a schema, or to look at data.
///
/// Each statement is a transaction of its own. Notices of the database are not heard.
pub struct SqlSession {
    session: Box<dyn Session>,
    dialect: &'static Dialect,
    listeners: Listeners,
}

impl SqlSession {
    /// Opens a session of its own.
    ///
    /// # Errors
    ///
    /// Those of [`MigrationBackend::connect`]; a database that is not there is told by the first statement.
    pub async fn connect(backend: &dyn MigrationBackend) -> Result<Self, BackendError> {
        let session = backend.connect().await?;
        Ok(Self { session, dialect: backend.dialect(), listeners: Listeners::default() })
    }

    /// What runs behind the session, for people.
    #[must_use]
    pub fn server(&self) -> String {
        self.session.server()
    }

    /// Ends the session in good order.
    ///
    /// # Errors
    ///
    /// The database's own.
    pub async fn close(self) -> Result<(), BackendError> {
        self.session.close().await
    }

    fn on_session(&mut self) -> OnSession<'_> {
        OnSession {
            session: &mut *self.session,
            dialect: self.dialect,
            listeners: &self.listeners,
            halted: None,
            stops: None,
        }
    }
}

impl std::fmt::Debug for SqlSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlSession").field("dialect", &self.dialect.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl Sql for SqlSession {
    async fn execute(&mut self, sql: &str) -> Result<u64, BackendError> {
        self.on_session().execute(sql).await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<TextRow>, BackendError> {
        self.on_session().query(sql).await
    }
}
