//! Databases made from a template database.

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use whimbrel_backend_postgres::PostgresBackend;
use whimbrel_core::{BackendError, BackendErrorKind, Sql, SqlSession, quote_identifier, quote_literal};

use super::{ABANDONED, Template, TestDatabaseError, UNUSED, age, unique};

const TEMPLATE: &str = "whimbrel_template_";
const TEST: &str = "whimbrel_test_";

/// How often the template is looked for while another makes it.
const POLL: Duration = Duration::from_millis(20);

/// Databases of this process that are in use, and those that wait to be removed.
static LIVE: AtomicUsize = AtomicUsize::new(0);
static FINISHED: Mutex<Vec<PostgresBackend>> = Mutex::new(Vec::new());

/// A Postgres database of one test's own.
///
/// Dropping it removes the database: at once where it is the last one that is in use in this process, else when the next
/// one is asked for, so that a test does not wait for the server to end its last session.
pub struct PostgresTest {
    backend: PostgresBackend,
    name: String,
    url: String,
}

impl PostgresTest {
    /// The database's name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL: the one that the test gave, with this database. It holds the password, if that one did.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A backend for it, on the server of the URL that the test gave.
    #[must_use]
    pub fn backend(&self) -> &PostgresBackend {
        &self.backend
    }
}

impl std::fmt::Debug for PostgresTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresTest").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Drop for PostgresTest {
    fn drop(&mut self) {
        FINISHED.lock().unwrap_or_else(PoisonError::into_inner).push(self.backend.clone());
        if LIVE.fetch_sub(1, Ordering::SeqCst) == 1 {
            // The test may run on a runtime, which must not be blocked by another one on its own thread.
            let removing = std::thread::spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                if let Ok(runtime) = runtime {
                    runtime.block_on(remove_finished());
                }
            });
            let _ = removing.join();
        }
    }
}

impl Template {
    /// A Postgres database with everything applied, on the server that `url` names. Its database is not touched; the role
    /// must be allowed to make databases.
    ///
    /// # Errors
    ///
    /// Migrations that fail, and a server that refuses: [`Permission`](BackendErrorKind::Permission) (SQLSTATE 42501)
    /// without the right to make databases.
    pub async fn postgres(&self, url: &str) -> Result<PostgresTest, TestDatabaseError> {
        let server = PostgresBackend::from_url(url)?;
        let mut sql = SqlSession::connect(&server.with_database("postgres")?).await?;
        let template = format!("{TEMPLATE}{}", self.key(Arc::new(server.clone()))?);
        self.postgres_template(&server, &mut sql, &template).await?;
        remove_finished().await;
        let name = format!("{TEST}{}", unique());
        let test = PostgresTest { backend: server.with_database(&name)?, url: with_database(url, &name), name };
        LIVE.fetch_add(1, Ordering::SeqCst);
        copy(&mut sql, &template, &test.name).await?;
        sql.close().await?;
        Ok(test)
    }

    /// Makes the template where it is not there: under another name, so that it is never seen half done.
    async fn postgres_template(
        &self,
        server: &PostgresBackend,
        sql: &mut SqlSession,
        template: &str,
    ) -> Result<(), TestDatabaseError> {
        while !exists(sql, template).await? {
            let lock = format!("hashtextextended({}, 0)", quote_literal(template));
            if !is_true(sql, &format!("select pg_try_advisory_lock({lock})")).await? {
                tokio::time::sleep(POLL).await;
                continue;
            }
            // The one who held the lock before may have made it.
            let made = match exists(sql, template).await {
                Ok(false) => self.make_template(server, sql, template).await,
                Ok(true) => Ok(()),
                Err(error) => Err(error.into()),
            };
            sql.query(&format!("select pg_advisory_unlock({lock})")).await?;
            made?;
        }
        sweep_once(sql, template).await;
        Ok(())
    }

    async fn make_template(
        &self,
        server: &PostgresBackend,
        sql: &mut SqlSession,
        template: &str,
    ) -> Result<(), TestDatabaseError> {
        let making = format!("{TEST}{}", unique());
        let backend = server.with_database(&making)?;
        sql.execute(&format!("create database {}", quote_identifier(&making))).await?;
        let made = match self.migrator(Arc::new(backend.clone())).migrate().await {
            Ok(_) => rename(sql, &making, template).await.map_err(TestDatabaseError::from),
            Err(error) => Err(error.into()),
        };
        if made.is_err() {
            let _ = backend.drop_forced().await;
        }
        made
    }
}

/// The URL with another database. The name needs no escapes.
fn with_database(url: &str, name: &str) -> String {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let host = place.find("://").map_or(0, |at| at + 3);
    let end = place[host..].find('/').map_or(place.len(), |at| host + at);
    let parameters: Vec<&str> =
        query.iter().flat_map(|query| query.split('&')).filter(|parameter| !parameter.starts_with("dbname=")).collect();
    let query = if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) };
    format!("{}/{name}{query}", &place[..end])
}

async fn rename(sql: &mut SqlSession, making: &str, template: &str) -> Result<(), BackendError> {
    let name = quote_identifier(making);
    // Nobody may connect any more: who is connected to a template holds up everyone who copies it.
    sql.execute(&format!("alter database {name} with allow_connections false")).await?;
    sql.query(&format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = {}",
        quote_literal(making)
    ))
    .await?;
    let rename = format!("alter database {name} rename to {}", quote_identifier(template));
    until_unused(sql, &rename).await
}

/// Copies the template; by its files where the server knows that way, which is the faster one for small databases.
async fn copy(sql: &mut SqlSession, template: &str, name: &str) -> Result<(), BackendError> {
    let version = sql.query("select current_setting('server_version_num')::int >= 150000").await?;
    let by_files = version.first().and_then(|row| row.first()?.as_deref()) == Some("t");
    let strategy = if by_files { " strategy file_copy" } else { "" };
    let copy = format!("create database {} template {}{strategy}", quote_identifier(name), quote_identifier(template));
    until_unused(sql, &copy).await
}

/// Runs a statement that needs a database without sessions, which take a moment to end.
async fn until_unused(sql: &mut SqlSession, statement: &str) -> Result<(), BackendError> {
    for _ in 0..250 {
        match sql.execute(statement).await {
            Err(error) if error.code() == Some("55006") => tokio::time::sleep(POLL).await,
            other => return other.map(drop),
        }
    }
    sql.execute(statement).await.map(drop)
}

async fn exists(sql: &mut SqlSession, database: &str) -> Result<bool, BackendError> {
    let name = quote_literal(database);
    is_true(sql, &format!("select count(*) = 1 from pg_database where datname = {name}")).await
}

async fn is_true(sql: &mut SqlSession, query: &str) -> Result<bool, BackendError> {
    let rows = sql.query(query).await?;
    Ok(rows.first().and_then(|row| row.first()?.as_deref()) == Some("t"))
}

/// Removes the databases of tests that have ended. What is still in use is left for the next time.
async fn remove_finished() {
    let finished = std::mem::take(&mut *FINISHED.lock().unwrap_or_else(PoisonError::into_inner));
    for backend in finished {
        if let Err(error) = remove(&backend).await {
            warn(&error);
        }
    }
}

async fn remove(backend: &PostgresBackend) -> Result<(), BackendError> {
    match backend.drop().await {
        Err(error) if error.kind() == BackendErrorKind::Busy => backend.drop_forced().await.map(drop),
        other => other.map(drop),
    }
}

/// A test's output is the only place where it can be told: the test itself has passed.
fn warn(error: &dyn Display) {
    eprintln!("warning: a test's database could not be removed: {error}");
}

/// Removes what killed processes left and templates that nobody uses, once in a process; marks this template as used.
/// Others may be doing the same, so what fails is left to them.
async fn sweep_once(sql: &mut SqlSession, used: &str) {
    static ONCE: Once = Once::new();
    let mut first = false;
    ONCE.call_once(|| first = true);
    if !first {
        return;
    }
    let mark = format!("comment on database {} is {}", quote_identifier(used), quote_literal(&unique()));
    let _ = sql.execute(&mark).await;
    let databases = "select datname::text, shobj_description(oid, 'pg_database') from pg_database d \
         where datname like 'whimbrel\\_te%' and not exists (select 1 from pg_stat_activity a where a.datname = d.datname)";
    for row in sql.query(databases).await.unwrap_or_default() {
        let (Some(Some(name)), comment) = (row.first(), row.get(1).and_then(Option::as_deref)) else { continue };
        let old = match (name.strip_prefix(TEST), name.strip_prefix(TEMPLATE)) {
            (Some(test), _) => age(test).is_some_and(|age| age > ABANDONED),
            (_, Some(_)) => comment.and_then(age).is_some_and(|age| age > UNUSED),
            _ => false,
        };
        if old {
            let _ = sql.execute(&format!("drop database if exists {}", quote_identifier(name))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (url, expected) in [
            ("postgres://u:p@h:1/app", "postgres://u:p@h:1/x"),
            ("postgres://h", "postgres://h/x"),
            ("postgresql:///app?host=/tmp&dbname=other", "postgresql:///x?host=/tmp"),
            ("postgres://u@a:1,b:2/app?sslmode=disable", "postgres://u@a:1,b:2/x?sslmode=disable"),
            ("postgres://u@%2Ftmp?dbname=app", "postgres://u@%2Ftmp/x"),
        ] {
            assert_eq!(with_database(url, "x"), expected, "{url}");
        }
    }
}
