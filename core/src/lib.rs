//! The engine of Whimbrel, a framework for database migrations: vocabulary, sources, statement splitting, planning,
//! execution, and the traits that a database implements.
//!
//! Programs depend on the `whimbrel` crate, which puts a backend beside this engine. Authors of backends depend on this
//! crate and on the conformance kit.

mod admin;
#[cfg(feature = "other-tools")]
mod adopt;
pub mod backend;
mod backup;
mod cancel;
mod capability;
mod checksum;
mod clock;
mod dialect;
mod directive;
mod duration;
mod error;
mod event;
mod execute;
pub mod history;
mod hook;
mod lock;
mod migration;
mod migrator;
pub mod parallel;
pub mod plan;
mod problem;
mod report;
mod source;
pub mod split;
mod sql;
mod timestamp;
mod untracked;
mod version;

pub use admin::DatabaseAdmin;
#[cfg(feature = "other-tools")]
pub use adopt::{Adoption, Finding, FindingKind, Match, OtherHistory, Proved, SchemaProof, Verdict};
pub use async_trait::async_trait;
pub use backend::{
    Halted, Interrupt, LockOutcome, MigrationBackend, Notice, Observer, Op, OpOutcome, Session, Setting,
    TransactionState,
};
pub use backup::{Backup, Backups};
pub use cancel::CancelToken;
pub use capability::{Capabilities, Catalog, RunLock};
pub use checksum::Checksum;
pub use clock::{BoxFuture, Clock};
pub use dialect::{Dialect, quote_identifier, quote_literal};
pub use directive::{DIRECTIVE_PREFIX, Directives, KeptTable};
pub use duration::parse_duration;
pub use error::{BackendError, BackendErrorKind};
pub use event::Event;
pub use execute::SqlSession;
pub use history::{HistoryDetail, HistoryRow, MigrationId, MigrationKey, RowState};
pub use hook::{Hooks, Pending};
pub use migration::{Foreign, Migration, Reading, Undo};
pub use migrator::{MigrationStatus, Migrator, PlannedMigration, Preview, Resolution, Status, TransactionMode};
pub use plan::{DatabaseAhead, MigrationState, Note, OutOfOrder, PlanError, Policy, Refusal};
pub use problem::{LoadError, Problem};
pub use report::{
    Aftermath, Applied, Cause, FailedMigration, FailedStatement, MigrateError, MigrateErrorKind, Report, RowsChanged,
};
pub use source::{
    CodeSource, DirectorySource, EmbeddedFile, EmbeddedSource, Format, Found, FoundFile, Layout, Loaded, NewFile,
    NewMigration, Seed, Source, Tree, UnknownFormat, WhimbrelLayout, formats,
};
#[cfg(feature = "other-tools")]
pub use source::{DrizzleLayout, SqlxLayout};
pub use sql::{BoxError, RustMigration, Sql};
pub use timestamp::Timestamp;
#[cfg(feature = "other-tools")]
pub use untracked::Adopt;
pub use untracked::{
    AsFresh, BOOKKEEPING, Recorded, Treatment, Untracked, UntrackedDatabase, UntrackedRefusal, is_bookkeeping,
};
pub use version::{InvalidVersion, Version};
