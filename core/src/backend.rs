#![doc = include_str!("backend.md")]

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::backup::Backup;
use crate::capability::Capabilities;
use crate::checksum::Checksum;
use crate::clock::{BoxFuture, Clock};
use crate::dialect::Dialect;
use crate::error::BackendError;
use crate::history::{HistoryDetail, HistoryRow, MigrationId};
use crate::timestamp::Timestamp;

/// A kind of database, configured: where it is, and how to get sessions of it.
#[async_trait]
pub trait MigrationBackend: fmt::Debug + Send + Sync + 'static {
    /// How its SQL is read and written.
    fn dialect(&self) -> &'static Dialect;

    /// What it can do. MUST be the same for the life of the backend.
    fn capabilities(&self) -> Capabilities;

    /// Time and sleep.
    fn clock(&self) -> &dyn Clock;

    /// What people call this database: a file, a host and a name. MUST NOT hold a secret.
    fn database(&self) -> String;

    /// A session of its own: nobody else uses it while it lives.
    ///
    /// MUST NOT create the history table. MAY create what a database file needs to be opened.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](crate::BackendErrorKind::Unreachable) where waiting may help, so that core tries again until the
    /// caller's deadline; any other kind ends the run.
    async fn connect(&self) -> Result<Box<dyn Session>, BackendError>;
}

/// One connection to the database: it reads the history, takes the lock and runs operations.
///
/// Dropping a session closes the connection, which releases its lock and rolls back an open transaction; where the
/// connection is the caller's, `close` and drop leave it open and out of a transaction.
#[async_trait]
pub trait Session: Send {
    /// The rows of the history, in no order; `None`: the history table is not there.
    ///
    /// MUST NOT create anything, MUST need no right but to read, and MUST leave no transaction open.
    ///
    /// # Errors
    ///
    /// [`HistoryFormat`](crate::BackendErrorKind::HistoryFormat) for a table that this release cannot read.
    async fn history(&mut self, detail: HistoryDetail) -> Result<Option<Vec<HistoryRow>>, BackendError>;

    /// Tries to take the run's lock and returns at once; core polls.
    ///
    /// MUST NOT wait inside the server: a waiter there can deadlock with `CREATE INDEX CONCURRENTLY` of the holder.
    /// MUST release the lock when the session ends, however it ends. Never called where the capability is
    /// [`RunLock::None`](crate::RunLock::None).
    async fn try_lock(&mut self) -> Result<LockOutcome, BackendError>;

    /// Runs the operations in order, tells `observer` of each one that is done, and stops at the first that fails.
    ///
    /// MUST run operations between `Begin` and `Commit` or `Rollback` in one transaction, and each operation outside
    /// of them on its own. MAY send as many as it likes in one message. MUST NOT begin, commit, or write the history
    /// but where an operation says so.
    ///
    /// # Cancel safety
    ///
    /// A session whose `run` was dropped before it ended is used no more, only dropped.
    async fn run(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted>;

    /// Copies the whole database, as it is committed at one moment, to a new file beside it; `None`: there is no database
    /// yet. Never called where the capability is [`Backups::Instead`](crate::Backups::Instead).
    ///
    /// The file's name MUST tell the moment (UTC) and the newest version of `namespace` that is applied in the copy, see
    /// [`newest_applied`](crate::history::newest_applied). It MUST NOT overwrite anything, no file of such a name may be
    /// there before all of it is on the disk, and nobody who could not read the database may read it. It SHOULD NOT hold
    /// those up who use the database meanwhile. [`Interrupt`] stops it. Leaves no transaction open.
    ///
    /// # Errors
    ///
    /// [`Busy`](crate::BackendErrorKind::Busy) where trying again may help: nothing is left behind then.
    async fn backup(&mut self, namespace: &str) -> Result<Option<Backup>, BackendError>;

    /// A handle that stops the operation under way from another task.
    fn interrupt(&self) -> Box<dyn Interrupt>;

    /// What runs behind the session, for people: `PostgreSQL 15.18`, `SQLite 3.47.0`.
    fn server(&self) -> String;

    /// Ends the session in good order.
    async fn close(self: Box<Self>) -> Result<(), BackendError>;
}

/// Stops what a session is doing.
pub trait Interrupt: Send + Sync {
    /// Asks the database to stop the operation under way, which then fails with
    /// [`Interrupted`](crate::BackendErrorKind::Interrupted). Without effect when nothing is under way; never fails.
    ///
    /// Core waits for the future before it runs anything else: it SHOULD complete when the database has been told, so
    /// that a late request does not stop a later operation, and MUST complete within seconds even if nothing answers.
    fn interrupt(&self) -> BoxFuture<'static, ()>;
}

/// The answer to [`Session::try_lock`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockOutcome {
    /// The session holds the lock now, or held it already.
    Acquired,
    /// Another session holds it: who, as far as the database tells (`pid 4711, app on 10.0.0.7, since 12 s`).
    Held {
        /// For people; `None` where the database does not tell.
        holder: Option<String>,
    },
}

/// One operation of a program.
///
/// Exhaustive on purpose: a new one must break every backend at compile time.
#[derive(Debug, Clone, Copy)]
pub enum Op<'a> {
    /// Begins a transaction that can write from its start (`BEGIN IMMEDIATE` on SQLite). A backend whose database
    /// makes a writer wait for another fails soon with [`Busy`](crate::BackendErrorKind::Busy), and core tries again.
    Begin,
    /// Opens the seal: a savepoint around a migration's own text, see [`Op::Unseal`].
    Seal,
    /// Closes the seal. MUST fail with [`TransactionEnded`](crate::BackendErrorKind::TransactionEnded) where the text
    /// ended the transaction that `Begin` began, even if it began another.
    Unseal,
    /// Commits.
    Commit,
    /// Rolls back; succeeds where no transaction is open.
    Rollback,
    /// Changes a setting, reads it back, and answers with [`OpOutcome::Previous`]. Inside a transaction it MUST end
    /// with it, but for [`Setting::ForeignKeys`], which is only ever set outside.
    Set(&'a Setting),
    /// Creates the history table (and its schema, where one is configured) if it is not there. MUST succeed where
    /// another runner creates it at the same moment.
    CreateHistory,
    /// Takes a migration: see [`Claim`]. MUST fail with [`AlreadyClaimed`](crate::BackendErrorKind::AlreadyClaimed), at
    /// once and without waiting in the server, where another runner has it.
    Claim(&'a Claim<'a>),
    /// Fails with [`AlreadyClaimed`](crate::BackendErrorKind::AlreadyClaimed) while another transaction holds a claim
    /// of this history that is neither committed nor rolled back. Core asks after a lost connection whether the old
    /// transaction has ended.
    Probe,
    /// Records progress of a non-transactional migration and extends its lease.
    Checkpoint(&'a Checkpoint<'a>),
    /// Records that the migration is done; answers [`OpOutcome::Finished`].
    Finish(&'a Finish<'a>),
    /// Records that the migration stopped.
    Fail(&'a Failure<'a>),
    /// Writes whole rows as they are (baseline, adoption), all or none.
    Record(&'a [HistoryRow]),
    /// Deletes the row with this fence.
    Remove(&'a Fenced<'a>),
    /// Extends a lease.
    Heartbeat(&'a Heartbeat<'a>),
    /// One statement of the migration's own text; its rows, if any, are thrown away.
    Statement(&'a str),
    /// One statement whose rows are wanted: answers [`OpOutcome::Rows`].
    Query(&'a str),
    /// Figures that core compares: answers [`OpOutcome::Measured`].
    Measure(&'a Measure),
}

/// A setting of the session or the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// The role to become; `None`: the one that logged in.
    Role(Option<String>),
    /// How long a statement waits for a lock on a table. Zero: for ever.
    LockTimeout(Duration),
    /// How long a statement may run. Zero: for ever.
    StatementTimeout(Duration),
    /// Whether foreign keys are enforced.
    ForeignKeys(bool),
    /// Everything that a migration's text may have set for the session goes back to what it was after connecting.
    /// Its [`OpOutcome::Previous`] is itself.
    Reset,
}

/// A row of the history with the fence that a runner's claim got.
#[derive(Debug, Clone, Copy)]
pub struct Fenced<'a> {
    /// Whose row.
    pub id: &'a MigrationId,
    /// The write MUST fail with [`LostClaim`](crate::BackendErrorKind::LostClaim) where the row's fence is another.
    pub fence: i64,
}

/// A compare-and-set on a migration's row of the history: to `running`, with this runner's name.
///
/// Whatever the mode, it MUST write every field that is given here, start the clock of the migration, and clear what
/// the row says of an earlier end. The recorded prefix checksum stays where `statements_done` is more than 0, and is
/// cleared otherwise: a text may have been edited behind the statements that are done.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Which migration.
    pub id: &'a MigrationId,
    /// What must be there now.
    pub mode: ClaimMode,
    /// Its name.
    pub name: &'a str,
    /// The checksum of its content.
    pub checksum: &'a Checksum,
    /// The checksum of its token stream.
    pub token_checksum: &'a Checksum,
    /// Statements that it has.
    pub statements_total: u32,
    /// Statements that are done already, when it is resumed.
    pub statements_done: u32,
    /// How long the claim lasts without a [`Heartbeat`] or [`Checkpoint`], on the database's clock; `None` inside a
    /// transaction, where the claim ends with it.
    pub lease: Option<Duration>,
    /// The release that runs.
    pub tool_version: &'a str,
    /// Who runs it and where.
    pub run_by: &'a str,
}

impl Claim<'_> {
    /// The fence that the row has after this claim: 1 for a new row, one more than it was otherwise.
    #[must_use]
    pub fn fence_after(&self) -> i64 {
        self.mode.fence_after()
    }
}

/// What a [`Claim`] expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimMode {
    /// No row: it inserts one.
    New,
    /// A `failed` row, or a `running` one whose lease has ended, with this fence: it takes the row over.
    Takeover {
        /// The fence that was read.
        fence: i64,
    },
    /// An `applied` row (a repeatable or a seed) with this fence: it starts the row anew.
    Rerun {
        /// The fence that was read.
        fence: i64,
    },
}

impl ClaimMode {
    /// The fence that the row has after such a claim, see [`Claim::fence_after`].
    #[must_use]
    pub fn fence_after(self) -> i64 {
        match self {
            Self::New => 1,
            Self::Takeover { fence } | Self::Rerun { fence } => fence.saturating_add(1),
        }
    }
}

/// Progress of a non-transactional migration.
#[derive(Debug, Clone, Copy)]
pub struct Checkpoint<'a> {
    /// Whose row.
    pub row: Fenced<'a>,
    /// Statements that are done.
    pub statements_done: u32,
    /// The checksum of the token streams of those statements.
    pub prefix_checksum: &'a Checksum,
    /// The lease starts anew with this length.
    pub lease: Duration,
}

/// The end of a migration.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    /// Whose row.
    pub row: Fenced<'a>,
}

/// The stop of a non-transactional migration: state `failed`, lease ended.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// Whose row.
    pub row: Fenced<'a>,
    /// The error, for people.
    pub error: &'a str,
}

/// A sign of life of the runner of a non-transactional migration.
#[derive(Debug, Clone, Copy)]
pub struct Heartbeat<'a> {
    /// Whose row.
    pub row: Fenced<'a>,
    /// The lease starts anew with this length.
    pub lease: Duration,
}

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// The rows that break a foreign key.
    ForeignKeyViolations,
    /// The rows of these tables.
    RowCounts(Vec<String>),
}

/// The figures of a [`Measure`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measurement {
    /// One line for each row that breaks a foreign key: `table row 7 refers to missing parent`.
    ForeignKeyViolations(Vec<String>),
    /// The count for each table, in the order that was asked for; `None`: no such table.
    RowCounts(Vec<Option<u64>>),
}

/// A row of a [`Op::Query`]: each value as the database writes it in text, `None` for NULL.
pub type TextRow = Vec<Option<String>>;

/// What an operation answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpOutcome {
    /// It is done and there is nothing to tell.
    Done,
    /// A statement is done and changed so many rows, where the database tells.
    Affected(u64),
    /// The setting's value before, which [`Op::Set`] takes to go back to it.
    Previous(Setting),
    /// When [`Op::Finish`] was recorded, and how long it took since the claim, on the database's clock.
    Finished {
        /// The moment.
        at: Timestamp,
        /// Milliseconds since the claim.
        duration_ms: u64,
    },
    /// The rows of [`Op::Query`].
    Rows {
        /// The columns' names.
        columns: Vec<String>,
        /// The rows.
        rows: Vec<TextRow>,
    },
    /// The figures of [`Op::Measure`].
    Measured(Measurement),
}

/// A message of the database that is no error: `RAISE NOTICE`, `table "t" already exists, skipping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`.
    pub severity: String,
    /// The text.
    pub message: String,
    /// The SQLSTATE, where there is one.
    pub code: Option<String>,
    /// The detail and hint, where there are any.
    pub detail: Option<String>,
}

/// Hears what a program does while it runs.
pub trait Observer {
    /// Operation `index` of the program is done. Called once for each, in order; a backend that sends several in one
    /// message MAY call it for all of them when the answer is there.
    fn done(&mut self, index: usize, outcome: OpOutcome);
    /// The database says something.
    fn notice(&mut self, notice: Notice);
}

/// A program that stopped.
#[derive(Debug)]
pub struct Halted {
    /// The operation that failed. Those before it are done, those after it were not run.
    pub at: usize,
    /// Why.
    pub error: BackendError,
    /// What has become of the transaction.
    pub transaction: TransactionState,
}

/// The transaction after a program stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionState {
    /// None is open: none was begun, it was rolled back, or it was committed before.
    None,
    /// One is open and must be rolled back.
    Open,
    /// The connection is lost, and `Commit` had not been sent: the server rolls back.
    Lost,
    /// The connection is lost and `Commit` may have been sent: only the claim's row tells.
    InDoubt,
}
