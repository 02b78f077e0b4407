//! What a case works on: an empty database, and short ways to look at it.

use std::sync::Arc;

use whimbrel_core::backend::{Claim, ClaimMode, Notice, TextRow};
use whimbrel_core::history::DEFAULT_NAMESPACE;
use whimbrel_core::{
    Capabilities, Checksum, CodeSource, Halted, HistoryDetail, HistoryRow, MigrationBackend, MigrationId, MigrationKey,
    Migrator, Observer, Op, OpOutcome, Session,
};

use crate::check::{Checked, Violations};
use crate::subject::{FreshDatabase, Line, Snippets, Subject};

/// An empty database, and short ways to look at it. Everything goes through [`Checked`].
pub struct Bench {
    database: Box<dyn FreshDatabase>,
    snippets: Snippets,
    violations: Violations,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Bench").field(&self.client()).finish()
    }
}

impl Bench {
    /// An empty database of this kind.
    pub async fn new(subject: &dyn Subject) -> Self {
        Self { database: subject.fresh().await, snippets: subject.snippets(), violations: Violations::default() }
    }

    /// A client of the database, see [`FreshDatabase::client`].
    #[must_use]
    pub fn client(&self) -> Arc<dyn MigrationBackend> {
        self.checked(self.database.client())
    }

    fn checked(&self, client: Arc<dyn MigrationBackend>) -> Arc<dyn MigrationBackend> {
        Arc::new(Checked::new(client, self.violations.clone()))
    }

    /// A client with another history table.
    #[must_use]
    pub fn client_with_history(&self, table: &str) -> Option<Arc<dyn MigrationBackend>> {
        Some(self.checked(self.database.client_with_history(table)?))
    }

    /// A client that may only read, see [`FreshDatabase::reader`].
    pub async fn reader(&self) -> Option<Arc<dyn MigrationBackend>> {
        Some(self.checked(self.database.reader().await?))
    }

    /// A client that nothing answers, see [`FreshDatabase::unreachable`].
    #[must_use]
    pub fn unreachable(&self) -> Option<Arc<dyn MigrationBackend>> {
        Some(self.checked(self.database.unreachable()?))
    }

    /// What must not be shown.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.database.secrets()
    }

    /// A way to the database that can be spoiled, and a client that goes it.
    pub async fn line(&self) -> Option<(Box<dyn Line>, Arc<dyn MigrationBackend>)> {
        let line = self.database.line().await?;
        let client = self.checked(line.client());
        Some((line, client))
    }

    /// What the backend can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.client().capabilities()
    }

    /// The subject's own SQL.
    #[must_use]
    pub fn snippets(&self) -> Snippets {
        self.snippets
    }

    /// What broke a rule of the contract so far.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.violations.seen()
    }

    /// A session of a client of its own.
    ///
    /// # Panics
    ///
    /// Where the database does not let it in.
    pub async fn session(&self) -> Box<dyn Session> {
        self.client().connect().await.expect("a fresh database lets a client in")
    }

    /// A migrator of a client of its own, with these migrations.
    #[must_use]
    pub fn migrator(&self, source: CodeSource) -> Migrator {
        Migrator::shared(self.client()).source(source)
    }

    /// The rows of a query.
    ///
    /// # Panics
    ///
    /// Where it fails.
    pub async fn query(&self, sql: &str) -> Vec<TextRow> {
        let mut session = self.session().await;
        let mut outcomes = run(&mut *session, &[Op::Query(sql)]).await.expect(sql);
        session.close().await.expect("a session closes");
        match outcomes.remove(0) {
            OpOutcome::Rows { rows, .. } => rows,
            other => panic!("a query was answered with {other:?}"),
        }
    }

    /// The one value of a query, as text; `NULL` where it is that.
    ///
    /// # Panics
    ///
    /// Where it fails or has no row.
    pub async fn value(&self, sql: &str) -> String {
        let rows = self.query(sql).await;
        rows[0][0].clone().unwrap_or_else(|| "NULL".to_owned())
    }

    /// Runs one statement that must go well.
    ///
    /// # Panics
    ///
    /// Where it fails.
    pub async fn execute(&self, sql: &str) {
        let mut session = self.session().await;
        run(&mut *session, &[Op::Statement(sql)]).await.expect(sql);
        session.close().await.expect("a session closes");
    }

    /// The names of all tables, sorted.
    pub async fn tables(&self) -> Vec<String> {
        let mut tables: Vec<String> =
            self.query(self.snippets.tables).await.into_iter().filter_map(|row| row.into_iter().next()?).collect();
        tables.sort();
        tables
    }

    /// Whether this table is there.
    pub async fn has_table(&self, name: &str) -> bool {
        self.tables().await.iter().any(|table| table == name)
    }

    /// The history in full, sorted; empty where its table is not there.
    ///
    /// # Panics
    ///
    /// Where it cannot be read.
    pub async fn rows(&self) -> Vec<HistoryRow> {
        let mut session = self.session().await;
        let rows = session.history(HistoryDetail::Full).await.expect("the history can be read");
        session.close().await.expect("a session closes");
        let mut rows = rows.unwrap_or_default();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows
    }
}

/// Keeps what a program answers.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) outcomes: Vec<OpOutcome>,
    pub(crate) notices: Vec<Notice>,
}

impl Observer for Heard {
    fn done(&mut self, _: usize, outcome: OpOutcome) {
        self.outcomes.push(outcome);
    }

    fn notice(&mut self, notice: Notice) {
        self.notices.push(notice);
    }
}

/// Runs a program and gives the answers.
pub(crate) async fn run(session: &mut dyn Session, program: &[Op<'_>]) -> Result<Vec<OpOutcome>, Halted> {
    let mut heard = Heard::default();
    session.run(program, &mut heard).await?;
    Ok(heard.outcomes)
}

/// A migration as the history knows it, to make claims of.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) id: MigrationId,
    pub(crate) name: String,
    pub(crate) checksum: Checksum,
    pub(crate) run_by: String,
}

impl Draft {
    pub(crate) fn new(version: &str) -> Self {
        Self::keyed(MigrationKey::Version(version.parse().expect("a version")), "some_name")
    }

    pub(crate) fn keyed(key: MigrationKey, name: &str) -> Self {
        Self {
            id: MigrationId { namespace: DEFAULT_NAMESPACE.into(), key },
            name: name.to_owned(),
            checksum: Checksum::of_text("a text"),
            run_by: "someone on some host".to_owned(),
        }
    }

    pub(crate) fn claim(&self, mode: ClaimMode) -> Claim<'_> {
        Claim {
            id: &self.id,
            mode,
            name: &self.name,
            checksum: &self.checksum,
            token_checksum: &self.checksum,
            statements_total: 3,
            statements_done: 0,
            lease: None,
            tool_version: "conformance 1",
            run_by: &self.run_by,
        }
    }
}
