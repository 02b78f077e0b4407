//! What a backend can do, as data: core decides by these values and never by a backend's name.

use crate::backup::Backups;

/// What a backend can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// DDL and the history row commit together. Without it every migration runs statement by statement with recorded
    /// progress, as if it said `no-transaction`.
    pub transactional_ddl: bool,
    /// The kind of lock that [`Session::try_lock`](crate::Session::try_lock) takes.
    pub run_lock: RunLock,
    /// Foreign keys can be switched off for a session (`foreign-keys off`).
    pub foreign_keys_switch: bool,
    /// A `lock-timeout` can be set.
    pub lock_timeout: bool,
    /// A `statement-timeout` can be set.
    pub statement_timeout: bool,
    /// The session can become another role.
    pub roles: bool,
    /// A second session of the same backend sees the same database, so that a lease can be kept alive beside a long
    /// statement. `false` for a caller's connection and for a database in memory.
    pub second_session: bool,
    /// The database can be copied before a run changes it.
    pub backups: Backups,
    /// How it is asked about itself. `None`: core takes a database without a history for a fresh one, whatever is in it.
    pub catalog: Option<Catalog>,
}

/// Queries about the database itself, for [`Op::Query`](crate::Op::Query). They need no right but to read the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Catalog {
    /// Names the tables and views that are somebody's and stand where an unqualified name is looked for, one a row and a
    /// hundred at most.
    pub tables: &'static str,
    /// Tells the database's clock: one row with the microseconds since 1970 UTC.
    pub now: &'static str,
}

impl Capabilities {
    /// The least: everything off. A backend switches on what it has.
    pub const MINIMAL: Self = Self {
        transactional_ddl: false,
        run_lock: RunLock::None,
        foreign_keys_switch: false,
        lock_timeout: false,
        statement_timeout: false,
        roles: false,
        second_session: false,
        backups: Backups::Instead("make one with the database's own tools, then migrate without a backup"),
        catalog: None,
    };
}

/// The lock that a run takes before it changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunLock {
    /// There is none that dies with its holder: the claim in each migration's own transaction does the work, and
    /// core does not ask for a lock.
    None,
    /// A lock of the session, which ends with it.
    Session,
}
