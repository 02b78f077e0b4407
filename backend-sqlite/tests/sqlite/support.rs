//! What the tests share: recorded programs, and operations with usual values.

use std::sync::Arc;
use std::time::Duration;

use whimbrel_backend_sqlite::SqliteBackend;
use whimbrel_core::backend::{Checkpoint, Claim, ClaimMode, Fenced, Finish};
use whimbrel_core::{
    Checksum, Halted, HistoryDetail, HistoryRow, MigrationBackend, MigrationId, MigrationKey, Notice, Observer, Op,
    OpOutcome, Session,
};

/// Keeps what it hears.
#[derive(Debug, Default)]
pub(crate) struct Record(pub(crate) Vec<(usize, OpOutcome)>);

impl Observer for Record {
    fn done(&mut self, index: usize, outcome: OpOutcome) {
        self.0.push((index, outcome));
    }
    fn notice(&mut self, _: Notice) {}
}

pub(crate) async fn run(session: &mut Box<dyn Session>, program: &[Op<'_>]) -> Result<Vec<OpOutcome>, Halted> {
    let mut record = Record::default();
    let result = session.run(program, &mut record).await;
    let done = result.as_ref().map_or_else(|halted| halted.at, |()| program.len());
    let order: Vec<_> = record.0.iter().map(|(index, _)| *index).collect();
    assert_eq!(order, (0..done).collect::<Vec<_>>(), "every operation that is done is told once and in order");
    result.map(|()| record.0.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Runs statements outside a transaction.
pub(crate) async fn exec(session: &mut Box<dyn Session>, statements: &[&str]) {
    let program: Vec<_> = statements.iter().map(|text| Op::Statement(text)).collect();
    run(session, &program).await.unwrap();
}

/// The first column of a query, joined by commas; `-` for NULL.
pub(crate) async fn one(session: &mut Box<dyn Session>, sql: &str) -> String {
    let outcome = run(session, &[Op::Query(sql)]).await.unwrap();
    let [OpOutcome::Rows { rows, .. }] = outcome.as_slice() else { panic!("{outcome:?}") };
    rows.iter().map(|row| row[0].as_deref().unwrap_or("-")).collect::<Vec<_>>().join(",")
}

pub(crate) fn id(version: &str) -> MigrationId {
    MigrationId { namespace: Arc::from("main"), key: MigrationKey::Version(version.parse().unwrap()) }
}

/// A migration whose parts operations can borrow.
pub(crate) struct Sample {
    pub(crate) id: MigrationId,
    sum: Checksum,
    tokens: Checksum,
}

impl Sample {
    pub(crate) fn new(version: &str) -> Self {
        Self { id: id(version), sum: Checksum::of_text(version), tokens: Checksum::of_text("tokens") }
    }

    pub(crate) fn claim(&self, mode: ClaimMode, lease: Option<Duration>) -> Claim<'_> {
        Claim {
            id: &self.id,
            mode,
            name: "sample",
            checksum: &self.sum,
            token_checksum: &self.tokens,
            statements_total: 3,
            statements_done: 0,
            lease,
            tool_version: "0.1.0",
            run_by: "tests",
        }
    }

    pub(crate) fn fenced(&self, fence: i64) -> Fenced<'_> {
        Fenced { id: &self.id, fence }
    }

    pub(crate) fn checkpoint(&self, fence: i64, done: u32) -> Checkpoint<'_> {
        Checkpoint {
            row: self.fenced(fence),
            statements_done: done,
            prefix_checksum: &self.tokens,
            lease: Duration::from_secs(30),
        }
    }

    pub(crate) fn finish(&self, fence: i64) -> Finish<'_> {
        Finish { row: self.fenced(fence) }
    }
}

/// Runs a transactional migration as core does, and rolls back where it stopped inside the transaction.
pub(crate) async fn migrate(
    session: &mut Box<dyn Session>,
    version: &str,
    statements: &[&str],
) -> Result<Vec<OpOutcome>, Halted> {
    let sample = Sample::new(version);
    let (claim, finish) = (sample.claim(ClaimMode::New, None), sample.finish(1));
    let mut program = vec![Op::Begin, Op::Claim(&claim), Op::Seal];
    program.extend(statements.iter().map(|text| Op::Statement(text)));
    program.extend([Op::Unseal, Op::Finish(&finish), Op::Commit]);
    let result = run(session, &program).await;
    if result.is_err() {
        run(session, &[Op::Rollback]).await.unwrap();
    }
    result
}

pub(crate) async fn history(session: &mut Box<dyn Session>) -> Option<Vec<HistoryRow>> {
    session.history(HistoryDetail::Full).await.unwrap()
}

/// A file with an empty history.
pub(crate) async fn file() -> (tempfile::TempDir, SqliteBackend, Box<dyn Session>) {
    let directory = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(directory.path().join("app.db"));
    let mut session = backend.connect().await.unwrap();
    run(&mut session, &[Op::CreateHistory]).await.unwrap();
    (directory, backend, session)
}
