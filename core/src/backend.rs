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

    /// What it can do.
    ///
    /// MUST be the same for the life of the backend (case: `backend::its_capabilities_stay`).
    ///
    /// Where it has a [`Catalog`](crate::Catalog), the query for tables
    /// - MUST name each table that a migration made (case: `catalog::names_what_migrations_made`);
    /// - MUST NOT name anything in a fresh database (case: `catalog::names_nothing_in_a_fresh_database`);
    /// - MUST NOT name a history, whatever that is called (case: `catalog::names_no_history`).
    ///
    /// The query for the clock MUST tell the time of the database in microseconds (case: `catalog::tells_the_time`).
    fn capabilities(&self) -> Capabilities;

    /// Time and sleep.
    fn clock(&self) -> &dyn Clock;

    /// What people call this database: a file, a host and a name.
    ///
    /// MUST NOT hold a secret, and neither may what `Debug` shows (case: `backend::its_name_holds_no_secret`).
    fn database(&self) -> String;

    /// A session, which MUST have a transaction of its own, beside those of every other session
    /// (case: `backend::sessions_have_transactions_of_their_own`).
    ///
    /// MUST NOT create the history table (case: `backend::connecting_makes_no_history`). MAY create what a database file
    /// needs to be opened.
    ///
    /// # Errors
    ///
    /// MUST be [`Unreachable`](crate::BackendErrorKind::Unreachable) where waiting may help, so that core tries again until
    /// the caller's deadline (case: `backend::what_does_not_answer_is_unreachable`). Any other kind ends the run.
    async fn connect(&self) -> Result<Box<dyn Session>, BackendError>;
}

/// One connection to the database: it reads the history, takes the lock and runs operations.
///
/// Dropping a session closes the connection; where that is the caller's, it stays open. Either way the drop MUST roll
/// back an open transaction (case: `program::a_dropped_session_rolls_back`).
#[async_trait]
pub trait Session: Send {
    /// The rows of the history, in no order; `None`: the history table is not there.
    ///
    /// - MUST tell a table that is not there from one without rows (cases: `history::is_none_before_its_table_is_made`,
    ///   `history::is_empty_once_its_table_is_made`).
    /// - MUST give every field of every row as it was written (case: `history::rows_come_back_as_they_were_recorded`),
    ///   as far as [`HistoryDetail`] asks for it.
    /// - MUST NOT create anything (case: `history::reading_it_creates_nothing`).
    /// - MUST need no right but to read (case: `history::reading_it_needs_no_right_to_write`).
    /// - MUST leave no transaction open (case: `history::reading_it_leaves_no_transaction_open`).
    ///
    /// # Errors
    ///
    /// MUST be [`HistoryFormat`](crate::BackendErrorKind::HistoryFormat) for a table that this release cannot read (case:
    /// `history::another_table_of_its_name_is_refused`).
    async fn history(&mut self, detail: HistoryDetail) -> Result<Option<Vec<HistoryRow>>, BackendError>;

    /// Tries to take the run's lock and returns at once; core polls. Never called where the capability is
    /// [`RunLock::None`](crate::RunLock::None).
    ///
    /// - MUST NOT wait inside the server, where a waiter can deadlock with `CREATE INDEX CONCURRENTLY` of the holder, nor
    ///   give the lock to two sessions (case: `lock::is_had_by_one_session`).
    /// - MUST keep the lock for as long as the session lives, whatever its programs do (case: `lock::outlives_programs`).
    /// - MUST release the lock when the session ends, however it ends (cases: `lock::ends_with_a_closed_session`,
    ///   `lock::ends_with_a_dropped_session`).
    /// - MUST NOT stop a claim of a session without the lock: core goes on without it where the claims do its work (case:
    ///   `lock::does_not_stop_claims`).
    async fn try_lock(&mut self) -> Result<LockOutcome, BackendError>;

    /// Runs the operations in order, tells `observer` of each one that is done, and stops at the first that fails.
    ///
    /// - MUST run what stands between `Begin` and `Commit` or `Rollback` in one transaction (cases:
    ///   `program::commits_what_stands_between_begin_and_commit`,
    ///   `program::rolls_back_what_stands_between_begin_and_rollback`), in however many programs it comes (case:
    ///   `program::may_come_in_pieces`).
    /// - MUST run each operation outside of them on its own, in no transaction of others (cases:
    ///   `program::runs_each_operation_outside_a_transaction_alone`,
    ///   `program::leaves_no_transaction_around_a_lone_statement`).
    /// - MAY send as many as it likes in one message.
    /// - MUST stop at the first operation that fails, and name it (cases:
    ///   `program::stops_at_the_first_failure_and_names_it`, `program::names_the_statement_that_is_no_sql`).
    /// - MUST be fit for another program after a failure (case: `program::goes_on_after_a_failure`).
    /// - MUST NOT write the history but where an operation says so (case: `program::writes_no_history_by_itself`).
    /// - MUST NOT do anything for an empty program (case: `program::an_empty_program_does_nothing`).
    ///
    /// # Cancel safety
    ///
    /// A session whose `run` was dropped before it ended is used no more, only dropped. What it had begun MUST be undone
    /// then (case: `program::a_dropped_program_leaves_nothing_half_done`).
    async fn run(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted>;

    /// Copies the whole database, as it is committed at one moment, to a new file beside it; `None`: there is no database
    /// yet. Core does not call it where the capability is [`Backups::Instead`](crate::Backups::Instead).
    ///
    /// - MUST tell the newest version of `namespace` that is applied in the copy, see
    ///   [`newest_applied`](crate::history::newest_applied) (case: `backup::tells_the_newest_version_in_it`).
    /// - MUST NOT overwrite a file, an earlier copy least of all (case: `backup::overwrites_nothing`).
    /// - MUST NOT leave a transaction open (case: `backup::leaves_no_transaction_open`).
    /// - Where the database is no file that could be copied, MUST fail with
    ///   [`Unsupported`](crate::BackendErrorKind::Unsupported) and stay usable (case:
    ///   `backup::is_refused_where_none_is_made`).
    ///
    /// The file's name tells the moment (UTC) and that version. No file of such a name is there before all of it is on the
    /// disk, and nobody can read it who could not read the database. Those who use the database meanwhile are not held
    /// up. [`Interrupt`] stops it. The backend's own tests see to these, since they are about files.
    ///
    /// # Errors
    ///
    /// [`Busy`](crate::BackendErrorKind::Busy) where trying again may help: nothing is left behind then.
    async fn backup(&mut self, namespace: &str) -> Result<Option<Backup>, BackendError>;

    /// A handle that stops the operation under way from another task.
    fn interrupt(&self) -> Box<dyn Interrupt>;

    /// What runs behind the session, for people: `PostgreSQL 15.18`, `SQLite 3.47.0`.
    fn server(&self) -> String;

    /// Ends the session in good order. The connection of a caller stays open.
    async fn close(self: Box<Self>) -> Result<(), BackendError>;
}

/// Stops what a session is doing.
pub trait Interrupt: Send + Sync {
    /// Asks the database to stop the operation under way; never fails. Core waits for the future before it runs anything
    /// else.
    ///
    /// - The operation MUST soon fail with [`Interrupted`](crate::BackendErrorKind::Interrupted), unless it was done before
    ///   (cases: `interrupt::stops_a_statement_in_a_transaction`, `interrupt::stops_a_lone_statement`).
    /// - MUST NOT have an effect when nothing is under way (case: `interrupt::has_no_effect_when_nothing_is_under_way`).
    /// - MUST NOT stop an operation that begins after the future is complete (case:
    ///   `interrupt::stops_nothing_that_begins_later`).
    /// - MUST complete within seconds even if nothing answers (case: `interrupt::completes_where_nothing_answers`).
    fn interrupt(&self) -> BoxFuture<'static, ()>;
}

/// The answer to [`Session::try_lock`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockOutcome {
    /// The session holds the lock now, or held it already: asking twice MUST NOT change that (case:
    /// `lock::is_had_by_one_session`).
    Acquired,
    /// Another session holds it: who, as far as the database tells (`pid 4711, app on 10.0.0.7, since 12 s`).
    Held {
        /// For people; `None` where the database does not tell.
        holder: Option<String>,
    },
    /// The connection leads to sessions that serve other clients too, between transactions (a pooler). The lock would
    /// lock nothing and outlive the run, so the backend has left it alone. Core then relies on the claims, takes back in
    /// a transaction what the transaction has set, and sets nothing outside of one.
    Shared,
}

/// One operation of a program.
///
/// Exhaustive on purpose: a new one must break every backend at compile time.
#[derive(Debug, Clone, Copy)]
pub enum Op<'a> {
    /// Begins a transaction.
    ///
    /// - It MUST be one that can write from its start to its end (`BEGIN IMMEDIATE` on SQLite), whatever others commit
    ///   meanwhile (case: `program::a_transaction_that_began_can_write`).
    /// - Where the database makes a writer wait for another, it MUST soon fail with
    ///   [`Busy`](crate::BackendErrorKind::Busy), and core tries again (case:
    ///   `program::a_writer_does_not_wait_long_for_another`).
    Begin,
    /// Opens the seal: a savepoint around a migration's own text, see [`Op::Unseal`].
    Seal,
    /// Closes the seal.
    ///
    /// MUST fail with [`TransactionEnded`](crate::BackendErrorKind::TransactionEnded), unless an operation before it did,
    /// where the text ended the transaction that `Begin` began, even if it began another (cases:
    /// `program::unseal_exposes_a_commit`, `program::unseal_exposes_a_rollback`,
    /// `program::unseal_exposes_a_commit_and_a_begin`).
    Unseal,
    /// Commits.
    ///
    /// MUST fail where the database did not commit, as for a constraint that is checked at the end (case:
    /// `program::a_commit_that_is_refused_is_no_success`).
    Commit,
    /// Rolls back.
    ///
    /// MUST succeed where no transaction is open (case: `program::rollback_succeeds_where_no_transaction_is_open`).
    Rollback,
    /// Changes a setting, see [`Setting`].
    ///
    /// - MUST answer with [`OpOutcome::Previous`], whose setting goes back to what it was (cases:
    ///   `setting::a_lock_timeout_is_read_back`, `setting::a_statement_timeout_is_read_back`,
    ///   `setting::a_role_is_read_back`, `setting::foreign_keys_are_switched_and_read_back`).
    /// - Inside a transaction it MUST end with it (cases: `setting::a_lock_timeout_is_read_back`,
    ///   `setting::a_statement_timeout_is_read_back`, `setting::a_role_is_read_back`), but for
    ///   [`Setting::ForeignKeys`], which is only ever set outside.
    /// - MUST fail where it did not take effect (case: `setting::a_role_that_is_not_there_is_refused`): with
    ///   [`SettingRefused`](crate::BackendErrorKind::SettingRefused), where the database does not say it better.
    /// - MUST fail with [`Unsupported`](crate::BackendErrorKind::Unsupported) where the capabilities lack it (case:
    ///   `setting::what_the_database_lacks_is_refused`).
    Set(&'a Setting),
    /// Creates the history table (and its schema, where one is configured) if it is not there.
    ///
    /// - MUST succeed where it is there, and change nothing of it (case: `history::making_it_twice_succeeds`).
    /// - MUST succeed where another runner creates it at the same moment, or fail with
    ///   [`Busy`](crate::BackendErrorKind::Busy) (case: `history::making_it_at_the_same_moment_succeeds`).
    /// - MUST go with its transaction, where the capabilities say that DDL does (case:
    ///   `history::making_it_can_be_rolled_back`).
    /// - MUST quote the name, where it can be configured (case: `history::its_table_may_have_any_name`).
    CreateHistory,
    /// Takes a migration: see [`Claim`].
    Claim(&'a Claim<'a>),
    /// Asks whether a claim of this history is open; core does so after a lost connection, to learn whether the old
    /// transaction has ended.
    ///
    /// - MUST fail with [`AlreadyClaimed`](crate::BackendErrorKind::AlreadyClaimed), unless `Begin` failed with
    ///   [`Busy`](crate::BackendErrorKind::Busy) before it, while another transaction holds a claim that is neither
    ///   committed nor rolled back (case: `claim::an_open_one_refuses_others_at_once`).
    /// - MUST succeed otherwise (case: `claim::a_probe_passes_where_no_claim_is_open`).
    Probe,
    /// Records progress of a non-transactional migration.
    ///
    /// MUST extend the lease as well (case: `claim::a_checkpoint_records_progress_and_extends_the_lease`).
    Checkpoint(&'a Checkpoint<'a>),
    /// Records that the migration is done, with all of its statements.
    ///
    /// MUST answer [`OpOutcome::Finished`] with what the row then says (case: `claim::its_finish_tells_when_and_how_long`).
    Finish(&'a Finish<'a>),
    /// Records that the migration stopped.
    ///
    /// MUST keep the error as it is, and end the lease (case: `claim::its_failure_ends_the_lease`).
    Fail(&'a Failure<'a>),
    /// Writes whole rows as they are (baseline, adoption).
    ///
    /// MUST write all of them or none (case: `history::recording_is_all_or_none`).
    Record(&'a [HistoryRow]),
    /// Deletes the row with this fence.
    ///
    /// MUST leave every other row alone (case: `history::a_row_is_removed_by_its_fence`).
    Remove(&'a Fenced<'a>),
    /// Extends a lease.
    ///
    /// - MUST work from another session than the claim's (case: `claim::a_heartbeat_extends_the_lease`).
    /// - MUST NOT change a row that is no longer running, whether it succeeds there or not: it may come late (case:
    ///   `claim::a_late_heartbeat_changes_nothing`).
    Heartbeat(&'a Heartbeat<'a>),
    /// One statement of the migration's own text; its rows, if any, are thrown away.
    ///
    /// - MUST run it as it is written, comments at its end included (cases: `program::a_statement_may_give_rows`,
    ///   `program::a_statement_may_end_in_a_comment`).
    /// - MUST fail with the database's code where it is refused (case: `program::a_broken_constraint_is_no_success`).
    /// - MUST count right where it answers [`OpOutcome::Affected`] (case: `program::a_statement_counts_what_it_changed`).
    Statement(&'a str),
    /// One statement whose rows are wanted.
    ///
    /// MUST answer [`OpOutcome::Rows`] with all of them, in order (case: `program::a_query_gives_rows_as_text`).
    Query(&'a str),
    /// Figures that core compares.
    ///
    /// MUST answer [`OpOutcome::Measured`] with those that were asked for (cases: `program::measures_rows_of_tables`,
    /// `setting::foreign_keys_are_switched_and_read_back`).
    Measure(&'a Measure),
}

/// A setting of the session or the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// The role to become; `None`: the one that logged in.
    Role(Option<String>),
    /// How long a statement waits for a lock on a table. Zero: for ever.
    ///
    /// A statement that waits for longer MUST fail with [`Busy`](crate::BackendErrorKind::Busy) (case:
    /// `setting::a_lock_timeout_ends_a_wait`).
    LockTimeout(Duration),
    /// How long a statement may run. Zero: for ever.
    ///
    /// A statement that runs for longer MUST fail, and not with [`Interrupted`](crate::BackendErrorKind::Interrupted),
    /// which is for what was asked (case: `setting::a_statement_timeout_stops_a_statement`).
    StatementTimeout(Duration),
    /// Whether foreign keys are enforced.
    ForeignKeys(bool),
    /// What a migration's text may have set for the session. Its [`OpOutcome::Previous`] is itself.
    ///
    /// Everything of it MUST go back to what it was after connecting (case: `setting::reset_undoes_what_a_text_has_set`).
    Reset,
}

/// A row of the history with the fence that a runner's claim got.
///
/// A write MUST fail with [`LostClaim`](crate::BackendErrorKind::LostClaim), and change nothing, where the row's fence is
/// another (case: `claim::a_lost_one_cannot_write`).
#[derive(Debug, Clone, Copy)]
pub struct Fenced<'a> {
    /// Whose row.
    pub id: &'a MigrationId,
    /// The fence that the row must have.
    pub fence: i64,
}

/// A compare-and-set on a migration's row of the history: to `running`, with this runner's name.
///
/// - MUST fail with [`AlreadyClaimed`](crate::BackendErrorKind::AlreadyClaimed) where the row is not as its mode expects,
///   see [`ClaimMode`], so that of many claims one wins (case: `claim::sixteen_at_once_have_one_winner`).
/// - MUST fail with it at once, without waiting in the server, where the claim of another is in a transaction that is
///   still open (case: `claim::an_open_one_refuses_others_at_once`), unless `Begin` failed with
///   [`Busy`](crate::BackendErrorKind::Busy) before it.
/// - MUST be part of the transaction that it stands in (case: `claim::one_in_a_transaction_goes_with_it`).
/// - MUST write every field that is given here, whatever the mode, start the clock of the migration, and clear what the
///   row says of an earlier end (case: `claim::every_mode_writes_every_field`).
/// - The recorded prefix checksum MUST stay where `statements_done` is more than 0 (case:
///   `claim::a_takeover_keeps_what_is_done`), because a text may have been edited behind the statements that are done.
/// - The recorded prefix checksum MUST go where `statements_done` is 0 (case:
///   `claim::a_takeover_from_the_start_forgets_what_was_done`).
/// - Texts MUST stay what they are, whatever characters they have (case: `claim::its_texts_may_hold_anything`).
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Which migration.
    ///
    /// Rows MUST be told apart by namespace and [`stored_key`](MigrationId::stored_key) (cases:
    /// `claim::namespaces_do_not_meet`, `history::versions_that_are_equal_have_one_row`).
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
    ///
    /// MUST fail where there is a row, whatever its state (case: `claim::a_new_one_takes_a_free_row_once`).
    New,
    /// A `failed` row, or a `running` one whose lease has ended, with this fence: it takes the row over.
    ///
    /// - MUST fail while the lease lasts, and where the fence is another (case:
    ///   `claim::a_takeover_waits_for_the_end_of_the_lease`).
    /// - MUST fail where the row is applied, or is not there (case: `claim::a_takeover_never_takes_an_applied_row`).
    Takeover {
        /// The fence that was read.
        fence: i64,
    },
    /// An `applied` row (a repeatable or a seed) with this fence: it starts the row anew.
    ///
    /// - MUST fail where the fence is another (case: `claim::a_rerun_starts_an_applied_row_anew`).
    /// - MUST fail where the row is not applied (case: `claim::a_rerun_never_takes_a_row_that_is_not_applied`).
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
    /// Operation `index` of the program is done. A backend that sends several in one message MAY call it for all of them
    /// when the answer is there.
    ///
    /// MUST be called once for each, in order (case: `program::the_observer_hears_each_operation`).
    fn done(&mut self, index: usize, outcome: OpOutcome);
    /// The database says something.
    fn notice(&mut self, notice: Notice);
}

/// A program that stopped.
#[derive(Debug)]
pub struct Halted {
    /// The operation that failed. Those before it are done, those after it were not run: see [`Session::run`].
    pub at: usize,
    /// Why.
    pub error: BackendError,
    /// What has become of the transaction.
    pub transaction: TransactionState,
}

/// The transaction after a program stopped.
///
/// It MUST be what is so (case: `program::a_failure_says_where_the_transaction_stands`): core rolls back, goes on, or
/// reads the claim's row by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionState {
    /// None is open: none was begun, it was rolled back, or it was committed before.
    None,
    /// One is open and must be rolled back.
    Open,
    /// The connection is lost, and `Commit` had not been sent: the server rolls back.
    ///
    /// MUST NOT be said where the commit may take effect (case: `program::a_commit_without_an_answer_is_in_doubt`).
    Lost,
    /// The connection is lost and `Commit` may have been sent: only the claim's row tells.
    ///
    /// MUST NOT be said where no commit was sent (case: `program::a_connection_lost_before_the_commit_is_no_doubt`).
    InDoubt,
}
