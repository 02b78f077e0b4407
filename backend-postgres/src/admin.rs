//! Databases as a whole: whether one is there, making and dropping it, and what it holds.

use whimbrel_core::{BackendError, BackendErrorKind, DatabaseAdmin, async_trait, quote_identifier};

use crate::backend::PostgresBackend;
use crate::session::{PostgresSession, count_rows};
use crate::sql::literal;

/// The databases from which others are made and dropped.
const MAINTENANCE: [&str; 2] = ["postgres", "template1"];

impl PostgresBackend {
    /// Whether the database is there.
    ///
    /// # Errors
    ///
    /// Those of connecting to the server's `postgres` database (or `template1` where that is missing).
    pub async fn exists(&self) -> Result<bool, BackendError> {
        let mut session = self.maintenance().await?;
        let sql =
            format!("select 1 from pg_catalog.pg_database where datname = {}", literal(self.server()?.database()));
        match session.rows(&sql).await {
            Ok(rows) => Ok(!rows.is_empty()),
            Err(error) => Err(session.explain(error)),
        }
    }

    /// Creates the database; `false` where it was there, or another made it at the same moment.
    ///
    /// # Errors
    ///
    /// [`Permission`](BackendErrorKind::Permission) without the right to (SQLSTATE 42501);
    /// [`Busy`](BackendErrorKind::Busy) while others are connected to the template (55006).
    pub async fn create(&self) -> Result<bool, BackendError> {
        let name = self.server()?.database().to_owned();
        let mut session = self.maintenance().await?;
        match session.rows(&format!("create database {}", quote_identifier(&name))).await {
            Ok(_) => Ok(true),
            Err(error) => match error.code().map(tokio_postgres::error::SqlState::code) {
                Some("42P04" | "23505") => Ok(false),
                Some("42501") => Err(session
                    .explain(error)
                    .with_hint("as an administrator: `alter role ... createdb`, or create the database for the role")),
                Some("55006") => {
                    Err(busy(&session.explain(error), "wait until nobody is connected to the template database"))
                }
                _ => Err(session.explain(error)),
            },
        }
    }

    /// Drops the database; `false` where it was not there.
    ///
    /// # Errors
    ///
    /// [`Busy`](BackendErrorKind::Busy) while others are connected to it (SQLSTATE 55006), with who they are in the
    /// detail; [`Config`](BackendErrorKind::Config) for the server's own databases.
    pub async fn drop(&self) -> Result<bool, BackendError> {
        self.drop_database("").await
    }

    /// As [`drop`](Self::drop), but ends the sessions of those who are connected. This waits for a tenth of a second at
    /// least where there are any.
    ///
    /// # Errors
    ///
    /// As [`drop`](Self::drop), where a session cannot be ended.
    pub async fn drop_forced(&self) -> Result<bool, BackendError> {
        self.drop_database(" with (force)").await
    }

    async fn drop_database(&self, force: &str) -> Result<bool, BackendError> {
        let name = self.server()?.database().to_owned();
        if MAINTENANCE.contains(&name.as_str()) || name == "template0" {
            return Err(BackendError::new(
                BackendErrorKind::Config,
                format!("the database `{name}` belongs to the server itself"),
            )
            .with_hint("name the application's database"));
        }
        let mut session = self.maintenance().await?;
        let Err(error) = session.rows(&format!("drop database {}{force}", quote_identifier(&name))).await else {
            return Ok(true);
        };
        match error.code().map(tokio_postgres::error::SqlState::code) {
            Some("3D000") => Ok(false),
            Some("55006") => {
                let others = connected(&mut session, &name).await;
                let explained = session.explain(error);
                let busy = busy(&explained, "end those sessions first, or drop it by force");
                Err(if others.is_empty() { busy } else { busy.with_detail(format!("connected: {others}")) })
            }
            _ => Err(session.explain(error)),
        }
    }

    /// The databases of the server whose names begin like this, that belong to the session's role, and that nobody is connected
    /// to.
    ///
    /// # Errors
    ///
    /// Those of connecting to the server's `postgres` database (or `template1` where that is missing).
    pub async fn idle_databases(&self, prefix: &str) -> Result<Vec<String>, BackendError> {
        let mut session = self.maintenance().await?;
        let sql = format!(
            "select datname::text from pg_catalog.pg_database d where pg_catalog.starts_with(datname::text, {}) \
             and pg_catalog.pg_get_userbyid(datdba) = current_user \
             and not exists (select 1 from pg_catalog.pg_stat_activity a where a.datname = d.datname) order by 1",
            literal(prefix)
        );
        match session.rows(&sql).await {
            Ok(rows) => Ok(rows.into_iter().flatten().flatten().collect()),
            Err(error) => Err(session.explain(error)),
        }
    }

    /// The tables (`schema.table`) and how many rows each has, counted; without those of the system.
    ///
    /// # Errors
    ///
    /// [`NoSuchDatabase`](BackendErrorKind::NoSuchDatabase) (SQLSTATE 3D000), and
    /// [`Permission`](BackendErrorKind::Permission) for a table that may not be read (42501).
    pub async fn contents(&self) -> Result<Vec<(String, u64)>, BackendError> {
        let mut session = self.session(None).await?;
        let tables = match session.rows(TABLES).await {
            Ok(rows) => rows,
            Err(error) => return Err(session.explain(error)),
        };
        let tables: Vec<(String, String)> = tables
            .into_iter()
            .filter_map(|row| {
                let mut cells = row.into_iter().flatten();
                Some((cells.next()?, cells.next()?))
            })
            .collect();
        let mut contents = Vec::with_capacity(tables.len());
        for some in tables.chunks(50) {
            let rows = match session.rows(&count_rows(some.iter().map(|(_, quoted)| quoted.as_str()))).await {
                Ok(rows) => rows,
                Err(error) => return Err(session.explain(error)),
            };
            let numbers =
                rows.into_iter().map(|row| row.into_iter().flatten().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0));
            contents.extend(some.iter().map(|(name, _)| name.clone()).zip(numbers));
        }
        Ok(contents)
    }

    async fn maintenance(&self) -> Result<PostgresSession, BackendError> {
        self.server()?;
        let [first, second] = MAINTENANCE;
        match self.session(Some(first)).await {
            Err(error) if error.kind() == BackendErrorKind::NoSuchDatabase => self.session(Some(second)).await,
            session => session,
        }
    }
}

const TABLES: &str = "select n.nspname || '.' || c.relname, pg_catalog.format('only %I.%I', n.nspname, c.relname) \
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_' \
    order by 1";

fn busy(explained: &BackendError, hint: &str) -> BackendError {
    let error = BackendError::new(BackendErrorKind::Busy, explained.message()).with_hint(hint).with_code("55006");
    match explained.detail() {
        Some(detail) => error.with_detail(detail),
        None => error,
    }
}

async fn connected(session: &mut PostgresSession, database: &str) -> String {
    let sql = format!(
        "select pg_catalog.format('pid %s (%s)', pid, coalesce(nullif(application_name, ''), usename, 'unknown')) \
         from pg_catalog.pg_stat_activity where datname = {} order by pid limit 10",
        literal(database)
    );
    let rows = session.rows(&sql).await.unwrap_or_default();
    rows.into_iter().flatten().flatten().collect::<Vec<_>>().join(", ")
}

#[async_trait]
impl DatabaseAdmin for PostgresBackend {
    async fn exists(&self) -> Result<bool, BackendError> {
        PostgresBackend::exists(self).await
    }

    async fn create(&self) -> Result<bool, BackendError> {
        PostgresBackend::create(self).await
    }

    async fn drop(&self) -> Result<bool, BackendError> {
        PostgresBackend::drop(self).await
    }

    async fn contents(&self) -> Result<Vec<(String, u64)>, BackendError> {
        PostgresBackend::contents(self).await
    }
}
