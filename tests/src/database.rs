//! A database of one test, on either dialect, by its URL.

#![expect(clippy::panic, reason = "a test without its database has failed, and says why")]

use std::path::PathBuf;

use tempfile::TempDir;
use whimbrel::backend::TextRow;
use whimbrel::{Halted, Migrator, Notice, Observer, Op, OpOutcome, Session, Setting};

use crate::{postgres, subjects};

/// A database of one test, which goes with it.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    folder: TempDir,
    server: Option<postgres::Database>,
}

impl TestDatabase {
    /// A SQLite file that is not there yet.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = subjects::folder();
        let url = format!("sqlite:{}", folder.path().join("app.db").display());
        Self { url, folder, server: None }
    }

    /// An empty database on the server of the tests.
    pub async fn postgres() -> Self {
        let server = postgres::fresh_database().await;
        Self { url: server.url(), folder: subjects::folder(), server: Some(server) }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same with parameters.
    #[must_use]
    pub fn with_parameters(mut self, parameters: &str) -> Self {
        self.url = format!("{}?{parameters}", self.url);
        self
    }

    /// The database on the server, where it is Postgres.
    #[must_use]
    pub fn server(&self) -> Option<&postgres::Database> {
        self.server.as_ref()
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub fn dialect(&self) -> &'static str {
        if self.server.is_some() { "postgres" } else { "sqlite" }
    }

    /// The file, where it is SQLite.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    /// A folder of the test's own, made when it is first asked for.
    ///
    /// # Panics
    ///
    /// Where it cannot be made.
    #[must_use]
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        folder
    }

    /// A migrator without migrations.
    ///
    /// # Panics
    ///
    /// Where the URL is refused.
    #[must_use]
    pub fn migrator(&self) -> Migrator {
        let database = whimbrel::Database::from_url(&self.url);
        Migrator::shared(database.unwrap_or_else(|error| panic!("{error}")).backend)
    }

    /// A session that enforces foreign keys.
    ///
    /// # Panics
    ///
    /// Where the database does not let it in.
    pub async fn session(&self) -> Box<dyn Session> {
        let migrator = self.migrator();
        let mut session = migrator.backend().connect().await.unwrap_or_else(|error| panic!("{error}"));
        if self.server.is_none() {
            let on = Setting::ForeignKeys(true);
            run(&mut *session, &[Op::Set(&on)]).await.unwrap_or_else(|halted| panic!("{}", halted.error));
        }
        session
    }

    /// The rows of a query.
    ///
    /// # Panics
    ///
    /// Where it fails.
    pub async fn query(&self, sql: &str) -> Vec<TextRow> {
        let mut session = self.session().await;
        let answers = run(&mut *session, &[Op::Query(sql)]).await;
        let mut answers = answers.unwrap_or_else(|halted| panic!("{}: {sql}", halted.error));
        match answers.remove(0) {
            OpOutcome::Rows { rows, .. } => rows,
            other => panic!("a query was answered with {other:?}"),
        }
    }

    /// The first column of a query.
    ///
    /// # Panics
    ///
    /// Where it fails.
    pub async fn column(&self, sql: &str) -> Vec<String> {
        let first = |row: TextRow| row.into_iter().next().flatten().unwrap_or_else(|| "NULL".to_owned());
        self.query(sql).await.into_iter().map(first).collect()
    }

    /// Runs statements in one transaction.
    ///
    /// # Errors
    ///
    /// The first failure; everything is rolled back then.
    pub async fn transact(&self, statements: &[&str]) -> Result<(), Halted> {
        let mut session = self.session().await;
        let mut program = vec![Op::Begin];
        program.extend(statements.iter().copied().map(Op::Statement));
        program.push(Op::Commit);
        run(&mut *session, &program).await.map(|_| ())
    }

    /// The user's tables.
    pub async fn tables(&self) -> Vec<String> {
        let sql = if self.server.is_some() {
            "select table_name::text from information_schema.tables where table_schema = 'public' order by 1"
        } else {
            "select name from sqlite_schema where type = 'table' and name not like 'sqlite%' order by 1"
        };
        self.column(sql).await
    }
}

/// Runs a program and gives the answers.
///
/// # Errors
///
/// As [`Session::run`].
pub async fn run(session: &mut dyn Session, program: &[Op<'_>]) -> Result<Vec<OpOutcome>, Halted> {
    struct Heard(Vec<OpOutcome>);
    impl Observer for Heard {
        fn done(&mut self, _: usize, outcome: OpOutcome) {
            self.0.push(outcome);
        }
        fn notice(&mut self, _: Notice) {}
    }
    let mut heard = Heard(Vec::new());
    session.run(program, &mut heard).await?;
    Ok(heard.0)
}
