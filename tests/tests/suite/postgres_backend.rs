//! The Postgres backend against a real server.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::time::Duration;

use tokio_postgres::Client;
use whimbrel::postgres::PostgresBackend;
use whimbrel_core::backend::{Claim, ClaimMode, Fenced, Finish};
use whimbrel_core::{
    BackendErrorKind, Checksum, Halted, HistoryDetail, MigrationBackend as _, MigrationId, MigrationKey, Notice,
    Observer, Op, OpOutcome, Session, TransactionState,
};
use whimbrel_tests::postgres::{Database, fresh_database};

#[path = "postgres_backend/claims.rs"]
mod claims;
#[path = "postgres_backend/connecting.rs"]
mod connecting;
#[path = "postgres_backend/failures.rs"]
mod failures;
#[path = "postgres_backend/history.rs"]
mod history;
#[path = "postgres_backend/sessions.rs"]
mod sessions;
#[path = "postgres_backend/tls.rs"]
mod tls;

use crate::needs_postgres;

/// What a program told while it ran.
#[derive(Default)]
struct Heard {
    done: Vec<(usize, OpOutcome)>,
    notices: Vec<Notice>,
}

impl Observer for Heard {
    fn done(&mut self, index: usize, outcome: OpOutcome) {
        self.done.push((index, outcome));
    }

    fn notice(&mut self, notice: Notice) {
        self.notices.push(notice);
    }
}

/// A value for the rest of the test: operations borrow all that they name.
fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn version(text: &str) -> &'static MigrationId {
    kept(MigrationId { namespace: "main".into(), key: MigrationKey::Version(text.parse().unwrap()) })
}

fn claim_of(id: &'static MigrationId, mode: ClaimMode, lease: Option<Duration>) -> &'static Claim<'static> {
    let checksum = kept(Checksum::of_text("text"));
    kept(Claim {
        id,
        mode,
        name: "it's a \\ name",
        checksum,
        token_checksum: checksum,
        statements_total: 3,
        statements_done: 0,
        lease,
        tool_version: "0.1.0",
        run_by: "me@here",
    })
}

fn claim(id: &'static MigrationId) -> Op<'static> {
    Op::Claim(claim_of(id, ClaimMode::New, None))
}

fn fenced(id: &'static MigrationId, fence: i64) -> Fenced<'static> {
    Fenced { id, fence }
}

fn finish(id: &'static MigrationId) -> Op<'static> {
    Op::Finish(kept(Finish { row: fenced(id, 1) }))
}

/// A transactional migration.
fn transaction(id: &'static MigrationId, statements: &[&'static str]) -> Vec<Op<'static>> {
    let mut program = vec![Op::Begin, claim(id), Op::Seal];
    program.extend(statements.iter().map(|text| Op::Statement(text)));
    program.extend([Op::Unseal, finish(id), Op::Commit]);
    program
}

/// The place of a transactional migration's first statement in its program.
const FIRST: usize = 3;

/// A database with a history, and a session of it.
struct Bench {
    database: Database,
    backend: PostgresBackend,
    session: Box<dyn Session>,
    client: Client,
}

impl Bench {
    async fn new() -> Self {
        let bench = Self::without_history().await;
        let Self { database, backend, mut session, client } = bench;
        session.run(&[Op::CreateHistory], &mut Heard::default()).await.unwrap();
        Self { database, backend, session, client }
    }

    async fn without_history() -> Self {
        let database = fresh_database().await;
        let backend = PostgresBackend::from_url(&database.url()).unwrap();
        let session = backend.connect().await.unwrap();
        let client = database.connect().await;
        Self { database, backend, session, client }
    }

    async fn run(&mut self, program: &[Op<'_>]) -> Result<Heard, Halted> {
        let mut heard = Heard::default();
        self.session.run(program, &mut heard).await.map(|()| heard)
    }

    async fn halts(&mut self, program: &[Op<'_>]) -> Halted {
        match self.run(program).await {
            Ok(_) => unreachable!("the program was expected to fail"),
            Err(halted) => halted,
        }
    }

    /// The first column of a query's first row, from another connection.
    async fn one(&self, sql: &str) -> Option<String> {
        first(&self.client, sql).await
    }

    /// The state of a migration's row.
    async fn state(&self, id: &MigrationId) -> Option<String> {
        self.one(&format!("select state from whimbrel_history where id = '{}'", id.stored_key())).await
    }
}

async fn first(client: &Client, sql: &str) -> Option<String> {
    client.simple_query(sql).await.unwrap().iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}
